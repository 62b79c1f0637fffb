"""The field of an array, which PostgreSQL has and others have not."""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar, Unpack, cast, overload

import sqlalchemy as sa
from sqlalchemy import types
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.field import take_options
from undercroft.db.fields.info import FieldInfo, find_field_info
from undercroft.db.fields.limits import build_writer
from undercroft.db.fields.options import FieldKind, FieldOptions, build_column
from undercroft.db.fields.values import Convert, Converting, build_converter

T = TypeVar("T")


class Array(Converting, types.TypeDecorator[Sequence[Any]]):
    """A list of values of one type, on PostgreSQL.

    Args:
        item_type: The type of the values; of an array of arrays, that of the innermost.
        dimensions: How many lists deep they are.
        size: How many values a list may have at most.
    """

    impl = postgresql.ARRAY
    cache_ok = True

    def __init__(
        self, item_type: TypeEngine[Any], dimensions: int = 1, size: int | None = None
    ) -> None:
        super().__init__(item_type, dimensions=dimensions)
        self.item_type = item_type
        self.dimensions = dimensions
        self.size = size
        self._convert_item: Convert | None = None

    @property
    def python_type(self) -> type[list[Any]]:
        """What values are in Python."""
        return list

    def convert(self, value: Any) -> list[Any]:
        """Check a list and convert each of its values.

        Raises:
            TypeError: It is no list, or one of its values is of another type.
            ValueError: It is too long, or one of its values does not fit.
        """
        if not isinstance(value, (list, tuple)):
            raise TypeError("a list")
        items = cast("Sequence[Any]", value)
        if self.size is not None and len(items) > self.size:
            raise ValueError(f"at most {self.size} values")
        convert = self._convert_item
        return list(items) if convert is None else [convert(item) for item in items]

    def convert_items_by(self, convert: Convert) -> "Array":
        """Say how each value is converted."""
        self._convert_item = convert
        return self

    @property
    def part_type(self) -> TypeEngine[Any]:
        """The type of what a position holds: a value, or within an array of arrays an array."""
        if self.dimensions == 1:
            return self.item_type
        return build_array(self.item_type, self.dimensions - 1)


def build_array(item_type: TypeEngine[Any], dimensions: int = 1) -> Array:
    """Build the type of a list of values of a type, which may be arrays themselves."""
    inner = item_type
    if isinstance(inner, Array):
        item_type, dimensions = inner.item_type, inner.dimensions + dimensions
    made = Array(item_type, dimensions)
    convert = build_converter(sa.Column("value", made.part_type))
    return made.convert_items_by(lambda item: None if item is None else convert(item))


@overload
def ArrayField(
    base_field: Mapped[T],
    size: int | None = None,
    *,
    verbose_name: str | None = None,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[list[T]]],
) -> Mapped[list[T]]: ...


@overload
def ArrayField(
    base_field: Mapped[T],
    size: int | None = None,
    *,
    verbose_name: str | None = None,
    null: Literal[True],
    **options: Unpack[FieldOptions[list[T] | None]],
) -> Mapped[list[T] | None]: ...


def ArrayField(
    base_field: Mapped[Any],
    size: int | None = None,
    *,
    verbose_name: str | None = None,
    null: bool = False,
    **options: Any,
) -> Any:
    """Declare a list of values, each as `base_field` says; PostgreSQL only.

    `tags = ArrayField(models.CharField(max_length=20), default=list)`; an array of arrays has an
    `ArrayField` for its base.
    """
    declared: Any = base_field
    column: Any = declared.column
    base = find_field_info(column)
    inner = column.type
    if isinstance(inner, Array):
        array = Array(inner.item_type, inner.dimensions + 1, size)
    else:
        array = Array(inner, 1, size)
    array.convert_items_by(_build_item_converter(column, base))
    kind = FieldKind("ArrayField", array, verbose_name, null)
    return build_column(kind, take_options(options), base=base, size=size)


def _build_item_converter(column: Any, base: FieldInfo) -> Convert:
    write = build_writer(build_converter(column), base, column.type)

    def convert(item: Any) -> Any:
        if item is None:
            if base.null:
                return None
            raise TypeError("values other than None")
        return write(item)

    return convert
