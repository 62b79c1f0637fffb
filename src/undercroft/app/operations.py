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
    plans = {
        method: compile_handler(route.handler.get_method(method))
        for method in route.handler.view_methods
        if method in route.methods
    }
    route.endpoint = choose_by_method({method: plan.endpoint for method, plan in plans.items()})
    return [Operation(method, route, plan) for method, plan in plans.items()]


def choose_by_method(endpoints: dict[str, Endpoint]) -> Endpoint:
    """Build the endpoint of a view: each method has its own, and HEAD falls to GET."""
    if "GET" in endpoints:
        endpoints.setdefault("HEAD", endpoints["GET"])

    async def endpoint(request: Request) -> Response:
        return await endpoints[request.method](request)

    return endpoint
