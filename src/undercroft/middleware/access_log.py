"""Access log: one record for each request, and for each WebSocket, with its values as fields.

It goes to the logger `undercroft.access`. The record's message is the `AccessEntry` itself: as text
it is a line in which nothing that a client sent can begin another, and it is put together only
where a formatter asks for it. The record has it as `http_request`, too.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any

from undercroft.concurrency import close_source
from undercroft.errors import ClientDisconnected
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.http.websockets import WebSocket
from undercroft.middleware.debug_values import scrub
from undercroft.middleware.escaping import escape
from undercroft.middleware.pipeline import Endpoint
from undercroft.middleware.sockets import SocketEndpoint

logger = logging.getLogger("undercroft.access")

#: The client was gone before it was answered; nginx has the number.
CLIENT_CLOSED_REQUEST = 499

#: What else is to be logged of a request.
FindFields = Callable[[Request], Mapping[str, Any]]


class AccessEntry(dict[str, Any]):
    """The fields of one request.

    They are `client`, `method`, `path`, `query`, `route`, `status`, `bytes`, `duration_ms`,
    `request_id`, `user_agent` and what the application adds, as they came. Their text is escaped.
    """

    def __str__(self) -> str:
        """Write the line."""
        extra = "".join(
            f" {name}={escape(str(value))}" for name, value in self.items() if name not in _IN_LINE
        )
        return (
            f'{escape(self["client"])} "{escape(self["method"])} {escape(self.target)}"'
            f" {self['status']} {self['bytes']} {self['duration_ms']:.1f} ms{extra}"
        )

    @property
    def target(self) -> str:
        """Path and query."""
        query = self["query"]
        return f"{self['path']}?{query}" if query else str(self["path"])


#: What the line says by its order, or leaves to formats that have room for it.
_IN_LINE = frozenset(
    {"client", "method", "path", "query", "status", "bytes", "duration_ms"}
    | {"route", "user_agent", "request_id"}
)


def write_entry(entry: AccessEntry) -> None:
    """Log a request; nothing is looked for up the stack, which takes longer than all the rest."""
    record = logging.LogRecord(logger.name, logging.INFO, __file__, 0, entry, None, None)
    record.http_request = entry
    logger.handle(record)


class AccessLog:
    """Log every request when its answer is at hand, and a stream when it has ended.

    Args:
        fields: Finds what else to log, for example `lambda request: {"user": ...}`.
    """

    #: Around everything, so that what other middleware answers is logged, too.
    is_outermost = True

    def __init__(self, fields: FindFields | None = None) -> None:
        self._fields = fields

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Go on, and log the answer."""
        started = perf_counter()
        try:
            response = await call_next(request)
        except (ClientDisconnected, asyncio.CancelledError):
            self.log(request, started, CLIENT_CLOSED_REQUEST, 0)
            raise
        except BaseException:
            self.log(request, started, 500, 0)
            raise
        if response.stream is None:
            size = 0 if request.method == "HEAD" else len(response.body)
            self.log(request, started, response.status_code, size)
        else:
            done = partial(self.log, request, started, response.status_code)
            response.stream = CountedPieces(response.stream, done)
        return response

    async def around_socket(self, socket: WebSocket, call_next: SocketEndpoint) -> None:
        """Go on, and log the connection when it has ended: 101, or what refused it."""
        started = perf_counter()
        try:
            await call_next(socket)
        finally:
            self.log(socket.request, started, socket.status_code or CLIENT_CLOSED_REQUEST, 0)

    def log(self, request: Request, started: float, status: int, size: int) -> None:
        """Log a request, if anybody wants to know."""
        if not logger.isEnabledFor(logging.INFO):
            return
        client, route, agent = request.client, request.route, request.headers.find(b"user-agent")
        query = request.raw_query
        entry = AccessEntry(
            client="-" if client is None else client.host,
            method=request.method,
            path=request.root_path + request.path,
            # Keys and tokens stand in addresses, and logs are read by many.
            query=scrub(query.decode("latin-1")) if query else "",
            route=None if route is None else route.path,
            status=status,
            bytes=size,
            duration_ms=round((perf_counter() - started) * 1000, 3),
            request_id=vars(request.state).get("request_id"),
            user_agent=None if agent is None else agent.decode("latin-1"),
        )
        if self._fields is not None:
            entry.update(self._fields(request))
        write_entry(entry)


class CountedPieces(AsyncIterable[bytes]):
    """The pieces of a body, counted.

    Args:
        source: The pieces.
        done: Called once with their size, when they have ended or been closed.
    """

    def __init__(self, source: AsyncIterable[bytes], done: Callable[[int], None]) -> None:
        self._source = source
        self._done: Callable[[int], None] | None = done
        self._size = 0
        self._counting: AsyncGenerator[bytes] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Begin."""
        self._counting = self._count()
        return self._counting

    async def _count(self) -> AsyncGenerator[bytes]:
        try:
            async for piece in self._source:
                self._size += len(piece)
                yield piece
        finally:
            self._finish()

    async def aclose(self) -> None:
        """Close the source, and log, whether any piece was asked for or not."""
        try:
            if self._counting is not None:
                await self._counting.aclose()
            await close_source(self._source)
        finally:
            self._finish()

    def _finish(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(self._size)
