"""Fields whose content the database does not look into by itself: JSON, bytes."""

from typing import Any, Literal, Unpack, overload

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from undercroft.db.fields.field import Field, take_options
from undercroft.db.fields.options import FieldKind, FieldOptions, build_column
from undercroft.db.fields.types import Json

JSONField = Field[Any]("JSONField", lambda: Json)


@overload
def BinaryField(
    verbose_name: str | None = None,
    *,
    max_length: int | None = None,
    null: Literal[False] = False,
    **options: Unpack[FieldOptions[bytes]],
) -> Mapped[bytes]: ...


@overload
def BinaryField(
    verbose_name: str | None = None,
    *,
    max_length: int | None = None,
    null: Literal[True],
    **options: Unpack[FieldOptions[bytes | None]],
) -> Mapped[bytes | None]: ...


def BinaryField(
    verbose_name: str | None = None,
    *,
    max_length: int | None = None,
    null: bool = False,
    **options: Any,
) -> Any:
    """Declare bytes; they are not editable unless said so."""
    kind = FieldKind("BinaryField", sa.LargeBinary(), verbose_name, null)
    return build_column(kind, take_options({"editable": False, **options}), max_length=max_length)
