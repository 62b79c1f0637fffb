"""Values as text that every database reads for a column of their type."""

import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from typing import Any


def write_literal(value: Any) -> str:
    """Write a value as the text every database reads for a column of its type.

    Moments are UTC and always have microseconds, as SQLAlchemy stores them on SQLite, where they
    are compared as text.

    Raises:
        TypeError: Databases read different text for it, or none.
    """
    match value:
        case enum.Enum():
            return write_literal(value.value)
        case bool():
            return str(int(value))
        case str() | int() | float() | Decimal():
            return str(value)
        case dt.datetime():
            moment = value.astimezone(dt.UTC) if value.tzinfo else value
            return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
        case dt.time():
            return value.isoformat("microseconds")
        case dt.date():
            return value.isoformat()
        case uuid.UUID():
            return value.hex
        case _:
            return json.dumps(value)
