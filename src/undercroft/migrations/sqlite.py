"""SQLite alters most things by making a table anew, which nothing around the table must notice."""

import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from alembic.ddl.sqlite import SQLiteImpl
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, SAWarning

from undercroft.errors import MigrationError
from undercroft.migrations.sqlite_searches import mend_searches, moved_searches

_DROP = re.compile(r'\s*DROP\s+(?:INDEX|TRIGGER)\s+(?:IF\s+EXISTS\s+)?["`\[]?(\w+)', re.IGNORECASE)
_ATTACHED = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')"


class MigratingImpl(SQLiteImpl):
    """Alembic's carrying-out of operations, which knows only a part of what tables consist of."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._indexes: dict[str, tuple[list[str], str]] = {}

    def create_table_comment(self, table: sa.Table) -> None:
        """Do nothing: SQLite keeps no comments."""

    def drop_table_comment(self, table: sa.Table) -> None:
        """Do nothing: SQLite keeps no comments."""

    def prep_table_for_batch(self, batch_impl: Any, table: sa.Table) -> None:
        """Copy no generated columns to the new table, and remember the indexes of the old one."""
        super().prep_table_for_batch(batch_impl, table)
        for column in batch_impl.new_table.columns:
            if column.computed is not None:
                batch_impl.column_transfers[column.key].pop("expr", None)
        execute = self.connection.exec_driver_sql  # type: ignore[union-attr]  # there is a database
        rows = execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> ''")
        for name, sql in rows.all():
            quoted = str(name).replace('"', '""')
            columns = [row[2] for row in execute(f'PRAGMA index_info("{quoted}")')]
            self._indexes[name] = columns, sql

    def alter_column(
        self, table_name: str, column_name: str, *, name: str | None = None, **changes: Any
    ) -> None:
        """Rename a column also where a search index names it."""
        parent: Any = super()
        if name is None or self.connection is None:
            parent.alter_column(table_name, column_name, name=name, **changes)
            return
        new = str(name)
        with moved_searches(
            self.connection, table_name, lambda each: each.rename_column(column_name, new)
        ):
            parent.alter_column(table_name, column_name, name=name, **changes)

    def rename_table(
        self, old_table_name: str, new_table_name: str, schema: str | None = None
    ) -> None:
        """Rename a table also where a search index names it."""
        connection: Any = self.connection
        new = str(new_table_name)
        with moved_searches(connection, old_table_name, lambda each: replace(each, table=new)):
            super().rename_table(old_table_name, new_table_name, schema=schema)

    def create_index(self, index: sa.Index, **options: Any) -> None:
        """Make an index again as it was, for its order and collation are not reflected."""
        columns, sql = self._indexes.pop(str(index.name), ([], ""))
        is_copy = str(getattr(index.table, "name", "")) in sql
        if sql and is_copy and columns == [column.name for column in index.columns]:
            self.execute(sa.text(sql.replace(":", "\\:")))
        else:
            super().create_index(index, **options)

    def drop_index(self, index: sa.Index, **options: Any) -> None:
        """Forget an index that is dropped on purpose."""
        self._indexes.pop(str(index.name), None)
        super().drop_index(index, **options)


class Surroundings:
    """What surrounds a table and would suffer when it is made anew (sqlite.org/lang_altertable).

    Dropping the old table would delete the rows that refer to it, by ON DELETE CASCADE. So
    foreign keys rest, and before each commit everything is checked at once instead. Triggers,
    and indexes over expressions, go with the old table and are not copied; they are put back.

    Args:
        connection: To any database; on others than SQLite nothing is done.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._is_needed = connection.dialect.name == "sqlite"
        self._violations: set[tuple[Any, ...]] = set()
        self._attached: list[tuple[str, str, str]] = []
        self._dropped: set[str] = set()

    @contextmanager
    def set_aside(self) -> Generator[None]:
        """Let foreign keys rest; inside a transaction the switch would have no effect."""
        if not self._is_needed:
            yield
            return
        driver = self._get_driver()
        was_on = driver.execute("PRAGMA foreign_keys").fetchone()[0]
        driver.execute("PRAGMA foreign_keys = OFF")
        self._violations = {tuple(row) for row in driver.execute("PRAGMA foreign_key_check")}
        event.listen(self._connection, "before_cursor_execute", self._note)
        try:
            with warnings.catch_warnings():
                # What SQLAlchemy cannot read of a table, we put back ourselves.
                warnings.filterwarnings("ignore", "Skipped unsupported reflection", SAWarning)
                yield
        finally:
            event.remove(self._connection, "before_cursor_execute", self._note)
            self._connection.rollback()
            driver.execute(f"PRAGMA foreign_keys = {int(was_on)}")

    def remember(self) -> None:
        """Remember, before a migration, what is attached to tables."""
        if self._is_needed:
            rows = self._get_driver().execute(_ATTACHED)
            self._attached = [(name, table, sql) for name, table, sql in rows if sql]
            self._dropped.clear()

    def settle(self, **_details: object) -> None:
        """Put back what a migration lost without meaning to, and check foreign keys.

        Raises:
            MigrationError: Rows refer to rows that are not there, and did not before.
        """
        if not self._is_needed:
            return
        mend_searches(self._connection, self._put_back())
        rows = self._connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        broken = sorted({str(row[0]) for row in rows if tuple(row) not in self._violations})
        if broken:
            raise MigrationError(
                f"After this migration, rows of {', '.join(broken)} would refer to rows that are "
                "not there.",
                hint="Let the migration change or delete them first.",
                code="migrations.foreign-keys",
            )

    def _put_back(self) -> set[str]:
        """Put back what went with a table that was made anew; tell which tables were."""
        tables: set[str] = set()
        names = self._connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars()
        present = set(names)
        for name, table, sql in self._attached:
            if name in present or name in self._dropped or table not in present:
                continue
            tables.add(table)
            try:
                self._connection.exec_driver_sql(sql)
            except OperationalError as error:
                # An index goes with its column, as on other databases.
                if "no such column" not in str(error.orig):
                    raise
        return tables

    def _note(
        self,
        _connection: object,
        _cursor: object,
        statement: str,
        *_others: object,
    ) -> None:
        """Note what a migration drops on purpose."""
        found = _DROP.match(statement)
        if found:
            self._dropped.add(found.group(1))

    def _get_driver(self) -> Any:
        return self._connection.connection.driver_connection
