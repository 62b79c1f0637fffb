"""How connections are read: by uvicorn's protocol, but a request's head has an end.

The parser below takes headers of any size, as slowly as they come. Who sends without end would hold
memory, and who sends nothing a connection, and neither needs a log-in for it.
"""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes of a head, the request's line among them, that may come after its first piece.
LARGEST_HEAD = 64 * 1024

#: Seconds a head may take, from the connection or from its first byte.
HEAD_TIMEOUT = 30.0


class BoundedHTTPProtocol(HttpToolsProtocol):
    """One connection, closed where the head of a request is too large or too late."""

    _is_in_head = False
    #: None while the piece is read in which the head begins: what is before it is a body's.
    _head_size: int | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEAD_TIMEOUT, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._forget_deadline()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Note where a head begins."""
        super().on_message_begin()
        self._is_in_head, self._head_size = True, None

    def on_headers_complete(self) -> None:
        """Note where it ends."""
        self._is_in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read a piece, and close the connection if its head does not end."""
        super().data_received(data)
        if not self._is_in_head:
            if self._deadline is not None:
                self._forget_deadline()
            return
        self._head_size = 0 if self._head_size is None else self._head_size + len(data)
        if self._head_size > LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIMEOUT, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if self._is_in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            # A browser may connect before there is anything to ask, and expects no answer.
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why, and close."""
        self._forget_deadline()
        if not self.transport.is_closing():
            line = f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            rest = "content-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write((line + rest).encode("ascii"))
            self.transport.close()

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
