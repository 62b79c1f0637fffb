"""The cookie that holds the secret of a browser, against which its forms are checked."""

from functools import partial

from undercroft.errors import UndercroftError
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.security.csrf_tokens import is_secret, make_secret, mask
from undercroft.settings import Settings


class CSRFCookie:
    """Finds the secret of a request, and sends one to who has none.

    Args:
        settings: Those named `csrf_cookie_...`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._is_bound = settings.csrf_cookie_domain is None and settings.csrf_cookie_path == "/"

    def is_secure(self, request: Request) -> bool:
        """Tell whether the cookie is for HTTPS only."""
        told = self._settings.csrf_cookie_secure
        return request.scheme == "https" if told is None else told

    def name(self, request: Request) -> str:
        """Name the cookie: a prefix that no other host can set, where browsers accept it."""
        prefix = "__Host-" if self._is_bound and self.is_secure(request) else ""
        return prefix + self._settings.csrf_cookie_name

    def find(self, request: Request) -> str | None:
        """Find the secret that a request brought; None where there is none."""
        found = request.cookies.get(self.name(request), "")
        return found if is_secret(found) else None

    def get_token(self, request: Request) -> str:
        """Return a new mask of the secret, which the answer sends as a cookie.

        Raises:
            UndercroftError: There is no cookie, and the answer has begun without one.
        """
        if request.csrf_secret is None:
            request.csrf_secret = self._begin(request)
        return mask(request.csrf_secret)

    def rotate(self, request: Request) -> None:
        """Give the browser a new secret: what it has shown in pages before counts no more."""
        if request.csrf_secret is None:
            self._begin(request)
        request.csrf_secret = make_secret()

    def _begin(self, request: Request) -> str:
        found = self.find(request)
        if request.is_answered:
            if found is None:
                raise UndercroftError(
                    "A page asks for a CSRF token, and the headers are sent: there is no cookie.",
                    hint="Call `get_token(request)` before the page is streamed.",
                    code="csrf.too-late",
                )
        else:
            request.call_before_answer(partial(self.send, request))
        return found or make_secret()

    async def send(self, request: Request, response: Response) -> None:
        """Send the cookie; so that it lives on, also where the browser has it."""
        settings = self._settings
        response.set_cookie(
            self.name(request),
            request.csrf_secret or "",
            max_age=settings.csrf_cookie_age,
            path=settings.csrf_cookie_path,
            domain=settings.csrf_cookie_domain,
            secure=self.is_secure(request),
            httponly=settings.csrf_cookie_httponly,
            samesite=settings.csrf_cookie_samesite,
        )
        # What sets a cookie is kept out of shared caches where all headers are completed.
        response.headers.add_vary("Cookie")
