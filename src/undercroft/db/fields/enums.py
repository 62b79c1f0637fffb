"""The field of an enum: its members in Python, their values in the database."""

from enum import Enum, Flag
from typing import Any, Literal, TypeVar, Unpack, overload

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.field import take_options
from undercroft.db.fields.options import FieldKind, FieldOptions, build_column
from undercroft.db.fields.values import Converting
from undercroft.errors import ImproperlyConfigured

E = TypeVar("E", bound=Enum)

#: Characters kept for values, so that a longer member changes no column.
_LENGTH = 50


class EnumValue(Converting, types.TypeDecorator[Enum]):
    """A member of an enum, stored by its value: text or a whole number.

    Args:
        enum: The enum.
        length: Characters of the longest value; None for numbers.
    """

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = sa.String
    cache_ok = True

    def __init__(self, enum: type[Enum], length: int | None) -> None:
        super().__init__()
        self.enum = enum
        self.length = length
        self.impl = sa.Integer() if length is None else sa.String(length)

    @property
    def python_type(self) -> type[Enum]:
        """What values are in Python."""
        return self.enum

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Turn a member, or its value, into the value."""
        return None if value is None else self.convert(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> Enum | None:
        """Turn a value into its member."""
        return None if value is None else self.enum(value)

    def convert(self, value: Any) -> Enum:
        """Turn a value into its member.

        Raises:
            ValueError: There is none.
        """
        try:
            return self.enum(value)
        except ValueError:
            known = ", ".join(repr(member.value) for member in self.enum)
            raise ValueError(f"a member of {self.enum.__name__}, or one of {known}") from None


@overload
def EnumField(
    enum: type[E],
    verbose_name: str | None = None,
    *,
    max_length: int | None = None,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[E]],
) -> Mapped[E]: ...


@overload
def EnumField(
    enum: type[E],
    verbose_name: str | None = None,
    *,
    max_length: int | None = None,
    null: Literal[True],
    **options: Unpack[FieldOptions[E | None]],
) -> Mapped[E | None]: ...


def EnumField(
    enum: type[Enum],
    verbose_name: str | None = None,
    *,
    max_length: int | None = None,
    null: bool = False,
    **options: Any,
) -> Any:
    """Declare a member of an enum, stored by its value and checked by the database.

    Args:
        enum: All its values are text, or all are whole numbers.
        verbose_name: The name for people.
        max_length: Characters kept for values; 50, or more where one is longer.
        null: There may be none.
        options: Those of every field.

    Raises:
        ImproperlyConfigured: The values are of other types, or too long.
    """
    length = _find_length(enum, max_length)
    kind = FieldKind("EnumField", EnumValue(enum, length), verbose_name, null)
    return build_column(
        kind, take_options({"choices": enum, **options}), enum=enum, max_length=length
    )


def _find_length(enum: type[Enum], max_length: int | None) -> int | None:
    values = [member.value for member in enum]
    if values and all(isinstance(value, str) for value in values):
        longest = max(map(len, values))
        if max_length is not None and longest > max_length:
            raise ImproperlyConfigured(
                f"EnumField({enum.__name__}, max_length={max_length}) has a value of {longest} "
                "characters.",
                code="db.field-option",
            )
        return max_length or max(longest, _LENGTH)
    numbers = all(isinstance(value, int) for value in values)
    if not values or not numbers or issubclass(enum, Flag):
        raise ImproperlyConfigured(
            f"EnumField({enum.__name__}) cannot be stored: expected an enum whose values are all "
            "text or all whole numbers.",
            hint="For flags, use an IntegerField.",
            code="db.field-option",
        )
    return None
