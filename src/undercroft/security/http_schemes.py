"""Credentials in `Authorization`: Basic, Bearer and Digest (RFC 7617, 6750 and 7616)."""

from base64 import b64decode
from binascii import Error as EncodingError
from dataclasses import dataclass
from typing import Any

from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.security.schemes import SecurityScheme, T, find_authorization


@dataclass(frozen=True, slots=True)
class HTTPBasicCredentials:
    """A name and a password, as they were sent.

    Compare them by `secrets.compare_digest(one.encode(), other.encode())`: `==` takes longer the
    more of a guess is right.
    """

    username: str
    password: str

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"HTTPBasicCredentials(username={self.username!r})"


@dataclass(frozen=True, slots=True)
class HTTPAuthorizationCredentials:
    """What `Authorization` says: the scheme as it was spelled, and what follows it."""

    scheme: str
    credentials: str

    def __repr__(self) -> str:
        """Leave the credentials out."""
        return f"HTTPAuthorizationCredentials(scheme={self.scheme!r})"


class HTTPBasic(SecurityScheme[HTTPBasicCredentials]):
    """Read a name and a password (RFC 7617).

    Args:
        realm: What a browser shows when it asks for them.
        options: Those of every scheme.

    Raises:
        ImproperlyConfigured: The realm cannot stand in a header.
    """

    def __init__(self, *, realm: str = "api", **options: Any) -> None:
        super().__init__(**options)
        if not (realm.isascii() and realm.isprintable()) or '"' in realm or "\\" in realm:
            raise ImproperlyConfigured(
                f"The realm {realm!r} cannot be sent in WWW-Authenticate.",
                hint="Use printable ASCII without quotes and backslashes.",
                code="security.realm",
            )
        self.challenge = f'Basic realm="{realm}", charset="UTF-8"'

    def find_credentials(self, request: Request) -> HTTPBasicCredentials | None:
        """Find name and password; None where they cannot be read."""
        sent = find_authorization(request, "basic")
        if sent is None:
            return None
        try:
            text = b64decode(sent, validate=True).decode("utf-8")
        except (EncodingError, UnicodeDecodeError, ValueError):
            return None
        username, colon, password = text.partition(":")
        return HTTPBasicCredentials(username, password) if colon else None

    def describe_kind(self) -> dict[str, Any]:
        """Name the HTTP scheme."""
        return {"type": "http", "scheme": "basic"}


class AuthorizationScheme(SecurityScheme[T]):
    """What is read from `Authorization` as it is, below a name of its own."""

    def find_sent(self, request: Request) -> HTTPAuthorizationCredentials | None:
        """Find the credentials and the scheme's name as it was spelled."""
        name = self.challenge.lower()
        found = find_authorization(request, name)
        if found is None:
            return None
        return HTTPAuthorizationCredentials(request.headers["authorization"][: len(name)], found)


class HTTPBearer(AuthorizationScheme[HTTPAuthorizationCredentials]):
    """Read a bearer token (RFC 6750).

    Args:
        bearerFormat: What kind of token it is, for OpenAPI: "JWT".
        options: Those of every scheme.
    """

    challenge = "Bearer"

    def __init__(self, *, bearerFormat: str | None = None, **options: Any) -> None:  # noqa: N803 - FastAPI's and OpenAPI's name
        super().__init__(**options)
        self.bearer_format = bearerFormat

    def find_credentials(self, request: Request) -> HTTPAuthorizationCredentials | None:
        """Find the token."""
        return self.find_sent(request)

    def describe_kind(self) -> dict[str, Any]:
        """Name the HTTP scheme, and the token's format."""
        described = {"type": "http", "scheme": "bearer"}
        return (
            {**described, "bearerFormat": self.bearer_format} if self.bearer_format else described
        )


class HTTPDigest(AuthorizationScheme[HTTPAuthorizationCredentials]):
    """Read what Digest sends (RFC 7616); to make challenges and check answers is yours."""

    challenge = "Digest"

    def find_credentials(self, request: Request) -> HTTPAuthorizationCredentials | None:
        """Find the parameters, unread."""
        return self.find_sent(request)

    def describe_kind(self) -> dict[str, Any]:
        """Name the HTTP scheme."""
        return {"type": "http", "scheme": "digest"}
