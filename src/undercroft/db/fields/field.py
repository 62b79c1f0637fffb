"""The field function that most fields are: the common options, typed once for all of them.

Each field function is typed to give `Mapped[T]`, or `Mapped[T | None]` with `null=True`.
"""

from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar, Unpack, overload

from sqlalchemy.orm import Mapped
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.options import FieldKind, FieldOptions, build_column

T = TypeVar("T")


class Field(Generic[T]):
    """A field function with the common options only.

    Args:
        name: The name it has for users.
        column_type: Makes the SQLAlchemy type.
        details: Further attributes of `FieldInfo` for this kind of field.
    """

    def __init__(
        self, name: str, column_type: Callable[[], TypeEngine[Any]], **details: Any
    ) -> None:
        self.name = name
        self.column_type = column_type
        self.details = details

    @overload
    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        null: Literal[False] = False,
        **options: Unpack[FieldOptions[T]],
    ) -> Mapped[T]: ...

    @overload
    def __call__(
        self,
        verbose_name: str | None = None,
        *,
        null: Literal[True],
        **options: Unpack[FieldOptions[T | None]],
    ) -> Mapped[T | None]: ...

    def __call__(
        self, verbose_name: str | None = None, *, null: bool = False, **options: Any
    ) -> Any:
        """Declare a column of this kind."""
        kind = FieldKind(self.name, self.column_type(), verbose_name, null)
        return build_column(kind, take_options(options), **self.details)


def take_options(options: dict[str, Any]) -> FieldOptions[Any]:
    """Take keyword arguments for the options they are typed as."""
    return FieldOptions[Any](**options)  # type: ignore[no-any-return,typeddict-item]  # checked later
