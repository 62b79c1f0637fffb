"""Bearer tokens of whatever kind: how they are sent, and how they are refused (RFC 6750)."""

from undercroft.errors import NotAuthenticated
from undercroft.http.request import Request
from undercroft.security.schemes import find_authorization


def find_bearer(request: Request) -> str | None:
    """Find what was sent as `Authorization: Bearer`; never looked for in the query or a body."""
    return find_authorization(request, "bearer")


def build_token_refusal() -> NotAuthenticated:
    """Build the answer to a token that proves nothing, which does not say why."""
    return NotAuthenticated(
        "The token is wrong, over or revoked.",
        headers={"www-authenticate": 'Bearer realm="api", error="invalid_token"'},
        hint="Log in again, or make another one.",
        code="auth.token",
    )
