"""JSON Web Tokens for access (RFC 7519 and 9068): written, signed, held against their claims."""

from datetime import UTC, datetime, timedelta
from functools import cached_property
from secrets import token_urlsafe
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwt import JWTClaimsRegistry

from undercroft.auth.jwt_keys import JWTKey, load_keys
from undercroft.auth.scopes import split_scopes
from undercroft.settings import Settings

#: What kind of token it is (RFC 9068, section 2.1): no other kind is taken for one.
_TYPE = "at+jwt"

#: Characters of the longest token that is looked at.
_LONGEST = 8192


class AccessToken(NamedTuple):
    """What a token says, once it has been checked.

    Attributes:
        claims: All of it.
        scopes: What may be done with it.
    """

    claims: dict[str, Any]
    scopes: frozenset[str]


class AccessTokens:
    """Writes and reads access tokens, as the settings say.

    Args:
        settings: Have the keys, who issues tokens and for whom.

    Raises:
        ImproperlyConfigured: A key cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = load_keys(settings)
        self._by_name = {key.kid: key for key in self._keys}
        self._algorithms = list({key.algorithm for key in self._keys})
        wanted = {"iss": settings.jwt_issuer, "aud": settings.jwt_audience}
        told = {name: {"value": value} for name, value in wanted.items() if value is not None}
        self._unknown = [name for name, value in wanted.items() if value is None]
        needed = {name: {"essential": True} for name in ("exp", "iat", "sub", *told)}
        rules: dict[str, Any] = {name: needed[name] | told.get(name, {}) for name in needed}
        self._registry = JWTClaimsRegistry(leeway=settings.jwt_leeway, **rules)

    @cached_property
    def lifetime(self) -> timedelta:
        """How long a token counts."""
        return timedelta(seconds=self._settings.jwt_access_age)

    def write(self, user: Any, scope: str = "") -> str:
        """Write a token for a user."""
        now = datetime.now(UTC)
        claims: dict[str, Any] = {
            "sub": str(user.pk),
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "jti": token_urlsafe(16),
            "scope": scope,
            "username": user.get_username(),
        }
        told = {"iss": self._settings.jwt_issuer, "aud": self._settings.jwt_audience}
        claims |= {name: value for name, value in told.items() if value is not None}
        signing = self._keys[0]
        header = {"typ": _TYPE, "alg": signing.algorithm, "kid": signing.kid}
        return jwt.encode(header, claims, signing.key, [signing.algorithm])

    def read(self, text: str) -> AccessToken | None:
        """Read a token; None where it is not ours, was changed, is over, or is for others."""
        if len(text) > _LONGEST:
            return None
        try:
            token = jwt.decode(text, self._choose_key, self._algorithms)
            self._registry.validate(token.claims)
        except (JoseError, ValueError):
            return None
        claims: dict[str, Any] = token.claims
        # Made for, or by, somebody, where nobody is named here (RFC 7519, section 4.1.3).
        if token.header.get("typ") != _TYPE or any(name in claims for name in self._unknown):
            return None
        subject, scope = claims["sub"], claims.get("scope", "")
        if not isinstance(subject, str) or not isinstance(scope, str):
            return None
        return AccessToken(claims, split_scopes(scope))

    def _choose_key(self, signed: Any) -> Any:
        """Choose the key that a token asks for, to be used in its own way only."""
        header: dict[str, Any] = signed.headers()
        name = header.get("kid")
        found: JWTKey | None = self._by_name.get(name) if isinstance(name, str) else None
        if found is None or header.get("alg") != found.algorithm:
            raise InvalidKeyIdError
        return found.key

    def describe_keys(self) -> dict[str, Any]:
        """Describe the keys for those who check tokens, as a JWK set (RFC 7517, section 5)."""
        described = [key.describe() for key in self._keys]
        return {"keys": [each for each in described if each is not None]}
