"""Foreign keys to the user in the migrations we ship: its table may be a project's own."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from undercroft.auth.users import get_user_model, has_own_user
from undercroft.migrations.apps import FOLDER, locate_model
from undercroft.migrations.state import find_plain_type

_REVISION = re.compile(r"^revision\b[^=\n]*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)

#: What makes the table of users where no project has its own.
_SHIPPED = "auth_0002"


class UserReference(NamedTuple):
    """What a foreign key to the user is made of.

    Attributes:
        column: The name of the key's column.
        type: Its type.
        target: What it refers to, `people_person.id`.
        suffix: What the constraint's name ends with.
    """

    column: str
    type: Any
    target: str
    suffix: str


def refer_to_user(name: str = "user") -> UserReference:
    """Build what a foreign key to the user is made of, called by the relation's name."""
    table: Any = get_user_model().__options__.table
    (key,) = table.primary_key.columns
    column = f"{name}_id"
    return UserReference(
        column, find_plain_type(key.type), f"{table.name}.{key.name}", f"{column}_{table.name}"
    )


def find_user_migrations() -> tuple[str, ...] | None:
    """Find what a migration that refers to the user has to wait for, as its `depends_on`.

    That is the migration that makes the table of a project's own user. Before it is written there
    is nothing to wait for.
    """
    if not has_own_user():
        return (_SHIPPED,)
    model = get_user_model()
    _, folder = locate_model(model)
    found = _find_creation(folder / FOLDER, model.__options__.table.name)
    return None if found is None else (found,)


def _find_creation(folder: Path, table: str) -> str | None:
    """Find the migration that makes a table, by the text of the files."""
    making = re.compile(rf"\bcreate_table\(\s*[\"']{re.escape(table)}[\"']")
    for file in sorted(folder.glob("*.py")) if folder.is_dir() else ():
        text = file.read_text(encoding="utf-8")
        revision = _REVISION.search(text)
        if revision is not None and making.search(text):
            return revision.group(1)
    return None
