"""Column types: what SQLAlchemy's own types leave to each database, made the same on all."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from undercroft.db.decimals import (
    DIGITS,
    NO_NUMBER,
    cut_decimal,
    read_decimal,
    show_decimal,
    write_decimal,
)

#: 64 bits everywhere; SQLite numbers rows by itself only for a column called INTEGER.
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SmallId = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")

#: How many characters of a text SQLite looks for by an index: its patterns have 50,000 bytes.
_PREFIX = 1000

#: PostgreSQL's `json` cannot be compared, its `jsonb` can.
Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class ExactDecimal(types.TypeDecorator[Decimal]):
    """A decimal number; SQLite, which has none, is handed text and keeps 15 digits exactly.

    Args:
        max_digits: Digits in all.
        decimal_places: Of these, digits after the point.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, max_digits: int, decimal_places: int) -> None:
        super().__init__(max_digits, decimal_places)
        self.max_digits = max_digits
        self.decimal_places = decimal_places

    @property
    def python_type(self) -> type[Decimal]:
        """What values are in Python."""
        return Decimal

    def bind_processor(self, dialect: Dialect) -> Any:
        """Hand SQLite text, which its numeric columns turn into numbers."""
        if dialect.name == "sqlite":
            return _to_text
        return super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Read SQLite's floating-point number back as the decimal it was."""
        if dialect.name == "sqlite":
            return _build_reader(self.decimal_places)
        return super().result_processor(dialect, coltype)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        """Take any number for one that a column may be compared with."""
        kind = _COMPARED.get(getattr(op, "__name__", ""))
        return self if kind is None else ComparedDecimal(self.decimal_places, kind)


class ComparedDecimal(types.TypeDecorator[Decimal]):
    """A number that a column of decimals is compared with, of however many digits.

    SQLite is handed one of those that a column can hold: between it and the number is none.

    Args:
        decimal_places: Of the column.
        kind: `same` for a number that has to be met, else `up` or `down`, where to look for
            one that the column can hold.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, decimal_places: int, kind: str) -> None:
        super().__init__()
        self.decimal_places = decimal_places
        self.kind = kind

    @property
    def python_type(self) -> type[Decimal]:
        """What values are in Python."""
        return Decimal

    def bind_processor(self, dialect: Dialect) -> Any:
        """Hand SQLite a number that columns have, or text that none is equal to."""
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)
        places, kind = self.decimal_places, self.kind

        def write(value: Any) -> Any:
            if value is None:
                return None
            number = read_decimal(value)
            if kind != "same":
                number = cut_decimal(number, places, up=kind == "up")
            written = write_decimal(number)
            return NO_NUMBER if written.__class__ is str and kind == "same" else written

        return write


#: Which of a column's numbers stands for another one in a comparison, by SQLAlchemy's operator.
_COMPARED = {
    "eq": "same",
    "ge": "up",
    "gt": "down",
    "in_op": "same",
    "le": "down",
    "lt": "up",
    "ne": "same",
    "not_in_op": "same",
}


class DecimalResult(types.TypeDecorator[Decimal]):
    """A decimal number that is worked out, or stands by itself; exact on SQLite, too.

    Args:
        decimal_places: How many are shown at least.
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, decimal_places: int = 0) -> None:
        super().__init__()
        self.decimal_places = decimal_places

    @property
    def python_type(self) -> type[Decimal]:
        """What values are in Python."""
        return Decimal

    def bind_processor(self, dialect: Dialect) -> Any:
        """Hand SQLite the one form of a number."""
        if dialect.name != "sqlite":
            return super().bind_processor(dialect)
        return _write_result

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """Read SQLite's number as the decimal it stands for."""
        if dialect.name == "sqlite":
            return _build_reader(self.decimal_places)
        return super().result_processor(dialect, coltype)


def _build_reader(places: int) -> Any:
    def read(value: Any) -> Decimal | None:
        return None if value is None else show_decimal(value, places)

    return read


def _write_result(value: Decimal | None) -> Any:
    return None if value is None else write_decimal(read_decimal(value))


def count_places(column_type: Any) -> int:
    """Count the decimal places that values of a type have at least."""
    return getattr(column_type, "decimal_places", None) or getattr(column_type, "scale", None) or 0


def _to_text(value: Decimal | None) -> str | None:
    """Write a number for SQLite, which would keep another one if it had more digits."""
    if value is None:
        return None
    text = str(value)
    if len(text) > DIGITS and write_decimal(read_decimal(value)).__class__ is str:
        raise ValueError(f"SQLite keeps {DIGITS} digits, and {text} has more")
    return text


class Pattern(types.TypeDecorator[str]):
    """The bound text of `contains` and its kin, escaped for LIKE.

    Args:
        before: The wildcard in front, `%` or nothing.
        after: The wildcard behind.
    """

    impl = sa.Text()
    cache_ok = True

    def __init__(self, before: str = "", after: str = "") -> None:
        super().__init__()
        self.before = before
        self.after = after

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape the wildcards of the operator, then add our own."""
        if value is None:
            return None
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return self.before + escaped + self.after


class Prefix(types.TypeDecorator[str]):
    """The bound text of `startswith`, as much of it as a pattern of GLOB may have."""

    impl = sa.Text()
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape the wildcards."""
        if value is None:
            return None
        return "".join(f"[{char}]" if char in "*?[" else char for char in value[:_PREFIX]) + "*"
