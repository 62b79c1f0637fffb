"""Compiles every route's handler; what is compiled is also what OpenAPI describes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from undercroft.binding.parameters import FindProvider
from undercroft.binding.plan import Endpoint, Plan, compile_plan
from undercroft.binding.shaping import read_shape
from undercroft.binding.sockets import compile_socket_plan
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.caching import add_wraps
from undercroft.middleware.hooks import add_hooks
from undercroft.middleware.pipeline import compose_route
from undercroft.middleware.transactions import SAFE_METHODS, add_transactions
from undercroft.routing.hooks import Hooks
from undercroft.routing.mounts import Mount
from undercroft.routing.route import SOCKET, Route
from undercroft.security.csrf import find_policy
from undercroft.security.csrf_checks import CSRFCheck
from undercroft.views.base import ViewHandler


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route, with its compiled handler."""

    method: str
    route: Route
    plan: Plan


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for all routes that say nothing else.

    Attributes:
        find_provider: Knows the types that are injected by their name alone.
        csrf: Checks unsafe methods.
        atomic: Whether unsafe methods run in a transaction.
    """

    find_provider: FindProvider
    csrf: CSRFCheck
    atomic: bool


def compile_routes(routes: Iterable[Route], hooks: Hooks, defaults: Defaults) -> list[Operation]:
    """Give every route its endpoint.

    Args:
        routes: What was declared.
        hooks: The app's own hooks and exception handlers.
        defaults: What holds for them.

    Raises:
        ImproperlyConfigured: A handler cannot be bound; a note says where it is routed.
    """
    operations: list[Operation] = []
    for route in routes:
        try:
            operations += _compile_route(route, defaults)
            if route.around and route.endpoint is not None and not route.is_socket:
                route.endpoint = add_hooks(route.endpoint, route.around, hooks)
        except ImproperlyConfigured as error:
            error.add_note(f"Routed as {route.path!r} at {route.source}.")
            raise
    return operations


def _compile_route(route: Route, defaults: Defaults) -> list[Operation]:
    def compile_handler(handler: Callable[..., Any] | Any) -> Plan:
        return compile_plan(
            handler,
            path_params=[param.name for param in route.all_params],
            status_code=route.options.get("status_code", 200),
            shape=read_shape(route.options),
            dependencies=route.options.get("dependencies", ()),
            find_provider=defaults.find_provider,
        )

    if route.is_socket:
        params = [param.name for param in route.all_params]
        plan = compile_socket_plan(
            route.handler,
            path_params=params,
            dependencies=route.options.get("dependencies", ()),
            find_provider=defaults.find_provider,
        )
        route.endpoint = plan.endpoint
        return [Operation(SOCKET, route, plan)]
    layers = route.options.get("middleware", ())
    if isinstance(route.handler, Mount):
        if route.endpoint is not None:
            route.endpoint = compose_route(layers, route.endpoint)
        return []
    if not isinstance(route.handler, ViewHandler):
        plan = compile_handler(route.handler)
        endpoint = surround(plan, route, sorted(route.methods), defaults)
        route.endpoint = compose_route(layers, endpoint)
        return [Operation(method, route, plan) for method in sorted(route.methods)]
    check_view_methods(route, route.handler)
    plans = {
        method: compile_handler(route.handler.get_method(method))
        for method in route.handler.view_methods
        if method in route.methods or (method == "GET" and "HEAD" in route.methods)
    }
    endpoints = {
        method: surround(plan, route, [method], defaults) for method, plan in plans.items()
    }
    route.endpoint = compose_route(layers, choose_by_method(endpoints))
    return [Operation(method, route, plans[method]) for method in plans if method in route.methods]


def surround(plan: Plan, route: Route, methods: Sequence[str], defaults: Defaults) -> Endpoint:
    """Put around a handler what its marks and its route want: the check of forged requests first.

    Args:
        plan: The compiled handler.
        route: Its route.
        methods: The methods it answers there.
        defaults: What holds unless one of them says otherwise.
    """
    marked = list_marked(route, methods[0])
    check_permissions_asked(route, marked)
    endpoint = add_wraps(plan.endpoint, marked)
    wants = partial(wants_transaction, route, default=defaults.atomic)
    endpoint = add_transactions(endpoint, methods, wants)
    policy = find_policy(route.options.get("csrf"), marked)
    is_streamed = any(argument.is_stream for argument in plan.arguments)
    return defaults.csrf.add(endpoint, methods, policy, is_streamed=is_streamed)


def wants_transaction(route: Route, method: str, *, default: bool) -> bool:
    """Tell whether a method of a route runs in the request's transaction.

    Args:
        route: Its option `atomic` decides for all its methods, if it has one.
        method: Of those, in upper case; a safe one does so only if the route says it.
        default: What the settings say.
    """
    told = route.options.get("atomic")
    if told is not None:
        return told
    marked = list_marked(route, method)
    is_marked = any(getattr(each, "non_atomic_requests", False) for each in marked)
    return default and method not in SAFE_METHODS and not is_marked


def list_marked(route: Route, method: str) -> list[Any]:
    """List what decorators may have left a mark on: a view's method, its class, the handler."""
    if not isinstance(route.handler, ViewHandler):
        return [route.handler]
    view_class = route.handler.view_class
    return [getattr(view_class, route.handler.actions[method]), view_class, route.handler]


def check_permissions_asked(route: Route, marked: Sequence[Any]) -> None:
    """Refuse `permission_classes` where nothing asks them: whoever wrote them believes in a lock.

    Raises:
        ImproperlyConfigured: A function, a view that is no viewset, or a viewset's method has some.
    """
    asks = hasattr(route.handler, "permission")
    unasked = marked[:1] if asks and len(marked) > 1 else marked
    for each in unasked:
        if getattr(each, "permission_classes", None):
            raise ImproperlyConfigured(
                f"{each.__qualname__} has permission_classes, which only viewsets ask.",
                hint="Decorate it by permission_required or login_required; for an action of a"
                " viewset, write @action(permission_classes=[...]).",
                code="views.permission-classes",
            )


def check_view_methods(route: Route, handler: ViewHandler) -> None:
    """Refuse a route that promises methods its view does not have.

    Raises:
        ImproperlyConfigured: It does; the message names them.
    """
    known = {*handler.view_methods, *(["HEAD"] if "GET" in handler.view_methods else [])}
    missing = sorted(route.methods - known)
    if missing:
        raise ImproperlyConfigured(
            f"{handler.__name__} has no method for {', '.join(missing)}.",
            hint=f"Define `{missing[0].lower()}` in it, or take it out of the route's `methods`.",
            code="views.missing-method",
        )


def choose_by_method(endpoints: dict[str, Endpoint]) -> Endpoint:
    """Build the endpoint of a view: each method has its own, and HEAD falls to GET."""
    if "GET" in endpoints:
        endpoints.setdefault("HEAD", endpoints["GET"])

    async def endpoint(request: Request) -> Response:
        return await endpoints[request.method](request)

    return endpoint
