"""The keys of JSON Web Tokens: each has one algorithm, and a name by which tokens ask for it.

A token says by which key it is signed (`kid`), never how: the algorithm is the key's. So nothing is
taken for signed that is not (`none`), and no public key for a shared one.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from undercroft.errors import ImproperlyConfigured
from undercroft.security.signing import list_keys
from undercroft.settings import Settings

_SALT = b"undercroft.auth.jwt"
#: The least that is not broken (RFC 7518, section 3.3).
_SHORTEST_RSA = 2048


class JWTKey(NamedTuple):
    """A key that signs, or once signed, tokens.

    Attributes:
        kid: Its name.
        algorithm: The one it is used with.
        key: As joserfc has it.
    """

    kid: str
    algorithm: str
    key: Any

    def describe(self) -> dict[str, Any] | None:
        """Describe it for those who check tokens (RFC 7517); None for what has to stay secret."""
        if isinstance(self.key, OctKey):
            return None
        public: dict[str, Any] = self.key.as_dict(private=False)
        return {**public, "kid": self.kid, "alg": self.algorithm, "use": "sig"}


def load_keys(settings: Settings) -> list[JWTKey]:
    """Load the keys; the first one signs.

    Raises:
        ImproperlyConfigured: One cannot be read, is too weak, or the first cannot sign.
    """
    if not settings.jwt_keys:
        return [_derive_key(secret) for secret in reversed(list_keys(settings))]
    keys = [_load_key(each.get_secret_value()) for each in settings.jwt_keys]
    _check_signs(keys)
    return keys


def _derive_key(secret: str) -> JWTKey:
    """Derive a key of its own for this use, so that no other signature can stand in for it."""
    derived = hmac.digest(secret.encode(), _SALT, sha256)
    name = hmac.digest(derived, b"kid", sha256).hex()[:16]
    return JWTKey(name, "HS256", OctKey.import_key(derived))


def _load_key(text: str) -> JWTKey:
    try:
        algorithm, kind = _choose_algorithm(_read_pem(text.encode()))
        key = kind.import_key(text)
        return JWTKey(key.thumbprint(), algorithm, key)
    except (ValueError, TypeError, JoseError) as error:
        raise ImproperlyConfigured(
            "One of the jwt_keys cannot be used.",
            hint="Each is a PEM text: an Ed25519, P-256, P-384 or P-521 key, or an RSA key of 2,048"
            " bits or more; of those that only check tokens, the public half is enough.",
            code="auth.jwt-key",
        ) from error


def _read_pem(pem: bytes) -> Any:
    if b"PRIVATE KEY" in pem:
        return load_pem_private_key(pem, password=None).public_key()
    return load_pem_public_key(pem)


def _choose_algorithm(public: Any) -> tuple[str, Any]:
    """Choose the one algorithm of a key (RFC 7518 and 9864).

    Raises:
        ValueError: There is none.
    """
    if isinstance(public, ed25519.Ed25519PublicKey):
        # Its own name since RFC 9864; "EdDSA", which may be of two curves, is deprecated there.
        return "Ed25519", OKPKey
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= _SHORTEST_RSA:
        return "RS256", RSAKey
    curves = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in curves:
        return curves[public.curve.name], ECKey
    raise ValueError("a key of another kind, or too short")


def _check_signs(keys: Sequence[JWTKey]) -> None:
    if not keys[0].key.is_private:
        raise ImproperlyConfigured(
            "The first of the jwt_keys signs, and it is a public key.",
            hint="Put the private key first; those that were in use before follow.",
            code="auth.jwt-key",
        )
