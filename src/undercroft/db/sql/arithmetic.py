"""The SQL of arithmetic: of numbers, and of moments and spans of time."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields import time_types
from undercroft.db.fields.values import find_python_type
from undercroft.db.sql import decimals
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
    moved = time_types.combine(operator, *sides)
    if moved is not None:
        return moved
    sides = _count(sides[0]), _count(sides[1])
    if decimals.is_worked_out(builder, *sides) and find_python_type(made) is Decimal:
        return decimals.combine(operator, *sides, made)
    if operator == "/":
        return _divide(builder, sides, made)
    if operator == "**":
        return power(builder, *sides, made)
    if operator == "%":
        return modulo(builder, *sides, made)
    if operator in _BITS:
        return _combine_bits(builder, operator, sides, made)
    left, right = sides
    if builder.vendor == "postgresql" and find_python_type(made) is int:
        # Its whole numbers have the bits of the wider side.
        left = left if isinstance(left.type, sa.BigInteger) else sa.cast(left, sa.BigInteger())
    return sa.type_coerce(_OPERATORS[operator](left, right), made)


def _count(element: Any) -> Any:
    """Build 1 or 0 of what is true or false."""
    return sa.cast(element, sa.Integer()) if isinstance(element.type, sa.Boolean) else element


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
