"""How connections are read: by uvicorn's protocol, but nobody may keep one without doing anything.

The parser below takes headers of any size, and everything as slowly as it comes. Who sends without
end would hold memory, and who sends or reads nothing a connection, and none needs a log-in for it.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from undercroft.server.config import ServerConfig
from undercroft.server.watch import UnreadWatch, Watch

#: Bytes of a head, the request's line among them, that may come after its first piece.
LARGEST_HEAD = 64 * 1024

#: Seconds a head may take, from the connection or from its first byte.
HEAD_TIMEOUT = 30.0


class BoundedHTTPProtocol(HttpToolsProtocol):
    """One connection, closed where a request is too large or late, or its answer is not read.

    Who has sent a whole request and closes that half of the connection is sent the answer.
    """

    config: ServerConfig
    _is_in_head = False
    _is_in_body = False
    #: None while the piece is read in which the head begins: what is before it is a body's.
    _head_size: int | None = None
    _body_pieces = 0
    _deadline: asyncio.TimerHandle | None = None
    _answered: RequestResponseCycle | None = None
    _body_watch: Watch | None = None
    _leaving_watch: Watch | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._unread_watch = UnreadWatch(self.config.client_timeout, transport)
        self._deadline = self.loop.call_later(HEAD_TIMEOUT, self._give_up_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._forget_deadline()
        for watch in (self._body_watch, self._unread_watch, self._leaving_watch):
            if watch is not None:
                watch.end()
        super().connection_lost(exc)
        # The parser's is that of the last request, which may wait for this one.
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()

    # The request

    def on_message_begin(self) -> None:
        """Note where a head begins."""
        super().on_message_begin()
        self._is_in_head, self._head_size = True, None

    def on_headers_complete(self) -> None:
        """Note where it ends."""
        self._is_in_head, self._is_in_body = False, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note where the body ends."""
        self._is_in_body = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Read a piece, and close the connection if its head does not end."""
        super().data_received(data)
        if not self._is_in_head:
            if self._deadline is not None:
                self._forget_deadline()
            if self._is_in_body:
                self._wait_for_body()
            return
        self._head_size = 0 if self._head_size is None else self._head_size + len(data)
        if self._head_size > LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT, self._give_up_head)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Note which request is being answered: pipelined ones wait."""
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _give_up_head(self) -> None:
        self._deadline = None
        if self._is_in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            # A browser may connect before there is anything to ask, and expects no answer.
            self.transport.close()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _wait_for_body(self) -> None:
        self._body_pieces += 1
        if self._body_watch is None:
            self._body_watch = Watch(
                self.config.client_timeout, self._measure_body, self._give_up_body
            )
        self._body_watch.begin()

    def _measure_body(self) -> object:
        """Tell how far a body is; where the application has not asked for more, it moves."""
        if not self._is_in_body or self.transport.is_closing():
            return None
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            return object()
        return self._body_pieces

    def _give_up_body(self) -> None:
        if self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why, and close; the application learns that nobody waits for its answer."""
        self._forget_deadline()
        if not self.transport.is_closing():
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            rest = "content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write((line + rest).encode("ascii"))
            self.transport.close()
            if self._is_in_body:
                self.cycle.disconnected = True
                self.cycle.message_event.set()

    # The answer

    def pause_writing(self) -> None:
        """Begin to watch whether the client reads."""
        super().pause_writing()
        self._unread_watch.begin()

    def resume_writing(self) -> None:
        """Note that it does."""
        super().resume_writing()
        self._unread_watch.takings += 1

    def on_response_complete(self) -> None:
        """See to what is not sent yet: closing waits for it as long as it takes."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._unread_watch.begin()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it
        """Send the answer to who closes its half after a request, as long as something comes.

        Whoever hangs up looks the same until something is written, which then fails. An event
        stream may write nothing for long, and its reader never half-closes. TLS knows no half.
        """
        if self._answered is None or self._is_in_head or self._is_in_body:
            return False
        cycle = self.cycle
        if cycle.response_complete or self.scheme == "https":
            return False
        if (b"accept", b"text/event-stream") in self.scope["headers"]:
            return False
        cycle.keep_alive = False
        counted: Any = CountedTransport(self.transport)
        cycle.transport = counted
        self._leaving_watch = Watch(
            self.config.client_timeout, lambda: counted.writes, self.transport.abort
        )
        self._leaving_watch.begin()
        return True


class CountedTransport:
    """Counts what is written.

    Args:
        transport: Writes it, and does all the rest.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.writes = 0

    def write(self, data: bytes) -> None:
        """Write, and count."""
        self.writes += 1
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        """Be the transport for the rest."""
        return getattr(self._transport, name)
