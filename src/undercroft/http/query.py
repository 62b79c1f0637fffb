"""Query strings: ordered, several values for a name, `&` the only separator.

The format is the URL Standard's `application/x-www-form-urlencoded`; `;` is data, because
caches and servers that disagree on separators can be poisoned through the difference.
"""

from urllib.parse import unquote_plus, urlencode

from undercroft.errors import BadRequest
from undercroft.http.values import MultiValues

#: More fields than this are refused before any of them is decoded.
MAX_FIELDS = 1000


def parse_pairs(raw: bytes, *, max_fields: int = MAX_FIELDS) -> list[tuple[str, str]]:
    """Split and decode a query string or urlencoded form body.

    Raises:
        BadRequest: It has more than `max_fields` fields.
    """
    if not raw:
        return []
    if raw.count(b"&") >= max_fields:
        raise BadRequest(
            f"The query or form has more than {max_fields} fields.",
            hint="Send fewer; for a form max_form_fields in the settings may be raised.",
            code="http.too-many-fields",
        )
    text = raw.decode("utf-8", "replace")
    plain = "%" not in text and "+" not in text
    pairs: list[tuple[str, str]] = []
    for part in text.split("&"):
        if not part:
            continue
        name, _, value = part.partition("=")
        pairs.append((name, value) if plain else (unquote_plus(name), unquote_plus(value)))
    return pairs


class QueryParams(MultiValues[str]):
    """The parameters of a query string, read by name."""

    __slots__ = ()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "QueryParams":
        """Read the raw query string of a request."""
        return cls(parse_pairs(raw))

    def replace(self, **values: object) -> "QueryParams":
        """Return a copy in which each name given has just the value given; None removes it."""
        pairs = [(key, value) for key, value in self.pairs if key not in values]
        pairs += [(key, str(value)) for key, value in values.items() if value is not None]
        return QueryParams(pairs)

    def __str__(self) -> str:
        """Encode the parameters again."""
        return urlencode(self.pairs)

    def __repr__(self) -> str:
        """Show every parameter."""
        return f"QueryParams({self.pairs!r})"
