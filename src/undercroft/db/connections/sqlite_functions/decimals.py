"""Arithmetic, order and aggregates of decimal numbers, exactly."""

import math
import struct
from collections.abc import Callable
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from typing import Any, Final

from undercroft.db.connections.sqlite_functions.aggregates import Collector
from undercroft.db.decimals import EXACT, read_decimal, show_decimal, write_decimal

#: For what has no end, such as roots.
_CLOSE: Final = Context(prec=34, traps=[DivisionByZero, InvalidOperation, Overflow])

#: What powers are worked out exactly.
_MAX_POWER: Final = 1000


# ------------------------------------------------------------------ arithmetic


def _combine(operate: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], Any]:
    def combine(left: Any, right: Any) -> Any:
        return write_decimal(operate(read_decimal(left), read_decimal(right)))

    return combine


def _change(operate: Callable[[Decimal], Decimal]) -> Callable[[Any], Any]:
    return lambda value: write_decimal(operate(read_decimal(value)))


def _divide(left: Any, right: Any) -> Any:
    """Divide; by 0 it is NULL."""
    one, other = read_decimal(left), read_decimal(right)
    return write_decimal(divide_decimal(one, other)) if other else None


def divide_decimal(left: Decimal, right: Decimal) -> Decimal:
    """Divide to as many places as PostgreSQL does: 16 digits that count, counted in fours."""
    places = max(_count_places(left), _count_places(right))
    if left:
        (weight, first), (other_weight, other_first) = _weigh(left), _weigh(right)
        weight -= other_weight + (first <= other_first)
        places = max(places, 16 - 4 * weight)
    with_rest = EXACT.divide(left, right)
    return with_rest.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT)


def _count_places(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))


def _weigh(number: Decimal) -> tuple[int, int]:
    """Tell the first digit of a number to the base 10,000, and which power of it that is."""
    weight = number.adjusted() // 4
    return weight, int(abs(number).scaleb(-4 * weight, EXACT))


def _modulo(left: Any, right: Any) -> Any:
    """Give what is left of a division, with the sign of the dividend; by 0 it is NULL."""
    one, other = read_decimal(left), read_decimal(right)
    return write_decimal(EXACT.remainder(one, other)) if other else None


def _power(left: Any, right: Any) -> Any:
    base, exponent = read_decimal(left), read_decimal(right)
    is_whole = exponent == exponent.to_integral_value()
    if (base < 0 and not is_whole) or (not base and exponent < 0):
        return None
    if not exponent:
        return 1
    if is_whole and exponent > 0 and len(base.as_tuple().digits) * exponent < _MAX_POWER:
        return write_decimal(EXACT.power(base, exponent))
    return write_decimal(_CLOSE.power(base, exponent))


def _round(number: Any, places: int) -> Any:
    unit = Decimal(1).scaleb(-places)
    whole = EXACT.divide(read_decimal(number), unit).quantize(Decimal(1), ROUND_HALF_UP, EXACT)
    return write_decimal(EXACT.multiply(whole, unit))


# ------------------------------------------------------------------ order


def _compare(left: Any, right: Any) -> int:
    one, other = read_decimal(left), read_decimal(right)
    return (one > other) - (one < other)


def _sign(value: Any) -> int:
    return _compare(value, 0)


def _build_key(value: Any) -> bytes:
    """Build bytes that are ordered as numbers are: by sign, size and digits."""
    number = read_decimal(value)
    if not number:
        return b"\x01"
    digits = "".join(map(str, number.as_tuple().digits)).rstrip("0")
    body = struct.pack(">i", number.adjusted() + (1 << 20)) + digits.encode()
    if number > 0:
        return b"\x02" + body
    # Negative numbers count down, the shorter of two being the greater.
    return b"\x00" + bytes(255 - each for each in body) + b"\xff"


def _greatest(*values: Any) -> Any:
    return write_decimal(max(map(read_decimal, values)))


def _least(*values: Any) -> Any:
    return write_decimal(min(map(read_decimal, values)))


def _cast(value: Any, max_digits: int, places: int) -> Any:
    """Turn a value into a decimal of a type; no type is one of no digits."""
    found = read_decimal(value.strip() if value.__class__ is str else value)
    if not max_digits:
        return write_decimal(found)
    found = found.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT)
    if found.adjusted() >= max_digits - places and found:
        raise ValueError(f"expected {max_digits} digits, {places} of them decimal places")
    return write_decimal(found)


def _write(value: Any, places: int) -> str:
    return f"{show_decimal(value, places):f}"


# ------------------------------------------------------------------ aggregates


class _Total(Collector):
    """The sum so far, and of how many."""

    def __init__(self) -> None:
        super().__init__()
        self.total = Decimal(0)
        self.count = 0

    def step(self, *arguments: Any) -> None:
        """Add a number; NULL is none."""
        if arguments[0] is not None:
            self.total = EXACT.add(self.total, read_decimal(arguments[0]))
            self.count += 1

    def inverse(self, *arguments: Any) -> None:
        """Take away a number that a window leaves behind."""
        if arguments[0] is not None:
            self.total = EXACT.subtract(self.total, read_decimal(arguments[0]))
            self.count -= 1


class _Sum(_Total):
    def value(self) -> Any:
        return write_decimal(self.total) if self.count else None


class _Mean(_Total):
    def value(self) -> Any:
        if not self.count:
            return None
        return write_decimal(divide_decimal(self.total, Decimal(self.count)))


class _Maximum(Collector):
    def value(self) -> Any:
        return _greatest(*(row[0] for row in self.rows)) if self.rows else None


class _Minimum(Collector):
    def value(self) -> Any:
        return _least(*(row[0] for row in self.rows)) if self.rows else None


#: The functions, and how many arguments they take.
DECIMALS: dict[str, tuple[int, Callable[..., Any]]] = {
    "undercroft_decimal_abs": (1, _change(EXACT.abs)),
    "undercroft_decimal_add": (2, _combine(EXACT.add)),
    "undercroft_decimal_cast": (3, _cast),
    "undercroft_decimal_ceil": (1, _change(lambda number: Decimal(math.ceil(number)))),
    "undercroft_decimal_compare": (2, _compare),
    "undercroft_decimal_divide": (2, _divide),
    "undercroft_decimal_floor": (1, _change(lambda number: Decimal(math.floor(number)))),
    "undercroft_decimal_greatest": (-1, _greatest),
    "undercroft_decimal_key": (1, _build_key),
    "undercroft_decimal_least": (-1, _least),
    "undercroft_decimal_modulo": (2, _modulo),
    "undercroft_decimal_multiply": (2, _combine(EXACT.multiply)),
    "undercroft_decimal_power": (2, _power),
    "undercroft_decimal_round": (2, _round),
    "undercroft_decimal_sign": (1, _sign),
    "undercroft_decimal_text": (2, _write),
    "undercroft_decimal_subtract": (2, _combine(EXACT.subtract)),
}

#: The aggregates, and how many arguments they take.
DECIMAL_AGGREGATES: dict[str, tuple[int, type[Collector]]] = {
    "undercroft_decimal_avg": (1, _Mean),
    "undercroft_decimal_max": (1, _Maximum),
    "undercroft_decimal_min": (1, _Minimum),
    "undercroft_decimal_sum": (1, _Sum),
}
