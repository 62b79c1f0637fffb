"""MariaDB: what each connection is told, so that the server answers as PostgreSQL does."""

import asyncio
import math
import re
from functools import partial
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from undercroft.db.connections.mariadb_dialect import COLLATION, teach
from undercroft.db.connections.mariadb_drivers import LOCK_TIMEOUT, Asyncmy, PyMySQL
from undercroft.db.connections.options import DatabaseOptions
from undercroft.errors import ImproperlyConfigured

#: The oldest release that is maintained, and the one this is tried with. It has all we rely on:
#: INSERT ... RETURNING (10.5), SKIP LOCKED (10.6), JSON_EQUALS and UUID (10.7).
MINIMUM = (10, 11)

#: Statements asyncmy keeps prepared on each connection, the longest unused going first.
_MAX_PREPARED = 100

#: What does not fit is refused, never cut or made zero; `||` joins text; 0 is a key like any other;
#: an update sees the values before it, not those of the columns it has just set.
#: NO_BACKSLASH_ESCAPES must stay out: asyncmy escapes bytes by backslashes whatever the mode.
_SQL_MODE = ",".join(
    (
        "STRICT_ALL_TABLES",
        "NO_ZERO_DATE",
        "NO_ZERO_IN_DATE",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "NO_ENGINE_SUBSTITUTION",
        "NO_AUTO_VALUE_ON_ZERO",
        "PIPES_AS_CONCAT",
        "SIMULTANEOUS_ASSIGNMENT",
    )
)

#: READ COMMITTED is PostgreSQL's level; at MariaDB's own one a transaction would never see the row
#: that `get_or_create` has lost the race for.
_SETTINGS = (
    f"SET NAMES utf8mb4 COLLATE {COLLATION}, sql_mode = '{_SQL_MODE}', time_zone = '+00:00', "
    "tx_isolation = 'READ-COMMITTED'"
)

_VERSION = re.compile(r"(\d+)\.(\d+)\.\d+-mariadb", re.IGNORECASE)


def build_connect_args(driver: str, options: DatabaseOptions) -> dict[str, Any]:
    """Build what a driver is told at connection."""
    arguments = {
        "charset": "utf8mb4",
        "autocommit": True,
        "connect_timeout": options.connect_timeout,
        "program_name": options.application_name,
    }
    if driver == "pymysql":
        return arguments
    return {**arguments, "stmt_cache_size": _MAX_PREPARED, "async_creator_fn": open_asyncmy}


def open_pymysql(
    dialect: Dialect, _record: object, arguments: list[Any], options: dict[str, Any]
) -> Any:
    """Open a connection of PyMySQL within a time-out, though the server accepts and then hangs."""
    limit = options.get("read_timeout")
    connection: Any = dialect.connect(
        *arguments, **{**options, "read_timeout": options["connect_timeout"]}
    )
    connection._read_timeout = limit
    return connection


async def open_asyncmy(**arguments: Any) -> Any:
    """Open a connection of asyncmy that takes one statement at a time, within a time-out."""
    # An extra, so only here, where it is wanted.
    from asyncmy import connection as driver  # noqa: PLC0415
    from asyncmy.constants.CLIENT import MULTI_STATEMENTS  # noqa: PLC0415 - likewise

    make: Any = driver.Connection
    connection = make(**arguments)
    # It always asks for several statements in one text, the best friend of an injection.
    connection._client_flag &= ~MULTI_STATEMENTS
    task: Any = asyncio.current_task()
    cancellations = task.cancelling()
    async with asyncio.timeout(arguments["connect_timeout"]):
        await connection.connect()
    if task.cancelling() > cancellations:
        # Its `wait_for` forgets one that comes with the answer, before Python 3.12.
        connection.close()
        raise asyncio.CancelledError
    return connection


def build_settings(options: DatabaseOptions) -> str:
    """Build the statement that tells a new connection how to behave.

    A statement's time is in seconds with a fraction, the others' in whole ones; locks are those on
    rows, and those on tables whose shape somebody changes.
    """
    settings = _SETTINGS
    if options.statement_timeout is not None:
        settings += f", max_statement_time = {options.statement_timeout}"
    if options.lock_timeout is not None:
        seconds = math.ceil(options.lock_timeout)
        settings += f", innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
    if options.idle_in_transaction_timeout is not None:
        settings += f", idle_transaction_timeout = {math.ceil(options.idle_in_transaction_timeout)}"
    return settings


def prepare_engine(engine: Engine, options: DatabaseOptions) -> None:
    """Set up an engine and every connection of it.

    Args:
        engine: Of MariaDB, on a pool of ours; of an async one its `sync_engine`.
        options: Of the database.
    """
    pool: Any = engine.pool
    driver: PyMySQL | Asyncmy = pool.driver
    settings = build_settings(options)

    def set_up(connection: Any, _record: object) -> None:
        # Last, because SQLAlchemy changes the collation.
        cursor = connection.cursor()
        cursor.execute(settings)
        cursor.close()

    def learn(connection: Any, record: object) -> None:
        if check_server(connection):
            driver.numbers |= {LOCK_TIMEOUT}
        # SQLAlchemy asks next how the connection behaves.
        set_up(connection, record)

    def work(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        if driver.is_dead(record.driver_connection):
            # SQLAlchemy then takes another one; ours are asked by the pool.
            raise DisconnectionError
        connection.autocommit(False)

    def notice_rollback(context: ExceptionContext) -> None:
        # Or what a Session goes on to write would be stored without what it wrote before.
        if driver.is_rolled_back(context.original_exception):
            context.is_disconnect = True
            context.invalidate_pool_on_disconnect = False

    teach(engine.dialect)
    if engine.dialect.driver == "pymysql":
        event.listen(engine, "do_connect", open_pymysql)
    event.listen(engine, "first_connect", learn)
    event.listen(engine, "connect", set_up)
    event.listen(engine, "checkout", work)
    event.listen(engine, "checkin", partial(rest, pool))
    event.listen(engine, "handle_error", notice_rollback)


def check_server(connection: Any) -> bool:
    """Refuse a server that lacks what we rely on; tell whether it rolls back where a lock is late.

    Raises:
        ImproperlyConfigured: It is MySQL, or too old.
    """
    cursor = connection.cursor()
    cursor.execute("SELECT VERSION(), @@innodb_rollback_on_timeout")
    version, rolls_back = cursor.fetchone()
    cursor.close()
    found = _VERSION.search(version)
    if found is None or (int(found[1]), int(found[2])) < MINIMUM:
        connection.close()
        raise ImproperlyConfigured(
            f"The database server is {version!r}: expected MariaDB {MINIMUM[0]}.{MINIMUM[1]} or "
            "later.",
            hint="MySQL cannot answer an INSERT with the new row; older releases of MariaDB are "
            "not maintained any more.",
            code="db.server",
        )
    return bool(rolls_back)


def rest(pool: Any, connection: Any, record: Any) -> None:
    """Bring a connection of SQLAlchemy's back to autocommit, which the lane reads in.

    Args:
        pool: Whose connection it is.
        connection: As SQLAlchemy sees it; None when it is closed.
        record: Its place in the pool, which must not be lost whatever happens here.
    """
    if connection is None:
        return
    try:
        connection.autocommit(True)
    except BaseException as error:
        # SQLAlchemy's own `invalidate` would wait, and could be cancelled again.
        pool.driver.close(record.driver_connection)
        record.dbapi_connection = None
        if not isinstance(error, Exception):
            # A cancellation: SQLAlchemy does not come to giving it back.
            pool.give(record)
            raise
