"""The SQL of values turned into other types, and of bound values that need to be told theirs."""

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.terms import TYPES

#: SQLite's formats of what it keeps as text, and a cast would take for numbers.
_FORMATS: dict[type[Any], str] = {
    dt.date: "%Y-%m-%d",
    dt.datetime: "%Y-%m-%d %H:%M:%f000",
    dt.time: "%H:%M:%f000",
}

_NUMBERS = frozenset({Decimal, float, int})


def cast(builder: Any, element: Any, made: Any) -> Any:
    """Build a value turned into another type."""
    kind = find_python_type(made)
    if kind is float:
        # MariaDB's and PostgreSQL's names of other types have a precision, or half of it.
        return sa.type_coerce(sa.cast(element, TYPES["double"]), made)
    if kind is bool and (
        builder.vendor != "postgresql" or find_python_type(element.type) in _NUMBERS
    ):
        # PostgreSQL casts few kinds of numbers; to the others a truth is a number of any size.
        return sa.type_coerce(element != sa.literal_column("0"), made)
    if builder.vendor == "sqlite" and kind in _FORMATS:
        return sa.func.strftime(_FORMATS[kind], element, type_=made)
    return sa.cast(element, made)


def bind_value(builder: Any, column_type: Any) -> Any:
    """Bind a value that stands by itself; MariaDB takes moments for text unless it is told."""
    value = builder.bind(column_type)
    if builder.vendor == "mariadb" and find_python_type(column_type) in _FORMATS:
        return sa.cast(value, column_type)
    return value
