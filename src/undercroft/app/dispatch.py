"""The innermost endpoint: find the route, call it, settle what it answered."""

from collections.abc import Callable, Sequence
from urllib.parse import quote

from undercroft.app.sockets import SocketAddresses
from undercroft.errors import HTTPException, MethodNotAllowed, NotFound
from undercroft.http.request import Request
from undercroft.http.responses import RedirectResponse, Response
from undercroft.http.url import SAFE_IN_PATH, quote_query
from undercroft.middleware.pipeline import Endpoint
from undercroft.routing.hosts import HostTree
from undercroft.routing.missing import build_not_found, find_near
from undercroft.routing.route import Route
from undercroft.routing.tree import Found, RouteTree

Match = Callable[[Request, str], Found]


def build_dispatch(
    routes: Sequence[Route],
    sockets: SocketAddresses,
    *,
    debug: bool = False,
    redirect_slashes: bool = True,
) -> Endpoint:
    """Build the endpoint of all routes.

    Args:
        routes: What was declared, compiled; those of WebSockets are left out.
        sockets: Knows the addresses of those.
        debug: Let a 404 carry the routes that were tried.
        redirect_slashes: Send GET and HEAD to the address that differs by a slash at the end.
    """
    plain = [route for route in routes if not route.is_socket]
    match = _build_match(plain)
    answer_missing = _build_missing(match, plain if debug else (), redirect_slashes)

    async def dispatch(request: Request) -> Response:
        try:
            route, request.path_params = match(request, request.path)
        except (NotFound, MethodNotAllowed) as error:
            return answer_missing(request, sockets.explain(request, error))
        request.route = route
        response: Response = await route.endpoint(request)  # type: ignore[misc]  # set for every route by `compile_routes`
        if response.is_deferred:
            response = await response.resolve(request)
        return response

    return dispatch


def _build_match(routes: Sequence[Route]) -> Match:
    """Build what finds the route of a request and a path; hosts are looked at if any is named."""
    if any(route.host is not None for route in routes):
        hosts = HostTree(routes, build_options_endpoint)
        return lambda request, path: hosts.match(request.method, path, request.host)
    match = RouteTree(routes, build_options_endpoint).match
    return lambda request, path: match(request.method, path)


def _build_missing(
    match: Match, tried: Sequence[Route], redirect_slashes: bool
) -> Callable[[Request, HTTPException], Response]:
    """Build what answers a path that no route has: the near address, or 404."""

    def answer(request: Request, error: HTTPException) -> Response:
        if not isinstance(error, NotFound):
            raise error
        near = find_near(lambda path: match(request, path), request.path)
        if near is None:
            raise build_not_found(None, tried)
        path, answers = near
        if not (redirect_slashes and answers and request.method in ("GET", "HEAD")):
            # The body of another method would be lost on the way.
            raise build_not_found(path, tried)
        query = quote_query(request.raw_query)
        address = quote(request.root_path + path, safe=SAFE_IN_PATH)
        return RedirectResponse(address + f"?{query}" * bool(query))

    return answer


def build_options_endpoint(allowed: tuple[str, ...]) -> Endpoint:
    """Build the answer to OPTIONS where no route declares it (RFC 9110, section 9.3.7)."""
    allow = ", ".join(allowed)

    async def endpoint(request: Request) -> Response:
        return Response(b"", 204, {"allow": allow})

    return endpoint
