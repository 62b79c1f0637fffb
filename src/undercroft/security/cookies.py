"""Signed cookies: each name has a key of its own, so that no cookie's value counts for another."""

from datetime import timedelta
from functools import lru_cache
from typing import Any

from undercroft.errors import BadSignature
from undercroft.security.signing import Signer
from undercroft.settings import Settings


class KeyedCookieSigner:
    """Signs cookies by the settings' keys.

    Args:
        settings: Which have the keys.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Bounded, for a client chooses the names of the cookies it sends.
        self._find_signer = lru_cache(256)(self._build_signer)

    def _build_signer(self, name: str) -> Signer:
        return Signer(self._settings, f"cookie.{name}")

    def sign(self, name: str, value: Any, max_age: int | None = None) -> str:
        """Sign a cookie's value, for this name alone and, if told, for so many seconds.

        Raises:
            ImproperlyConfigured: There is no key, and this is not debug.
        """
        return self._find_signer(name).sign([value, max_age])

    def read(self, name: str, text: str, max_age: timedelta | None = None) -> Any:
        """Read what `sign` gave.

        Raises:
            BadSignature: It was changed, signed for another name, or is too old: for its own age or
                for `max_age`.
        """
        signer = self._find_signer(name)
        match signer.read(text, max_age):
            case [value, None]:
                return value
            case [value, int(seconds)]:
                signer.read(text, timedelta(seconds=seconds))
                return value
            case _:
                raise BadSignature(f"What is signed in {name!r} is no cookie of ours.")
