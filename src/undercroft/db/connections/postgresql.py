"""PostgreSQL: what its two drivers are told, how they are spoken to, who is in autocommit when."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event

from undercroft.db.connections.drivers import SyncDriver, has_input
from undercroft.db.connections.options import DatabaseOptions
from undercroft.db.connections.pipelining import send_ahead

#: Prepared statements kept per connection.
MAX_PREPARED = 500

_COUNT = re.compile(r"\d+$")


def build_connect_args(driver: str, options: DatabaseOptions) -> dict[str, Any]:
    """Build what a driver is told at connection: times are in UTC, and waiting has an end."""
    settings = build_settings(options)
    if driver == "asyncpg":
        return {"server_settings": settings, "timeout": options.connect_timeout}
    told = {name: value for name, value in settings.items() if name != "application_name"}
    arguments: dict[str, Any] = {
        "options": " ".join(f"-c {name}={value}" for name, value in told.items()),
        "connect_timeout": max(1, round(options.connect_timeout)),
    }
    if options.application_name is not None:
        # It may hold spaces, so it has an argument of its own.
        arguments["application_name"] = options.application_name
    return arguments


def build_settings(options: DatabaseOptions) -> dict[str, str]:
    """Build the settings of a session, times in milliseconds."""
    settings = {"timezone": "UTC"}
    if options.application_name is not None:
        settings["application_name"] = options.application_name
    limits = {
        "statement_timeout": options.statement_timeout,
        "lock_timeout": options.lock_timeout,
        "idle_in_transaction_session_timeout": options.idle_in_transaction_timeout,
    }
    for name, seconds in limits.items():
        if seconds is not None:
            # 0 would mean no limit.
            settings[name] = str(max(1, round(seconds * 1000)))
    return settings


def rest_in_autocommit(engine: Engine) -> None:
    """Keep psycopg's idle connections in autocommit, which the lane reads in.

    SQLAlchemy's own connections leave it at checkout and come back to it; changing the flag of
    an idle connection needs no round trip.
    """

    def rest(connection: Any, *_others: object) -> None:
        if connection is not None and not connection.closed:
            connection.autocommit = True

    def work(connection: Any, *_others: object) -> None:
        connection.autocommit = False

    event.listen(engine, "connect", rest)
    event.listen(engine, "checkin", rest)
    event.listen(engine, "checkout", work)


class Psycopg(SyncDriver):
    """Speaks to psycopg 3."""

    def run(self, connection: Any, sql: str) -> str | None:
        """Run a statement about the transaction; give PostgreSQL's command tag."""
        tag: str | None = connection.execute(sql).statusmessage
        return tag

    def is_dead(self, connection: Any) -> bool:
        """Tell of an idle connection whether the server has closed it, or has had a last word."""
        return bool(connection.closed) or has_input(connection.pgconn.socket)

    def is_broken(self, connection: Any) -> bool:
        """Tell after an error whether the connection is of no use any more."""
        return bool(connection.closed)

    def is_lost(self, connection: Any, error: BaseException | None) -> bool:
        """Tell after an error whether the transaction is gone with its connection."""
        return bool(connection.closed)


#: asyncpg's class for a statement prepared before its table was changed.
_OUTDATED = "InvalidCachedStatementError"


async def fetch_once(driver: Any, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
    """Run a statement that is not kept prepared, or not any more."""
    if counts:
        return read_count(await driver.execute(sql, *values))
    return await driver.fetch(sql, *values)


async def unlock(driver: Any, error: Exception) -> None:
    """Let the server give up the locks of a statement that was prepared and then not run.

    asyncpg ends a preparation by a Flush. The Sync that lets go of the tables comes with the
    statement, which is never sent where a value cannot be: they would stay locked, with the
    connection idle, until somebody uses it again.
    """
    if getattr(error, "severity", None) is None:  # not the server's
        with suppress(Exception):
            await driver.execute("")


class Asyncpg:
    """Speaks to asyncpg, which prepares each statement once for each connection.

    Args:
        prepares: Not behind a pooler that hands connections around: statements must not be kept.
    """

    def __init__(self, *, prepares: bool = True) -> None:
        self._prepares = prepares

    async def fetch(self, record: Any, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement on a pooled connection: its rows, or the count of those it changed."""
        driver = record.dbapi_connection.driver_connection
        try:
            statement = record.info.get(sql)
            if statement is None:
                if not self._prepares:
                    return await fetch_once(driver, sql, values, counts=counts)
                statement = await self._prepare(record, sql)
            rows = await statement.fetch(*values)
            return read_count(statement.get_statusmsg()) if counts else rows
        except Exception as error:
            if driver.is_closed() or driver.is_in_transaction():
                if type(error).__name__ == _OUTDATED:
                    record.info.clear()
                raise
            if type(error).__name__ == _OUTDATED:
                # A table has changed since; asyncpg prepares anew by itself.
                record.info.clear()
                return await fetch_once(driver, sql, values, counts=counts)
            await unlock(driver, error)
            raise

    async def _prepare(self, record: Any, sql: str) -> Any:
        if len(record.info) >= MAX_PREPARED:
            record.info.clear()
        driver = record.dbapi_connection.driver_connection
        try:
            statement = record.info[sql] = await driver.prepare(sql)
        except asyncio.CancelledError:
            if not driver.is_in_transaction():
                # There is no time to `unlock` what may be prepared by now.
                driver.terminate()
            raise
        return statement

    async def begin(self, record: Any, beginnings: Sequence[str], sql: str) -> None:
        """Begin a transaction; where the statement after it is prepared, along with that."""
        connection = record.dbapi_connection.driver_connection
        if sql in record.info:
            for beginning in beginnings:
                send_ahead(connection, beginning)
        else:
            for beginning in beginnings:
                await self.run(connection, beginning)

    async def run(self, connection: Any, sql: str) -> str | None:
        """Run a statement about the transaction; give PostgreSQL's command tag."""
        tag: str = await connection.execute(sql)
        return tag

    def is_dead(self, connection: Any) -> bool:
        """Tell whether the server, or an error, has closed a connection."""
        return bool(connection.is_closed())

    def is_lost(self, connection: Any, error: BaseException | None) -> bool:
        """Tell after an error whether the transaction is gone with its connection."""
        return bool(connection.is_closed())

    def close(self, connection: Any) -> None:
        """Close a connection at once, whatever it is doing."""
        connection.terminate()

    def share(self, adapter: Any) -> None:
        """Keep SQLAlchemy's view of a connection from beginning a transaction inside of ours."""
        adapter.autocommit = True

    def unshare(self, adapter: Any) -> None:
        """Take back what `share` did."""
        adapter.autocommit = False


def read_count(status: str) -> int:
    """Read the count out of PostgreSQL's command tag, for example `UPDATE 3`."""
    found = _COUNT.search(status)
    return int(found.group()) if found else 0
