"""Names in the database: of columns by the fields that have them, of constraints and indexes."""

from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa

from undercroft.db.mapping.registry import find_mapper
from undercroft.errors import ImproperlyConfigured

#: PostgreSQL's longest identifier in bytes; MariaDB's has one more.
LONGEST = 63


def find_column(model: Any, name: str) -> "sa.Column[Any]":
    """Find the column of a field of a mapped class, of a foreign key by its relation's name too.

    Raises:
        ImproperlyConfigured: There is no such field.
    """
    columns: Any = find_mapper(model).columns
    for key in (name, f"{name}_id"):
        if key in columns:
            found: sa.Column[Any] = columns[key]
            return found
    known = list(columns.keys())
    close = get_close_matches(name, known, n=1)
    raise ImproperlyConfigured(
        f"{model.__name__}.Meta names {name!r}, which is no field with a column.",
        hint=f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}.",
        code="db.meta",
    )


def name_declared(model: Any, name: str) -> str:
    """Fill in the name a constraint or index was given, which its model's children share.

    Raises:
        ImproperlyConfigured: It is longer than databases take.
    """
    options = model.__options__
    filled = name % {"app_label": options.app_label, "class": options.model_name}
    if len(filled.encode()) > LONGEST:
        raise ImproperlyConfigured(
            f"The name {filled!r} on {model.__name__} is too long: expected at most {LONGEST} "
            "bytes.",
            code="db.constraint",
        )
    return filled


def shorten_name(name: str) -> str:
    """Shorten a name to what databases take; its end tells it from others."""
    return name if len(name) <= LONGEST else f"{name[:54]}_{hash_text(name):08x}"


def hash_text(text: str) -> int:
    """Hash a text to 32 bits, the same in every process."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value
