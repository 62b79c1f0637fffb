"""The SQL of functions of numbers.

Where mathematics has no answer, the answer is NULL, which PostgreSQL has to be told.
"""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql.decimals import change, is_decimal, is_worked_out
from undercroft.db.sql.functions.building import Build, call

_FLOAT = TYPES["float"]


def _of_floats(name: str, defined: Callable[[Any], Any] | None = None) -> Build:
    """Build a function from floating-point numbers to one.

    Args:
        name: The function's name.
        defined: The condition under which there is an answer.
    """

    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        if builder.vendor == "sqlite":
            floats = [to_double(each) if is_decimal(each) else each for each in arguments]
            return call(f"undercroft_{name}", *floats, type_=_FLOAT)
        if builder.vendor == "mariadb":
            return call(name, *arguments, type_=_FLOAT)
        arguments = [to_double(each) for each in arguments]
        found = call(name, *arguments, type_=_FLOAT)
        return found if defined is None else sa.case((defined(arguments[0]), found))

    return build


def to_double(number: Any) -> Any:
    """Build a floating-point number of any number."""
    return number if isinstance(number.type, sa.Float) else sa.cast(number, TYPES["double"])


def divide(left: Any, right: Any, column_type: Any) -> Any:
    """Divide numbers of which one at least is no whole number; by 0 it is NULL."""
    return left.op("/", return_type=column_type)(sa.func.nullif(right, 0, type_=right.type))


_ln = _of_floats("ln", lambda number: number > 0)
_tan = _of_floats("tan")


def _log(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    if builder.vendor != "postgresql":
        name = "undercroft_log" if builder.vendor == "sqlite" else "log"
        return call(name, *map(to_double, arguments), type_=_FLOAT)
    base, number = (_ln(builder, [each], None) for each in arguments)
    return divide(number, base, _FLOAT)


def _cot(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    return divide(sa.literal(1.0, _FLOAT), _tan(builder, arguments, None), _FLOAT)


def _whole(name: str) -> Build:
    """Build a function that gives whole numbers, of the type of its argument."""

    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        number = arguments[0]
        if name != "sign" and find_python_type(number.type) in (int, bool):
            return number
        if is_worked_out(builder, number):
            return change(name, number)
        called = f"undercroft_{name}" if builder.vendor == "sqlite" else name
        return _keep_type(builder, call(called, number, type_=number.type))

    return build


def _abs(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    value = arguments[0]
    if is_worked_out(builder, value):
        return change("abs", value)
    if find_python_type(value.type) is not dt.timedelta or builder.vendor != "postgresql":
        return call("abs", value, type_=value.type)
    # It knows no size of an interval.
    return call("greatest", value, -value, type_=value.type)


def _round(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    number, places = arguments
    column_type = number.type
    if is_worked_out(builder, number):
        return change("round", number, places)
    if builder.vendor == "sqlite":
        return call("undercroft_round", number, places, type_=column_type)
    if builder.vendor == "mariadb":
        return _round_on_mariadb(builder, number, places)
    # Halves of what is not exact would be rounded to even, and to no decimal place.
    counted = sa.cast(places, sa.Integer())
    exact = call("round", sa.cast(number, sa.Numeric()), counted, type_=sa.Numeric())
    is_exact = find_python_type(column_type) is Decimal
    return sa.type_coerce(exact, column_type) if is_exact else sa.cast(exact, column_type)


def _round_on_mariadb(builder: Any, number: Any, places: Any) -> Any:
    rounded = call("round", number, places, type_=number.type)
    if not isinstance(number.type, sa.Float):
        return _keep_type(builder, rounded)
    # Halves of what is not exact would be rounded to even; what is larger has no decimal places.
    exact = call("round", sa.cast(number, sa.Numeric(65, 30)), places)
    is_small = sa.func.abs(number) < sa.literal_column("1e18")
    found = sa.case((is_small, sa.cast(exact, TYPES["double"])), else_=rounded)
    return sa.type_coerce(found, _FLOAT)


def _keep_type(builder: Any, found: Any) -> Any:
    """Give a result the type of its argument where a database makes another of it."""
    kind = find_python_type(found.type)
    if builder.vendor == "mariadb" and kind is Decimal:
        # A decimal without decimal places is an integer there.
        return sa.type_coerce(found + sa.literal_column("0.0"), found.type)
    if builder.vendor == "postgresql" and kind is int:
        return sa.cast(found, found.type)
    return found


def _random(builder: Any, _arguments: Sequence[Any], _option: Any) -> Any:
    if builder.vendor != "sqlite":
        return call("rand" if builder.vendor == "mariadb" else "random", type_=_FLOAT)
    # SQLite's is a whole number of 64 bits, of which a float keeps 53.
    bits = call("random", type_=TYPES["bigint"]).bitwise_and(sa.literal_column(f"{(1 << 53) - 1}"))
    return sa.type_coerce(bits / sa.literal_column(f"{1 << 53}.0"), _FLOAT)


def _pi(_builder: Any, _arguments: Sequence[Any], _option: Any) -> Any:
    # MariaDB's own has seven digits.
    return sa.literal(math.pi, _FLOAT)


def modulo(builder: Any, left: Any, right: Any, column_type: Any) -> Any:
    """Build what is left of a division; by 0 it is NULL."""
    if builder.vendor == "sqlite":
        # Its own operator is one of whole numbers only.
        return call("undercroft_mod", left, right, type_=column_type)
    if builder.vendor == "mariadb":
        return call("mod", left, right, type_=column_type)
    is_float = find_python_type(column_type) is float
    if is_float:
        left, right = (sa.cast(each, sa.Numeric()) for each in (left, right))
    found = call("mod", left, sa.func.nullif(right, 0, type_=right.type), type_=column_type)
    return sa.cast(found, TYPES["double"]) if is_float else found


def power(builder: Any, left: Any, right: Any, column_type: Any) -> Any:
    """Build a power; it is NULL where it would be no real number."""
    if builder.vendor == "sqlite":
        return call("undercroft_power", left, right, type_=column_type)
    if find_python_type(column_type) is float:
        left, right = to_double(left), to_double(right)
    is_complex = sa.and_(left < 0, right != sa.func.floor(right))
    is_endless = sa.and_(left == 0, right < 0)
    found = call("power", left, right, type_=column_type)
    return sa.case((sa.or_(is_complex, is_endless), sa.null()), else_=found)


def _is_ratio(number: Any) -> Any:
    return number.between(-1, 1)


#: The functions.
NUMBERS: dict[str, Build] = {
    "abs": _abs,
    "acos": _of_floats("acos", _is_ratio),
    "asin": _of_floats("asin", _is_ratio),
    "atan": _of_floats("atan"),
    "atan2": _of_floats("atan2"),
    "ceil": _whole("ceil"),
    "cos": _of_floats("cos"),
    "cot": _cot,
    "degrees": _of_floats("degrees"),
    "exp": _of_floats("exp"),
    "floor": _whole("floor"),
    "ln": _ln,
    "log": _log,
    "pi": _pi,
    "radians": _of_floats("radians"),
    "random": _random,
    "round": _round,
    "sign": _whole("sign"),
    "sin": _of_floats("sin"),
    "sqrt": _of_floats("sqrt", lambda number: number >= 0),
    "tan": _tan,
}
