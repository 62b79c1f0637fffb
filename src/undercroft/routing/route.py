"""Route: what answers which methods below which path, and where the user declared it."""

import inspect
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, TypedDict

from undercroft.errors import HTTPException, ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.http.websockets import WebSocket
from undercroft.routing.hooks import Hooks
from undercroft.routing.host_names import HostTemplate
from undercroft.routing.regex import check_regex, trim_regex
from undercroft.routing.template import PathParam, Template, join_paths, parse_template

Handler = Callable[..., Any]
Endpoint = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Endpoint], Awaitable[Response]]

ANY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""What a route answers that names no methods; HEAD and OPTIONS follow by themselves."""

SOCKET = "WEBSOCKET"
"""What stands for a method where a route serves WebSockets; no HTTP request reaches it by that."""

_METHOD = re.compile(r"[A-Z][A-Z0-9_-]*")
_OWN_MODULES = ("undercroft.routing.", "undercroft.app")


class PathOptions(TypedDict, total=False):
    """What a route may carry besides path, methods, handler and name, mostly for OpenAPI."""

    atomic: bool
    csrf: bool
    middleware: Sequence[Middleware]
    dependencies: Sequence[Any]
    status_code: int
    response_model: Any
    response_class: type[Response]
    response_model_include: Any
    response_model_exclude: Any
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    tags: list[str]
    summary: str
    description: str
    response_description: str
    openapi_extra: Mapping[str, Any]
    deprecated: bool
    include_in_schema: bool
    operation_id: str
    raises: Sequence[type[HTTPException]]
    responses: Mapping[int | str, Any]


class RouteOptions(PathOptions, total=False):
    """What a decorator takes besides path and methods: the options, and a name for `url_for`."""

    name: str | None


class RouteEntry:
    """What a list of routes, such as `urlpatterns`, may hold: a `Route` or an `Inclusion`."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Route(RouteEntry):
    """One declared route.

    Attributes:
        path: The whole path as declared, prefixes included.
        methods: The exact method names it answers; HEAD and OPTIONS only when declared.
        handler: What the user wrote.
        name: For `url_for`, with its namespaces (`blog:detail`), or None.
        namespace: The namespaces it was included below (`blog`), or an empty string.
        options: The rest of what was declared.
        source: File and line of the declaration.
        template: The path in parts.
        params: The path parameters in order.
        endpoint: The compiled handler, Request to Response; set when the app is built.
        host: The host it answers to, or None for all.
        around: The hooks and exception handlers around it, the outermost first.
        app_namespace: The same as `namespace`, by the names of the apps and not of their instances.
    """

    path: str
    methods: frozenset[str]
    handler: Handler
    name: str | None
    namespace: str
    options: RouteOptions
    source: str
    template: Template
    params: tuple[PathParam, ...]
    endpoint: Callable[[Request], Awaitable[Any]] | None = field(default=None, repr=False)
    host: HostTemplate | None = None
    around: tuple[Hooks, ...] = field(default=(), repr=False)
    app_namespace: str = ""

    @property
    def is_socket(self) -> bool:
        """Tell whether it serves WebSockets: its endpoint then takes the handshake."""
        return SOCKET in self.methods

    @property
    def all_params(self) -> tuple[PathParam, ...]:
        """The parameters of the host and of the path."""
        return self.params if self.host is None else (*self.host.params, *self.params)

    @property
    def plain_path(self) -> str:
        """The path with bare parameters, `/posts/{id}`, as OpenAPI writes it."""
        parts = [
            f"{{{piece.name}}}" if isinstance(piece, PathParam) else piece
            for piece in self.template.pieces
        ]
        return "".join(parts) + (self.template.regex or "")


def build_route(
    path: str,
    handler: Handler,
    methods: Iterable[str] | None,
    options: RouteOptions,
    *,
    regex: str | None = None,
) -> Route:
    """Build a route from what a user declared, at the place the user's code is at now.

    Args:
        path: The template; for a regular expression what stands before it.
        handler: The function, or what `View.as_view()` returned.
        methods: The methods; None for those of the view, or any.
        options: The rest of the declaration.
        regex: What must follow the path, for `re_path()`.

    Raises:
        ImproperlyConfigured: A part of the declaration is wrong.
    """
    source = find_source()
    try:
        check_handler(handler)
        check_options(options)
        template = parse_template(path)
        params = template.params
        if regex is not None:
            params = (*params, *check_regex(regex))
            template = replace(template, regex=trim_regex(regex))
        chosen: Iterable[str] = methods or ()
        if methods is None:
            default = (SOCKET,) if takes_socket(handler) else ANY_METHOD
            chosen = getattr(handler, "view_methods", default)
        return Route(
            path=template.path,
            methods=check_methods(chosen),
            handler=handler,
            name=options.get("name"),
            namespace="",
            options=options,
            source=source,
            template=template,
            params=params,
        )
    except ImproperlyConfigured as error:
        error.add_note(f"Declared at {source}.")
        raise


def move_route(
    route: Route,
    prefix: str = "",
    namespace: str = "",
    tags: Iterable[str] = (),
    app_namespace: str = "",
) -> Route:
    """Copy a route to below a prefix and into a namespace, with tags put before its own.

    Raises:
        ImproperlyConfigured: Prefix and path do not fit together.
    """
    if not (prefix or namespace or tags):
        return route
    template = route.template
    if prefix:
        joined = parse_template(join_paths(prefix, template.text))
        template = replace(joined, regex=template.regex)
    options = route.options.copy()
    if tags:
        options["tags"] = [*tags, *options.get("tags", ())]
    own = route.params[len(route.template.params) :]
    return replace(
        route,
        path=template.path,
        name=join_names(namespace, route.name) if route.name else None,
        namespace=join_names(namespace, route.namespace),
        app_namespace=join_names(app_namespace or namespace, route.app_namespace),
        options=options,
        template=template,
        params=(*template.params, *own),
    )


def add_middleware(route: Route, middleware: Sequence[Middleware]) -> Route:
    """Copy a route with middleware put around its own."""
    if not middleware:
        return route
    options = route.options.copy()
    options["middleware"] = [*middleware, *options.get("middleware", ())]
    return replace(route, options=options)


def add_dependencies(route: Route, dependencies: Sequence[Any]) -> Route:
    """Copy a route with dependencies put before its own."""
    if not dependencies:
        return route
    options = route.options.copy()
    options["dependencies"] = [*dependencies, *options.get("dependencies", ())]
    return replace(route, options=options)


def join_names(*names: str) -> str:
    """Join namespaces and a name by colons, leaving empty ones out."""
    return ":".join(name for name in names if name)


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse an option that would be ignored.

    Raises:
        ImproperlyConfigured: A route has no such option.
    """
    known = RouteOptions.__annotations__.keys() | PathOptions.__annotations__.keys()
    for name in options.keys() - known:
        close = get_close_matches(name, known, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(known))}."
        raise ImproperlyConfigured(
            f"A route has no option {name!r}.", hint=hint, code="routing.option"
        )


def check_handler(handler: object) -> None:
    """Refuse what cannot answer a request.

    Raises:
        ImproperlyConfigured: The handler is a class, or cannot be called.
    """
    if isinstance(handler, type):
        view = hasattr(handler, "as_view")
        name = handler.__name__
        raise ImproperlyConfigured(
            f"The handler {name!r} is a class.",
            hint=f"Write {name}.as_view()." if view else "Pass a function, or View.as_view().",
            code="routing.handler",
        )
    if not callable(handler):
        raise ImproperlyConfigured(
            f"The handler {handler!r} cannot be called.",
            hint="Pass a function, View.as_view() or include(...).",
            code="routing.handler",
        )


def takes_socket(handler: Handler) -> bool:
    """Tell whether a function asks for a `WebSocket`, so that `path()` knows what it serves."""
    written = inspect.unwrap(handler)
    try:
        annotations = getattr(written, "__annotations__", {})
    except NameError:  # evaluated late, from Python 3.14 on; binding says what is missing
        return False
    return any(map(names_socket, annotations.values()))


def names_socket(annotation: object) -> bool:
    """Tell whether an annotation, which may still be text, is `WebSocket`."""
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] == WebSocket.__name__
    return isinstance(annotation, type) and issubclass(annotation, WebSocket)


def check_methods(methods: Iterable[str]) -> frozenset[str]:
    """Bring method names into upper case and refuse what is none (RFC 9110, section 9.1).

    Raises:
        ImproperlyConfigured: There is none, or one is no method name.
    """
    names = [methods] if isinstance(methods, str) else [str(name) for name in methods]
    found = frozenset(name.upper() for name in names)
    wrong = [name for name in found if not _METHOD.fullmatch(name)]
    mixed = SOCKET in found and len(found) > 1
    if wrong or mixed or not found or isinstance(methods, str):
        raise ImproperlyConfigured(
            f"The methods {methods!r} are no list of HTTP methods.",
            hint='Write for example methods=["GET", "POST"].',
            code="routing.methods",
        )
    return found


def find_source() -> str:
    """Find the file and line outside of routing and the app that is running now."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - documented, and cheap
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_OWN_MODULES):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
