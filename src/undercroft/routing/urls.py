"""Django's URL configuration: `path`, `re_path` and `include` in a module's `urlpatterns`."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from types import ModuleType
from typing import Any, Unpack, overload

from undercroft.errors import ImproperlyConfigured
from undercroft.routing.host_names import parse_host
from undercroft.routing.inclusion import Inclusion, RouteSource
from undercroft.routing.mounts import Mount, build_mount_routes
from undercroft.routing.route import (
    PathOptions,
    Route,
    RouteEntry,
    RouteOptions,
    build_route,
    find_source,
)
from undercroft.routing.template import join_paths


@overload
def path(  # type: ignore[overload-overlap]  # a Mount is callable to be a handler, and no handler
    template: str,
    target: Mount | Inclusion | list[Route] | list[Inclusion] | list[RouteEntry],
    name: None = None,
) -> Inclusion: ...
@overload
def path(
    template: str,
    target: Callable[..., Any],
    name: str | None = None,
    *,
    methods: Iterable[str] | None = None,
    **options: Unpack[PathOptions],
) -> Route: ...
def path(
    template: str,
    target: Any,
    name: str | None = None,
    *,
    methods: Iterable[str] | None = None,
    **options: Unpack[PathOptions],
) -> Route | Inclusion:
    """Declare a route, or a prefix for the routes of `include(...)`.

    As in Django, a function answers every method unless `methods` names some; a class-based
    view answers those it has. The leading slash may be left out. The path is decoded before it
    is routed, so `%2F` in a request cannot be told from a slash.

    Args:
        template: The path, with parameters as `{name}` or `{name:converter}`.
        target: A function, `View.as_view()`, `include(...)`, `mount(...)` or a list of routes.
        name: For `url_for`.
        methods: The methods to answer.
        options: What else the route carries, mostly for OpenAPI.

    Raises:
        ImproperlyConfigured: A part of the declaration is wrong.
    """
    if isinstance(target, Mount):
        _check_no_options(template, name, methods, options)
        return Inclusion(build_mount_routes(template, target), source=find_source())
    if isinstance(target, list):
        routes: list[RouteEntry] = target  # pyright: ignore[reportUnknownVariableType] - as below
        target = Inclusion(routes, source=find_source())
    if isinstance(target, Inclusion):
        _check_no_options(template, name, methods, options)
        prefix = join_paths(template, target.prefix)
        return replace(target, prefix=prefix)
    named: RouteOptions = {**options, "name": name}
    return build_route(template, target, methods, named)


def re_path(
    regex: str,
    handler: Callable[..., Any],
    name: str | None = None,
    *,
    methods: Iterable[str] | None = None,
    **options: Unpack[PathOptions],
) -> Route:
    """Declare a route by a regular expression with named groups, `r"^(?P<year>[0-9]{4})/$"`.

    The expression must match the whole path after the prefix, without its leading slash, with
    or without `^` and `$`. The handler gets each group as a string. Routes with templates are
    tried first, then the expressions in order.

    Args:
        regex: The expression.
        handler: A function or `View.as_view()`.
        name: For `url_for`, which works for expressions of literals and named groups.
        methods: The methods to answer; as for `path()` when left out.
        options: What else the route carries, mostly for OpenAPI.

    Raises:
        ImproperlyConfigured: The expression or another part of the declaration is wrong.
    """
    named: RouteOptions = {**options, "name": name}
    return build_route("/", handler, methods, named, regex=regex)


def include(
    target: str | ModuleType | RouteSource | Inclusion | tuple[RouteSource | str, str],
    namespace: str | None = None,
) -> Inclusion:
    """Include the routes of a module, a router or a list below a `path(...)`.

    The same app may be there several times: each instance has a namespace, and a name with the
    app's own, `polls:index`, leads to the instance that answers the request, else to the one
    called like the app, else to the last.

    Args:
        target: A module or its dotted name, with a list `urlpatterns` (or `routes`) and
            perhaps an `app_name`; or a router; or a list of routes; or one of these and an
            `app_name` as a pair.
        namespace: What stands before the names, `blog` for `blog:detail`; the `app_name` when
            left out.

    Raises:
        ImproperlyConfigured: There is no such module, or it has no list of routes.
    """
    source = find_source()
    routes: Any = target
    app_name: Any = None
    if isinstance(target, tuple) and len(target) == 2 and isinstance(target[1], str):
        routes, app_name = target
    if isinstance(routes, str):
        routes = _import_urls(routes)
    if isinstance(routes, ModuleType):
        app_name = app_name or getattr(routes, "app_name", None)
        routes = _get_patterns(routes)
    if isinstance(routes, Inclusion):
        routes = [routes]
    chosen: str = namespace or app_name or ""
    return Inclusion(routes, namespace=chosen, source=source, app_namespace=app_name or "")


def host(name: str, target: RouteSource | Inclusion) -> Inclusion:
    """Let routes answer to one host, or to those that fit a pattern, only.

    The setting `allowed_hosts` must name it, too. What no route of the host answers, routes
    without a host may.

    Args:
        name: `api.example.org`, or with parameters `{tenant}.example.org`, which handlers take like
            those of a path. Without a port.
        target: A router, a list of routes or `include(...)`.

    Raises:
        ImproperlyConfigured: It is no host's name.
    """
    source = find_source()
    routes: RouteSource = [target] if isinstance(target, Inclusion) else target
    return Inclusion(routes, source=source, host=parse_host(name))


def _import_urls(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise ImproperlyConfigured(
            f"include({name!r}): there is no module {error.name!r}.",
            hint="Name a module as you would import it, such as 'blog.urls'.",
            code="routing.include",
        ) from error


def _get_patterns(module: ModuleType) -> RouteSource:
    patterns = getattr(module, "urlpatterns", getattr(module, "routes", None))
    if isinstance(patterns, list | tuple):
        return patterns  # pyright: ignore[reportUnknownVariableType] - checked when flattened
    raise ImproperlyConfigured(
        f"include(): the module {module.__name__!r} has no list of routes.",
        hint="Give it a list called urlpatterns with path(...) entries.",
        code="routing.include",
    )


def _check_no_options(template: str, name: object, methods: object, options: PathOptions) -> None:
    if name is not None or methods is not None or options:
        raise ImproperlyConfigured(
            f"path({template!r}, ...) with include() or mount() takes no name, methods or options.",
            hint="Give them to the routes inside, a namespace to include(), a name to mount().",
            code="routing.include",
        )
