"""WebSocket (RFC 6455): one connection from handshake to close, the same under any server."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Protocol, TypeVar, cast

from undercroft.errors import (
    BadRequest,
    WebSocketDisconnect,
    WebSocketException,
    WebSocketStateError,
)
from undercroft.http.cookies import Cookies
from undercroft.http.headers import Headers, RawHeaders, encode_header
from undercroft.http.json import dump_json, load_json
from undercroft.http.messages import find_reader
from undercroft.http.query import QueryParams
from undercroft.http.request import Address, Request, State
from undercroft.http.responses import Response
from undercroft.http.url import URL

M = TypeVar("M")

#: The largest message that is taken, in bytes, unless the settings say otherwise.
MAX_MESSAGE_SIZE = 1024 * 1024

#: RFC 6455, section 5.5: what a close frame holds besides its code.
LONGEST_REASON = 123

#: RFC 6455, section 7.4: codes that may be sent, besides those of applications.
_SENDABLE = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})


class Wire(Protocol):
    """The server's side of a connection, as gateways hand it over."""

    async def accept(self, subprotocol: str | None, headers: RawHeaders) -> None:
        """Answer the handshake."""

    async def deny(self, response: Response) -> None:
        """Refuse the handshake with an HTTP answer, or with a bare 403 where that cannot be."""

    async def receive(self) -> str | bytes:
        """Wait for a message; `WebSocketDisconnect` says that there are no more."""
        ...

    async def transmit(self, message: str | bytes) -> None:
        """Hand a message over; waits while the client does not read."""

    async def close(self, code: int, reason: str) -> None:
        """Say good-bye."""


class Stage(Enum):
    """How far a connection has come."""

    CONNECTING = auto()
    OPEN = auto()
    CLOSED = auto()


class WebSocket:
    """One connection. Call `accept()` first.

    Args:
        request: The handshake, which is an HTTP request.
        wire: The server's side.
        subprotocols: What the client offers, by its preference.

    Attributes:
        wire: The server's side.
        max_message_size: The largest message that is taken, in bytes.
        stage: How far it has come.
        subprotocol: What was agreed upon, once it is accepted.
        status_code: Of the handshake's answer: 101, or what it was refused with; None before it.
    """

    def __init__(self, request: Request, wire: Wire, subprotocols: Sequence[str] = ()) -> None:
        self.request = request
        self.subprotocols = list(subprotocols)
        self.subprotocol: str | None = None
        self.status_code: int | None = None
        self.stage = Stage.CONNECTING
        self.max_message_size = MAX_MESSAGE_SIZE
        self.wire = wire
        self._end = WebSocketDisconnect(1006)
        request.socket = self

    # ------------------------------------------------------------------ what the handshake said

    @property
    def app(self) -> Any:
        """The application that serves it."""
        return self.request.app

    @property
    def path(self) -> str:
        """Percent-decoded, below the mount."""
        return self.request.path

    @property
    def path_params(self) -> Mapping[str, Any]:
        """What the route's template captured, converted."""
        return self.request.path_params

    @property
    def headers(self) -> Headers:
        """The header fields of the handshake."""
        return self.request.headers

    @property
    def query_params(self) -> QueryParams:
        """The parameters of the query string."""
        return self.request.query_params

    @property
    def cookies(self) -> Cookies:
        """The cookies that came with the handshake."""
        return self.request.cookies

    @property
    def state(self) -> State:
        """What middleware and handlers handed on."""
        return self.request.state

    @property
    def client(self) -> Address | None:
        """The other end, or None where the server does not say."""
        return self.request.client

    @property
    def url(self) -> URL:
        """The address that was asked for, `ws` or `wss`."""
        url = self.request.url
        scheme = "wss" if url.scheme in {"https", "wss"} else "ws"
        return URL(scheme, url.host, url.path, url.query)

    def url_for(self, name: str, /, **params: Any) -> str:
        """Return the path of a named route, below the mount."""
        return self.request.url_for(name, **params)

    # ------------------------------------------------------------------------- its beginning

    def choose_subprotocol(self, known: Sequence[str]) -> str | None:
        """Choose the first of those the client offers that is known here."""
        return next((each for each in self.subprotocols if each in known), None)

    async def accept(
        self, subprotocol: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer the handshake: from here on both sides may speak.

        Args:
            subprotocol: One of `subprotocols`.
            headers: Sent with the answer.

        Raises:
            WebSocketStateError: It was accepted or refused before.
            ValueError: The client did not offer the subprotocol, or a header cannot be sent.
        """
        self._check_stage(Stage.CONNECTING, "accept()")
        if subprotocol is not None and subprotocol not in self.subprotocols:
            raise ValueError(
                f"The client did not offer the subprotocol {subprotocol!r},"
                f" only {self.subprotocols}."
            )
        fields = [encode_header(name, value) for name, value in (headers or {}).items()]
        for name, _ in fields:
            if name.startswith(b"sec-websocket-"):
                raise ValueError(f"The header {name.decode()!r} is the handshake's own.")
        answer = Response(status_code=101)
        answer.raw_headers = fields
        await self.finish_handshake(answer)
        await self.wire.accept(subprotocol, answer.raw_headers)
        self.subprotocol = subprotocol
        self.stage = Stage.OPEN

    async def deny(self, response: Response) -> None:
        """Refuse the handshake with an HTTP answer; with a bare 403 where the server cannot.

        Raises:
            WebSocketStateError: It was accepted or refused before.
        """
        self._check_stage(Stage.CONNECTING, "deny()")
        answer = await response.resolve(self.request) if response.is_deferred else response
        await self.finish_handshake(answer)
        self.stage = Stage.CLOSED
        await self.wire.deny(answer)

    async def finish_handshake(self, answer: Response) -> None:
        """Do what was left for the handshake's answer: the session is stored, its cookie set.

        It is done once. What fails can still be answered.

        Args:
            answer: With status 101 where the connection is accepted.
        """
        functions, self.request.finishings = self.request.finishings, None
        for function in functions or ():
            await function(answer)
        self.status_code = answer.status_code

    # ------------------------------------------------------------------------- what comes in

    async def receive(self) -> str | bytes:
        """Wait for a message of either kind.

        Raises:
            WebSocketDisconnect: The client has left.
            WebSocketException: The message is too large.
            WebSocketStateError: The connection was not accepted.
        """
        if self.stage is Stage.CLOSED:
            raise self._end
        self._check_stage(Stage.OPEN, "receiving")
        try:
            message = await self.wire.receive()
        except WebSocketDisconnect as end:
            self.stage, self._end = Stage.CLOSED, end
            raise
        if len(message) > self.max_message_size:
            raise WebSocketException(
                1009, f"A message is larger than {self.max_message_size:,} bytes."
            )
        return message

    async def receive_text(self) -> str:
        """Wait for a message, which must be text.

        Raises:
            WebSocketDisconnect: The client has left.
            WebSocketException: It is binary.
        """
        message = await self.receive()
        if isinstance(message, bytes):
            raise WebSocketException(1003, "Text was expected, and a binary message came.")
        return message

    async def receive_bytes(self) -> bytes:
        """Wait for a message, which must be binary.

        Raises:
            WebSocketDisconnect: The client has left.
            WebSocketException: It is text.
        """
        message = await self.receive()
        if isinstance(message, str):
            raise WebSocketException(1003, "A binary message was expected, and text came.")
        return message

    async def receive_json(self) -> Any:
        """Wait for a message, text or binary, and read it as JSON.

        Raises:
            WebSocketDisconnect: The client has left.
            WebSocketException: It is malformed.
        """
        message = await self.receive()
        try:
            return load_json(message.encode() if isinstance(message, str) else message)
        except BadRequest as error:
            raise WebSocketException(1007, error.detail) from error

    async def receive_message(self, kind: type[M]) -> M:
        """Wait for a message, read it as JSON and validate it.

        Args:
            kind: A Pydantic model, a dataclass or any other type that Pydantic knows.

        Raises:
            WebSocketDisconnect: The client has left.
            WebSocketException: It is malformed or does not fit.
        """
        read: Callable[[str], M] = find_reader(cast("Any", kind))
        return read(await self.receive_text())

    async def iter_text(self) -> AsyncIterator[str]:
        """Yield text messages until the client leaves."""
        try:
            while True:
                yield await self.receive_text()
        except WebSocketDisconnect:
            return

    async def iter_bytes(self) -> AsyncIterator[bytes]:
        """Yield binary messages until the client leaves."""
        try:
            while True:
                yield await self.receive_bytes()
        except WebSocketDisconnect:
            return

    async def iter_json(self) -> AsyncIterator[Any]:
        """Yield messages, read as JSON, until the client leaves."""
        try:
            while True:
                yield await self.receive_json()
        except WebSocketDisconnect:
            return

    async def messages(self, kind: type[M]) -> AsyncIterator[M]:
        """Yield messages, validated as `receive_message` does, until the client leaves."""
        try:
            while True:
                yield await self.receive_message(kind)
        except WebSocketDisconnect:
            return

    # ------------------------------------------------------------------------ what goes out

    async def send_text(self, text: str) -> None:
        """Send text.

        Raises:
            WebSocketDisconnect: The client has left.
        """
        await self._transmit(text)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message.

        Raises:
            WebSocketDisconnect: The client has left.
        """
        await self._transmit(data)

    async def send_json(self, value: Any) -> None:
        """Send a value as JSON in a text message; models and dataclasses too.

        Raises:
            WebSocketDisconnect: The client has left.
            SerializationError: Some part of it has no JSON form.
        """
        await self._transmit(dump_json(value).decode())

    async def _transmit(self, message: str | bytes) -> None:
        if self.stage is Stage.CLOSED:
            raise self._end
        self._check_stage(Stage.OPEN, "sending")
        try:
            await self.wire.transmit(message)
        except WebSocketDisconnect as end:
            self.stage, self._end = Stage.CLOSED, end
            raise

    # ------------------------------------------------------------------------------ its end

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection; before it is accepted, that refuses it with 403.

        A second call, or one after the client has left, does nothing.

        Raises:
            ValueError: The code may not be sent, or the reason is longer than 123 bytes.
        """
        check_close(code, reason)
        if self.stage is Stage.CONNECTING:
            await self.deny(Response(b"", 403))
        elif self.stage is Stage.OPEN:
            self.stage, self._end = Stage.CLOSED, WebSocketDisconnect(code, reason)
            await self.wire.close(code, reason)

    def _check_stage(self, wanted: Stage, deed: str) -> None:
        if self.stage is not wanted:
            raise WebSocketStateError(
                f"{deed} is not possible: the connection is {self.stage.name.lower()}.",
                hint="Call `await socket.accept()` first, once."
                if self.stage is Stage.CONNECTING or wanted is Stage.CONNECTING
                else "",
            )

    def __repr__(self) -> str:
        """Show path and stage."""
        return f"<WebSocket {self.path} {self.stage.name.lower()}>"


def check_close(code: int, reason: str = "") -> None:
    """Refuse a code that no end may send (RFC 6455, section 7.4), and a reason that does not fit.

    Raises:
        ValueError: It is such a code, or the reason is too long.
    """
    if code not in _SENDABLE and code not in range(3000, 5000):
        raise ValueError(f"The close code {code!r} may not be sent; 1000 to 1014 and 3000 to 4999.")
    if len(reason.encode()) > LONGEST_REASON:
        raise ValueError(f"The reason {reason!r} is longer than {LONGEST_REASON} bytes.")


def shorten_reason(reason: str) -> str:
    """Cut a reason to what a close frame can hold, at a character's end."""
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")
