"""SQLite made for production: the settings of every connection, and how a transaction begins."""

import math
import sqlite3
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext, make_url

from undercroft.db.connections.conflicts import find_conflict
from undercroft.db.connections.drivers import SyncDriver, read_result
from undercroft.db.connections.options import SQLITE_LOCK_TIMEOUT, DatabaseOptions
from undercroft.db.connections.sqlite_dialect import teach
from undercroft.db.connections.sqlite_functions.faults import find_fault
from undercroft.db.connections.sqlite_functions.registering import register_functions

#: Steps of SQLite's virtual machine between two looks at the clock: some tenths of a millisecond.
_STEPS: Final = 10_000


def get_patience(options: DatabaseOptions) -> float:
    """Get how many seconds to wait for another writer."""
    return SQLITE_LOCK_TIMEOUT if options.lock_timeout is None else options.lock_timeout


def is_in_memory(url: str) -> bool:
    """Tell whether a URL means a database that lives in its one connection."""
    parsed = make_url(url)
    return (
        not parsed.database or parsed.database == ":memory:" or parsed.query.get("mode") == "memory"
    )


class SQLite(SyncDriver):
    """Speaks to `sqlite3`."""

    def fetch(self, connection: Any, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement; what one of our functions refuses becomes an error with its words."""
        try:
            return read_result(connection.execute(sql, values), counts=counts)
        except sqlite3.OperationalError as error:
            fault = find_fault(error)
            if fault is None:
                raise
            raise fault from error

    def is_lost(self, connection: Any, error: BaseException | None) -> bool:
        """Tell after an error whether the transaction is gone: some errors roll it back."""
        try:
            return not connection.in_transaction
        except sqlite3.ProgrammingError:
            return True


def build_connect_args(options: DatabaseOptions) -> dict[str, Any]:
    """Build what the driver is told at connection."""
    arguments: dict[str, Any] = {"check_same_thread": False}
    if options.statement_timeout is not None:
        arguments["factory"] = build_timed_connection(options.statement_timeout)
    return arguments


def build_timed_connection(timeout: float) -> type[sqlite3.Connection]:
    """Build a class of connections that cut a statement short which takes too long.

    SQLite knows no such limit, but asks now and then whether to go on.
    """

    class TimedConnection(sqlite3.Connection):
        """Knows when its last statement must have come to its end."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.deadline = math.inf
            self.set_progress_handler(self.is_late, _STEPS)

        def is_late(self) -> bool:
            """Tell SQLite whether to interrupt its work."""
            return monotonic() > self.deadline

        def cursor(self, factory: Any = None) -> Any:
            """Give a cursor that sets the time from which a statement counts."""
            return super().cursor(factory or TimedCursor)

    class TimedCursor(sqlite3.Cursor):
        """Starts the clock with each statement."""

        def execute(self, *arguments: Any) -> Any:
            """Run a statement, its rows read in time included."""
            connection: Any = self.connection
            connection.deadline = monotonic() + timeout
            return super().execute(*arguments)

    return TimedConnection


def prepare_engine(engine: Engine, options: DatabaseOptions) -> None:
    """Set up every connection of an engine.

    Args:
        engine: Of SQLite.
        options: Of the database.
    """
    patience = get_patience(options)

    def set_up(connection: Any, _record: object) -> None:
        # No transaction is begun behind our back; single statements commit by themselves.
        connection.isolation_level = None
        # First, so that the statements below wait too instead of failing.
        connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        register_functions(connection)

    def begin(connection: sa.Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            # A transaction that reads first and writes later fails at once when another has
            # written in between; one that says so at the start waits for its turn.
            mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
            connection.exec_driver_sql(f"BEGIN {'IMMEDIATE' if mode != 'DEFERRED' else mode}")

    def translate(context: ExceptionContext) -> BaseException | None:
        # Sessions raise SQLAlchemy's own errors; these are no bugs but a database too busy.
        error = context.original_exception
        return find_conflict(error) or find_fault(error)

    teach(engine.dialect)
    event.listen(engine, "connect", set_up)
    event.listen(engine, "handle_error", translate)
    event.listen(engine, "begin", begin)
