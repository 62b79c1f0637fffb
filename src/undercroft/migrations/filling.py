"""What existing rows hold in a new column that may not be NULL."""

import datetime as dt
import enum
import json
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

from undercroft.db.field_info import MISSING, find_field_info
from undercroft.errors import MigrationError
from undercroft.migrations.state import ColumnState


def find_filling(table: str, column: ColumnState) -> ColumnState:
    """Give a column the default its model states, to be kept only while it is added.

    Raises:
        MigrationError: The model states none.
    """
    if column.source is None:
        return column  # on the way down: what the column held before is not known
    info = find_field_info(column.source)
    if info.auto_now or info.auto_now_add:
        return replace(column, default="CURRENT_TIMESTAMP", is_expression=True)
    value = info.get_default() if info.has_default else MISSING
    if value is MISSING:
        raise MigrationError(
            f"{table}.{column.name} is new and may not be NULL: nothing says what the rows that "
            "are there already shall hold.",
            hint="Give the field a default=, a db_default= or null=True.",
            code="migrations.no-default",
        )
    return replace(column, default=write_literal(value), is_expression=False)


def write_literal(value: Any) -> str:
    """Write a value as the text every database reads for a column of its type."""
    match value:
        case enum.Enum():
            return write_literal(value.value)
        case bool():
            return "1" if value else "0"
        case str():
            return value
        case int() | float() | Decimal():
            return str(value)
        case dt.datetime():
            moment = value.astimezone(dt.UTC) if value.tzinfo else value
            return moment.replace(tzinfo=None).isoformat(" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case uuid.UUID():
            return value.hex
        case _:
            return json.dumps(value)
