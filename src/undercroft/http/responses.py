"""What goes out: status, header fields and a body, whole or as a stream of pieces."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from copy import copy
from typing import Any, ClassVar, Self, TypeAlias, Unpack
from urllib.parse import quote

from undercroft.concurrency import close_source, iterate
from undercroft.http.cookies import CookieOptions, format_cookie
from undercroft.http.headers import MutableHeaders, RawHeaders, encode_header
from undercroft.http.json import dump_json
from undercroft.http.request import Request
from undercroft.http.signed_cookies import SignedCookie
from undercroft.http.url import SAFE_IN_PATH

#: Statuses whose answers have no body (RFC 9110, sections 15.2 to 15.4.5).
BODILESS = frozenset({100, 101, 102, 103, 204, 205, 304})

STATUS_RANGE = range(100, 600)

#: Work for after the answer: `BackgroundTask`, `BackgroundTasks`, or any such function.
Background: TypeAlias = Callable[[], Awaitable[object]]


class Response:
    """An answer.

    Args:
        content: Bytes, or text to be encoded as UTF-8.
        status_code: 100 to 599.
        headers: Fields by name; Content-Length and Content-Type are set for you.
        media_type: What Content-Type says; `charset=utf-8` is added to `text/` types.
        background: Awaited once the answer has been sent.

    Attributes:
        raw_headers: The fields as pairs of bytes, names in lower case, as servers want them.
        body: The whole body; empty while `stream` is set.
        stream: The pieces of a body that is not at hand as a whole, or None.

    Raises:
        ValueError: The status is out of range or allows no content and there is some, or a
            header would split the answer.
    """

    default_media_type: ClassVar[str | None] = None
    #: Whether `resolve` is still to make the answer of one request out of this.
    is_deferred: bool = True
    stream: AsyncIterable[bytes] | None = None
    background: Background | None = None
    _is_settled: bool = False
    _signed_cookies: tuple[SignedCookie, ...] = ()

    def __init__(
        self,
        content: str | bytes = b"",
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        self.status_code = check_status(status_code)
        self.body = content.encode() if isinstance(content, str) else content
        if self.body:
            check_content_allowed(status_code)
        self.raw_headers: RawHeaders = [encode_header(*pair) for pair in (headers or {}).items()]
        named = {name for name, _ in self.raw_headers}
        media_type = media_type or self.default_media_type
        if media_type is not None and b"content-type" not in named:
            self.raw_headers.append(content_type(media_type))
        if status_code not in BODILESS and b"content-length" not in named:
            self.raw_headers.append((b"content-length", b"%d" % len(self.body)))
        if background is not None:
            self.background = background

    @classmethod
    def from_bytes(cls, body: bytes, kind: tuple[bytes, bytes], status_code: int) -> "Response":
        """Build the answer of a prepared handler: nothing is left to look up or check.

        Args:
            body: The whole body.
            kind: The encoded Content-Type field, from `content_type`.
            status_code: A status that `check_status` has seen.
        """
        response = Response.__new__(_PreparedResponse)
        response.status_code = status_code
        response.body = body
        response.raw_headers = [kind, (b"content-length", b"%d" % len(body))]
        return response

    @property
    def headers(self) -> MutableHeaders:
        """The fields, to read and to set."""
        return MutableHeaders(self.raw_headers)

    def set_cookie(self, name: str, value: str = "", **options: Unpack[CookieOptions]) -> None:
        """Send a cookie, HttpOnly and SameSite=Lax unless told otherwise.

        Raises:
            ValueError: A part holds a character that would end or split the header.
        """
        self.headers.append("set-cookie", format_cookie(name, value, **options))

    def delete_cookie(self, name: str, *, path: str = "/", domain: str | None = None) -> None:
        """Remove a cookie from the browser; path and domain must be those it was set with."""
        self.set_cookie(name, max_age=0, path=path, domain=domain)

    def set_signed_cookie(self, name: str, value: Any, **options: Unpack[CookieOptions]) -> None:
        """Send a cookie that nobody can forge, and everybody can read.

        `request.signed_cookies` has it again. With `max_age` it is refused after that time,
        whatever the browser says.

        Args:
            name: Is signed, too: the value counts under no other name.
            value: What JSON can hold.
            options: Those of `set_cookie`.
        """
        self._signed_cookies = (*self._signed_cookies, SignedCookie(name, value, options))
        self.is_deferred = True

    async def resolve(self, request: Request) -> "Response":
        """Make the answer of one request, which middleware may change, and do what hangs on it.

        A handler may keep a response and return it again.
        """
        response = self.copy() if self._is_settled else await self.settle(request)
        if self._signed_cookies:
            for cookie in self._signed_cookies:
                response.set_cookie(
                    cookie.name, cookie.sign(request.app.cookie_signer), **cookie.options
                )
            response._signed_cookies = ()
        if self.background is not None:
            request.call_after_answer(self.background)
            response.background = None
        return response

    async def settle(self, request: Request) -> "Response":
        """Settle what depends on the request: files answer conditions and ranges here."""
        return self.copy()

    def copy(self) -> Self:
        """Copy status, fields and body, with nothing left to settle; a stream is shared."""
        copied = copy(self)
        copied.raw_headers = [*self.raw_headers]
        copied.is_deferred = False
        copied._is_settled = True
        return copied

    def without_body(self) -> Self:
        """Copy status and fields without the body, as the answer to HEAD (RFC 9110, 9.3.2)."""
        copied = self.copy()
        copied.body, copied.stream = b"", None
        return copied

    async def close(self) -> None:
        """Close the source of a stream, whether it was sent, in part or not at all."""
        close = getattr(self.stream, "aclose", None)
        if close is not None:
            await close()

    def __repr__(self) -> str:
        """Show kind and status."""
        return f"<{type(self).__name__} {self.status_code}>"


class _PreparedResponse(Response):
    """What `Response.from_bytes` builds: made for one request, with nothing left to settle."""

    is_deferred = False
    _is_settled = True


class PlainTextResponse(Response):
    """Text, as text/plain."""

    default_media_type = "text/plain"


class HTMLResponse(Response):
    """Markup, as text/html."""

    default_media_type = "text/html"


class JSONResponse(Response):
    """Any plain value, written as JSON.

    Raises:
        SerializationError: Some part of the value has no JSON form.
    """

    default_media_type = "application/json"

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        super().__init__(dump_json(content), status_code, headers, media_type, background)


class RedirectResponse(Response):
    """Send the client elsewhere; 307 keeps method and body, 303 makes it a GET.

    `url` is the application's own word: where it comes from the client, check it first.
    """

    def __init__(
        self,
        url: str,
        status_code: int = 307,
        headers: Mapping[str, str] | None = None,
        background: Background | None = None,
    ) -> None:
        location = quote(str(url), safe=f"{SAFE_IN_PATH}%?#[]")
        fields = {**(headers or {}), "location": location}
        super().__init__(b"", status_code, fields, background=background)


class StreamingResponse(Response):
    """A body that is made while it is sent.

    Args:
        stream: Pieces of bytes or text, from an async or a plain iterable.
        status_code: 100 to 599.
        headers: Fields by name.
        media_type: What Content-Type says.
        background: Awaited once all has been sent.
    """

    def __init__(
        self,
        stream: AsyncIterable[bytes | str] | Iterable[bytes | str],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Background | None = None,
    ) -> None:
        super().__init__(b"", status_code, headers, media_type, background)
        check_content_allowed(status_code)
        del self.headers["content-length"]
        self.stream = Pieces(encode_pieces(stream), stream)


async def encode_pieces(
    pieces: AsyncIterable[bytes | str] | Iterable[bytes | str],
) -> AsyncGenerator[bytes]:
    """Yield every piece as bytes."""
    items = iterate(pieces)
    try:
        async for piece in items:
            yield piece.encode() if isinstance(piece, str) else piece
    finally:
        await items.aclose()


class Pieces(AsyncIterable[bytes]):
    """The pieces of a body, and the source to close even if none of them was asked for.

    A generator that was never begun closes without running its `finally`.

    Args:
        pieces: A generator that closes the source at its end.
        source: Has `aclose`, `close` or neither.
    """

    def __init__(self, pieces: AsyncGenerator[bytes], source: object) -> None:
        self._pieces = pieces
        self._source = source
        self._is_begun = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Begin."""
        self._is_begun = True
        return self._pieces

    async def aclose(self) -> None:
        """Close the generator, and with it or without it the source."""
        await self._pieces.aclose()
        if not self._is_begun:
            self._is_begun = True
            await close_source(self._source)


def content_type(media_type: str) -> tuple[bytes, bytes]:
    """Encode the Content-Type field, with the charset for text."""
    if media_type.startswith("text/") and "charset=" not in media_type:
        media_type += "; charset=utf-8"
    return encode_header("content-type", media_type)


def check_status(status_code: int) -> int:
    """Return a status that a server can send.

    Raises:
        ValueError: It is outside 100 to 599 (RFC 9110, section 15).
    """
    if status_code not in STATUS_RANGE:
        raise ValueError(f"Status {status_code!r} is not a number from 100 to 599.")
    return int(status_code)


def check_content_allowed(status_code: int) -> None:
    """Refuse content where the status has none: servers break off such an answer.

    Raises:
        ValueError: The status is informational, 204, 205 or 304.
    """
    if status_code in BODILESS:
        raise ValueError(
            f"An answer with status {status_code} has no content; leave the content out, as in"
            f" `Response(status_code={status_code})`, or choose another status."
        )
