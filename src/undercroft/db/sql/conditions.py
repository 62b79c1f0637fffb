"""The SQL of each kind of condition: comparisons, lists, ranges, patterns, NULL."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.types import Pattern
from undercroft.db.queries.lookups import Lookup
from undercroft.db.queries.shape import Expression
from undercroft.db.sql.builder import Builder

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "exact": lambda column, value: column == value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "iexact": lambda column, value: sa.func.lower(column) == sa.func.lower(value),
}

#: Wildcards before and behind, by look-up without its `i`.
_WILDCARDS = {"contains": ("%", "%"), "startswith": ("", "%"), "endswith": ("%", "")}


def _find_compared(builder: Builder, lookup: Lookup) -> Any:
    """Find what is compared: the column, or the part of its date or time."""
    column: Any = builder.find_column(lookup.path, lookup.column)
    if lookup.part is None:
        return column
    part: Any = sa.cast(sa.extract(lookup.part, column), sa.Integer)
    return part


def _compare(builder: Builder, lookup: Lookup) -> Any:
    column = _find_compared(builder, lookup)
    comparison = _COMPARISONS.get(lookup.operator)
    if comparison is not None:
        column_type = sa.Text() if lookup.operator == "iexact" else column.type
        return comparison(column, builder.bind(column_type))
    return _match(builder, column, lookup.operator)


def _match(builder: Builder, column: Any, operator: str) -> Any:
    ignore_case = operator.startswith("i")
    before, after = _WILDCARDS[operator.removeprefix("i")]
    value = builder.bind(Pattern(before, after, ignore_case=ignore_case))
    if ignore_case:
        return column.ilike(value, escape="\\")
    if builder.dialect.name == "sqlite":
        # SQLite's LIKE ignores the case of ASCII letters.
        return column.op("GLOB", is_comparison=True)(value)
    return column.like(value, escape="\\")


def _is_in(builder: Builder, lookup: Lookup, _length: int) -> Any:
    column = _find_compared(builder, lookup)
    return column.in_(builder.bind(column.type, many=True))


def _is_between(builder: Builder, lookup: Lookup) -> Any:
    column = _find_compared(builder, lookup)
    return column.between(builder.bind(column.type), builder.bind(column.type))


def _is_null(builder: Builder, lookup: Lookup, is_null: bool) -> Any:
    column = builder.find_column(lookup.path, lookup.column)
    return column.is_(None) if is_null else column.is_not(None)


def _adopt(builder: Builder, expression: Expression) -> Any:
    return builder.adopt(expression)


#: What builds each kind of condition.
CONDITIONS: dict[str, Callable[..., Any]] = {
    "where": _compare,
    "in": _is_in,
    "null": _is_null,
    "range": _is_between,
    "expression": _adopt,
}
