"""ASGI's WebSockets (asgi.readthedocs.io, "WebSocket"): messages into a `Wire` and back."""

import asyncio
from typing import Any

from undercroft.errors import WebSocketDisconnect
from undercroft.gateways.messages import Message, Receive, Scope, Send
from undercroft.http.headers import RawHeaders
from undercroft.http.responses import Response
from undercroft.http.websockets import Stage, WebSocket

#: The extension by which a handshake is refused with an answer of one's own.
_DENIAL = "websocket.http.response"


class ASGIWire:
    """The server's side of one connection.

    Args:
        scope: The connection's.
        receive: The server's; the first message, which says that it began, is taken already.
        send: The server's.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._extensions: Any = scope.get("extensions") or {}
        self._is_begun = False
        self._receive = receive
        self._send = send
        self._end: WebSocketDisconnect | None = None

    async def accept(self, subprotocol: str | None, headers: RawHeaders) -> None:
        """Answer the handshake."""
        await self._pass_on(
            {"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers}
        )

    async def deny(self, response: Response) -> None:
        """Refuse the handshake; without the extension the server answers a bare 403."""
        if _DENIAL not in self._extensions:
            await response.close()
            await self._pass_on({"type": "websocket.close", "code": 1008})
            return
        start = {"status": response.status_code, "headers": response.raw_headers}
        await self._pass_on({"type": f"{_DENIAL}.start", **start})
        body = response.body
        if response.stream is not None:
            body = b"".join([piece async for piece in response.stream])
        await self._pass_on({"type": f"{_DENIAL}.body", "body": body})

    async def receive(self) -> str | bytes:
        """Wait for a message.

        Raises:
            WebSocketDisconnect: The connection has ended.
        """
        if self._end is not None:
            raise self._end
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._end = WebSocketDisconnect(message.get("code", 1005), message.get("reason") or "")
            raise self._end
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return text if text is not None else data

    async def transmit(self, message: str | bytes) -> None:
        """Hand a message over.

        Raises:
            WebSocketDisconnect: The connection has ended.
        """
        kind = "text" if isinstance(message, str) else "bytes"
        await self._pass_on({"type": "websocket.send", kind: message})
        # A server need not wait when it is handed a message: who sends without end would keep the
        # loop from everybody else, and from learning that the client is gone.
        await asyncio.sleep(0)

    async def close(self, code: int, reason: str) -> None:
        """Say good-bye, if there still is somebody."""
        try:
            await self._pass_on({"type": "websocket.close", "code": code, "reason": reason})
        except WebSocketDisconnect:
            return

    async def hand_over(self, application: Any, scope: Scope, socket: WebSocket) -> None:
        """Let another application serve the connection, from its handshake to its end.

        Args:
            application: Speaks ASGI 3.
            scope: What it is called with.
            socket: Is told how far the connection has come, so that what the application leaves
                open, or raises, ends it as with handlers of ours.
        """

        async def receive() -> Message:
            if self._is_begun:
                return await self._receive()
            self._is_begun = True
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            match message["type"]:
                case "websocket.accept":
                    answer = Response(status_code=101)
                    answer.raw_headers = [*message.get("headers", ())]
                    await socket.finish_handshake(answer)
                    message = {**message, "headers": answer.raw_headers}
                    socket.stage = Stage.OPEN
                case "websocket.close" | "websocket.http.response.start":
                    if socket.stage is Stage.CONNECTING:
                        socket.status_code = message.get("status", 403)
                    socket.stage = Stage.CLOSED
                case _:
                    pass
            await self._send(message)

        await application(scope, receive, send)

    async def _pass_on(self, message: Message) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError) as error:
            # The specification's sign is an OSError. A server that has just given the client up
            # may say RuntimeError; our own order is right, for `WebSocket` keeps it.
            self._end = self._end or WebSocketDisconnect(1006)
            raise self._end from error
