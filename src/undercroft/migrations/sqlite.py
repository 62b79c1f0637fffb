"""SQLite alters most things by making a table anew, which foreign keys must not notice."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from undercroft.errors import MigrationError


class ForeignKeys:
    """The enforcement of foreign keys while tables are made anew (sqlite.org/lang_altertable).

    Dropping the old table would delete the rows that refer to it, by ON DELETE CASCADE. So
    enforcement rests, and before each commit everything is checked at once instead.

    Args:
        connection: To any database; on others than SQLite nothing is done.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._is_needed = connection.dialect.name == "sqlite"
        self._known: set[tuple[Any, ...]] = set()

    @contextmanager
    def set_aside(self) -> Generator[None]:
        """Let enforcement rest; inside a transaction the switch would have no effect."""
        if not self._is_needed:
            yield
            return
        driver: Any = self._connection.connection.driver_connection
        was_on = driver.execute("PRAGMA foreign_keys").fetchone()[0]
        driver.execute("PRAGMA foreign_keys = OFF")
        self._known = {tuple(row) for row in driver.execute("PRAGMA foreign_key_check")}
        try:
            yield
        finally:
            self._connection.rollback()
            driver.execute(f"PRAGMA foreign_keys = {int(was_on)}")

    def check(self, **_details: object) -> None:
        """Refuse a migration after which rows refer to rows that are not there.

        Raises:
            MigrationError: There are such rows, and there were not before.
        """
        if not self._is_needed:
            return
        rows = self._connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        broken = sorted({str(row[0]) for row in rows if tuple(row) not in self._known})
        if broken:
            raise MigrationError(
                f"After this migration, rows of {', '.join(broken)} would refer to rows that are "
                "not there.",
                hint="Let the migration change or delete them first.",
                code="migrations.foreign-keys",
            )
