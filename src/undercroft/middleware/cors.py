"""CORS: which pages of other origins may read the answers (fetch.spec.whatwg.org).

Closed unless this is added. An origin is compared as a whole; a regular expression must match all
of it. `*` with credentials would open every user's data to every page and is refused at start.
"""

import re
from collections.abc import Sequence

from undercroft.errors import ImproperlyConfigured
from undercroft.http.headers import TOKEN
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.pipeline import Endpoint

_ORIGIN = re.compile(r"(?:[a-z][a-z0-9+.-]*://[^/?#\s@*\x00-\x1f\x7f]+|null)", re.IGNORECASE)

#: Every page may send these without asking (the standard's safelisted methods and headers).
_SAFE_HEADERS = ("accept", "accept-language", "content-language", "content-type")


class CORS:
    """Let pages of other origins read answers.

    Args:
        allow_origins: Origins such as `https://example.org`, or `*` for all.
        allow_origin_regex: Further ones, each as a whole.
        allow_methods: Methods besides GET, HEAD and POST, or `*`.
        allow_headers: Headers they may send, or `*`.
        allow_credentials: Whether cookies may come along; not with `*`.
        allow_private_network: Whether a public page may reach a private network.
        expose_headers: Headers of the answer they may read.
        max_age: Seconds a browser remembers the answer to its preflight.

    Raises:
        ImproperlyConfigured: An origin is none, or `*` stands with credentials.
    """

    #: Around failures, so that a page may read those, too.
    is_outermost = True

    def __init__(  # noqa: PLR0913 - Starlette's names, all of them optional
        self,
        *,
        allow_origins: Sequence[str] = (),
        allow_origin_regex: str | None = None,
        allow_methods: Sequence[str] = ("GET", "HEAD", "POST"),
        allow_headers: Sequence[str] = (),
        allow_credentials: bool = False,
        allow_private_network: bool = False,
        expose_headers: Sequence[str] = (),
        max_age: int = 600,
    ) -> None:
        check_origins(allow_origins, allow_credentials=allow_credentials)
        self.allows_all = "*" in allow_origins
        self._origins = frozenset(origin.lower() for origin in allow_origins)
        self._regex = None if allow_origin_regex is None else re.compile(allow_origin_regex)
        self._methods = {method.upper() for method in allow_methods}
        self._headers = {header.lower() for header in (*_SAFE_HEADERS, *allow_headers)}
        self._credentials = allow_credentials
        self._private = allow_private_network
        self._exposed = ", ".join(expose_headers)
        self._max_age = str(max_age)

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Answer a preflight, or mark the answer for the page that asked; errors too."""
        origin = request.headers.get("origin")
        asked = request.headers.get("access-control-request-method")
        if origin is not None and request.method == "OPTIONS" and asked is not None:
            return self.answer_preflight(request, origin, asked)
        response = await call_next(request)
        if response.is_deferred:
            response = await response.resolve(request)
        if origin is not None and self.is_allowed(origin):
            self._mark(response, origin)
            if self._exposed:
                response.headers["access-control-expose-headers"] = self._exposed
        if not self.allows_all:
            # Also where no origin was named: a cache must not give that answer to a page.
            response.headers.add_vary("Origin")
        return response

    def is_allowed(self, origin: str) -> bool:
        """Tell whether a page of this origin may read answers."""
        if self.allows_all or origin.lower() in self._origins:
            return True
        if self._regex is None or _ORIGIN.fullmatch(origin) is None:
            return False
        return self._regex.fullmatch(origin) is not None

    def answer_preflight(self, request: Request, origin: str, method: str) -> Response:
        """Answer whether a request may be sent; a refusal carries no permission."""
        response = Response(b"", 204)
        for name in ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"):
            response.headers.add_vary(name)
        wanted = request.headers.get("access-control-request-headers", "")
        names = [name.strip(" \t").lower() for name in wanted.split(",") if name.strip()]
        wants_private = request.headers.get("access-control-request-private-network") == "true"
        allowed = (
            self.is_allowed(origin)
            and all(map(TOKEN.fullmatch, [method, *names]))
            and ("*" in self._methods or method in self._methods)
            and ("*" in self._headers or self._headers.issuperset(names))
            and (self._private or not wants_private)
        )
        if not allowed:
            return Response("This cross-origin request is not allowed.", 400, response.headers)
        self._mark(response, origin)
        response.headers["access-control-allow-methods"] = method
        response.headers["access-control-max-age"] = self._max_age
        if names:
            response.headers["access-control-allow-headers"] = ", ".join(names)
        if wants_private:
            response.headers["access-control-allow-private-network"] = "true"
        return response

    def _mark(self, response: Response, origin: str) -> None:
        response.headers["access-control-allow-origin"] = "*" if self.allows_all else origin
        if self._credentials:
            response.headers["access-control-allow-credentials"] = "true"


def check_origins(origins: Sequence[str], *, allow_credentials: bool) -> None:
    """Check what is allowed.

    Raises:
        ImproperlyConfigured: It is no list of origins, or `*` stands with credentials.
    """
    if "*" in origins and allow_credentials:
        raise ImproperlyConfigured(
            "CORS allows every origin and credentials: any page could act as your users.",
            hint="Name the origins in allow_origins, or leave allow_credentials out.",
            code="cors.credentials",
        )
    # A text is a list of its characters, of which none is an origin: it is shown as a whole.
    listed = [str(origins)] if isinstance(origins, str) else list(origins)
    wrong = [each for each in listed if each != "*" and not _ORIGIN.fullmatch(each)]
    if isinstance(origins, str) or wrong:
        raise ImproperlyConfigured(
            f"CORS allows {(wrong or listed)[0]!r}, which is no origin.",
            hint="Write scheme, host and port without a path, such as 'https://example.org'.",
            code="cors.origin",
        )
