"""Around the handlers of WebSockets: layers as around requests, and what becomes of failures.

async def counting(socket, call_next):
    await call_next(socket)
    logger.info("%s was open", socket.path)
"""

import logging
from collections.abc import Awaitable, Callable, Sequence

from undercroft.errors import (
    ClientDisconnected,
    HTTPException,
    PermissionDenied,
    ValidationError,
    WebSocketException,
)
from undercroft.http.websockets import Stage, WebSocket, check_close, shorten_reason
from undercroft.middleware.failures import Failures, find_expected, printable
from undercroft.middleware.hosts import AllowedHosts
from undercroft.middleware.origins import AllowedOrigins

logger = logging.getLogger("undercroft.websocket")

SocketEndpoint = Callable[[WebSocket], Awaitable[None]]
SocketMiddleware = Callable[[WebSocket, SocketEndpoint], Awaitable[None]]

#: RFC 6455, section 7.4.1.
POLICY_VIOLATION = 1008
INTERNAL_ERROR = 1011


def compose_sockets(layers: Sequence[SocketMiddleware], endpoint: SocketEndpoint) -> SocketEndpoint:
    """Put layers around an endpoint, the first outermost; done once, at start."""
    for layer in reversed(layers):
        endpoint = wrap_socket(layer, endpoint)
    return endpoint


def wrap_socket(layer: SocketMiddleware, call_next: SocketEndpoint) -> SocketEndpoint:
    """Put one layer around what comes next."""
    return lambda socket: layer(socket, call_next)


class SocketDoor:
    """Let in who asks by one of the application's names, from one of its pages."""

    def __init__(self, hosts: AllowedHosts, origins: AllowedOrigins) -> None:
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, socket: WebSocket, call_next: SocketEndpoint) -> None:
        """Check the handshake, then go on."""
        self._hosts.check_request(socket.request)
        self._origins.check(socket.request)
        await call_next(socket)


class SocketFailures:
    """End every connection properly, whatever is raised further in.

    Before it is accepted, a failure is answered as that of a request is; afterwards it closes
    the connection.

    Args:
        failures: Answers those of requests.
    """

    def __init__(self, failures: Failures) -> None:
        self._failures = failures

    async def __call__(self, socket: WebSocket, call_next: SocketEndpoint) -> None:
        """Go on, then close what is still open."""
        try:
            await call_next(socket)
        except Exception as error:  # noqa: BLE001 - logged where it is a fault of ours
            await self.end(socket, find_expected(error))
        else:
            if socket.stage is Stage.CONNECTING:
                logger.error("%s: the handler returned without accept()", printable(socket.path))
                await self.refuse(socket, PermissionDenied())
            await socket.close()

    async def end(self, socket: WebSocket, error: Exception) -> None:
        """End a connection because of what was raised; who has left is told nothing."""
        try:
            if isinstance(error, ClientDisconnected):
                await socket.close()
            elif socket.stage is Stage.CONNECTING:
                await self.refuse(socket, error)
            else:
                code, reason = find_ending(error)
                if code == INTERNAL_ERROR:
                    logger.error("WebSocket %s failed", printable(socket.path), exc_info=error)
                check_close(code)
                await socket.close(code, shorten_reason(reason))
        except ClientDisconnected:
            return
        except ValueError:
            logger.exception("WebSocket %s cannot be closed so", printable(socket.path))
            await socket.close(INTERNAL_ERROR)

    async def refuse(self, socket: WebSocket, error: Exception) -> None:
        """Refuse a handshake with the answer to what was raised."""
        if isinstance(error, WebSocketException):
            error = PermissionDenied(error.reason or None)
        await socket.deny(self._failures.answer(socket.request, error))


def find_ending(error: Exception) -> tuple[int, str]:
    """Find the code and the reason that an exception closes a connection with."""
    if isinstance(error, WebSocketException):
        return error.close_code, error.reason
    if isinstance(error, HTTPException) and error.status_code < 500:
        return POLICY_VIOLATION, error.detail
    if isinstance(error, ValidationError):
        return POLICY_VIOLATION, " ".join(error.messages)
    return INTERNAL_ERROR, ""
