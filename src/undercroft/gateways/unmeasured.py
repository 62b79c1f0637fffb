"""Bodies whose length the client did not tell, for WSGI applications that want to know it.

Many read what Content-Length says and nothing else: to Django such a body is empty, and Bottle
would undo the chunks again that the server has undone. Once the whole body is here, on disk if it
is large, its length can be told.
"""

from collections.abc import Callable, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from undercroft.http.uploads import SPOOL_SIZE

#: The most that is kept for an application that says no limit of its own, in bytes.
MOST = 1024 * 1024 * 1024

_PIECE = 64 * 1024


class MeasuringBody:
    """A WSGI application around another, which is called once the body's length is known.

    Args:
        application: Speaks WSGI.
        limit: The largest body without a length, in bytes; a larger one is answered with 413.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], limit: int = MOST) -> None:
        self._application = application
        self._limit = limit

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        if not is_unmeasured(environ):
            return self._application(environ, start_response)
        body = cast("BinaryIO", SpooledTemporaryFile(max_size=SPOOL_SIZE))  # noqa: SIM115 - closed with the answer
        try:
            size = self._keep(environ["wsgi.input"], body)
            if size > self._limit:
                start_response("413 Content Too Large", [("Content-Length", "0")])
                return _Pieces((), body)
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            measured = environ | {"wsgi.input": body, "CONTENT_LENGTH": str(size)}
            return _Pieces(self._application(measured, start_response), body)
        except BaseException:
            body.close()
            raise

    def _keep(self, source: BinaryIO, body: BinaryIO) -> int:
        size = 0
        while size <= self._limit and (piece := source.read(_PIECE)):
            size += len(piece)
            body.write(piece)
        body.seek(0)
        return size


def is_unmeasured(environ: dict[str, Any]) -> bool:
    """Tell whether a body came without its length, and the server marks its end itself.

    In HTTP/1.1 Transfer-Encoding says that there is one (RFC 9112, section 6.3); later versions
    need no sign of it.
    """
    return (
        not environ.get("CONTENT_LENGTH")
        and bool(environ.get("wsgi.input_terminated"))
        and (
            "HTTP_TRANSFER_ENCODING" in environ
            or not str(environ.get("SERVER_PROTOCOL")).startswith("HTTP/1")
        )
    )


class _Pieces:
    """An answer, and the body of its request, which are closed together."""

    def __init__(self, pieces: Iterable[bytes], body: BinaryIO) -> None:
        self._pieces = pieces
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        try:
            getattr(self._pieces, "close", lambda: None)()
        finally:
            self._body.close()
