"""Serve somebody else's WSGI application (PEP 3333) on an ASGI server.

The application runs in a thread from its first line to its last. Its input reads from the
connection as it goes and its output waits for the client, so nothing is held in memory whole. Only
a body without a length is awaited first (`unmeasured`).
"""

import asyncio
import io
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias, TypeVar

from undercroft.concurrency import run_in_thread
from undercroft.errors import ClientDisconnected
from undercroft.gateways.asgi import split_mount
from undercroft.gateways.disconnects import Watcher
from undercroft.gateways.messages import Message, Receive, Scope, Send
from undercroft.gateways.unmeasured import MeasuringBody

ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]
T = TypeVar("T")

#: Read ahead for `readline`; a body is passed on in pieces of this size.
_BUFFER_SIZE = 64 * 1024


class WSGIAdapter:
    """A WSGI application as an ASGI 3 application.

    Args:
        application: Called with `environ` and `start_response`.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = MeasuringBody(application)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of connection are left alone."""
        if scope["type"] != "http":
            return
        connection = _Connection(receive, send)
        try:
            with suppress(ClientDisconnected):
                await run_in_thread(self._run, scope, connection)
        finally:
            await connection.close()

    def _run(self, scope: Scope, connection: "_Connection") -> None:
        answer = _Answer(connection.send)
        body: BinaryIO = io.BufferedReader(_Input(connection.receive), _BUFFER_SIZE)
        pieces = self._application(build_environ(scope, body), answer.start_response)
        try:
            for piece in pieces:
                answer.write(piece)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        answer.finish()


class _Connection:
    """The connection as the application's thread uses it.

    Once the answer has begun a task watches for the client's leaving: what the thread sends
    after that is refused, which ends the application's iterable.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._watching: asyncio.Task[None] | None = None

    def receive(self) -> Message:
        return self._wait(self._receive_message())

    def send(self, message: Message) -> None:
        self._wait(self._send_message(message))

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _receive_message(self) -> Message:
        return await self._receive()

    async def _send_message(self, message: Message) -> None:
        if self._watching is None:
            watcher = Watcher(self._receive)
            self._receive = watcher.receive
            self._watching = asyncio.create_task(watcher.watch())
        elif self._watching.done():
            raise ClientDisconnected("The client went away before its answer was complete.")
        await self._send(message)

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})


class _Input(io.RawIOBase):
    """The request's body as a file; `io.BufferedReader` adds the rest of the file methods."""

    def __init__(self, receive: Callable[[], Message]) -> None:
        self._receive = receive
        self._rest = b""
        self._more = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest and self._more:
            message = self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("The client went away before its body was complete.")
            self._rest = message.get("body", b"")
            self._more = message.get("more_body", False)
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


class _Answer:
    """What the application says, sent on as soon as it may be."""

    def __init__(self, send_message: Callable[[Message], None]) -> None:
        self._send_message = send_message
        self._start: Message | None = None
        self._started = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        """Take status and headers; they are sent with the first piece of the body."""
        if exc_info is not None and self._started:
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self._start is not None:
            raise RuntimeError("start_response was called twice without exc_info (PEP 3333).")
        self._start = {
            "type": "http.response.start",
            "status": int(status.split(" ", 1)[0]),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
            ],
        }
        return self.write

    def write(self, piece: bytes) -> None:
        """Send a piece of the body; an empty one says nothing yet."""
        if piece:
            self._begin()
            self._send_message({"type": "http.response.body", "body": piece, "more_body": True})

    def finish(self) -> None:
        """Send what is left to be sent: headers without a body, and the end."""
        self._begin()
        self._send_message({"type": "http.response.body", "body": b""})

    def _begin(self) -> None:
        if self._started:
            return
        if self._start is None:
            raise RuntimeError("The application answered without start_response (PEP 3333).")
        self._started = True
        self._send_message(self._start)


def build_environ(scope: Scope, body: BinaryIO) -> dict[str, Any]:
    """Translate a connection scope.

    Header names with an underscore are dropped, for in an environ they look like the ones with
    a hyphen and could pass for what a proxy sets; so is Proxy, which would become HTTP_PROXY.
    """
    root_path, path = split_mount(scope.get("root_path", ""), scope["path"])
    server = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": encode_path(root_path),
        "PATH_INFO": encode_path(path),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if scope.get("client"):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = scope["client"][0], str(scope["client"][1])
    for raw_name, raw_value in scope["headers"]:
        add_header(environ, raw_name.decode("latin-1"), raw_value.decode("latin-1"))
    return environ


def add_header(environ: dict[str, Any], name: str, value: str) -> None:
    """Add a header field as a CGI variable; repeated fields are joined (RFC 9110, section 5.3)."""
    if "_" in name or name == "proxy":
        return
    key = name.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    separator = "; " if name == "cookie" else ","
    environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value


def encode_path(path: str) -> str:
    """Encode a path: WSGI hands bytes over as ISO 8859-1 characters (PEP 3333)."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")
