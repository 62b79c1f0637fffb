"""The SQL of values turned into other types, and of bound values that need to be told theirs."""

import datetime as dt
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.outputs import build_cast_error
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql import json_paths
from undercroft.db.sql.functions.building import call

#: SQLite's formats of what it keeps as text, and a cast would take for numbers.
_FORMATS: dict[type[Any], str] = {
    dt.date: "%Y-%m-%d",
    dt.datetime: "%Y-%m-%d %H:%M:%f000",
    dt.time: "%H:%M:%f000",
}

_NUMBERS = frozenset({Decimal, float, int})


def _is_json(column_type: Any) -> bool:
    return isinstance(column_type, sa.JSON)


def cast(builder: Any, element: Any, made: Any) -> Any:
    """Build a value turned into another type."""
    kind = find_python_type(made)
    if _is_json(element.type) and not _is_json(made):
        if kind is bool:
            return json_paths.as_truth(builder, element)
        element = json_paths.as_text(builder, element)
    if _is_json(made) and builder.vendor != "postgresql":
        return call("json" if builder.vendor == "sqlite" else "json_compact", element, type_=made)
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


def fit(builder: Any, element: Any, column_type: Any) -> Any:
    """Build the value of a column from an expression of another type.

    Raises:
        FieldError: It is JSON, of which nobody knows what it holds.
    """
    if _is_json(column_type):
        return json_paths.wrap(builder, element)
    if _is_json(element.type):
        raise build_cast_error("A value within JSON")
    return element


def bind_value(builder: Any, column_type: Any) -> Any:
    """Bind a value that stands by itself; MariaDB takes moments for text unless it is told."""
    value = builder.bind(column_type)
    if builder.vendor == "mariadb" and find_python_type(column_type) in _FORMATS:
        return sa.cast(value, column_type)
    return value
