"""Checks at start the links that are written out: in templates, handlers and views.

What is put together at run time is left alone.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from undercroft.binding.callables import describe_place
from undercroft.errors import ImproperlyConfigured, NoReverseMatch
from undercroft.routing.reverse import Reverser
from undercroft.routing.route import Route
from undercroft.views.base import ViewHandler

if TYPE_CHECKING:
    from undercroft.app.application import App

#: Functions that take a route's name, each with the place of that argument.
_CALLS = {"url_for": 0, "redirect": 1, "reverse": 1}

#: Whose `url_for` is ours.
_OWNERS = frozenset({"request", "app"})

#: Attributes of views that hold an address or a route's name.
_VIEW_LINKS = ("success_url", "pattern_name")


def check_links(app: "App", routes: list[Route], folders: list[Path]) -> None:
    """Check every link that can be seen.

    Args:
        app: Has the templates.
        routes: Whose handlers are read.
        folders: Where templates lie; they are read only if there are any.

    Raises:
        ImproperlyConfigured: A link leads nowhere; all of those are named with their places.
    """
    wrong = list(_list_wrong(app.reverser, _list_code_links(routes)))
    namespaces = {"", *(route.namespace for route in routes)}
    namespaces |= {route.app_namespace for route in routes}
    if any(folder.is_dir() for folder in folders):
        from undercroft.templating.literals import find_literal_links  # noqa: PLC0415 - Jinja2 is slow to import, and an API needs none

        found = find_literal_links(app.templates)
        told = [(f"{each.template}:{each.line}", each.route, each.params) for each in found]
        # An app's templates may lie there while its routes are not included.
        meant = (link for link in told if link[1].rpartition(":")[0] in namespaces)
        wrong += _list_wrong(app.reverser, meant)
    if wrong:
        raise ImproperlyConfigured(
            "Links lead nowhere. " + " ".join(wrong),
            hint="Name a route that there is, `namespace:name`; `undercroft routes` lists them.",
            code="routing.link",
        )


Link = tuple[str, str, frozenset[str] | None]


def _list_wrong(reverser: Reverser, links: Iterable[Link]) -> Iterator[str]:
    for place, name, params in links:
        try:
            reverser.check(name, params)
        except NoReverseMatch as error:
            yield f"{place}: {error.message} {error.hint}".rstrip()


def _list_code_links(routes: list[Route]) -> Iterator[Link]:
    seen: set[Callable[..., Any]] = set()
    for route in routes:
        for function in _list_functions(route.handler):
            if function not in seen:
                seen.add(function)
                yield from _read_function(function)
        if isinstance(route.handler, ViewHandler):
            yield from _read_view(route.handler, route)


def _list_functions(handler: Any) -> Iterator[Callable[..., Any]]:
    if isinstance(handler, ViewHandler):
        members = vars(handler.view_class).values()
        yield from (member for member in members if inspect.isfunction(member))
    elif inspect.isfunction(handler):
        yield handler


def _read_view(handler: ViewHandler, route: Route) -> Iterator[Link]:
    for attribute in _VIEW_LINKS:
        name = handler.get_option(attribute)
        if isinstance(name, str) and name and not is_address(name):
            yield f"{handler.__name__}.{attribute} ({route.source})", name, None


def is_address(text: str) -> bool:
    """Tell an address, `/posts/` or `https://example.org`, from a route's name."""
    return text.startswith(("/", "?", "#", ".")) or "//" in text or "{" in text


def _read_function(function: Callable[..., Any]) -> Iterator[Link]:
    code: CodeType = function.__code__
    if not _CALLS.keys() & {*code.co_names}:
        return  # Most functions: nothing needs to be parsed.
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return  # Made at run time, or a lambda in the middle of a line.
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _find_name(node, function)
            if name is not None and not is_address(name):
                yield describe_place(function), name, _find_params(node)


def _find_name(call: ast.Call, function: Callable[..., Any]) -> str | None:
    match call.func:
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr="url_for"):
            place = 0 if owner in _OWNERS else None
        case ast.Name(id=called):
            found = getattr(function, "__globals__", {}).get(called)
            is_ours = getattr(found, "__module__", "") == "undercroft.shortcuts"
            place = _CALLS.get(called) if is_ours else None
        case _:
            place = None
    if place is None or len(call.args) <= place:
        return None
    given = call.args[place]
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def _find_params(call: ast.Call) -> frozenset[str] | None:
    keys = [keyword.arg for keyword in call.keywords if keyword.arg != "permanent"]
    return None if None in keys else frozenset(key for key in keys if key is not None)
