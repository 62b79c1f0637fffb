"""Inclusion: routes of another module, router or list, put below a prefix and a namespace."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from undercroft.errors import ImproperlyConfigured
from undercroft.routing.hooks import Hooks
from undercroft.routing.host_names import HostTemplate
from undercroft.routing.route import (
    Middleware,
    Route,
    RouteEntry,
    add_dependencies,
    add_middleware,
    move_route,
)

__all__ = ["HasRoutes", "Inclusion", "RouteEntry", "RouteSource", "flatten_routes"]


class HasRoutes(Protocol):
    """Anything with a list of routes, such as a `Router`."""

    @property
    def routes(self) -> Sequence[RouteEntry]:
        """The routes, in order of declaration."""
        ...


RouteSource = HasRoutes | Sequence[RouteEntry]
"""Where routes may come from: a router, or a list of routes."""


@dataclass(frozen=True, slots=True)
class Inclusion(RouteEntry):
    """Routes to be put in place; they are read when they are needed, at start.

    Attributes:
        target: Where the routes come from.
        prefix: What stands before each of their paths.
        namespace: What stands before each of their names.
        tags: What is put before the tags of each.
        source: File and line of the declaration.
        app_namespace: The app's own name, where `namespace` is that of one of its instances.
        host: The host that each of them answers to, or None.
        middleware: What is put around each, the first outermost.
        dependencies: What is put before those of each.
    """

    target: RouteSource = field(repr=False)
    prefix: str = ""
    namespace: str = ""
    tags: tuple[str, ...] = ()
    source: str = ""
    app_namespace: str = ""
    host: HostTemplate | None = None
    middleware: tuple[Middleware, ...] = ()
    dependencies: tuple[Any, ...] = ()

    @property
    def routes(self) -> list[Route]:
        """The routes in their place."""
        return list(flatten_routes(self))


def flatten_routes(entry: object, within: tuple[object, ...] = ()) -> Iterator[Route]:
    """List the routes of a route, an inclusion, a router or a list of those, in order.

    Raises:
        ImproperlyConfigured: Something else is among them, or a router includes itself.
    """
    if isinstance(entry, Route):
        yield entry
        return
    if any(entry is outer for outer in within):
        raise ImproperlyConfigured(
            f"{entry!r} includes itself.", hint="Take one include() away.", code="routing.include"
        )
    within = (*within, entry)
    if isinstance(entry, Inclusion):
        for route in flatten_routes(entry.target, within):
            yield _place_route(route, entry)
        return
    hooks: object = getattr(entry, "hooks", None)
    for inner in _list_entries(entry):
        for route in flatten_routes(inner, within):
            if isinstance(hooks, Hooks):
                yield replace(route, around=(hooks, *route.around))
            else:
                yield route


def _place_route(route: Route, entry: Inclusion) -> Route:
    """Copy a route to where its inclusion puts it."""
    moved = move_route(route, entry.prefix, entry.namespace, entry.tags, entry.app_namespace)
    if entry.middleware:
        moved = add_middleware(moved, entry.middleware)
    moved = add_dependencies(moved, entry.dependencies)
    if entry.host is None:
        return moved
    taken = {param.name for param in entry.host.params} & {param.name for param in moved.params}
    if moved.host is not None or taken:
        raise ImproperlyConfigured(
            f"The route {route.path} ({route.source}) cannot be put below the host "
            f"{entry.host.text!r} ({entry.source}): it has a host already, or a parameter of the "
            "same name.",
            hint="Use one host() for a route, and other names in the host than in its paths.",
            code="routing.host",
        )
    return replace(moved, host=entry.host)


def _list_entries(entry: object) -> Sequence[object]:
    entries: object = getattr(entry, "entries", None)
    entries = getattr(entry, "routes", entry) if entries is None else entries
    if isinstance(entries, list | tuple):
        return entries  # pyright: ignore[reportUnknownVariableType] - checked one by one
    raise ImproperlyConfigured(
        f"{entry!r} is not a route, a router or a list of routes.",
        hint="Write path(...), re_path(...), include(...), a Router, or a list of those.",
        code="routing.include",
    )
