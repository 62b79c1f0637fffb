"""What stands before a query to be explained, on each database."""

from collections.abc import Mapping
from typing import Any

from undercroft.db.queries.names import shorten
from undercroft.errors import FieldError

#: PostgreSQL's options, apart from the format.
_POSTGRESQL = frozenset(
    {"analyze", "buffers", "costs", "memory", "serialize", "settings", "summary", "timing"}
    | {"verbose", "wal"}
)

_FORMATS = {"postgresql": ("text", "json", "xml", "yaml"), "mariadb": ("json",)}


def build_prefix(vendor: str, options: Mapping[str, Any]) -> str:
    """Build what stands before the query.

    Raises:
        FieldError: The database has no such option.
    """
    known = {"postgresql": _POSTGRESQL, "mariadb": frozenset({"analyze"})}.get(vendor, frozenset())
    chosen = {name: value for name, value in options.items() if name != "format"}
    for name in chosen:
        if name not in known:
            raise _build_unknown(vendor, name, known)
    shape = str(options.get("format", "")).lower()
    if shape and shape not in _FORMATS.get(vendor, ()):
        raise _build_unknown(vendor, f"format={shape}", frozenset(_FORMATS.get(vendor, ())))
    if vendor == "sqlite":
        return "EXPLAIN QUERY PLAN "
    if vendor == "mariadb":
        word = "ANALYZE" if chosen.get("analyze") else "EXPLAIN"
        return f"{word} FORMAT=JSON " if shape else f"{word} "
    words = [f"{name.upper()} {'TRUE' if value else 'FALSE'}" for name, value in chosen.items()]
    if shape:
        words.append(f"FORMAT {shape.upper()}")
    return f"EXPLAIN ({', '.join(words)}) " if words else "EXPLAIN "


def _build_unknown(vendor: str, name: str, known: frozenset[str]) -> FieldError:
    return FieldError(
        f"explain() has no option {shorten(name)!r} on {vendor}.",
        hint=f"Known: {', '.join(sorted(known)) or 'none'}.",
        code="db.explain",
    )
