"""What applications say and ask of the check of forged requests, under Django's names.

@csrf_exempt
def receive_payment(request: Request) -> dict[str, str]: ...
"""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any, TypeVar

from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.caching import mark
from undercroft.middleware.pipeline import Endpoint

H = TypeVar("H", bound=Callable[..., Any])

#: The attribute of a handler, a view's method or its class that holds its policy.
_MARK = "csrf_policy"


class CSRFPolicy(Enum):
    """When an unsafe request must show a token."""

    SESSION = "with the session's cookie"
    ALWAYS = "always"
    EXEMPT = "never, and it may come from anywhere"


def csrf_exempt(handler: H) -> H:
    """Let anybody's page send requests to a handler, with the cookies of whoever looks at it.

    It is for those that authenticate otherwise, such as by a signature of the body.
    """
    return _mark_policy(handler, CSRFPolicy.EXEMPT)


def csrf_protect(handler: H) -> H:
    """Ask for a token always: of those who have no session, too."""
    return _mark_policy(handler, CSRFPolicy.ALWAYS)


def ensure_csrf_cookie(handler: H) -> H:
    """Send the cookie with a handler's answers, for pages whose scripts read it."""

    def wrap(endpoint: Endpoint) -> Endpoint:
        def answer(request: Request) -> Awaitable[Response]:
            get_token(request)
            return endpoint(request)

        return answer

    return mark(handler, wrap)


def get_token(request: Request) -> str:
    """Return a token for a form or a script of the page that answers a request.

    It is a new text each time, and counts as long as the cookie, which the answer sends.

    Raises:
        UndercroftError: There is no cookie, and the answer has begun without one.
    """
    token: str = request.app.csrf_cookie.get_token(request)
    return token


def rotate_csrf_token(request: Request) -> None:
    """Give the browser a new secret, at log-in: tokens that were shown before count no more."""
    request.app.csrf_cookie.rotate(request)


def find_policy(told: bool | None, marked: Sequence[object]) -> CSRFPolicy:
    """Find what a route says of the check, or else the first of those that decorators marked."""
    if told is not None:
        return CSRFPolicy.ALWAYS if told else CSRFPolicy.EXEMPT
    found = (getattr(each, _MARK, None) for each in marked)
    return next((policy for policy in found if policy is not None), CSRFPolicy.SESSION)


def _mark_policy(handler: H, policy: CSRFPolicy) -> H:
    setattr(handler, _MARK, policy)
    return handler
