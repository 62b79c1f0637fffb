"""What rows that are there already hold in a column that may not be NULL."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import renderers
from alembic.operations import ops

from undercroft.db.fields.info import MISSING, FieldInfo, find_field_info
from undercroft.errors import MigrationError
from undercroft.migrations.literals import VendorText, write_array, write_value
from undercroft.migrations.state import ColumnState


class FillOp(ops.MigrateOperation):
    """Puts a value where a column is NULL; written as a statement of SQLAlchemy's.

    Args:
        table: The table's name.
        column: The column's.
        value: Text that every database reads for a column of its type.
    """

    def __init__(self, table: str, column: str, value: str) -> None:
        self.table_name = table
        self.column_name = column
        self.value = value


@renderers.dispatch_for(FillOp)
def render_fill(_context: AutogenContext, operation: FillOp) -> str:
    """Write the statement; `literal_execute` leaves the value's type to the column."""
    name, value = repr(operation.column_name), operation.value
    if isinstance(value, VendorText):
        written = value.to_source()
    else:
        written = f"sa.literal({value!r}, literal_execute=True)"
    return (
        f"op.execute(sa.update(sa.table({operation.table_name!r}, sa.column({name})))"
        f".where(sa.column({name}).is_(None))"
        f".values({{{name}: {written}}}))"
    )


def find_filling(table: str, column: ColumnState) -> ColumnState:
    """Give a column the default its model states, to be kept only while it is added.

    Raises:
        MigrationError: The model states none.
    """
    if column.source is None:
        return column  # on the way down: what the column held before is not known
    text = find_literal(column)
    if text is None:
        raise MigrationError(
            f"{table}.{column.name} is new and may not be NULL: nothing says what the rows that "
            "are there already shall hold.",
            hint="Give the field a default=, a db_default= or null=True.",
            code="migrations.no-default",
        )
    info = find_field_info(column.source)
    if info.unique and callable(info.default):
        raise MigrationError(
            f"{table}.{column.name} is new and unique: rows that are there already would all get "
            "the same value of its default.",
            hint="Add it with null=True and fill it in a migration made by `undercroft "
            "makemigrations --empty`; then take null=True away.",
            code="migrations.no-default",
        )
    return replace(column, default=text, is_expression=False)


def find_fill(table: str, old: ColumnState, new: ColumnState) -> list[ops.MigrateOperation]:
    """Find what fills the rows that hold NULL where a column may no longer.

    Raises:
        MigrationError: The model states no default.
    """
    if new.nullable or not old.nullable or new.source is None or new.computed is not None:
        return []
    text = find_literal(new)
    if text is None and new.default is not None and not new.is_expression:
        text = new.default
    if text is None:
        raise MigrationError(
            f"{table}.{new.name} may no longer be NULL: nothing says what the rows that hold NULL "
            "shall hold.",
            hint="Give the field a default=, or keep null=True. Where no row holds NULL, or you "
            "fill them yourself, write the change into a migration made by "
            "`undercroft makemigrations --empty`: "
            f'`with op.batch_alter_table("{table}") as batch: '
            f'batch.alter_column("{new.name}", existing_type={new.type_text}, nullable=False)`.',
            code="migrations.no-default",
        )
    return [FillOp(table, new.name, text)]


def find_literal(column: ColumnState) -> str | None:
    """Find the default a model states, as text; None where it states none."""
    if column.source is None:
        return None
    info = find_field_info(column.source)
    value = find_value(info, column.column_type)
    if value is MISSING or value is None:
        return None
    if isinstance(column.column_type, sa.JSON):
        return json.dumps(value)
    if isinstance(column.column_type, sa.ARRAY):
        return write_array(value)
    return write_value(value)


def find_value(info: FieldInfo, column_type: Any) -> Any:
    """Find a field's default; one that fills itself in gets the moment the migration is made.

    That moment stands in the file, so rows get the same on every database, in the form in which
    the database compares it; SQLite's CURRENT_TIMESTAMP is not the form SQLAlchemy stores.
    """
    if info.default is not MISSING or not info.has_default:
        return info.get_default()
    now = dt.datetime.now(dt.UTC)
    if isinstance(column_type, sa.Date):
        return now.date()
    return now.time() if isinstance(column_type, sa.Time) else now
