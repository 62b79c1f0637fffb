"""The type of what an expression gives, from the types of what goes into it."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.time_types import can_combine, find_time_kind
from undercroft.db.fields.types import DecimalResult, count_places
from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.names import shorten
from undercroft.db.queries.terms import TYPES
from undercroft.errors import FieldError


def get_output_type(output_field: Any) -> TypeEngine[Any]:
    """Get the type that `output_field` asks for: a field, a SQLAlchemy type, or its class.

    Raises:
        FieldError: It is neither.
    """
    found = _find_type(output_field)
    if found is not None:
        return found
    raise FieldError(
        f"output_field={shorten(repr(output_field))} is no type.",
        hint="Write a field, such as models.IntegerField(), or a SQLAlchemy type.",
        code="db.output-field",
    )


def _find_type(output_field: Any) -> TypeEngine[Any] | None:
    kind: type[Any] = output_field.__class__
    if issubclass(kind, MappedColumn):
        return output_field.column.type  # type: ignore[no-any-return]  # SQLAlchemy's own
    if issubclass(kind, TypeEngine):
        return output_field  # type: ignore[no-any-return]  # checked
    if issubclass(kind, type):
        return _make_type(output_field)
    # A field function without its parentheses: `output_field=models.IntegerField`.
    make: Callable[[], TypeEngine[Any]] | None = getattr(output_field, "column_type", None)
    return None if make is None else make()


def _make_type(kind: type[Any]) -> TypeEngine[Any] | None:
    made: TypeEngine[Any] | None = kind() if TypeEngine in kind.__mro__ else None
    return made


def build_cast_error(what: str) -> FieldError:
    """Build the error for JSON in the place of a value of one type."""
    return FieldError(
        f"{what} may be of any kind: expected a number, text or moment.",
        hint='Say which: Cast("data__price", models.FloatField()).',
        code="db.cast",
    )


def find_math_type(operator: str, left: TypeEngine[Any], right: TypeEngine[Any]) -> TypeEngine[Any]:
    """Find the type of two values combined by an arithmetic operator."""
    kinds = find_python_type(left), find_python_type(right)
    if isinstance(left, sa.JSON) or isinstance(right, sa.JSON):
        raise build_cast_error(f"JSON beside {operator!r}")
    if isinstance(left, sa.types.NullType):
        return right
    if isinstance(right, sa.types.NullType):
        return left
    times = find_time_kind(left), find_time_kind(right)
    if {"moment", "clock", "length"} & set(times):
        return _find_moved_type(operator, left, right)
    if operator in ("/", "**") and set(kinds) <= {bool, int}:
        # As in Python, and on every database: 7 / 2 is 3.5, and 2 ** -1 is 0.5.
        return TYPES["float"]
    if float in kinds:
        return TYPES["float"]
    if Decimal in kinds:
        return DecimalResult(_count_places(operator, left, right))
    # Results outgrow 32 bits on no database.
    return TYPES["bigint"] if set(kinds) <= {bool, int} else left


#: Kinds of numbers of which one is wider.
_MIXED = ({int, Decimal}, {int, float}, {Decimal, float}, {int, Decimal, float})


def find_common_type(types: list[TypeEngine[Any]]) -> TypeEngine[Any]:
    """Find the type that values of several have in common: that of the first if none is wider."""
    kinds = {find_python_type(each) for each in types}
    if kinds == {dt.date, dt.datetime}:
        return TYPES["datetime"]
    if kinds not in _MIXED:
        return types[0]
    if float in kinds:
        return TYPES["float"]
    return DecimalResult(max(map(count_places, types)))


def _count_places(operator: str, left: TypeEngine[Any], right: TypeEngine[Any]) -> int:
    """Count the decimal places that a result is shown with, as PostgreSQL has it."""
    places = count_places(left), count_places(right)
    if operator == "*":
        return sum(places)
    return max(places) if operator in ("+", "-", "%") else 0


def _find_moved_type(
    operator: str, left: TypeEngine[Any], right: TypeEngine[Any]
) -> TypeEngine[Any]:
    """Find the type of a moment moved, of what is between two, of a length of time stretched.

    Raises:
        FieldError: There is no such arithmetic.
    """
    kinds = find_time_kind(left), find_time_kind(right)
    if not can_combine(operator, left, right):
        words = [_WORDS.get(kind, "something else") for kind in kinds]
        raise FieldError(
            f"{words[0].capitalize()} {operator} {words[1]} means nothing.",
            hint="Moments and times of day have lengths of time between them, and are moved by "
            "them; lengths are added up, and multiplied and divided by numbers.",
            code="db.arithmetic",
        )
    if "clock" in kinds and "length" in kinds:
        return TYPES["time"]
    if "moment" in kinds and "length" in kinds:
        return TYPES["datetime"]
    return (
        TYPES["float"] if kinds == ("length", "length") and operator == "/" else TYPES["interval"]
    )


_WORDS = {
    "clock": "a time of day",
    "length": "a length of time",
    "moment": "a moment",
    "number": "a number",
}
