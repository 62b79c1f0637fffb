"""The SQL of arithmetic: of numbers, and of moments and spans of time."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.time_types import MomentDifference, MomentShift
from undercroft.db.fields.values import find_python_type
from undercroft.db.sql.functions.numbers import divide, modulo, power, to_double

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "&": lambda left, right: left.bitwise_and(right),
    "|": lambda left, right: left.bitwise_or(right),
    "^": lambda left, right: left.bitwise_xor(right),
}

_BITS = frozenset({"&", "|", "^"})


def combine(builder: Any, operator: str, sides: tuple[Any, Any], made: Any) -> Any:
    """Build two expressions joined by an operator.

    Args:
        builder: Of the statement.
        operator: As Python writes it.
        sides: The expressions.
        made: The type of the result.
    """
    kinds = [find_python_type(each.type) for each in sides]
    if dt.timedelta in kinds or find_python_type(made) is dt.timedelta:
        return sa.type_coerce(_move(builder, operator, sides, kinds), made)
    if operator == "/":
        return _divide(builder, sides, made)
    if operator == "**":
        return power(builder, *sides, made)
    if operator == "%":
        return modulo(builder, *sides, made)
    if operator in _BITS:
        return _combine_bits(builder, operator, sides, made)
    return sa.type_coerce(_OPERATORS[operator](*sides), made)


def _divide(builder: Any, sides: tuple[Any, Any], made: Any) -> Any:
    """Build a ratio; SQLite keeps 10.00 as the whole number 10, and whole numbers divide so."""
    left, right = sides
    if find_python_type(made) is float or builder.vendor == "sqlite":
        left = to_double(left)
    return divide(left, right, made)


def _combine_bits(builder: Any, operator: str, sides: tuple[Any, Any], made: Any) -> Any:
    left, right = sides
    if operator == "^" and builder.vendor == "sqlite":
        return sa.type_coerce(left.op("|")(right) - left.op("&")(right), made)
    found = _OPERATORS[operator](left, right)
    # Bits have no sign to MariaDB.
    found = sa.cast(found, sa.BigInteger()) if builder.vendor == "mariadb" else found
    return sa.type_coerce(found, made)


def _move(builder: Any, operator: str, sides: tuple[Any, Any], kinds: list[Any]) -> Any:
    """Build a moment moved by a span, the span between two moments, or a span of another length."""
    left, right = sides
    moments = [index for index, kind in enumerate(kinds) if issubclass(kind, dt.date)]
    if len(moments) == 2:
        return MomentDifference(*(_to_moment(builder, each) for each in sides))
    if not moments:
        # An operator of its own: SQLAlchemy would choose a type for the result by itself.
        return left.op(operator)(right)
    moment, span = (left, right) if moments == [0] else (right, left)
    if operator == "-":
        span = sa.type_coerce(span.op("*")(sa.literal_column("-1")), span.type)
    return MomentShift(_to_moment(builder, moment), span)


def _to_moment(builder: Any, element: Any) -> Any:
    """Build the moment at which a date begins, where dates are something else."""
    if builder.vendor == "postgresql" and find_python_type(element.type) is dt.date:
        return sa.cast(element, sa.DateTime(timezone=True))
    return element
