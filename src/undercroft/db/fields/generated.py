"""The field that the database computes from others."""

from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from undercroft.db.fields.expressions import Declared
from undercroft.db.fields.field import take_options
from undercroft.db.fields.info import MISSING, find_field_info
from undercroft.db.fields.options import FieldKind, build_column

T = TypeVar("T")

#: Stands for the expression until the class is mapped and has columns to speak of.
PLACEHOLDER = "NULL"


def GeneratedField(
    verbose_name: str | None = None,
    *,
    expression: Declared,
    output_field: Mapped[T],
    db_persist: bool = True,
    **options: Any,
) -> Mapped[T]:
    """Declare a column that the database computes from others of its row; nobody sets it.

    `total = GeneratedField(expression=lambda line: line.price * line.count,
    output_field=models.DecimalField(max_digits=10, decimal_places=2))`

    Args:
        verbose_name: The name for people.
        expression: SQL as text, a SQLAlchemy expression, or a function that is given the model.
        output_field: What comes out.
        db_persist: Store it at each write; else compute it at each read.
        options: `unique`, `index`, `help_text`, `db_column`, `db_comment`.
    """
    declared: Any = output_field
    base = find_field_info(declared.column)
    kind = FieldKind("GeneratedField", declared.column.type, verbose_name, null=True)
    column: Any = build_column(
        kind,
        take_options({"blank": True, "editable": False, **options}),
        sa.Computed(PLACEHOLDER, persisted=db_persist),
        null=base.null,
        base=base,
        expression=expression,
        default=MISSING,
    )
    return column  # type: ignore[no-any-return]  # a mapped column, seen as what it maps
