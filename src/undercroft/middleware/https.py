"""HTTPS redirect: who asks by http is sent to https; `trusted_proxies` tells which it was."""

from collections.abc import Awaitable, Sequence
from dataclasses import replace

from undercroft.http.request import Request
from undercroft.http.responses import RedirectResponse, Response
from undercroft.middleware.pipeline import Endpoint


class HTTPSRedirect:
    """Redirect from http to https: GET and HEAD by 301, others by 308, which keeps their body.

    Args:
        exempt: Paths that answer by http, too, such as that of a health check.
    """

    def __init__(self, exempt: Sequence[str] = ()) -> None:
        self._exempt = frozenset(exempt)

    def __call__(self, request: Request, call_next: Endpoint) -> Awaitable[Response]:
        """Redirect, or go on."""
        if request.scheme == "https" or request.path in self._exempt:
            return call_next(request)
        return self._redirect(request)

    async def _redirect(self, request: Request) -> Response:
        host = request.host
        # Port 80 is http's own; any other was chosen, and https answers there or not at all.
        name = host.removesuffix(":80")
        url = replace(request.url, scheme="https", host=name)
        return RedirectResponse(str(url), 301 if request.method in ("GET", "HEAD") else 308)
