"""Let somebody else's WSGI application answer one of our requests under WSGI.

It is called in the server's own thread, unless the request has moved to the background loop. Its
answer is passed on piece by piece, the first taken early: only then status and headers are final.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from undercroft.concurrency import iterate, run_in_thread
from undercroft.gateways.foreign_asgi import ForeignResponse, build_too_large
from undercroft.gateways.foreign_wsgi import ExcInfo
from undercroft.gateways.wsgi import Environ
from undercroft.http.responses import Pieces, Response

WSGIApplication = Callable[..., Iterable[bytes]]


async def answer_by_wsgi(application: WSGIApplication, environ: Environ, limit: int) -> Response:
    """Call the application and return its answer as soon as its first piece is there.

    Args:
        application: Speaks WSGI.
        environ: What it is called with.
        limit: The largest body, in bytes.

    Raises:
        ContentTooLarge: The body is larger, and the answer had not begun.
        Exception: What the application raised before it answered.
    """
    body = _LimitedInput(environ["wsgi.input"], limit)
    environ["wsgi.input"] = io.BufferedReader(body)
    answer = _Answer()
    try:
        await run_in_thread(answer.begin, application, environ)
    except Exception:
        if body.is_refused:
            raise build_too_large(limit) from None
        raise
    if body.is_refused:
        await run_in_thread(answer.close)
        raise build_too_large(limit)
    return answer.build_response()


class _LimitedInput(io.RawIOBase):
    """The request's body, up to a limit."""

    def __init__(self, source: Any, limit: int) -> None:
        self._source = source
        self._left = limit
        self.is_refused = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._source.read(len(buffer))
        self._left -= len(piece)
        if self._left < 0:
            self.is_refused = True
            raise OSError("The body is larger than is allowed.")
        buffer[: len(piece)] = piece
        return len(piece)


class _Answer(Iterator[bytes]):
    """What the application says; iterated for the pieces of its body."""

    def __init__(self) -> None:
        self._status = 0
        self._headers: list[tuple[str, str]] = []
        self._ready: list[bytes] = []
        self._is_begun = False
        self._source: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())

    def begin(self, application: WSGIApplication, environ: Environ) -> None:
        self._source = application(environ, self.start_response)
        try:
            self._pieces = iter(self._source)
            while not any(self._ready):
                self._ready.append(next(self._pieces))
        except StopIteration:
            pass
        except BaseException:
            self.close()
            raise
        if not self._status:
            self.close()
            raise RuntimeError("The application answered without start_response (PEP 3333).")
        self._is_begun = True

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None and self._is_begun:
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self._status:
            raise RuntimeError("start_response was called twice without exc_info (PEP 3333).")
        self._status = int(status.split(" ", 1)[0])
        self._headers = headers
        return self._ready.append

    def build_response(self) -> Response:
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in self._headers
        ]
        response = ForeignResponse(self._status, headers)
        response.stream = Pieces(iterate(self), self)
        return response

    def __next__(self) -> bytes:
        if not self._ready:
            # Behind what the application writes by the callable in the meantime.
            try:
                self._ready.append(next(self._pieces))
            except StopIteration:
                if not self._ready:
                    raise
        return self._ready.pop(0)

    def close(self) -> None:
        close = getattr(self._source, "close", None)
        if close is not None:
            close()
