"""A fingerprint of a password in the session: a new password ends all other sessions."""

import hmac
from hashlib import sha256
from typing import Any

from undercroft.security.signing import list_keys
from undercroft.settings import Settings

_SALT = b"undercroft.auth.fingerprint"


def take_fingerprint(settings: Settings, user: Any) -> str:
    """Take the fingerprint of a user's stored password, by the key that signs."""
    return _compute(list_keys(settings)[-1], user.password)


def has_fingerprint(settings: Settings, user: Any, fingerprint: object) -> bool:
    """Tell whether a fingerprint is of the user's password, by any key that counts."""
    if not isinstance(fingerprint, str):
        return False
    expected = [_compute(key, user.password) for key in reversed(list_keys(settings))]
    return any(hmac.compare_digest(fingerprint.encode(), each.encode()) for each in expected)


def _compute(key: str, password: str) -> str:
    # The key for this use is derived, so that no other signature can stand in for it.
    derived = hmac.digest(key.encode(), _SALT, sha256)
    return hmac.new(derived, password.encode("utf-8", "surrogatepass"), sha256).hexdigest()
