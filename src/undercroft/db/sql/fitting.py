"""Results fitted into columns on SQLite, which keeps anything; the others do it themselves.

Only what is worked out passes through here: values given were checked before.
"""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.types import ExactDecimal
from undercroft.db.fields.values import find_python_type
from undercroft.db.sql.functions.building import call

_BITS: tuple[tuple[type[Any], int], ...] = (
    (sa.SmallInteger, 16),
    (sa.BigInteger, 64),
    (sa.Integer, 32),
)


def fit(builder: Any, element: Any, column: Any) -> Any:
    """Build the value of a column so that one which does not fit is refused.

    Args:
        builder: Of the statement.
        element: What the column is set to.
        column: The column, of the table.
    """
    column_type = column.type
    if builder.vendor != "sqlite" or isinstance(element, sa.Null):
        return element
    place = sa.literal(f"{builder.options.name}.{column.key}", sa.Text())
    if isinstance(column_type, ExactDecimal):
        sizes = column_type.max_digits, column_type.decimal_places
        return _call("decimal", element, *sizes, place, made=column_type)
    if isinstance(column_type, sa.Integer):
        return fit_integer(element, column_type, f"{builder.options.name}.{column.key}")
    length = getattr(column_type, "length", None)
    if length is not None and find_python_type(column_type) is str:
        return _call("text", element, length, place, made=column_type)
    return element


def fit_integer(element: Any, made: Any, place: str) -> Any:
    """Build a whole number of a number, rounded, on SQLite.

    Args:
        element: The number.
        made: The type of the whole number.
        place: What it is made for, for messages.
    """
    bits = next(bits for kind, bits in _BITS if isinstance(made, kind))
    is_exact = int(find_python_type(element.type) is Decimal)
    return _call("integer", element, bits, is_exact, sa.literal(place, sa.Text()), made=made)


def _call(name: str, element: Any, *arguments: Any, made: Any) -> Any:
    written: list[Any] = [
        sa.literal_column(str(each)) if isinstance(each, int) else each for each in arguments
    ]
    return call(f"undercroft_fit_{name}", element, *written, type_=made)
