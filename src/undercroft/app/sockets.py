"""The way of a WebSocket through an application, and of a plain request that asks for one."""

from collections.abc import Awaitable, Callable, Sequence

from undercroft.errors import HTTPException, MethodNotAllowed, NotFound
from undercroft.http.request import Request
from undercroft.http.websockets import WebSocket
from undercroft.middleware.failures import Failures
from undercroft.middleware.hosts import AllowedHosts
from undercroft.middleware.limits import RequestLimits
from undercroft.middleware.origins import AllowedOrigins
from undercroft.middleware.proxies import TrustedProxies
from undercroft.middleware.sockets import (
    SocketDoor,
    SocketEndpoint,
    SocketFailures,
    SocketMiddleware,
    compose_sockets,
)
from undercroft.routing.hosts import HostTree
from undercroft.routing.mounts import Mount
from undercroft.routing.route import SOCKET, Route
from undercroft.settings import Settings


def build_sockets(
    routes: Sequence[Route],
    settings: Settings,
    outermost: Sequence[SocketMiddleware],
    middleware: Sequence[SocketMiddleware],
    serve_mounted: Callable[[Mount, WebSocket], Awaitable[None]],
) -> SocketEndpoint:
    """Build what serves every WebSocket, from its handshake to its end.

    Args:
        routes: Those of WebSockets and of mounts.
        settings: Say who may connect.
        outermost: Stand around failures.
        middleware: Stand around handlers.
        serve_mounted: Serves those whose path leads below a mount.
    """
    match = HostTree(routes).match

    async def dispatch(socket: WebSocket) -> None:
        request = socket.request
        route, request.path_params = match(SOCKET, request.path, request.host)
        request.route = route
        if isinstance(route.handler, Mount):
            await serve_mounted(route.handler, socket)
        else:
            await route.endpoint(request)  # type: ignore[misc]  # set for every route by `compile_routes`

    door = SocketDoor(list_checks(settings))
    failures = SocketFailures(Failures(debug=settings.debug))
    return compose_sockets([*outermost, failures, door, *middleware], dispatch)


def list_checks(settings: Settings) -> list[Callable[[Request], None]]:
    """List what every handshake passes, as every request does, and the check of its origin."""
    proxies = settings.trusted_proxies
    return [
        *([TrustedProxies(proxies).correct] if proxies else []),
        build_limits(settings).check,
        AllowedHosts(settings.allowed_hosts).check_request,
        AllowedOrigins(settings.websocket_origins).check,
    ]


def build_limits(settings: Settings) -> RequestLimits:
    """Build the limits of requests and handshakes."""
    return RequestLimits(
        settings.max_url_length, settings.max_header_fields, settings.max_header_size
    )


class SocketAddresses:
    """Knows the addresses that only WebSockets are served at, to say so to whoever asks by HTTP.

    Args:
        routes: Those of WebSockets.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._match = HostTree(routes).match

    def explain(self, request: Request, error: HTTPException) -> HTTPException:
        """Return a better answer than "not found", where there is one.

        A server that passes a handshake on as a plain request (WSGI always does) cannot serve it.
        """
        if request.method != "GET":
            return error
        try:
            self._match(SOCKET, request.path, request.host)
        except (NotFound, MethodNotAllowed):
            return error
        headers = {"upgrade": "websocket", "connection": "Upgrade"}
        if request.headers.get("upgrade", "").lower() == "websocket":
            return HTTPException(
                501,
                "This server does not pass WebSockets on.",
                hint="Serve the application by ASGI, for example `undercroft serve`.",
                code="websocket.unsupported",
            )
        return HTTPException(
            426, "A WebSocket is served here.", headers=headers, code="websocket.upgrade"
        )
