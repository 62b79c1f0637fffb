"""Text within text: patterns, regular expressions, and a search for what is no constant."""

from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.types import Pattern
from undercroft.db.sql.functions.text import length, lower, position

#: Wildcards before and behind, by look-up without its `i`.
_WILDCARDS = {"contains": ("%", "%"), "startswith": ("", "%"), "endswith": ("%", "")}


def match_pattern(builder: Any, left: Any, operator: str) -> Any:
    """Match text with a piece of it; what is searched for is a value of the call."""
    ignore_case = operator.startswith("i")
    before, after = _WILDCARDS[operator.removeprefix("i")]
    value = builder.bind(Pattern(before, after, ignore_case=ignore_case))
    if ignore_case:
        return lower(builder, left).like(lower(builder, value), escape="\\")
    if builder.vendor == "sqlite":
        # SQLite's LIKE ignores the case of ASCII letters.
        return left.op("GLOB", is_comparison=True)(value)
    return left.like(value, escape="\\")


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
