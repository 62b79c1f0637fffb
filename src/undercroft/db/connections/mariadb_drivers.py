"""PyMySQL and asyncmy: how they are spoken to, and what their errors say of a connection."""

from collections.abc import Generator, Sequence
from typing import Any

from undercroft.db.connections.drivers import SyncDriver, has_input, read_result

#: Numbers below are the operating system's; from 2000 on they are the client's own.
_SERVER, _CLIENT, _SERVER_AGAIN = 1_000, 2_000, 3_000

#: With these the server says good-bye: too large a packet, killed, shutting down.
_FAREWELL = frozenset({1053, 1153, 1927, 4031})

#: A row that others have changed (`innodb_snapshot_isolation`), a full table of locks, a deadlock.
_ROLLED_BACK = frozenset({1020, 1206, 1213})

#: A wait for a lock that took too long; whether it ends the transaction is the server's setting.
LOCK_TIMEOUT = 1205


def find_number(error: BaseException | None) -> int:
    """Find MariaDB's number of an error; 0 when it is none of its drivers'."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if error is None or "MySQLError" not in names:
        return 0
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else 0


def leaves_unread(error: BaseException) -> bool:
    """Tell whether part of an answer may still be on its way, for the next one to stumble over.

    Only a server's own error is the end of its answer. A cancellation, a value that cannot be
    read and the like come in the middle of one.
    """
    number = find_number(error)
    is_answer = _SERVER <= number < _CLIENT or number >= _SERVER_AGAIN
    # Text that cannot be encoded has not even been sent.
    return not isinstance(error, UnicodeEncodeError) and (not is_answer or number in _FAREWELL)


class Rollbacks:
    """Knows after which errors nothing of a transaction is left, savepoints included.

    Attributes:
        numbers: Of these errors.
    """

    def __init__(self) -> None:
        self.numbers = _ROLLED_BACK

    def is_rolled_back(self, error: BaseException | None) -> bool:
        """Tell whether the server has rolled the transaction back by itself."""
        return find_number(error) in self.numbers


class PyMySQL(Rollbacks, SyncDriver):
    """Speaks to PyMySQL."""

    def fetch(self, connection: Any, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement: its rows, or the count of those it changed."""
        cursor = connection.cursor()
        try:
            cursor.execute(sql, values)
        except BaseException as error:
            if leaves_unread(error):
                # Unlike `close`, this may be followed by another close, SQLAlchemy's.
                connection._force_close()
            raise
        return read_result(cursor, counts=counts)

    def stream(self, connection: Any, sql: str, values: Sequence[Any], size: int) -> Generator[Any]:
        """Run a query and give its rows in chunks, as they come from the server."""
        # An extra, so only here, where it is wanted.
        from pymysql.cursors import SSCursor  # noqa: PLC0415

        cursor = connection.cursor(SSCursor)
        try:
            cursor.execute(sql, values)
            while rows := cursor.fetchmany(size):
                yield rows
        except BaseException as error:
            if leaves_unread(error):
                # To close the cursor would be to read the rest, however long that is.
                connection._force_close()
                if cursor._result is not None:
                    cursor._result.unbuffered_active = False
            raise
        finally:
            cursor.close()

    def run(self, connection: Any, sql: str) -> str | None:
        """Run a statement about the transaction; there is no word of what was done."""
        self.fetch(connection, sql, (), counts=True)
        return None

    def is_dead(self, connection: Any) -> bool:
        """Tell of an idle connection whether the server has closed it, or has had a last word."""
        socket = connection._sock
        return socket is None or has_input(socket.fileno())

    def is_lost(self, connection: Any, error: BaseException | None) -> bool:
        """Tell after an error whether the transaction is gone, with its connection or without."""
        return self.is_rolled_back(error) or not connection.open

    def is_broken(self, connection: Any) -> bool:
        """Tell after an error whether the connection is of no use any more."""
        return not connection.open

    def close(self, connection: Any) -> None:
        """Close a connection at once, whatever it is doing."""
        connection._force_close()


class Asyncmy(Rollbacks):
    """Speaks to asyncmy, which prepares each statement once for each connection."""

    async def fetch(self, record: Any, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement on a pooled connection: its rows, or the count of those it changed."""
        connection = record.dbapi_connection.driver_connection
        cursor = connection.cursor()
        try:
            await cursor.execute(sql, values)
            return cursor.rowcount if counts else await cursor.fetchall()
        except BaseException as error:
            if leaves_unread(error):
                connection.close()
            raise

    async def begin(self, record: Any, beginnings: Sequence[str], sql: str) -> None:
        """Begin a transaction."""
        for beginning in beginnings:
            await self.run(record.dbapi_connection.driver_connection, beginning)

    async def run(self, connection: Any, sql: str) -> str | None:
        """Run a statement about the transaction; there is no word of what was done."""
        try:
            await connection.query(sql)
        except BaseException as error:
            if leaves_unread(error):
                connection.close()
            raise
        return None

    def is_dead(self, connection: Any) -> bool:
        """Tell whether the server, or an error, has closed a connection."""
        return bool(connection._stream_broken)

    def is_lost(self, connection: Any, error: BaseException | None) -> bool:
        """Tell after an error whether the transaction is gone, with its connection or without."""
        return self.is_rolled_back(error) or self.is_dead(connection)

    def close(self, connection: Any) -> None:
        """Close a connection at once, whatever it is doing."""
        connection.close()

    def share(self, adapter: Any) -> None:
        """Do nothing: SQLAlchemy begins a transaction by a statement, where none is open."""

    def unshare(self, adapter: Any) -> None:
        """Do nothing, as `share` did."""
