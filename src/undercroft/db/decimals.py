"""Decimal numbers as SQLite keeps them, which has none.

A number of at most 15 digits is one of SQLite's own, which keeps these exactly; a longer one is
text. Each has one form only, so that equal numbers are the same to DISTINCT and GROUP BY.
"""

from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)
from typing import Any, Final

#: The decimal digits that a floating-point number keeps, whichever they are.
DIGITS: Final = 15

#: Text to SQLite, whatever it is compared with, and so equal to no number.
NO_NUMBER: Final = "no number of a column"

#: More digits than any result needs; PostgreSQL's numbers have at most 1,000 where it counts.
EXACT: Final = Context(
    prec=4000, rounding=ROUND_HALF_UP, traps=[DivisionByZero, InvalidOperation, Overflow]
)


#: Powers of ten that a floating-point number has without losing digits.
_MAX_EXPONENT: Final = 290


def read_decimal(value: Any) -> Decimal:
    """Read a number of SQLite, or text that is one.

    Raises:
        ValueError: It is no number.
    """
    if value.__class__ is float:
        # As PostgreSQL does: what binary arithmetic adds behind the 15th digit is noise.
        value = f"{value:.{DIGITS}g}"
    try:
        found = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValueError("a decimal number") from None
    if not found.is_finite():
        raise ValueError("a finite decimal number")
    return found


def write_decimal(number: Decimal) -> Any:
    """Write a number in its one form."""
    if not number:
        return 0
    first = number.adjusted()
    digits = number.as_tuple().digits
    size = len(digits)
    while not digits[size - 1]:
        size -= 1
    if size > DIGITS or abs(first) > _MAX_EXPONENT:
        return f"{number.normalize(EXACT):f}"
    is_whole = first < DIGITS and number == number.to_integral_value()
    return int(number) if is_whole else float(number)


def cut_decimal(number: Decimal, places: int, *, up: bool) -> Decimal:
    """Cut a number to what a column can hold, so that it stays on its side of all columns' values.

    Args:
        number: The number.
        places: Decimal places of the column.
        up: To the next greater one, else to the next less.
    """
    rounding = ROUND_CEILING if up else ROUND_FLOOR
    cut = EXACT.copy()
    cut.rounding = rounding
    found = number.quantize(Decimal(1).scaleb(-places), rounding, cut)
    return Context(prec=DIGITS, rounding=rounding).plus(found)


def show_decimal(value: Any, places: int) -> Decimal:
    """Read a result, and show it with at least so many decimal places."""
    found = read_decimal(value)
    shown = found.quantize(Decimal(1).scaleb(-places), None, EXACT)
    return shown if shown == found else found
