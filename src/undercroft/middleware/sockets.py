"""Around the handlers of WebSockets: layers as around requests, and what becomes of failures.

async def counting(socket, call_next):
    await call_next(socket)
    logger.info("%s was open", socket.path)
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from undercroft.errors import (
    ClientDisconnected,
    HTTPException,
    PermissionDenied,
    ValidationError,
    WebSocketException,
)
from undercroft.http.request import Request
from undercroft.http.websockets import Stage, WebSocket, check_close, shorten_reason
from undercroft.middleware.failures import Failures, find_expected, printable

logger = logging.getLogger("undercroft.websocket")

SocketEndpoint = Callable[[WebSocket], Awaitable[None]]
SocketMiddleware = Callable[[WebSocket, SocketEndpoint], Awaitable[None]]


@runtime_checkable
class AroundSockets(Protocol):
    """Middleware for requests that has something to do around WebSockets, too."""

    async def around_socket(self, socket: WebSocket, call_next: SocketEndpoint) -> None:
        """Go on, from the handshake to the end."""


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


def list_socket_layers(middleware: Iterable[object]) -> list[SocketMiddleware]:
    """List what middleware for requests does around WebSockets, where it has `around_socket`."""
    return [layer.around_socket for layer in middleware if isinstance(layer, AroundSockets)]


class SocketDoor:
    """Look at every handshake as at a request, those of mounted applications too.

    Args:
        checks: Correct the handshake, or raise what it is refused with; in this order.
    """

    def __init__(self, checks: Sequence[Callable[[Request], None]]) -> None:
        self._checks = checks

    async def __call__(self, socket: WebSocket, call_next: SocketEndpoint) -> None:
        """Check the handshake, then go on."""
        for check in self._checks:
            check(socket.request)
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
        try:
            await socket.deny(self._failures.answer(socket.request, error))
        except Exception as failed:
            if socket.stage is not Stage.CONNECTING:
                raise
            # What was left for the answer, such as storing the session.
            await socket.deny(self._failures.answer(socket.request, failed))


def find_ending(error: Exception) -> tuple[int, str]:
    """Find the code and the reason that an exception closes a connection with."""
    if isinstance(error, WebSocketException):
        return error.close_code, error.reason
    if isinstance(error, HTTPException) and error.status_code < 500:
        return POLICY_VIOLATION, error.detail
    if isinstance(error, ValidationError):
        return POLICY_VIOLATION, " ".join(error.messages)
    return INTERNAL_ERROR, ""
