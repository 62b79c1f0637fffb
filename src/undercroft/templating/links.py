"""Links in templates: the globals `url_for`, `static` and, its other name, `static_url`."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from jinja2 import pass_context
from jinja2.runtime import Context


def build_links(
    url_for: Callable[..., str],
    static_url: str = "/static/",
    name_file: Callable[[str], str] = str,
) -> dict[str, Any]:
    """Build the globals that make links.

    Where the context has a `request`, its `url_for` is asked, which knows below which path the
    application is mounted. A macro has it when it is imported `with context`.

    Args:
        url_for: Turns a route's name and parameters into a path when there is no request.
        static_url: Where static files are served, ending in a slash.
        name_file: Gives the name that a static file is served under, or raises.
    """

    def find_root(context: Context) -> str:
        request = context.get("request")
        return "" if request is None else str(request.root_path)

    @pass_context
    def url_for_in_context(context: Context, name: str, /, **params: Any) -> str:
        request = context.get("request")
        find: Callable[..., str] = url_for if request is None else request.url_for
        return find(name, **params)

    @pass_context
    def static(context: Context, path: str) -> str:
        return find_root(context) + static_url + quote(name_file(path.removeprefix("/")))

    return {"url_for": url_for_in_context, "static": static, "static_url": static}


def with_request(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a template's global of a function whose first argument is the request."""

    @pass_context
    def call(context: Context, /, *arguments: Any, **named: Any) -> Any:
        return function(context["request"], *arguments, **named)

    return call
