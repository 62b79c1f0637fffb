"""The address of a request, put together again from its parts (RFC 3986)."""

from dataclasses import dataclass
from urllib.parse import quote

from undercroft.http.query import QueryParams

#: What may stand unescaped in a path: RFC 3986's pchar and the slash.
SAFE_IN_PATH = "/:@!$&'()*+,;=-._~"


#: What may stand unescaped in a query, and what is escaped already.
_SAFE_IN_QUERY = f"{SAFE_IN_PATH}?[]%"


def quote_query(raw: bytes) -> str:
    """Write a query string as it came; a byte that no address may hold is percent-encoded."""
    return quote(raw, safe=_SAFE_IN_QUERY)


@dataclass(frozen=True, slots=True)
class URL:
    """An absolute address. `str(url)` is what a client would ask for."""

    scheme: str
    host: str
    path: str
    query: str = ""

    def __str__(self) -> str:
        """Put the parts together, the path percent-encoded.

        A path that starts with no slash, which servers pass on as clients send it, would go on
        writing the host (RFC 3986, section 3.2): it gets one.
        """
        query = f"?{self.query}" if self.query else ""
        slash = "" if self.path.startswith("/") or not self.path else "/"
        return f"{self.origin}{slash}{quote(self.path, safe=SAFE_IN_PATH)}{query}"

    @property
    def origin(self) -> str:
        """Scheme and host (RFC 6454)."""
        return f"{self.scheme}://{self.host}"

    def include_query_params(self, **values: object) -> "URL":
        """Return a copy whose query has these values in place of what they had; None removes."""
        params = QueryParams.from_bytes(self.query.encode()).replace(**values)
        return URL(self.scheme, self.host, self.path, str(params))
