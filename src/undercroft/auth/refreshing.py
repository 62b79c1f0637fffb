"""Refresh tokens: each counts once, and all that follow from one log-in are a family.

A token that is shown a second time was stolen, from us or by us: nobody can tell which of the two
holders is the right one, so the family ends (RFC 9700, section 4.14.2).
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, NamedTuple

from undercroft.auth.fingerprint import has_fingerprint, take_fingerprint
from undercroft.db.mapping import registry
from undercroft.db.twins import Steps, take_steps
from undercroft.settings import Settings

_PREFIX = "ur_"


class Refreshed(NamedTuple):
    """What a refresh token was exchanged for.

    Attributes:
        user: Whose it is.
        scope: What the new tokens are good for.
        token: The next refresh token.
    """

    user: Any
    scope: str
    token: str


def begin_family(settings: Settings, user: Any, scope: str) -> Steps[str]:
    """Begin a family after a log-in, in steps; answer its first refresh token."""
    key, secret = token_urlsafe(16), token_urlsafe(32)
    now = datetime.now(UTC)
    yield from take_steps(
        get_families().create,
        user=user,
        key=key,
        token_hash=_hash(secret),
        fingerprint=take_fingerprint(settings, user),
        scope=scope,
        created_at=now,
        refreshed_at=now,
        expires_at=now + timedelta(seconds=settings.jwt_refresh_age),
    )
    return f"{_PREFIX}{key}.{secret}"


def refresh(settings: Settings, token: str) -> Steps[Refreshed | None]:
    """Exchange a refresh token, in steps; None where it does not count.

    Of two at once with the same token, one comes too late, and ends the family.
    """
    key, old = _split(token)
    rows = get_families().filter(key=key, revoked_at=None)
    family = yield from take_steps(rows.select_related("user").first)
    if family is None:
        return None
    secret, user = token_urlsafe(32), family.user
    current = rows.filter(token_hash=_hash(old))
    now = datetime.now(UTC)
    count = yield from take_steps(current.update, token_hash=_hash(secret), refreshed_at=now)
    is_good = user.is_active and has_fingerprint(settings, user, family.fingerprint)
    if not count or not is_good or family.expires_at <= now:
        yield from end_family(token)
        return None
    return Refreshed(user, family.scope, f"{_PREFIX}{key}.{secret}")


def end_family(token: str) -> Steps[None]:
    """End the family that a refresh token is, or was, of; in steps."""
    rows = get_families().filter(key=_split(token)[0], revoked_at=None)
    yield from take_steps(rows.update, revoked_at=datetime.now(UTC))


def get_families() -> Any:
    """Return the rows of families, which the table's module knows."""
    return registry.get_model("auth.RefreshFamily").objects


def _split(token: str) -> tuple[str, str]:
    key, _, secret = token.removeprefix(_PREFIX).partition(".")
    # No key is as long; nor has one a character that a database would choke on.
    is_key = len(key) <= 32 and key.isascii() and key.isprintable()
    return (key if is_key else ""), secret


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
