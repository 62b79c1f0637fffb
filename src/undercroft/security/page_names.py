"""What pages that are rendered for a request know: the token of their forms, the policy's nonce.

Nothing is made before a page shows it, so that a page without forms sets no cookie.
"""

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from undercroft.http.forms import CSRF_FIELD
from undercroft.http.request import Request
from undercroft.security.csrf import get_token

_INPUT = Markup('<input type="hidden" name="{}" value="{}">')


class _Shown:
    """A text that is made when it is shown."""

    __slots__ = ("_make", "_request")

    def __init__(self, make: Callable[[Request], str], request: Request) -> None:
        self._make = make
        self._request = request

    def __str__(self) -> str:
        return self._make(self._request)

    def __html__(self) -> str:
        return self._make(self._request)


def build_input(request: Request) -> Markup:
    """Build the hidden field that a form sends its token in."""
    return _INPUT.format(CSRF_FIELD, get_token(request))


def add_security_names(request: Request) -> Mapping[str, Any]:
    """Give a page `csrf_token`, `csrf_input` and `csp_nonce`."""
    return {
        "csrf_token": _Shown(get_token, request),
        "csrf_input": _Shown(build_input, request),
        "csp_nonce": _Shown(_get_nonce, request),
    }


def _get_nonce(request: Request) -> str:
    return request.csp_nonce
