"""MariaDB stores each change of a table at once: what stays of a migration that fails half-way."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic.ddl.mysql import MariaDBImpl
from sqlalchemy import event

_COMMITS = re.compile(r"\s*(CREATE|ALTER|DROP|RENAME|TRUNCATE)\b", re.IGNORECASE)

#: Characters of a statement that are shown.
_SHOWN = 70


class MigratingImpl(MariaDBImpl):
    """Alembic's carrying-out of operations, which asks the database for types it is not told."""

    def alter_column(
        self,
        table_name: str,
        column_name: str,
        *,
        name: str | None = None,
        schema: str | None = None,
        **changes: Any,
    ) -> None:
        """Rename a column where it is, then change the rest of it."""
        if name is not None:
            quote = self.dialect.identifier_preparer.quote
            table = ".".join(quote(part) for part in (schema, table_name) if part)
            rename = f"ALTER TABLE {table} RENAME COLUMN {quote(column_name)} TO {quote(name)}"
            self.execute(sa.text(rename.replace(":", "\\:")))
            column_name = str(name)
        parent: Any = super()
        parent.alter_column(table_name, column_name, schema=schema, **changes)

    def create_index(self, index: sa.Index, **options: Any) -> None:
        """Create an index; its columns get their types, which decide what is indexed of them."""
        table: Any = index.table
        columns = [each for each in index.expressions if isinstance(each, sa.Column)]
        if any(isinstance(column.type, sa.types.NullType) for column in columns):
            inspector = sa.inspect(self.connection)
            types = {
                each["name"]: each["type"]
                for each in inspector.get_columns(table.name, table.schema)
            }
            for column in columns:
                column.type = types.get(column.name, column.type)
        super().create_index(index, **options)


class Trail:
    """What a migration has done to the database so far that stays when it fails.

    Args:
        connection: To any database; on others than MariaDB nothing stays.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._is_needed = connection.dialect.name == "mariadb"
        self._done: list[str] = []
        self._stays = 0

    @contextmanager
    def follow(self) -> Generator[None]:
        """Note each statement that succeeds."""
        if not self._is_needed:
            yield
            return
        event.listen(self._connection, "after_cursor_execute", self._note)
        try:
            yield
        finally:
            event.remove(self._connection, "after_cursor_execute", self._note)

    def begin(self) -> None:
        """Begin anew, with the next migration."""
        self._done.clear()
        self._stays = 0

    def describe(self) -> str:
        """Describe what stays, and what to do about it."""
        stays = "; ".join(self._done[: self._stays])
        if not stays:
            return "It has left nothing behind; the ones before it are done."
        return (
            f"MariaDB stores each change of a table at once, so of this migration stays: {stays}. "
            "Take that back by hand and try again, or do the rest by hand and record it by "
            "`undercroft migrate --fake`."
        )

    def _note(self, _connection: object, _cursor: object, statement: str, *_others: object) -> None:
        text = " ".join(statement.split())
        self._done.append(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")
        if _COMMITS.match(text):
            # It commits what came before, too.
            self._stays = len(self._done)
