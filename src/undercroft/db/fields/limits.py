"""The limits a field sets on what is written: lengths, least values, digits."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.info import FieldInfo
from undercroft.db.fields.values import Convert


def build_writer(convert: Convert, info: FieldInfo, column_type: TypeEngine[Any]) -> Convert:
    """Build the converter of a column's values with the limits its field sets."""
    if isinstance(column_type, sa.Enum):
        # Its length is that of the names it stores; values are members.
        return convert
    max_length, min_value = info.max_length, info.min_value
    if max_length is not None and isinstance(column_type, (sa.String, sa.LargeBinary)):
        unit = "characters" if isinstance(column_type, sa.String) else "bytes"
        return _limit(convert, lambda v: len(v) <= max_length, f"at most {max_length} {unit}")
    if min_value is not None:
        return _limit(convert, lambda v: v >= min_value, f"at least {min_value}")
    if info.max_digits is not None and info.decimal_places is not None:
        whole = 10 ** (info.max_digits - info.decimal_places)
        rounded = _build_rounding(convert, info.max_digits, info.decimal_places)
        return _limit(rounded, lambda v: abs(v) < whole, f"less than {whole}")
    return convert


def _build_rounding(convert: Convert, max_digits: int, decimal_places: int) -> Convert:
    """Round as PostgreSQL does, so that every database stores what the instance says."""
    unit = Decimal(1).scaleb(-decimal_places)
    context = Context(prec=max(28, max_digits + 1), rounding=ROUND_HALF_UP)

    def convert_and_round(value: Any) -> Any:
        number = convert(value)
        try:
            return number.quantize(unit, context=context)
        except InvalidOperation:
            # Far above any limit, which says so next.
            return number

    return convert_and_round


def _limit(convert: Convert, fits: Callable[[Any], bool], expected: str) -> Convert:
    def convert_and_check(value: Any) -> Any:
        value = convert(value)
        if not fits(value):
            raise ValueError(expected)
        return value

    return convert_and_check
