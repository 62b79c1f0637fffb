"""Router: a list of routes that a feature declares and an app includes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Unpack, cast

from undercroft.routing.changes import Changing
from undercroft.routing.decorators import RouteDecorators
from undercroft.routing.hooks import HookDecorators, Hooks
from undercroft.routing.inclusion import Inclusion, RouteSource, flatten_routes
from undercroft.routing.mounts import Mount, build_mount_routes
from undercroft.routing.route import (
    Middleware,
    Route,
    RouteEntry,
    RouteOptions,
    add_dependencies,
    add_middleware,
    build_route,
    find_source,
    move_route,
)
from undercroft.routing.template import join_paths


class Router(RouteDecorators, HookDecorators, Changing):
    """Collect routes below a common prefix, namespace and tags.

    Args:
        prefix: What stands before each path, `/blog`.
        namespace: What stands before each name, so that `detail` becomes `blog:detail`.
        tags: What is put before the tags of each route.
        middleware: Coroutines around each route's handler, the first outermost.
        dependencies: `Depends(...)` or `Security(...)` that each route begins with; what is mounted
            goes past them.
    """

    def __init__(
        self,
        prefix: str = "",
        namespace: str | None = None,
        tags: Sequence[str] = (),
        middleware: Sequence[Middleware] = (),
        dependencies: Sequence[Any] = (),
    ) -> None:
        super().__init__()
        self.prefix = prefix
        self.namespace = namespace or ""
        self.tags = tuple(tags)
        self.middleware = tuple(middleware)
        self.dependencies = tuple(dependencies)
        self.entries: list[RouteEntry] = []
        self._hooks = Hooks()

    def __repr__(self) -> str:
        """Show prefix and number of entries."""
        return f"<Router {self.prefix or '/'} with {len(self.entries)} entries>"

    @property
    def hooks(self) -> Hooks:
        """The hooks and exception handlers around its routes."""
        return self._hooks

    def announce_change(self) -> None:
        """Have every application that includes this compiled anew."""
        Changing.announce_change(self)

    @property
    def routes(self) -> list[Route]:
        """All routes, those of included routers among them, in order of declaration."""
        return list(flatten_routes(self))

    def add_route(
        self,
        path: str,
        handler: Callable[..., Any],
        *,
        methods: Iterable[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> Route:
        """Add a route and return it as it stands in this router.

        Raises:
            ImproperlyConfigured: A part of the declaration is wrong.
        """
        path = join_paths(self.prefix, path)
        route = build_route(path, handler, methods, options)
        route = move_route(route, namespace=self.namespace, tags=self.tags)
        route = add_dependencies(add_middleware(route, self.middleware), self.dependencies)
        self._add_entry(route)
        return route

    def include(
        self, routes: RouteSource | RouteEntry, prefix: str = "", namespace: str | None = None
    ) -> None:
        """Put the routes of another router, or a list, below a prefix and a namespace.

        They are read when the application is compiled, so routes that are added to that router
        later count too.
        """
        target: RouteSource = [routes] if isinstance(routes, RouteEntry) else routes
        inner = Inclusion(target, prefix, namespace or "", (), find_source())
        self.follow(find_routers(target))
        if self._has_something_in_common:
            inner = Inclusion(
                [inner],
                self.prefix,
                self.namespace,
                self.tags,
                inner.source,
                middleware=self.middleware,
                dependencies=self.dependencies,
            )
        self._add_entry(inner)

    @property
    def _has_something_in_common(self) -> bool:
        common = (self.prefix, self.namespace, self.tags, self.middleware, self.dependencies)
        return any(common)

    def mount(
        self,
        path: str,
        application: Any,
        name: str | None = None,
        *,
        max_body_size: int | None = None,
        strip_path: bool = False,
    ) -> None:
        """Put an ASGI or WSGI application below a path.

        Args:
            path: Its place, with or without a slash at the end; parameters are allowed.
            application: What is to answer there.
            name: For `url_for(name, path="users/1")`.
            max_body_size: The largest body it is sent, in bytes; the setting `max_upload_size`
                when left out.
            strip_path: Give an ASGI application the path below the mount alone, as Falcon wants it,
                not with the mount as the specification says.
        """
        mounted = Mount(application, name, max_body_size, strip_path)
        self.include(build_mount_routes(path, mounted))

    def _add_entry(self, entry: RouteEntry) -> None:
        self.entries.append(entry)
        self.announce_change()


def find_routers(entry: object, within: tuple[object, ...] = ()) -> Iterator[Changing]:
    """Find the routers in what is included; each knows those that it includes itself."""
    if isinstance(entry, Changing):
        yield entry
    elif isinstance(entry, Inclusion):
        yield from find_routers(entry.target, within)
    elif isinstance(entry, list | tuple) and not any(entry is outer for outer in within):
        parts = cast("Sequence[object]", entry)
        for part in parts:
            yield from find_routers(part, (*within, parts))
