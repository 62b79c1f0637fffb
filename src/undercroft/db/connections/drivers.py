"""How the drivers of databases are spoken to, each by one small object that its pool keeps.

An adapter knows what differs: how a statement is run, what tells that a connection is of no use
any more. `sqlite3`'s is here, as it is what others of the DB-API are measured by.
"""

import select
from collections.abc import Sequence
from typing import Any, Protocol


class SyncDriver:
    """Speaks to a driver whose connections execute, as `sqlite3`'s do."""

    def fetch(self, connection: Any, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement: its rows, or the count of those it changed."""
        return read_result(connection.execute(sql, values), counts=counts)

    def run(self, connection: Any, sql: str) -> str | None:
        """Run a statement about the transaction; give what the server says it has done."""
        connection.execute(sql)
        return None

    def is_dead(self, connection: Any) -> bool:
        """Tell of an idle connection whether its server has gone, where that costs nothing."""
        return False

    def is_lost(self, connection: Any, error: BaseException | None) -> bool:
        """Tell after an error whether the transaction is gone, with its connection or without."""
        return False

    def is_broken(self, connection: Any) -> bool:
        """Tell after an error whether the connection is of no use any more."""
        return False


def read_result(cursor: Any, *, counts: bool) -> Any:
    """Read what a cursor of the DB-API has."""
    if counts:
        return cursor.rowcount
    return cursor.fetchall() if cursor.description is not None else ()


def has_input(descriptor: int) -> bool:
    """Tell whether something waits to be read from a socket, the end of it included."""
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class AsyncDriver(Protocol):
    """Speaks to a driver of async code; its connections are what SQLAlchemy calls the driver's."""

    async def fetch(self, record: Any, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement on a pooled connection: its rows, or the count of those it changed."""

    async def begin(self, record: Any, beginnings: Sequence[str], sql: str) -> None:
        """Begin a transaction, at the latest with the statement that is run next."""

    async def run(self, connection: Any, sql: str) -> str | None:
        """Run a statement about the transaction; give what the server says it has done."""

    def is_dead(self, connection: Any) -> bool:
        """Tell whether the server, or an error, has closed a connection."""
        raise NotImplementedError

    def is_lost(self, connection: Any, error: BaseException | None) -> bool:
        """Tell after an error whether the transaction is gone, with its connection or without."""
        raise NotImplementedError

    def close(self, connection: Any) -> None:
        """Close a connection at once, whatever it is doing."""

    def share(self, adapter: Any) -> None:
        """Keep SQLAlchemy's view of a connection from beginning a transaction inside of ours."""

    def unshare(self, adapter: Any) -> None:
        """Take back what `share` did."""
