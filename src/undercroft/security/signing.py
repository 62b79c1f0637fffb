"""Signed values: anybody may read them, nobody but us can have written them.

Each purpose has a salt of its own, from which its key is derived by HMAC: a value signed for one
purpose is of no use for another, and no two salts can be put together to a third one.
"""

from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from undercroft.errors import BadSignature, ImproperlyConfigured
from undercroft.settings import Settings

#: Signs in debug, where no key is set, for as long as the process lives.
_PASSING_KEY = token_urlsafe(48)


class Signer:
    """Signs plain values, and reads what it, or an older key, has signed.

    Args:
        settings: Which have the keys.
        purpose: What is signed, for example "sessions"; its own for each use.

    Raises:
        ImproperlyConfigured: There is no key, and this is not debug.
    """

    def __init__(self, settings: Settings, purpose: str) -> None:
        self._serializer = URLSafeTimedSerializer(
            list_keys(settings),
            salt=f"undercroft.{purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )

    def sign(self, value: Any) -> str:
        """Sign a value that JSON can hold; the text is safe in URLs and cookies."""
        signed: Any = self._serializer.dumps(value)
        return str(signed)

    def read(self, text: str, max_age: timedelta | None = None) -> Any:
        """Read a signed value.

        Args:
            text: What `sign` gave.
            max_age: How long ago it may have been signed, in whole seconds.

        Raises:
            BadSignature: It was not signed by us for this purpose, or is too old.
        """
        seconds = None if max_age is None else int(max_age.total_seconds())
        try:
            value = self._serializer.loads(text, seconds)
            check_spelling(text)
            return value
        except SignatureExpired:
            raise BadSignature("What was signed is too old.", code="security.expired") from None
        except BadData:
            raise BadSignature("What was signed has been changed, or signed elsewhere.") from None


def check_spelling(text: str) -> None:
    """Refuse a signature whose spare bits are set: it would be a second text for the same value.

    Raises:
        BadData: They are.
    """
    signature = text.rpartition(".")[2]
    if base64_encode(base64_decode(signature)).decode() != signature:
        raise BadData("The signature is not written as it was.")


def list_keys(settings: Settings) -> list[str]:
    """List the keys, oldest first; the last one signs.

    Raises:
        ImproperlyConfigured: There is none, and this is not debug.
    """
    if settings.secret_key is None:
        if settings.debug:
            return [_PASSING_KEY]
        raise ImproperlyConfigured(
            "Something is to be signed, and there is no secret_key.",
            hint=f"Set UNDERCROFT_SECRET_KEY, for example to {token_urlsafe(48)!r}, and keep it.",
            code="security.no-key",
        )
    older = [key.get_secret_value() for key in reversed(settings.secret_key_fallbacks)]
    return [*older, settings.secret_key.get_secret_value()]
