"""Scopes: what the proof of a request allows, of all that its user may do.

A session, and name and password, allow everything. A token allows what it was made for; a handler
asks by `Security(get_current_user, scopes=["posts:write"])`.
"""

import re
from collections.abc import Collection, Iterable

from undercroft.auth.identity import Identity
from undercroft.errors import PermissionDenied

#: What a scope is written of (RFC 6749, section 3.3).
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def join_scopes(scopes: Iterable[str]) -> str:
    """Write scopes as one text, each once.

    Raises:
        ValueError: One is empty, or has spaces, quotes or letters beyond ASCII.
    """
    found = list(dict.fromkeys(scopes))
    for scope in found:
        if not _SCOPE.fullmatch(scope):
            raise ValueError(
                f"{scope!r} cannot be a scope; use printable ASCII without spaces and quotes."
            )
    return " ".join(found)


def split_scopes(text: str) -> frozenset[str]:
    """Read scopes that were written as one text."""
    return frozenset(text.split())


def check_scopes(identity: Identity, wanted: Collection[str]) -> None:
    """Check that what proved an identity allows what a handler asks for.

    Raises:
        PermissionDenied: It does not (RFC 6750, section 3.1).
    """
    allowed: Collection[str] | None = getattr(identity.auth, "scopes", None)
    if allowed is None:
        return
    missing = [scope for scope in wanted if scope not in allowed]
    if missing:
        scope = " ".join(wanted)
        raise PermissionDenied(
            f"The token lacks the scope {', '.join(missing)}.",
            hint="Make another one that has it.",
            headers={"www-authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
            code="auth.scope",
        )
