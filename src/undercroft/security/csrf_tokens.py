"""Tokens against forged requests: a secret in a cookie, and masks of it in pages.

A page shows the secret under a mask that is made anew each time, so that a compressed page tells
nothing of it by its length (BREACH). A script may send what it reads in the cookie as it is.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from secrets import compare_digest, token_bytes, token_urlsafe

#: Of the secret. A multiple of three, so that base64 needs no padding.
_BYTES = 24
_SECRET = re.compile(r"[A-Za-z0-9_-]{32}")
_MASKED = re.compile(r"[A-Za-z0-9_-]{64}")


def make_secret() -> str:
    """Make a secret, 32 characters."""
    return token_urlsafe(_BYTES)


def is_secret(text: str) -> bool:
    """Tell whether a text has the form of a secret."""
    return _SECRET.fullmatch(text) is not None


def mask(secret: str) -> str:
    """Hide a secret in 64 characters that are different each time."""
    pad = token_bytes(_BYTES)
    return urlsafe_b64encode(pad + _combine(pad, urlsafe_b64decode(secret))).decode("ascii")


def is_match(token: str, secret: str) -> bool:
    """Tell whether a token is a secret, or a mask of it, in a time that tells nothing."""
    if _MASKED.fullmatch(token):
        raw = urlsafe_b64decode(token)
        shown = _combine(raw[:_BYTES], raw[_BYTES:])
    elif is_secret(token):
        shown = urlsafe_b64decode(token)
    else:
        return False
    return compare_digest(shown, urlsafe_b64decode(secret))


def _combine(one: bytes, other: bytes) -> bytes:
    """Combine two of a length by exclusive or."""
    number = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return number.to_bytes(_BYTES, "big")
