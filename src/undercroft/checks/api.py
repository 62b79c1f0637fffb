"""Checks of what an API gives away: lists without end, doors without a lock, its description."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from undercroft.checks.messages import CheckMessage, Warning
from undercroft.checks.registry import Tags, register
from undercroft.checks.urls import list_routes
from undercroft.middleware.caching import list_wraps
from undercroft.middleware.transactions import SAFE_METHODS
from undercroft.routing.route import SOCKET
from undercroft.security.schemes import SecurityScheme

if TYPE_CHECKING:
    from undercroft.app.application import App
    from undercroft.app.operations import Operation

#: More rows than this in one answer are no page.
_MOST_ROWS = 1000
#: Where what asks who somebody is comes from.
_GUARDS = "undercroft.auth"


@register(Tags.api, deploy=True)
def check_lists(app: "App") -> Iterator[CheckMessage]:
    """Find lists that send all rows there are."""
    for route in list_routes(app):
        view: Any = getattr(route.handler, "view_class", None)
        actions: dict[str, str] = getattr(route.handler, "actions", {})
        if "list" not in actions.values() or not hasattr(view, "pagination_class"):
            continue
        told: dict[str, Any] = getattr(route.handler, "options", {})
        pages = told.get("pagination_class", view.pagination_class)
        most: int = told.get("max_rows", view.max_rows)
        if pages is None and most > _MOST_ROWS:
            yield Warning(
                f"{route.path} sends up to {most:,} rows at once.",
                "Set pagination_class, or a lower max_rows.",
                f"{view.__module__}.{view.__qualname__}",
                id="api.unbounded-list",
            )


@register(Tags.api, Tags.security, deploy=True)
def check_access(app: "App") -> Iterator[CheckMessage]:
    """Find routes that change something and say nothing of who may."""
    for operation in app.operations:
        if operation.method in SAFE_METHODS or operation.method == SOCKET:
            continue
        if not says_who(operation):
            yield Warning(
                f"{operation.method} {operation.route.path} does not say who may call it.",
                "Ask for credentials or a permission; where everybody may, say so by "
                "permission_classes = [AllowAny].",
                operation.route.source,
                id="api.open-route",
            )


def says_who(operation: "Operation") -> bool:
    """Tell whether an operation says who may call it: everybody counts, too, if it is said.

    By a scheme among its dependencies, by what the room of accounts gives, as a dependency or a
    decorator, or by the `permission_classes` of its viewset, which are refused elsewhere.
    """
    handler: Any = operation.route.handler
    view: Any = getattr(handler, "view_class", None)
    actions: dict[str, str] = getattr(handler, "actions", {})
    method = getattr(view, actions.get(operation.method, ""), None)
    places = [each for each in (handler, view, method) if each is not None]
    if getattr(view, "permission_classes", None):
        return True
    if getattr(handler, "options", {}).get("permission_classes"):
        return True
    functions: list[Any] = [each.function for each in operation.plan.requirements]
    functions += [wrap for each in places for wrap in list_wraps(each)]
    return any(is_guard(each) for each in functions)


def is_guard(function: Any) -> bool:
    """Tell whether something asks who somebody is."""
    module: str = getattr(function, "__module__", "") or ""
    return isinstance(function, SecurityScheme) or module.startswith(_GUARDS)


@register(Tags.api, Tags.security, deploy=True)
def check_description(app: "App") -> Iterator[CheckMessage]:
    """Find the API's description where everybody reads it."""
    told = app.openapi
    shown = [url for url in (told.url, told.docs_url, told.redoc_url) if url is not None]
    if told.url is not None:
        yield Warning(
            f"Everybody reads what the API can do, at {', '.join(shown)}.",
            "Write OpenAPIOptions(url=None), unless the API is for everybody.",
            "OpenAPIOptions",
            id="api.public-description",
        )
