"""WSGI (PEP 3333): the same application under a server without an event loop."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextvars import Context, copy_context
from functools import cached_property
from http import HTTPStatus
from typing import Any

from undercroft.concurrency import drive, run_in_thread
from undercroft.errors import BadRequest, ClientDisconnected
from undercroft.gateways.application import Application
from undercroft.gateways.wsgi_streams import StreamIterator
from undercroft.http.headers import RawHeaders
from undercroft.http.request import MOST_LENGTH_DIGITS, Address, Request

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

CHUNK_SIZE = 64 * 1024

_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class WSGIRequest(Request):
    """A request whose body is read from a file."""

    environ: Environ

    @cached_property
    def client(self) -> Address | None:
        """The other end, or None where the server does not say."""
        host = self.environ.get("REMOTE_ADDR")
        return Address(host, find_port(self.environ.get("REMOTE_PORT"))) if host else None

    @cached_property
    def server(self) -> Address | None:
        """This end, or None where the server does not say."""
        host = self.environ.get("SERVER_NAME")
        return Address(host, find_port(self.environ.get("SERVER_PORT"))) if host else None

    async def receive_pieces(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces, from the server.

        Raises:
            BadRequest: The server finds it malformed.
            ClientDisconnected: It ended before Content-Length was reached.
        """
        source = self.environ["wsgi.input"]
        left = find_content_length(self.environ)
        while left is None or left > 0:
            size = CHUNK_SIZE if left is None else min(CHUNK_SIZE, left)
            piece = await run_in_thread(read_input, source, size)
            if not piece:
                if left is not None:
                    raise ClientDisconnected("The body ended before Content-Length was reached.")
                return
            if left is not None:
                left -= len(piece)
            yield piece


class WSGIGateway:
    """The application as WSGI servers call it."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request in a context of its own: server threads are used again."""
        context = copy_context()
        request = build_request(environ)
        try:
            response = context.run(drive, self._application.handle(request))
        except ClientDisconnected:
            start_response("400 Bad Request", [("content-length", "0")])
            return Body(request, context, [])
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.raw_headers
        ]
        start_response(format_status(response.status_code), headers)
        if response.stream is None:
            return (
                [response.body]
                if request.endings is None
                else Body(request, context, [response.body])
            )
        return StreamIterator(response, context, request)


class Body(list[bytes]):
    """A whole body, after which something is left to do: servers call `close` at the end.

    Args:
        request: Has the rest.
        context: The request's context variables.
        pieces: The body.
    """

    def __init__(self, request: Request, context: Context, pieces: list[bytes]) -> None:
        super().__init__(pieces)
        self._request = request
        self._context = context

    def close(self) -> None:
        """Do what was left for the end."""
        self._context.run(drive, self._request.end())


def build_request(environ: Environ) -> WSGIRequest:
    """Translate an environ."""
    request = WSGIRequest(
        environ["REQUEST_METHOD"],
        decode_path(environ.get("PATH_INFO", "")) or "/",
        environ.get("QUERY_STRING", "").encode("latin-1"),
        build_headers(environ),
    )
    request.environ = environ
    request.scheme = environ.get("wsgi.url_scheme", "http")
    request.root_path = decode_path(environ.get("SCRIPT_NAME", "")).rstrip("/")
    return request


def build_headers(environ: Environ) -> RawHeaders:
    """Translate the CGI variables back into header fields."""
    headers = [
        (name[5:].replace("_", "-").lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            field = name.replace("_", "-").lower().encode("latin-1")
            headers.append((field, environ[name].encode("latin-1")))
    return headers


def find_content_length(environ: Environ) -> int | None:
    """Find how many bytes the body has; None where the server marks the end itself.

    Raises:
        BadRequest: The header is no number, or one that no body reaches.
    """
    announced = environ.get("CONTENT_LENGTH") or ""
    if announced.isascii() and announced.isdigit() and len(announced) < MOST_LENGTH_DIGITS:
        return int(announced)
    if announced:
        raise BadRequest(f"Content-Length {announced[:40]!r} is not a number of bytes.")
    return None if environ.get("wsgi.input_terminated") else 0


def read_input(source: Any, size: int) -> bytes:
    """Read a piece of the body.

    Raises:
        BadRequest: The server finds it malformed; each has errors of its own for that.
        ClientDisconnected: The connection is broken.
    """
    try:
        piece: bytes = source.read(size)
    except OSError as error:
        raise ClientDisconnected("The client went away before its body was complete.") from error
    except Exception as error:
        raise BadRequest(
            "The body cannot be read.", hint="Mend its chunks or its length.", code="http.body"
        ) from error
    return piece


def find_port(value: Any) -> int | None:
    """Find a port number, where the server gives one."""
    return int(value) if str(value).isdigit() else None


def decode_path(path: str) -> str:
    """Decode a path: WSGI hands bytes over as ISO 8859-1 characters (PEP 3333)."""
    return path.encode("latin-1", "replace").decode("utf-8", "replace")


def format_status(status_code: int) -> str:
    """Format the status line."""
    return _STATUS_LINES.get(status_code) or f"{status_code} Unknown"
