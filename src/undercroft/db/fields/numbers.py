"""Fields of numbers, and of yes and no."""

from decimal import Decimal
from typing import Any, Literal, Unpack, overload

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from undercroft.db.fields.field import Field, take_options
from undercroft.db.fields.options import FieldKind, FieldOptions, build_column
from undercroft.db.fields.types import ExactDecimal


@overload
def DecimalField(
    verbose_name: str | None = None,
    *,
    max_digits: int,
    decimal_places: int,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[Decimal]],
) -> Mapped[Decimal]: ...


@overload
def DecimalField(
    verbose_name: str | None = None,
    *,
    max_digits: int,
    decimal_places: int,
    null: Literal[True],
    **options: Unpack[FieldOptions[Decimal | None]],
) -> Mapped[Decimal | None]: ...


def DecimalField(
    verbose_name: str | None = None,
    *,
    max_digits: int,
    decimal_places: int,
    null: bool = False,
    **options: Any,
) -> Any:
    """Declare an exact decimal number."""
    column_type = ExactDecimal(max_digits, decimal_places)
    kind = FieldKind("DecimalField", column_type, verbose_name, null)
    details = {"max_digits": max_digits, "decimal_places": decimal_places}
    return build_column(kind, take_options(options), **details)


IntegerField = Field[int]("IntegerField", sa.Integer)
BigIntegerField = Field[int]("BigIntegerField", sa.BigInteger)
SmallIntegerField = Field[int]("SmallIntegerField", sa.SmallInteger)
PositiveIntegerField = Field[int]("PositiveIntegerField", sa.Integer, min_value=0)
PositiveBigIntegerField = Field[int]("PositiveBigIntegerField", sa.BigInteger, min_value=0)
PositiveSmallIntegerField = Field[int]("PositiveSmallIntegerField", sa.SmallInteger, min_value=0)
FloatField = Field[float]("FloatField", lambda: sa.Float(53))
BooleanField = Field[bool]("BooleanField", sa.Boolean)
