"""The type of what an expression gives, from the types of what goes into it."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.terms import TYPES
from undercroft.errors import FieldError

#: Numbers, from the narrowest to what any of them fits into.
_NUMBERS: tuple[tuple[type[Any], str], ...] = ((int, "int"), (Decimal, "decimal"), (float, "float"))


def get_output_type(output_field: Any) -> TypeEngine[Any]:
    """Get the type that `output_field` asks for: a field, a SQLAlchemy type, or its class.

    Raises:
        FieldError: It is neither.
    """
    found = _find_type(output_field)
    if found is not None:
        return found
    raise FieldError(
        f"output_field={output_field!r} is no type.",
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
    moments = (dt.date, dt.datetime)
    if all(issubclass(kind, moments) for kind in kinds) and operator == "-":
        return TYPES["interval"]
    if dt.timedelta in kinds:
        return _find_moved_type(left, right, kinds)
    if operator in ("/", "**") and kinds == (int, int):
        # As in Python, and on every database: 7 / 2 is 3.5, and 2 ** -1 is 0.5.
        return TYPES["float"]
    for kind, name in reversed(_NUMBERS):
        if kind in kinds:
            return TYPES["bigint"] if name == "int" and _is_big(left, right) else TYPES[name]
    return left


def _is_big(left: TypeEngine[Any], right: TypeEngine[Any]) -> bool:
    return isinstance(left, sa.BigInteger) or isinstance(right, sa.BigInteger)


def _find_moved_type(
    left: TypeEngine[Any], right: TypeEngine[Any], kinds: tuple[type[Any], type[Any]]
) -> TypeEngine[Any]:
    """Find the type of a moment moved by a span of time, or of a span stretched."""
    for kind, column_type in zip(kinds, (left, right), strict=True):
        if issubclass(kind, dt.datetime):
            return column_type
        if issubclass(kind, dt.date):
            return TYPES["datetime"]
    return TYPES["interval"]
