"""Failures: whatever is raised further in becomes an answer here, and only here.

An `HTTPException` is an answer by itself. Anything else is a fault of ours: it is logged with
its traceback, shown in full to a developer and not at all to anybody else.
"""

import logging
import secrets

from undercroft.errors import (
    ClientDisconnected,
    DatabaseUnavailable,
    HTTPException,
    ServiceUnavailable,
)
from undercroft.http.json import dump_json
from undercroft.http.request import Request
from undercroft.http.responses import HTMLResponse, PlainTextResponse, Response
from undercroft.middleware.debug_page import render_debug_page, render_debug_text
from undercroft.middleware.error_page import render_error_page
from undercroft.middleware.hosts import AllowedHosts
from undercroft.middleware.pipeline import Endpoint
from undercroft.settings import LOCAL_HOSTS

logger = logging.getLogger("undercroft.request")

#: The debug page shows source and values, so it answers to this machine's own names only,
#: whatever `allowed_hosts` says: a foreign name may be DNS rebinding.
_LOCAL = AllowedHosts([*LOCAL_HOSTS, ".localhost", "testserver"])


class Failures:
    """Answer exceptions.

    Args:
        debug: Show source and values to a developer at this machine.
    """

    def __init__(self, *, debug: bool) -> None:
        self.debug = debug

    async def __call__(self, request: Request, call_next: Endpoint) -> Response:
        """Go on, and answer what is raised."""
        try:
            return await call_next(request)
        except HTTPException as error:
            return build_error_response(request, error)
        except ClientDisconnected:
            raise
        except DatabaseUnavailable as error:
            logger.error("%s %s: %s", request.method, printable(request.path), error)
            return build_error_response(request, ServiceUnavailable(code=error.code))
        except Exception as error:
            logger.exception("%s %s failed", request.method, printable(request.path))
            return self.build_failure(request, error)

    def build_failure(self, request: Request, error: Exception) -> Response:
        """Build the answer to a fault of ours: everything for a developer, else nothing."""
        if not self.debug or not is_local(request):
            return build_error_response(request, HTTPException(500, code="server.error"))
        method, path, headers = request.method, request.path, request.headers.items_list()
        if not prefers_html(request):
            return PlainTextResponse(
                render_debug_text(error, method=method, path=path, headers=headers), 500
            )
        nonce = secrets.token_urlsafe(16)
        page = render_debug_page(error, method=method, path=path, headers=headers, nonce=nonce)
        return HTMLResponse(page, 500, {"content-security-policy": build_policy(nonce)})


def is_local(request: Request) -> bool:
    """Tell whether the request was made to one of this machine's own names."""
    try:
        _LOCAL.check(request.headers.find(b"host") or b"")
    except HTTPException:
        return False
    return True


def prefers_html(request: Request) -> bool:
    """Tell whether the client is a browser asking for a page."""
    return "text/html" in request.headers.get("accept", "")


def build_error_response(request: Request, error: HTTPException) -> Response:
    """Answer as problem details (RFC 9457), or with a plain page where a browser asks."""
    problem = error.to_problem()
    if prefers_html(request):
        nonce = secrets.token_urlsafe(16)
        headers = {"content-security-policy": build_policy(nonce), **error.headers}
        return HTMLResponse(render_error_page(problem, nonce), error.status_code, headers)
    return Response(
        dump_json(problem), error.status_code, error.headers, "application/problem+json"
    )


def build_policy(nonce: str) -> str:
    """Build the content security policy of our own pages: their style sheet and nothing else."""
    return f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'"


def printable(text: str) -> str:
    """Escape control characters, so that no request can write its own log lines."""
    return text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
