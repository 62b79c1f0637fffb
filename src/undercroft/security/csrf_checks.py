"""The check of unsafe requests: no page of a stranger makes a browser act for its person here.

It is compiled into the endpoints of unsafe methods. Two questions are asked:

- Where does it come from? Browsers say so. A request with a cookie must come from our own pages or
  from trusted ones; so must one that any page may send without asking, which a log-in form is.
- Does it know the secret? A request with the session's cookie must show a token.

What brings neither is left alone: who authenticates by a header alone cannot be forged.
"""

import logging
from collections.abc import Awaitable, Collection, Mapping

from undercroft.errors import BodyConsumedError, PermissionDenied
from undercroft.http.forms import CSRF_FIELD, MULTIPART, URLENCODED
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.failures import is_local, printable
from undercroft.middleware.pipeline import Endpoint
from undercroft.middleware.transactions import SAFE_METHODS
from undercroft.security.csrf import CSRFPolicy
from undercroft.security.csrf_cookies import CSRFCookie
from undercroft.security.csrf_origins import TrustedOrigins
from undercroft.security.csrf_tokens import is_match
from undercroft.settings import Settings

logger = logging.getLogger("undercroft.security.csrf")

#: What a page may send to any host without asking (Fetch, section 2.2.2), and what browsers send by
#: themselves; "" is a body, or none, that is not declared.
_UNASKED = frozenset({"", URLENCODED, MULTIPART, "text/plain", "text/ping"})

#: What is told to strangers.
_REFUSED = "This request could not be shown to come from a page of this site."


class CSRFCheck:
    """Puts the check around endpoints.

    Args:
        settings: Those named `csrf_...`, and the name of the session's cookie.
        cookie: Knows the secrets.

    Raises:
        ImproperlyConfigured: A trusted origin is none.
    """

    def __init__(self, settings: Settings, cookie: CSRFCookie) -> None:
        self._cookie = cookie
        self._origins = TrustedOrigins(settings.csrf_trusted_origins)
        self._header = settings.csrf_header_name.lower().encode("latin-1")
        self._header_name = settings.csrf_header_name
        name = settings.session_cookie_name
        self._session_names = (name, f"__Host-{name}")
        self._is_debug = settings.debug

    def add(
        self, endpoint: Endpoint, methods: Collection[str], policy: CSRFPolicy, *, is_streamed: bool
    ) -> Endpoint:
        """Put the check around an endpoint, for those of its methods that are unsafe.

        Args:
            endpoint: Answers the methods.
            methods: Which those are.
            policy: What the route and its handler say.
            is_streamed: The handler reads the body in pieces, which the check must leave alone.
        """
        unsafe = frozenset(methods) - SAFE_METHODS
        if not unsafe or policy is CSRFPolicy.EXEMPT:
            return endpoint
        checked = self._wrap(endpoint, policy is CSRFPolicy.ALWAYS, is_streamed)
        if len(unsafe) == len(methods):
            return checked
        return lambda request: (checked if request.method in unsafe else endpoint)(request)

    def _wrap(self, endpoint: Endpoint, always: bool, is_streamed: bool) -> Endpoint:

        def guarded(request: Request) -> Awaitable[Response]:
            fields = dict(request.raw_headers)
            has_cookie = b"cookie" in fields
            if not has_cookie and not always:
                # The most usual kind of an API's requests goes on at once.
                if fields.get(b"content-type") == b"application/json":
                    return endpoint(request)
                if request.media_type not in _UNASKED:
                    return endpoint(request)
            self._check_origin(request, fields)
            if not always and not (has_cookie and self._has_session(request)):
                return endpoint(request)
            given = fields.get(self._header)
            if given is not None:
                self._check_token(request, given.decode("latin-1"))
                return endpoint(request)
            return self._check_form(request, endpoint, is_streamed)

        return guarded

    def _has_session(self, request: Request) -> bool:
        cookies = request.cookies
        return any(name in cookies for name in self._session_names)

    def _check_origin(self, request: Request, fields: Mapping[bytes, bytes]) -> None:
        stranger = self._origins.find_stranger(request, fields)
        if stranger is not None:
            raise self._refuse(
                request,
                f"It was sent by a page of {stranger[:100]!r}, which is neither ours nor trusted.",
                hint="Name it in the setting csrf_trusted_origins, if its pages may act here. If"
                " it is your own, the proxy before us must be named in trusted_proxies.",
                code="csrf.origin",
            )

    def _check_token(self, request: Request, token: str) -> None:
        secret = self._cookie.find(request)
        if secret is None:
            raise self._refuse(
                request,
                f"There is no cookie {self._cookie.name(request)!r} to check its token against.",
                hint="Get the page that has the form, or one with @ensure_csrf_cookie, first.",
                code="csrf.no-cookie",
            )
        if not is_match(token, secret):
            raise self._refuse(
                request,
                "Its CSRF token is not of this browser.",
                hint="A log-in in another tab changes the token: reload the page with the form.",
                code="csrf.wrong-token",
            )

    async def _check_form(
        self, request: Request, endpoint: Endpoint, is_streamed: bool
    ) -> Response:
        """Look for the token in the form, which the handler finds as if nobody had read it."""
        if is_streamed or request.media_type not in {URLENCODED, MULTIPART}:
            raise self._refuse_silent(request, is_streamed=is_streamed)
        token = (await request.form()).get(CSRF_FIELD)
        if not isinstance(token, str) or not token:
            raise self._refuse_silent(request, is_streamed=False)
        self._check_token(request, token)
        try:
            return await endpoint(request)
        except BodyConsumedError as error:
            raise self._refuse_silent(request, is_streamed=True) from error

    def _refuse_silent(self, request: Request, *, is_streamed: bool) -> PermissionDenied:
        if is_streamed:
            return self._refuse(
                request,
                "The body is read in pieces here, so that a CSRF token within it comes too late.",
                hint=f"Send the token in the header {self._header_name}.",
                code="csrf.streamed",
            )
        return self._refuse(
            request,
            "It carries a session's cookie and no CSRF token.",
            hint=f"Put {{% csrf_token %}} into the form, or send the header {self._header_name}.",
            code="csrf.no-token",
        )

    def _refuse(self, request: Request, reason: str, *, hint: str, code: str) -> PermissionDenied:
        """Log why a request is refused; the answer tells it to the developer alone."""
        logger.warning(
            "%s %s refused: %s",
            request.method,
            printable(request.path),
            reason,
            extra={"code": code},
        )
        if self._is_debug and is_local(request):
            return PermissionDenied(f"{_REFUSED} {reason}", hint=hint, code=code)
        return PermissionDenied(_REFUSED, hint="Reload the page, and try again.", code="csrf")
