"""Checks of routes; conflicts and links are checked whenever an application is built."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Info, Warning
from undercroft.checks.registry import Tags, register
from undercroft.routing.route import Route
from undercroft.security.csrf import CSRFPolicy, find_policy

if TYPE_CHECKING:
    from undercroft.app.application import App


def list_routes(app: "App") -> list[Route]:
    """List the project's routes, each once."""
    return list({id(each.route): each.route for each in app.operations}.values())


@register(Tags.urls)
def check_paths(app: "App") -> Iterator[CheckMessage]:
    """Find paths that were meant as regular expressions."""
    for route in list_routes(app):
        if "(?P<" in route.path or "/^" in route.path or route.path.endswith("$"):
            yield Warning(
                f"The path {route.path!r} looks like a regular expression, and is compared as it "
                "stands.",
                "Write re_path(), or path() with {name}.",
                route.source,
                id="urls.regex",
            )


@register(Tags.security, Tags.urls, deploy=True)
def check_forgeable(app: "App") -> Iterator[CheckMessage]:
    """Find routes that forged requests reach."""
    for route in list_routes(app):
        told = route.options.get("csrf")
        view = getattr(route.handler, "view_class", None)
        if find_policy(told, [route.handler, view]) is CSRFPolicy.EXEMPT:
            yield Info(
                f"{route.path} takes requests that pages of strangers send with our cookies.",
                "Remove csrf_exempt, unless it authenticates otherwise.",
                route.source,
                id="security.csrf-exempt",
            )
