"""What a page of the application sends with its requests, so that tests need not think of it."""

import httpx

from undercroft.http.forms import CSRF_FIELD
from undercroft.middleware.transactions import SAFE_METHODS
from undercroft.security.csrf_tokens import is_secret, make_secret, mask
from undercroft.settings import Settings

#: By which a test says itself where a request comes from.
_TELLING = ("sec-fetch-site", "origin", "referer")


class OwnPage(httpx.BaseTransport):
    """Sends unsafe requests with cookies as a script of the application's own page does.

    What a test says itself stands: an origin, a token, a form with the token's field.

    Args:
        transport: Sends them on.
        settings: Which name cookies and header.
    """

    def __init__(self, transport: httpx.BaseTransport, settings: Settings) -> None:
        self._transport = transport
        self._header = settings.csrf_header_name
        self._names = [f"{prefix}{settings.csrf_cookie_name}" for prefix in ("", "__Host-")]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Complete a request, and send it."""
        if request.method not in SAFE_METHODS and "cookie" in request.headers:
            self._complete(request)
        return self._transport.handle_request(request)

    def _complete(self, request: httpx.Request) -> None:
        headers = request.headers
        if not any(name in headers for name in _TELLING):
            headers["Sec-Fetch-Site"] = "same-origin"
        if self._header in headers or CSRF_FIELD.encode() in request.read():
            return
        pairs = [pair.strip().partition("=") for pair in headers["cookie"].split(";")]
        held = {name: value for name, _, value in pairs}
        found = (held[name] for name in self._names if is_secret(held.get(name, "")))
        secret = next(found, None)
        if secret is None:
            secret = make_secret()
            # Which of the two is asked for depends on the scheme, which a proxy may have named.
            cookies = [f"{name}={secret}" for name in self._names]
            headers["cookie"] = "; ".join([*cookies, headers["cookie"]])
        headers[self._header] = mask(secret)
