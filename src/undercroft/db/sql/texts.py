"""Text within text: patterns, regular expressions, and a search for what is no constant."""

from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.types import Pattern, Prefix
from undercroft.db.sql.functions.text import length, lower, position

#: Wildcards before and behind, by look-up without its `i`.
_WILDCARDS = {"contains": ("%", "%"), "startswith": ("", "%"), "endswith": ("%", "")}


def match_pattern(builder: Any, left: Any, operator: str) -> Any:
    """Match text with a piece of it; what is searched for is a value of the call."""
    ignore_case = operator.startswith("i")
    before, after = _WILDCARDS[operator.removeprefix("i")]
    if builder.vendor == "sqlite":
        return _match_on_sqlite(builder, left, operator, builder.bind(sa.Text()))
    value = builder.bind(Pattern(before, after))
    if ignore_case:
        return lower(builder, left).like(lower(builder, value), escape="\\")
    return left.like(value, escape="\\")


def _match_on_sqlite(builder: Any, left: Any, operator: str, value: Any) -> Any:
    """Match text on SQLite, whose LIKE ignores the case of ASCII letters, and no long patterns."""
    if operator.startswith("i"):
        return search(builder, lower(builder, left), operator[1:], lower(builder, value))
    found = search(builder, left, operator, value)
    if operator != "startswith":
        return found
    # An index finds what begins with a pattern, which may be no longer than so much.
    return sa.and_(left.op("GLOB", is_comparison=True)(sa.type_coerce(value, Prefix())), found)


def match_regex(builder: Any, left: Any, operator: str, pattern: Any) -> Any:
    """Match text with a regular expression, in the database's own dialect of them."""
    if operator == "regex":
        return left.regexp_match(pattern)
    if builder.vendor == "postgresql":
        return left.op("~*", is_comparison=True)(pattern)
    return left.regexp_match(sa.literal("(?i)") + pattern)


def search(builder: Any, left: Any, operator: str, right: Any) -> Any:
    """Look for one text in another without a pattern, whose wildcards nobody would escape."""
    if operator == "exact":
        return left == right
    if operator == "contains":
        return position(builder, left, right) > 0
    size = length(builder, right)
    if operator == "startswith":
        return sa.func.substr(left, 1, size) == right
    return sa.func.substr(left, length(builder, left) - size + 1) == right
