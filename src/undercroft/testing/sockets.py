"""A WebSocket's client for tests: it speaks to an application in this process, without a server."""

import asyncio
import json
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from undercroft.concurrency import run_on_background_loop
from undercroft.errors import WebSocketDisconnect

#: Seconds after which a test no longer waits for a message.
PATIENCE = 5.0

Message = dict[str, Any]


class WebSocketDenied(Exception):
    """The application refused the handshake.

    Attributes:
        response: What it answered.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        super().__init__(f"The handshake was refused: {response.status_code} {response.text}")


class WebSocketSession:
    """One connection, open within a `with` block.

    Args:
        app: Speaks ASGI.
        request: The handshake.
        subprotocols: What is offered.
        root_path: Where the application believes to be mounted.

    Attributes:
        subprotocol: What was agreed upon.
        headers: Of the answer to the handshake.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        request: httpx.Request,
        subprotocols: Sequence[str],
        root_path: str,
    ) -> None:
        self._app = app
        self._scope = build_scope(request, subprotocols, root_path)
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._end: WebSocketDisconnect | None = None
        self.subprotocol: str | None = None
        self.headers = httpx.Headers()

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            WebSocketDenied: The application refuses.
        """
        run_on_background_loop(self._connect())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Leave, and wait until the application has ended its side."""
        self.close()

    # ------------------------------------------------------------------------- what tests do

    def send_text(self, text: str) -> None:
        """Send text."""
        self._put({"type": "websocket.receive", "text": text})

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        self._put({"type": "websocket.receive", "bytes": data})

    def send_json(self, value: Any) -> None:
        """Send a value as JSON."""
        self.send_text(json.dumps(value))

    def receive(self, timeout: float = PATIENCE) -> str | bytes:
        """Wait for a message of either kind.

        Raises:
            WebSocketDisconnect: The application has closed the connection.
            TimeoutError: Nothing came.
        """
        if self._end is not None:
            raise self._end
        message = run_on_background_loop(self._take(timeout))
        if message["type"] == "websocket.close":
            self._end = WebSocketDisconnect(message.get("code", 1000), message.get("reason") or "")
            raise self._end
        text: str | None = message.get("text")
        data: bytes = message.get("bytes") or b""
        return data if text is None else text

    def receive_text(self, timeout: float = PATIENCE) -> str:
        """Wait for a message, which must be text."""
        message = self.receive(timeout)
        if not isinstance(message, str):
            raise TypeError(f"Text was expected, and {message!r} came.")
        return message

    def receive_bytes(self, timeout: float = PATIENCE) -> bytes:
        """Wait for a message, which must be binary."""
        message = self.receive(timeout)
        if not isinstance(message, bytes):
            raise TypeError(f"A binary message was expected, and {message!r} came.")
        return message

    def receive_json(self, timeout: float = PATIENCE) -> Any:
        """Wait for a message, and read it as JSON."""
        return json.loads(self.receive(timeout))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Leave, and wait until the application has ended its side; what it raises is raised."""
        self._put({"type": "websocket.disconnect", "code": code, "reason": reason})
        run_on_background_loop(self._finish())

    # --------------------------------------------------------------------------- on the loop

    def _put(self, message: Message) -> None:
        async def put() -> None:
            self._to_app.put_nowait(message)

        run_on_background_loop(put())

    async def _connect(self) -> None:
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run())
        answer = await self._take(PATIENCE)
        if answer["type"] == "websocket.accept":
            self.subprotocol = answer.get("subprotocol")
            self.headers = httpx.Headers(list(answer.get("headers", ())))
            return
        status, body = 403, b""
        headers: list[tuple[bytes, bytes]] = []
        if answer["type"] == "websocket.http.response.start":
            status, headers = answer["status"], answer.get("headers", [])
            body = (await self._take(PATIENCE)).get("body", b"")
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1006})
        await self._finish()
        raise WebSocketDenied(httpx.Response(status, headers=headers, content=body))

    async def _run(self) -> None:
        await self._app(self._scope, self._to_app.get, self._send)

    async def _send(self, message: Message) -> None:
        self._from_app.put_nowait(message)
        if message["type"] == "websocket.close":
            end = {"code": message.get("code", 1000), "reason": message.get("reason", "")}
            self._to_app.put_nowait({"type": "websocket.disconnect", **end})

    async def _take(self, timeout: float) -> Message:
        taking = asyncio.ensure_future(self._from_app.get())
        waiting = {taking, *([self._task] if self._task else [])}
        await asyncio.wait(waiting, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not taking.done() and self._task is not None and self._task.done():
            await asyncio.sleep(0)
        if taking.done():
            return taking.result()
        taking.cancel()
        if self._task is not None and self._task.done():
            self._task.result()
            return {"type": "websocket.close", "code": 1006}
        raise TimeoutError(f"Nothing came within {timeout} seconds.")

    async def _finish(self) -> None:
        if self._task is not None:
            done, _ = await asyncio.wait({self._task}, timeout=PATIENCE)
            if not done:
                self._task.cancel()
                raise TimeoutError("The application did not end when its client had left.")
            self._task.result()


def build_scope(
    request: httpx.Request, subprotocols: Sequence[str], root_path: str
) -> dict[str, Any]:
    """Build the scope of a handshake."""
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    if subprotocols:
        headers.append((b"sec-websocket-protocol", ", ".join(subprotocols).encode()))
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "wss" if request.url.scheme in {"https", "wss"} else "ws",
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "root_path": root_path,
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": (request.url.host, request.url.port or 80),
        "subprotocols": list(subprotocols),
        "extensions": {"websocket.http.response": {}},
    }
