"""PostgreSQL's arrays: what lies at a position, slices, lengths, members."""

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from undercroft.db.fields.arrays import Array

_OPERATORS = {"contains": "@>", "contained_by": "<@", "overlap": "&&"}

#: A position, or a slice, as transforms name it.
_PART = re.compile(r"\[(\d+)(?::(\d+))?\]")


def is_array(element: Any) -> bool:
    """Tell whether an expression is an array."""
    return isinstance(element.type, Array)


def take_part(element: Any, name: str) -> Any:
    """Build what lies at a position, or a slice; arrays count from 1, as look-ups do not."""
    column_type: Array = element.type
    found = _PART.fullmatch(name)
    assert found is not None, f"{name!r} is no part of an array"
    first, last = found.groups()
    if last is not None:
        return sa.type_coerce(_slice(element, int(first) + 1, int(last)), column_type)
    index = int(first) + 1
    if column_type.dimensions == 1:
        return sa.type_coerce(_subscript(element, str(index)), column_type.part_type)
    # To PostgreSQL, a position of an array of arrays is nothing, and a slice keeps its depth.
    row = sa.func.array(sa.select(sa.func.unnest(_slice(element, index, index))).scalar_subquery())
    exists = _measure(element) >= sa.literal_column(str(index), sa.Integer())
    return sa.type_coerce(sa.case((exists, row)), column_type.part_type)


def _slice(element: Any, first: int, last: int) -> Any:
    return _subscript(element, f"{first}:{last}")


def _subscript(element: Any, bounds: str) -> Any:
    # The bounds are whole numbers, and part of the text: the result's type hangs on them.
    raw = sa.type_coerce(element, postgresql.ARRAY(sa.types.NullType()))
    return sa.Grouping(raw).op("", is_comparison=False)(sa.literal_column(f"[{bounds}]"))


def _measure(element: Any) -> Any:
    return sa.func.array_length(element, sa.literal_column("1"), type_=sa.Integer())


def measure(element: Any) -> Any:
    """Build the number of values; an empty array has none, and what is NULL has no number."""
    length = sa.func.coalesce(_measure(element), sa.literal_column("0"), type_=sa.Integer())
    return sa.case((element.is_not(None), length))


def compare(left: Any, operator: str, right: Any) -> Any:
    """Build a comparison of members; a query of one column is the list of its rows."""
    if isinstance(right, sa.ScalarSelect):
        right = sa.func.array(right)
    return left.op(_OPERATORS[operator], is_comparison=True)(right)
