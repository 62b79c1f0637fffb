"""The SQL of values turned into other types, and of bound values that need to be told theirs."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.time_types import Microseconds, WholeLength, find_time_kind
from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.outputs import build_cast_error, find_common_type
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql import decimals, fitting, json_paths
from undercroft.db.sql.functions.building import call
from undercroft.db.sql.functions.text import to_text
from undercroft.errors import FieldError

#: What SQLite keeps as text, and a cast would take for numbers.
_TIMES = frozenset({dt.date, dt.datetime, dt.time})

_NUMBERS = frozenset({Decimal, float, int})


def _is_json(column_type: Any) -> bool:
    return isinstance(column_type, sa.JSON)


def cast(builder: Any, element: Any, made: Any) -> Any:
    """Build a value turned into another type."""
    kind, given = find_python_type(made), find_python_type(element.type)
    if _is_json(element.type) and not _is_json(made):
        if kind is bool:
            return json_paths.as_truth(builder, element)
        return cast(builder, json_paths.as_text(builder, element), made)
    if _is_json(made) and builder.vendor != "postgresql":
        return call("json" if builder.vendor == "sqlite" else "json_compact", element, type_=made)
    if kind is float:
        # MariaDB's and PostgreSQL's names of other types have a precision, or half of it.
        return sa.type_coerce(sa.cast(element, TYPES["double"]), made)
    if kind is bool and (builder.vendor != "postgresql" or given in _NUMBERS):
        # PostgreSQL casts few kinds of numbers; to the others a truth is a number of any size.
        return sa.type_coerce(element != sa.literal_column("0"), made)
    if dt.timedelta in (kind, given):
        return _cast_length(element, made)
    if kind is str:
        return _write(builder, element, made)
    is_own = builder.vendor != "sqlite"
    return sa.cast(element, made) if is_own else _cast_on_sqlite(element, given, kind, made)


def _write(builder: Any, element: Any, made: Any) -> Any:
    """Build the text of a value, cut off at the length that its type has."""
    text, length = to_text(builder, element), getattr(made, "length", None)
    if length is not None and builder.vendor == "sqlite":
        text = sa.func.substr(text, 1, length)
    elif length is not None:
        text = sa.cast(text, made)
    return sa.type_coerce(text, made)


def _cast_length(element: Any, made: Any) -> Any:
    """Build a length of time from its number of microseconds, or that number.

    Raises:
        FieldError: It is to be anything else, for which databases have ways of their own.
    """
    kinds = find_time_kind(element.type), find_time_kind(made)
    if kinds == ("length", "number"):
        return sa.cast(Microseconds(element), made)
    if kinds == ("number", "length"):
        return WholeLength(sa.cast(element, TYPES["decimal"]))
    if kinds == ("length", "length"):
        return element
    raise FieldError(
        "A length of time is cast to numbers, of microseconds, and from them only.",
        hint='Divide it by another one: F("length") / timedelta(hours=1).',
        code="db.arithmetic",
    )


def _cast_on_sqlite(element: Any, given: type[Any], wanted: type[Any], made: Any) -> Any:
    """Build a number, moment, date or time, which SQLite's own casts cut off or round."""
    if wanted is Decimal:
        return decimals.cast(element, made)
    if wanted is int and given in (Decimal, float):
        return fitting.fit_integer(element, made, "a cast")
    if wanted not in _TIMES:
        return sa.cast(element, made)
    return _cast_time(element, given, wanted, made)


def _cast_time(element: Any, given: type[Any], wanted: type[Any], made: Any) -> Any:
    """Build a moment, date or time of another, or of text; SQLite's functions round to 1 ms."""
    if given is wanted:
        return element
    if given in _TIMES and wanted is dt.datetime:
        return extend(element)
    if given is dt.datetime:
        places = (1, 10) if wanted is dt.date else (12, 15)
        return call("substr", element, *places, type_=made)
    return call("undercroft_read", sa.literal_column(f"'{wanted.__name__}'"), element, type_=made)


def extend(date: Any) -> Any:
    """Build the moment at which a date begins, on SQLite."""
    return sa.type_coerce(date.op("||")(sa.literal_column("' 00:00:00.000000'")), TYPES["datetime"])


def align(builder: Any, left: Any, right: Any) -> tuple[Any, Any]:
    """Build a date and a moment so that they compare, which SQLite does by their text."""
    kinds = find_python_type(left.type), find_python_type(right.type)
    if builder.vendor != "sqlite" or set(kinds) != {dt.date, dt.datetime}:
        return left, right
    return (extend(left), right) if kinds[0] is dt.date else (left, extend(right))


def join_types(builder: Any, elements: Sequence[Any]) -> tuple[list[Any], Any]:
    """Build values of several types as the one they have in common; tell it.

    Args:
        builder: Of the statement.
        elements: The values.
    """
    types = [each.type for each in elements if not isinstance(each, sa.Null)]
    made = find_common_type(types) if types else TYPES["any"]
    if find_python_type(made) is not dt.datetime:
        return list(elements), made
    is_date = [find_python_type(each.type) is dt.date for each in elements]
    joined = [
        cast(builder, each, made) if is_first else each
        for each, is_first in zip(elements, is_date, strict=True)
    ]
    return joined, made


def fit(builder: Any, element: Any, column_type: Any) -> Any:
    """Build the value of a column from an expression of another type.

    Raises:
        FieldError: It is JSON, of which nobody knows what it holds.
    """
    if _is_json(column_type):
        return json_paths.wrap(builder, element)
    if _is_json(element.type):
        raise build_cast_error("A value within JSON")
    kinds = {find_python_type(element.type), find_python_type(column_type)}
    if builder.vendor == "sqlite" and kinds == {dt.date, dt.datetime}:
        return cast(builder, element, column_type)
    return element


def bind_value(builder: Any, column_type: Any) -> Any:
    """Bind a value that stands by itself; MariaDB takes moments for text unless it is told."""
    value = builder.bind(column_type)
    if builder.vendor == "mariadb" and find_python_type(column_type) in _TIMES:
        return sa.cast(value, column_type)
    return value
