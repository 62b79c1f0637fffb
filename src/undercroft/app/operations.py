"""Compiles every route's handler; what is compiled is also what OpenAPI describes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from undercroft.binding.parameters import FindProvider
from undercroft.binding.plan import Endpoint, Plan, compile_plan
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.routing.route import Route
from undercroft.views import ViewHandler


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route, with its compiled handler."""

    method: str
    route: Route
    plan: Plan


def compile_routes(routes: Iterable[Route], find_provider: FindProvider) -> list[Operation]:
    """Give every route its endpoint.

    Raises:
        ImproperlyConfigured: A handler cannot be bound; a note says where it is routed.
    """
    operations: list[Operation] = []
    for route in routes:
        try:
            operations += _compile_route(route, find_provider)
        except ImproperlyConfigured as error:
            error.add_note(f"Routed as {route.path!r} at {route.source}.")
            raise
    return operations


def _compile_route(route: Route, find_provider: FindProvider) -> list[Operation]:
    def compile_handler(handler: Callable[..., Any] | Any) -> Plan:
        return compile_plan(
            handler,
            path_params=[param.name for param in route.params],
            status_code=route.options.get("status_code", 200),
            find_provider=find_provider,
        )

    if not isinstance(route.handler, ViewHandler):
        plan = compile_handler(route.handler)
        route.endpoint = plan.endpoint
        return [Operation(method, route, plan) for method in sorted(route.methods)]
    check_view_methods(route, route.handler)
    plans = {
        method: compile_handler(route.handler.get_method(method))
        for method in route.handler.view_methods
        if method in route.methods or (method == "GET" and "HEAD" in route.methods)
    }
    route.endpoint = choose_by_method({method: plan.endpoint for method, plan in plans.items()})
    return [Operation(method, route, plans[method]) for method in plans if method in route.methods]


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
