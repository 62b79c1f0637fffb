"""ASGI 3 (asgi.readthedocs.io): http, websocket and lifespan."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cached_property

from undercroft.errors import ClientDisconnected
from undercroft.gateways.application import Application
from undercroft.gateways.asgi_sockets import ASGIWire
from undercroft.gateways.disconnects import Watcher
from undercroft.gateways.messages import Message, Receive, Scope, Send
from undercroft.http.request import Address, Request
from undercroft.http.responses import Response
from undercroft.http.websockets import WebSocket
from undercroft.stopping import note_connection

logger = logging.getLogger("undercroft.gateways")

#: So many are sent before others get their turn: a source that never waits would else hold up
#: everybody, and without end where the client is gone, which only others can tell.
PIECES_IN_A_ROW = 16


class ASGIRequest(Request):
    """A request whose body comes in messages."""

    scope: Scope
    receive: Receive
    watcher: Watcher | None = None
    _begun: Message | None = None

    @cached_property
    def client(self) -> Address | None:
        """The other end, or None where the server does not say."""
        client = self.scope.get("client")
        return Address(*client) if client else None

    @cached_property
    def server(self) -> Address | None:
        """This end, or None where the server does not say."""
        server = self.scope.get("server")
        return Address(*server) if server else None

    def watch(self, *, patiently: bool = False) -> Watcher:
        """Watch for the client's leaving from now on; there is one watcher for a request.

        Args:
            patiently: Keep the body for whoever may ask for it, however late.
        """
        if self.watcher is None:
            self.watcher = Watcher(self.receive, is_patient=patiently)
            self.receive = self.watcher.receive
            self.watcher.begin()
        return self.watcher

    async def receive_pieces(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces, from the server.

        Raises:
            ClientDisconnected: The client went away before the end.
        """
        more = True
        while more:
            message = self._begun or await self.receive()
            self._begun = None
            check_connected(message)
            more = message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece

    async def gather_body(self) -> bytes:
        """Take a body that comes in one message, as most do, without iterating.

        Raises:
            ClientDisconnected: The client went away before the end.
        """
        message = await self.receive()
        check_connected(message)
        if message.get("more_body", False):
            self._begun = message
            return await super().gather_body()
        piece: bytes = message.get("body", b"")
        self.check_body_size(len(piece))
        return piece


def check_connected(message: Message) -> None:
    """Refuse to go on reading from a client that went away.

    Raises:
        ClientDisconnected: It did.
    """
    if message["type"] == "http.disconnect":
        raise ClientDisconnected("The client went away before its body was complete.")


class ASGIGateway:
    """The application as ASGI servers call it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._handle = application.handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's worth: a request, a WebSocket, or the lifespan."""
        kind = scope["type"]
        if kind == "http":
            request = build_request(scope, receive)
            try:
                response = await self._handle(request)
                start = {
                    "type": "http.response.start",
                    "status": response.status_code,
                    "headers": response.raw_headers,
                }
                if response.stream is None:
                    await send(start)
                    await send({"type": "http.response.body", "body": response.body})
                else:
                    await send_stream(start, response, request, send)
            except ClientDisconnected:
                return
            finally:
                if request.endings is not None:
                    await request.end()
        elif kind == "lifespan":
            await self._run_lifespan(receive, send)
        elif kind == "websocket":
            await self._run_socket(scope, receive, send)

    async def _run_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        request = build_handshake(scope)
        socket = WebSocket(request, ASGIWire(scope, receive, send), scope.get("subprotocols") or ())
        try:
            await self._application.handle_socket(socket)
        finally:
            if request.endings is not None:
                await request.end()

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._application.startup()
        except Exception as error:
            logger.exception("The application could not start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await self._application.shutdown()
        except Exception as error:
            logger.exception("The application could not shut down cleanly")
            await send({"type": "lifespan.shutdown.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})


def build_request(scope: Scope, receive: Receive) -> ASGIRequest:
    """Translate a connection scope."""
    request = ASGIRequest(scope["method"], scope["path"], scope["query_string"], scope["headers"])
    request.scope, request.receive = scope, receive
    scheme = scope.get("scheme", "http")
    if scheme != "http":
        request.scheme = scheme
    root_path = scope.get("root_path")
    if root_path:
        request.root_path, path = split_mount(root_path, request.path)
        request.path = path or "/"
    return request


def build_handshake(scope: Scope) -> ASGIRequest:
    """Translate a WebSocket's scope: a handshake is a GET without a body (RFC 6455, 4.1)."""

    async def receive_nothing() -> Message:
        return {"type": "http.request", "body": b""}

    return build_request({**scope, "method": "GET"}, receive_nothing)


def split_mount(root_path: str, path: str) -> tuple[str, str]:
    """Split a scope's path, which may include the mount, into the mount and what is below it."""
    root_path = root_path.rstrip("/")
    if path == root_path or path.startswith(root_path + "/"):
        path = path[len(root_path) :]
    return root_path, path


async def send_stream(start: Message, response: Response, request: ASGIRequest, send: Send) -> None:
    """Send a streamed answer, and stop making it when the client goes away."""
    note_connection(send)
    watching = request.watch().begin()
    sending = asyncio.ensure_future(send_pieces(start, response, send))
    try:
        await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, watching):
            if not task.done():
                task.cancel()
        await asyncio.wait({sending, watching})
    if not sending.cancelled():
        with suppress(ClientDisconnected):
            sending.result()


async def send_pieces(start: Message, response: Response, send: Send) -> None:
    """Send piece by piece; the source is closed whatever happens."""
    pieces = response.stream
    if pieces is None:
        raise TypeError("The response has no stream.")
    try:
        await send(start)
        sent = 0
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            sent += 1
            if not sent % PIECES_IN_A_ROW:
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})
    finally:
        await response.close()
