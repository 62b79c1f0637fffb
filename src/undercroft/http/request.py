"""What came in: one request, the same under every server.

Everything but method and path is read lazily: a handler that never looks at headers, query or
body does not pay for them.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from functools import cached_property
from secrets import token_urlsafe
from types import MappingProxyType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from undercroft.concurrency import step_or_drive
from undercroft.errors import BadRequest, BodyConsumedError, ContentTooLarge, UndercroftError
from undercroft.http.cookies import Cookies
from undercroft.http.forms import FormData, read_form
from undercroft.http.headers import Headers, RawHeaders
from undercroft.http.json import MAX_DEPTH, check_depth, load_json
from undercroft.http.multipart import DEFAULT_LIMITS, FormLimits, MultipartReader, Part
from undercroft.http.query import QueryParams
from undercroft.http.session import Session
from undercroft.http.signed_cookies import REQUIRED, SignedCookies
from undercroft.http.url import SAFE_IN_PATH, URL, quote_query

logger = logging.getLogger("undercroft.http")

#: The largest body read into memory, in bytes, unless the settings say otherwise.
MAX_BODY_SIZE = 10 * 1024 * 1024

#: A Content-Length of so many digits is beyond any body, and need not become a number.
MOST_LENGTH_DIGITS = 20


class Address(NamedTuple):
    """One end of a connection; `port` is None for a Unix socket."""

    host: str
    port: int | None


class State:
    """A place for what middleware and handlers hand on within one request."""

    def __init__(self) -> None:
        self.__dict__: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        """Explain a name that nobody has set."""
        held = ", ".join(sorted(self.__dict__)) or "nothing"
        raise AttributeError(f"request.state has no {name!r}; it holds {held}.")


class RequestState(State):
    """The request's state with typed names, for a subclass to declare.

    class State(RequestState):
        user: User

    A handler that names the class is given what `request.state` holds, seen so.
    """

    @classmethod
    def of(cls, request: "Request") -> Self:
        """Return the state of a request; what is set here is set there, too."""
        typed = cls.__new__(cls)
        typed.__dict__ = vars(request.state)
        return typed


class Request:
    """One HTTP request.

    Args:
        method: In upper case.
        path: Percent-decoded, below `root_path`, starting with a slash.
        raw_query: The query string as it came.
        raw_headers: The header fields as pairs of bytes, names in lower case.
        body: The whole body, where it is at hand; gateways override `receive_pieces` instead.

    Attributes:
        path_params: What the route's template captured, converted.
        route: The route that matched, once it has.
        scheme: "http" or "https"; of a WebSocket's handshake "ws" or "wss".
        app: The application that serves the request.
        socket: The `WebSocket` whose handshake this is, or None.
        root_path: Where the application is mounted, without a trailing slash.
        max_body_size: The largest body `body()` reads, in bytes.
        finishings: What is left for the moment before the answer is sent; None while it is nothing.
        endings: What is left for `end()`, once the answer has been sent; None while it is nothing.
        draft: The `ResponseDraft`, once the handler or a dependency has asked for a `Response`.
        background: The handler's `BackgroundTasks`, once it has asked for them.
        csrf_secret: What the tokens of forms are masks of, once one was asked for.
        content_policies: What its handler says of the page's policies, by header.
        is_answered: Whether the answer's headers are sent, as they are while a page is streamed.
    """

    # Defaults live on the class: a request that needs none of them is made with five stores.
    scheme: str = "http"
    path_params: Mapping[str, Any] = MappingProxyType({})
    route: Any = None
    app: Any = None
    socket: Any = None
    root_path: str = ""
    max_body_size: int = MAX_BODY_SIZE
    _body: bytes | None = None
    _is_body_begun: bool = False
    _headers: Headers | None = None
    _query_params: QueryParams | None = None
    _cookies: Cookies | None = None
    #: The view that answers, where its permissions were asked of it first.
    view: Any = None
    _state: State | None = None
    _form: FormData | None = None
    finishings: list[Callable[[Any], Awaitable[object]]] | None = None
    endings: list[Callable[[], Awaitable[object]]] | None = None
    _afterwards: list[Callable[[], Awaitable[object]]] | None = None
    _identity: Any = None
    background: Any = None
    draft: Any = None
    csrf_secret: str | None = None
    content_policies: Mapping[bytes, Any] = MappingProxyType({})
    is_answered: bool = False

    def __init__(
        self,
        method: str,
        path: str,
        raw_query: bytes = b"",
        raw_headers: RawHeaders | None = None,
        body: bytes | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.raw_query = raw_query
        self.raw_headers: RawHeaders = [] if raw_headers is None else raw_headers
        self._body = body

    # What only some handlers ask for; gateways say where it comes from, middleware may set it.

    @cached_property
    def client(self) -> Address | None:
        """The other end, or None where the server does not say."""
        return None

    @cached_property
    def server(self) -> Address | None:
        """This end, or None where the server does not say."""
        return None

    @property
    def headers(self) -> Headers:
        """The header fields."""
        if self._headers is None:
            self._headers = Headers(self.raw_headers)
        return self._headers

    def replace_headers(self, raw_headers: RawHeaders) -> None:
        """Let other header fields be those of the request, for a middleware that corrects them."""
        self.raw_headers = raw_headers
        self._headers = self._cookies = None

    @property
    def query_params(self) -> QueryParams:
        """The parameters of the query string."""
        if self._query_params is None:
            self._query_params = QueryParams.from_bytes(self.raw_query)
        return self._query_params

    @property
    def cookies(self) -> Cookies:
        """The cookies that came with the request."""
        if self._cookies is None:
            self._cookies = Cookies.from_headers(self.headers)
        return self._cookies

    @cached_property
    def signed_cookies(self) -> SignedCookies:
        """The cookies that `response.set_signed_cookie` sent; others are not there."""
        return SignedCookies(self.cookies, self.app.cookie_signer)

    def get_signed_cookie(
        self, name: str, default: Any = REQUIRED, max_age: timedelta | int | None = None
    ) -> Any:
        """Return the value of a signed cookie.

        Args:
            name: The cookie's.
            default: Returned where there is no good one, in place of an error.
            max_age: How long ago it may have been signed, in seconds or as a length of time.

        Raises:
            BadSignature: There is none, it was forged, or it is too old.
        """
        return self.signed_cookies.read(name, default, max_age)

    @property
    def state(self) -> State:
        """What middleware and handlers handed on."""
        if self._state is None:
            self._state = State()
        return self._state

    @cached_property
    def session(self) -> Session:
        """What is remembered of the visitor; nothing is loaded, or sent, before it is touched."""
        opened: Session = self.app.sessions.open(self)
        return opened

    @cached_property
    def csp_nonce(self) -> str:
        """What lets a script or style of this page run, `<script nonce="...">`.

        It stands in the answer's Content-Security-Policy only if it was asked for.

        Raises:
            UndercroftError: The answer has begun without it.
        """
        if self.is_answered:
            raise UndercroftError(
                "A page asks for `csp_nonce`, and its policy is sent without one.",
                hint="Ask for `request.csp_nonce` before the page is streamed.",
                code="csp.too-late",
            )
        return token_urlsafe(16)

    @property
    def user(self) -> Any:
        """Who makes the request; somebody anonymous where nobody is known.

        Raises:
            NotAuthenticated: Something was sent as a proof, and proves nothing.
            SynchronousOnlyOperation: To find out would block the event loop; `auser()` awaits it.
        """
        return self._identify().user

    @property
    def auth(self) -> Any:
        """What proved who makes the request, such as a token; None for a session. As for `user`."""
        return self._identify().auth

    async def auser(self) -> Any:
        """Find out who makes the request; afterwards `user` has it, in any code."""
        if self._identity is None:
            self._identity = await self.app.identification.identify(self)
        return self._identity.user

    def _identify(self) -> Any:
        if self._identity is None:
            step_or_drive(self.auser(), "request.user", "await request.auser()")
        return self._identity

    def set_identity(self, identity: Any) -> None:
        """Let the request be somebody's from here on: an object with `user` and `auth`."""
        self._identity = identity

    @property
    def host(self) -> str:
        """The Host header, checked against `allowed_hosts`, or this end's address."""
        named = self.headers.get("host")
        if named:
            return named
        if self.server is None:
            return "localhost"
        return self.server.host + (f":{self.server.port}" if self.server.port else "")

    @property
    def url(self) -> URL:
        """The address that was asked for."""
        path = self.root_path + self.path
        return URL(self.scheme, self.host, path, quote_query(self.raw_query))

    @property
    def media_type(self) -> str:
        """The body's media type in lower case, without parameters; "" where none is named."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def stream(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces, as they come, or as a whole once `body()` has read it.

        Pieces are not kept: the body can be streamed once, and not read afterwards.

        Raises:
            BodyConsumedError: It was streamed before.
            ClientDisconnected: The client went away before the end.
        """
        if self._body is None:
            self._begin_body()
            async for piece in self.receive_pieces():
                yield piece
        elif self._body:
            yield self._body

    async def body(self) -> bytes:
        """Read the whole body; a second call gives the same bytes.

        Raises:
            BodyConsumedError: It was streamed before.
            ClientDisconnected: The client went away before the end.
            ContentTooLarge: It is longer than `max_body_size`, whatever Content-Length says.
        """
        if self._body is None:
            self.check_content_length()
            self._begin_body()
            self._body = await self.gather_body()
        return self._body

    def find_read_body(self) -> bytes | None:
        """Find the body, if it was read as a whole; for those who hand the request on."""
        return self._body

    def _begin_body(self) -> None:
        if self._is_body_begun:
            raise BodyConsumedError(
                f"The body of {self.method} {self.path!r} was already read piece by piece,"
                " and its pieces were not kept.",
                hint="Call `await request.body()` first: `request.stream()` then yields what it"
                " read.",
            )
        self._is_body_begun = True

    async def receive_pieces(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces, from the server; called once."""
        pieces: tuple[bytes, ...] = ()
        for piece in pieces:
            yield piece

    async def gather_body(self) -> bytes:
        """Gather the pieces of the body; gateways know shorter ways for a single one."""
        pieces: list[bytes] = []
        size = 0
        async for piece in self.receive_pieces():
            size += len(piece)
            self.check_body_size(size)
            pieces.append(piece)
        return b"".join(pieces)

    async def json(self) -> Any:
        """Read the body as JSON.

        Raises:
            BadRequest: It is malformed, or nested too deeply.
        """
        return load_json(await self.body(), self._max_json_depth)

    def check_json_depth(self, raw: bytes) -> None:
        """Refuse a body that is nested more deeply than the settings allow.

        Raises:
            BadRequest: It is.
        """
        check_depth(raw, self._max_json_depth)

    @property
    def _max_json_depth(self) -> int:
        return getattr(self.app, "max_json_depth", MAX_DEPTH)

    async def form(self) -> FormData:
        """Read the body as a form, urlencoded or multipart; a second call gives the same.

        Its files are closed once the request has been answered.

        Raises:
            UnsupportedMediaType: It is declared as something else.
            BadRequest: It is malformed.
            ContentTooLarge: It passes a limit.
        """
        if self._form is None:
            self._form = await read_form(self, self._form_limits)
            if self._form.files:
                self.call_at_end(self._form.close)
        return self._form

    async def multipart(self) -> AsyncIterator[Part]:
        """Yield the parts of a multipart form as they come, for files that are kept nowhere.

        Raises:
            BodyConsumedError: It was streamed before.
            BadRequest: It is no multipart form, or malformed.
            ContentTooLarge: It passes a limit.
        """
        content_type = self.headers.get("content-type", "")
        reader = MultipartReader(content_type, self.stream(), self._form_limits)
        async for part in reader.parts():
            yield part

    @property
    def _form_limits(self) -> FormLimits:
        return getattr(self.app, "form_limits", DEFAULT_LIMITS)

    def call_before_answer(self, function: Callable[[Any], Awaitable[object]]) -> None:
        """Await a function with the response before it is sent, whether it is good or a failure's.

        What it raises is answered in place of the response.
        """
        if self.finishings is None:
            self.finishings = []
        self.finishings.append(function)

    def call_at_end(self, function: Callable[[], Awaitable[object]]) -> None:
        """Await a function once the answer has been sent, or has failed; the last given first."""
        if self.endings is None:
            self.endings = []
        self.endings.append(function)

    def call_after_answer(self, function: Callable[[], Awaitable[object]]) -> None:
        """Await a function once the answer has been sent, unless the request fails before that."""
        self.call_at_end(function)
        self._afterwards = [*(self._afterwards or ()), function]

    def drop_afterwards(self) -> None:
        """Forget what was to follow a good answer, or to be said in it: there will be none."""
        self.draft = None
        if self._afterwards is not None and self.endings is not None:
            dropped = self._afterwards
            self.endings = [each for each in self.endings if each not in dropped]
            self._afterwards = None

    async def end(self) -> None:
        """Do what was left for the end; what fails is logged, and the rest done all the same."""
        endings, self.endings = self.endings, None
        for function in reversed(endings or ()):
            try:
                await function()
            except Exception:
                logger.exception("What was left for the end of %r failed", self)

    def check_content_length(self) -> None:
        """Refuse a body that announces itself as too large, before any of it is read."""
        announced = self.headers.find(b"content-length")
        if announced is None:
            return
        if not announced.isdigit():
            raise BadRequest(f"Content-Length {announced[:40]!r} is not a number of bytes.")
        is_short = len(announced) < MOST_LENGTH_DIGITS
        self.check_body_size(int(announced) if is_short else self.max_body_size + 1)

    def check_body_size(self, size: int) -> None:
        """Refuse more bytes than the limit.

        Raises:
            ContentTooLarge: `size` is over `max_body_size`.
        """
        if size > self.max_body_size:
            raise ContentTooLarge(
                f"The body is larger than {self.max_body_size:,} bytes.",
                hint="Send less, or raise max_body_size in the settings.",
            )

    def url_for(self, name: str, /, **params: Any) -> str:
        """Return the path of a named route, below the mount, for example `blog:detail`.

        Raises:
            NoReverseMatch: No such route, or its parameters do not fit.
        """
        namespace = "" if self.route is None else self.route.namespace
        path: str = self.app.url_for_within(namespace, name, params)
        root = quote(self.root_path, safe=SAFE_IN_PATH)
        if not path.startswith("//"):
            return root + path
        # A route with a host: the address begins with it, and has this request's scheme and port.
        host, _, rest = path[2:].partition("/")
        port = self.host.rpartition("]")[2].partition(":")[2]
        return f"{self.scheme}://{host}{f':{port}' * bool(port)}{root}/{rest}"

    def __repr__(self) -> str:
        """Show method and path."""
        return f"<{type(self).__name__} {self.method} {self.path}>"
