"""Check and convert a value given to a query or a model against its column's Python type."""

import datetime as dt
import enum
import json
import math
import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from undercroft.errors import FieldValueError

#: Gives back the value to bind; raises `ValueError` or `TypeError` with the expectation as text.
Convert: TypeAlias = Callable[[Any], Any]


class Converting:
    """A column type of ours that checks and converts its values by itself."""

    def convert(self, value: Any) -> Any:
        """Give back the value to bind.

        Raises:
            TypeError: It is of another type; the text says what was expected.
            ValueError: It does not fit; the text says what was expected.
        """
        raise NotImplementedError


_INTEGER_BITS: tuple[tuple[type[Any], int], ...] = (
    (sa.SmallInteger, 16),
    (sa.BigInteger, 64),
    (sa.Integer, 32),
)


def build_converter(column: "sa.Column[Any]") -> Convert:
    """Build the converter for one column; other types than the known ones pass untouched."""
    column_type = column.type
    if isinstance(column_type, Converting):
        return column_type.convert
    if isinstance(column_type, sa.Integer):
        return _build_integer(column_type)
    if isinstance(column_type, sa.JSON):
        return _check_json
    return _CONVERTERS.get(find_python_type(column_type), _pass)


def find_python_type(column_type: TypeEngine[Any]) -> type[Any]:
    """Find the Python type of a column's values; `object` when the type does not say."""
    try:
        return column_type.python_type
    except NotImplementedError:
        return object


#: Names that begin with a vowel as it is written and not as it is spoken: a User, a Unit.
_NOT_VOWELS = re.compile(r"Uni|Us[aeu]|Eu|On[ce]e?|Ut[ei]")


def add_article(name: str) -> str:
    """Put "a" or "an" before the name of a class, for messages."""
    is_vowel = name[:1] in "AEIOU" and not _NOT_VOWELS.match(name)
    return f"an {name}" if is_vowel else f"a {name}"


def build_error(owner: str, name: str, value: Any, expected: str) -> FieldValueError:
    """Build the error for a value that does not fit; a long value is cut."""
    shown = repr(value)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return FieldValueError(f"Value {shown} does not fit {owner}.{name}: expected {expected}.")


def _pass(value: Any) -> Any:
    return value


def _build_integer(column_type: sa.Integer) -> Convert:
    bits = next(bits for kind, bits in _INTEGER_BITS if isinstance(column_type, kind))
    limit = 1 << (bits - 1)
    expected = f"a whole number of {bits} bits"

    def convert(value: Any) -> Any:
        if value.__class__ is not int:
            value = _to_integer(value, expected)
        if -limit <= value < limit:
            return value
        raise ValueError(expected)

    return convert


def _to_integer(value: Any, expected: str) -> int:
    if isinstance(value, enum.Enum):
        value = value.value
    # Ten thousand digits cost quadratic time to read and fit no column.
    if isinstance(value, str) and len(value) > 20:
        raise ValueError(expected)
    if isinstance(value, (int, str)) or (isinstance(value, float) and value.is_integer()):
        try:
            return int(value)
        except ValueError:
            raise ValueError(expected) from None
    raise TypeError(expected)


def _to_text(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        value = value.value
    if not isinstance(value, str):
        raise TypeError("text")
    if "\x00" in value:
        raise ValueError("text without NUL characters")
    return value


def _to_boolean(value: Any) -> Any:
    if value is True or value is False:
        return value
    if value in (0, 1):
        return bool(value)
    raise TypeError("True or False")


def _to_float(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise TypeError("a number")
    try:
        number = float(value)
    except (OverflowError, ValueError):
        raise ValueError("a number of a float's size") from None
    if not math.isfinite(number):
        # SQLite would store NULL.
        raise ValueError("a finite number")
    return number


def _to_decimal(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 100:
        raise ValueError("a decimal number of at most 100 digits")
    try:
        number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValueError("a decimal number") from None
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        raise ValueError("a finite decimal number")
    return number


def _to_datetime(value: Any) -> Any:
    expected = "an aware datetime, for example datetime.now(UTC)"
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(expected) from None
    if not isinstance(value, dt.datetime) or value.utcoffset() is None:
        raise TypeError(expected)
    try:
        return value.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("a datetime within the years 1 to 9999 of UTC") from None


def _build_iso(kind: type[Any], expected: str, refused: type[Any] | None = None) -> Convert:
    def convert(value: Any) -> Any:
        if isinstance(value, str):
            try:
                return kind.fromisoformat(value)
            except ValueError:
                raise ValueError(expected) from None
        # A datetime is a date to Python, and would lose its time.
        if not isinstance(value, kind) or (refused is not None and isinstance(value, refused)):
            raise TypeError(expected)
        return value

    return convert


_iso_time = _build_iso(dt.time, "a time, for example 12:30")


def _to_time(value: Any) -> Any:
    found = _iso_time(value)
    if found.tzinfo is not None:
        raise ValueError("a time without a zone, for example 12:30")
    return found


def dump_json(value: Any) -> str:
    """Dump a value as JSON of the standard, which has no NaN and no Infinity.

    Raises:
        TypeError: There is no JSON for it.
        ValueError: It holds such a number, or itself.
    """
    return json.dumps(value, allow_nan=False)


#: The escape of NUL, whose backslash is no second half of an escaped one.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _check_json(value: Any) -> Any:
    try:
        text = dump_json(value)
    except (RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"what JSON can say ({error})") from None
    if "\\u0000" in text and _NUL.search(text):
        raise ValueError("JSON without NUL characters")
    return value


def _to_uuid(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(value)
    except (AttributeError, TypeError, ValueError):
        raise ValueError("a UUID") from None


def _to_bytes(value: Any) -> Any:
    if issubclass(type(value), (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError("bytes")


_CONVERTERS: dict[type[Any], Convert] = {
    str: _to_text,
    bool: _to_boolean,
    float: _to_float,
    Decimal: _to_decimal,
    dt.datetime: _to_datetime,
    dt.date: _build_iso(dt.date, "a date, for example 2026-01-31", dt.datetime),
    dt.time: _to_time,
    uuid.UUID: _to_uuid,
    bytes: _to_bytes,
}
