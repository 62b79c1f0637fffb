"""What a column can hold, of which SQLite would keep anything: results are fitted, or refused."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from undercroft.db.decimals import DIGITS, EXACT, read_decimal, write_decimal
from undercroft.errors import FieldValueError


def _refuse(place: str, expected: str) -> FieldValueError:
    return FieldValueError(f"A result does not fit {place}: expected {expected}.")


def _fit_integer(value: Any, bits: int, exact: int, place: str) -> int:
    """Fit a number into a whole one; halves of decimals are rounded up, of floats to even."""
    whole = value
    if value.__class__ is not int:
        expected = f"a whole number of {bits} bits"
        try:
            number = read_decimal(value) if exact or value.__class__ is str else value
            whole = int(number.to_integral_value(ROUND_HALF_UP)) if exact else round(number)
        except (OverflowError, ValueError):
            raise _refuse(place, expected) from None
    limit = 1 << (bits - 1)
    if -limit <= whole < limit:
        return int(whole)
    raise _refuse(place, f"a whole number of {bits} bits")


def _fit_decimal(value: Any, max_digits: int, places: int, place: str) -> Any:
    """Fit a number into one of so many digits, of which SQLite has room for 15."""
    found = read_decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, EXACT)
    if found and found.adjusted() >= max_digits - places:
        raise _refuse(place, f"{max_digits} digits, {places} of them decimal places")
    written = write_decimal(found)
    if written.__class__ is str:
        raise _refuse(place, f"at most {DIGITS} digits on SQLite")
    return written


def _fit_text(value: Any, length: int, place: str) -> str:
    text = str(value)
    if len(text) <= length:
        return text
    # As SQL has it, blanks at the end are no reason to refuse a text.
    if text[length:].strip(" "):
        raise _refuse(place, f"at most {length} characters")
    return text[:length]


#: The functions, and how many arguments they take.
FITTING: dict[str, tuple[int, Callable[..., Any]]] = {
    "undercroft_fit_decimal": (4, _fit_decimal),
    "undercroft_fit_integer": (4, _fit_integer),
    "undercroft_fit_text": (3, _fit_text),
}
