"""Column types: what SQLAlchemy's own types leave to each database, made the same on all."""

from decimal import Context, Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect

#: 64 bits everywhere; SQLite numbers rows by itself only for a column called INTEGER.
BigId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SmallId = sa.SmallInteger().with_variant(sa.Integer(), "sqlite")

#: The decimal digits that a floating-point number keeps, whichever they are.
_EXACT = 15

#: SQLite's limit on the pattern of LIKE and GLOB, in bytes.
_MAX_PATTERN = 50_000

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
            unit = Decimal(1).scaleb(-self.decimal_places)
            context = Context(prec=max(28, self.max_digits + 1))

            def read(value: Any) -> Decimal | None:
                return None if value is None else Decimal(str(value)).quantize(unit, None, context)

            return read
        return super().result_processor(dialect, coltype)


def _to_text(value: Decimal | None) -> str | None:
    """Write a number for SQLite, which would keep another one if it had more digits."""
    if value is None:
        return None
    text = str(value)
    if len(text) > _EXACT:
        digits = "".join(map(str, Decimal(value).as_tuple().digits)).strip("0")
        if len(digits) > _EXACT:
            raise ValueError(f"SQLite keeps {_EXACT} digits, and {text} has {len(digits)}")
    return text


class Pattern(types.TypeDecorator[str]):
    """The bound text of `contains` and its kin, escaped for the operator that reads it.

    Case-sensitive matching is LIKE on most databases and GLOB on SQLite, whose LIKE ignores case.

    Args:
        before: The wildcard in front, `%` or nothing.
        after: The wildcard behind.
        ignore_case: Whether the operator is the case-insensitive one.
    """

    impl = sa.Text()
    cache_ok = True

    def __init__(self, before: str = "", after: str = "", *, ignore_case: bool = False) -> None:
        super().__init__()
        self.before = before
        self.after = after
        self.ignore_case = ignore_case

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape the wildcards of the operator, then add our own."""
        if value is None:
            return None
        if dialect.name == "sqlite" and not self.ignore_case:
            escaped = "".join(f"[{char}]" if char in "*?[" else char for char in value)
            found = self.before.replace("%", "*") + escaped + self.after.replace("%", "*")
        else:
            escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            found = self.before + escaped + self.after
        if dialect.name == "sqlite" and len(found.encode()) > _MAX_PATTERN:
            raise ValueError(f"SQLite takes patterns of at most {_MAX_PATTERN} bytes")
        return found
