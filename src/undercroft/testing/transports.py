"""httpx transports that call an application in this process, through either protocol."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import httpx

from undercroft.concurrency import run_on_background_loop


class _Content(httpx.SyncByteStream):
    """The bytes as the application sent them; httpx decodes them where it is asked to."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


class ASGITransport(httpx.BaseTransport):
    """Calls an ASGI application on the process's background loop."""

    def __init__(self, app: Callable[..., Any], root_path: str) -> None:
        self._transport = httpx.ASGITransport(app=app, root_path=root_path)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its whole answer."""
        return run_on_background_loop(self._send(request, request.read()))

    async def _send(self, request: httpx.Request, body: bytes) -> httpx.Response:
        # A copy whose body can be read on the loop.
        sent = httpx.Request(request.method, request.url, headers=request.headers.raw, content=body)
        answer = await self._transport.handle_async_request(sent)
        content = b"".join([piece async for piece in answer.aiter_raw()])
        return httpx.Response(
            answer.status_code,
            headers=answer.headers.raw,
            stream=_Content(content),
            request=request,
        )


class WSGITransport(httpx.BaseTransport):
    """Calls a WSGI application in the calling thread (PEP 3333).

    httpx has one too, which hands over paths as text where the specification wants bytes that
    are dressed as ISO 8859-1.
    """

    def __init__(self, app: Callable[..., Any], root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its whole answer."""
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            started[:] = [int(status[:3]), headers]

        pieces: Iterable[bytes] = self._app(self._build_environ(request), start_response)
        try:
            content = b"".join(pieces)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        status, headers = started
        return httpx.Response(status, headers=headers, stream=_Content(content), request=request)

    def _build_environ(self, request: httpx.Request) -> dict[str, Any]:
        body = request.read()
        path = unquote_to_bytes(request.url.raw_path.partition(b"?")[0]).decode("latin-1")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": self._root_path,
            "PATH_INFO": path.removeprefix(self._root_path),
            "QUERY_STRING": request.url.query.decode("latin-1"),
            "SERVER_NAME": request.url.host,
            "SERVER_PORT": str(request.url.port or 80),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": request.url.scheme,
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            key = name.upper().replace("-", "_")
            own = key in {"CONTENT_TYPE", "CONTENT_LENGTH"}
            text = value.encode(request.headers.encoding).decode("latin-1")
            environ[key if own else f"HTTP_{key}"] = text
        return environ
