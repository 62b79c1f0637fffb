"""SQLite made for production: the settings of every connection, and how a transaction begins."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext, make_url

from undercroft.db.connections.conflicts import find_conflict
from undercroft.db.connections.sqlite_dialect import teach
from undercroft.db.connections.sqlite_functions.registering import register_functions


def is_in_memory(url: str) -> bool:
    """Tell whether a URL means a database that lives in its one connection."""
    parsed = make_url(url)
    return (
        not parsed.database or parsed.database == ":memory:" or parsed.query.get("mode") == "memory"
    )


def prepare_engine(engine: Engine, busy_timeout: float) -> None:
    """Set up every connection of an engine.

    Args:
        engine: Of SQLite.
        busy_timeout: Seconds to wait for another writer.
    """

    def set_up(connection: Any, _record: object) -> None:
        # No transaction is begun behind our back; single statements commit by themselves.
        connection.isolation_level = None
        # First, so that the statements below wait too instead of failing.
        connection.execute(f"PRAGMA busy_timeout = {int(busy_timeout * 1000)}")
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
        return find_conflict(context.original_exception)

    teach(engine.dialect)
    event.listen(engine, "connect", set_up)
    event.listen(engine, "handle_error", translate)
    event.listen(engine, "begin", begin)
