"""API keys in a header, the query or a cookie."""

from typing import Any, ClassVar

from undercroft.http.request import Request
from undercroft.security.schemes import SecurityScheme


class APIKey(SecurityScheme[str]):
    """Read a key by its name.

    Args:
        name: Of the header, query parameter or cookie.
        options: Those of every scheme.
    """

    #: 401 must ask for something (RFC 9110, section 15.5.2), and keys have no name of their own.
    challenge = "APIKey"
    place: ClassVar[str] = ""

    def __init__(self, *, name: str, **options: Any) -> None:
        super().__init__(**options)
        self.name = name

    def explain(self) -> str:
        """Name the place."""
        return f"a key in the {self.place} {self.name!r}"

    def describe_kind(self) -> dict[str, Any]:
        """Name place and key."""
        return {"type": "apiKey", "in": self.place, "name": self.name}


class APIKeyHeader(APIKey):
    """Read a key from a header; one that is sent twice counts as none."""

    place = "header"

    def find_credentials(self, request: Request) -> str | None:
        """Find the key."""
        sent = request.headers.getlist(self.name)
        return sent[0] or None if len(sent) == 1 else None


class APIKeyQuery(APIKey):
    """Read a key from the query string, where logs and histories keep it; prefer a header."""

    place = "query"

    def find_credentials(self, request: Request) -> str | None:
        """Find the key."""
        return request.query_params.get(self.name) or None


class APIKeyCookie(APIKey):
    """Read a key from a cookie."""

    place = "cookie"

    def find_credentials(self, request: Request) -> str | None:
        """Find the key."""
        return request.cookies.get(self.name) or None
