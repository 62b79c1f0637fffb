"""What stays of a migration that fails half-way: MariaDB stores each change of a table at once."""

import re
from collections.abc import Generator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import event

_COMMITS = re.compile(r"\s*(CREATE|ALTER|DROP|RENAME|TRUNCATE)\b", re.IGNORECASE)

#: Characters of a statement that are shown.
_SHOWN = 70


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
