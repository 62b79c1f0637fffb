"""Build SQLAlchemy's engines on our pools."""

import json
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from undercroft.db.connections import mariadb, postgresql, sqlite
from undercroft.db.connections.budget import Budget
from undercroft.db.connections.drivers import AsyncDriver, SyncDriver
from undercroft.db.connections.epoch import note_write
from undercroft.db.connections.loop_pool import LoopPool
from undercroft.db.connections.mariadb_drivers import Asyncmy, PyMySQL
from undercroft.db.connections.options import DatabaseOptions
from undercroft.db.connections.thread_pool import ThreadPool
from undercroft.errors import ImproperlyConfigured

#: As the databases themselves write it: some compare keys and texts by how they are written.
_write_json = partial(json.dumps, ensure_ascii=False, allow_nan=False)

#: What to install when a driver is missing, and which drivers that brings.
EXTRAS = {"postgresql": "postgres", "mariadb": "mysql"}
OWN_DRIVERS = frozenset({"asyncmy", "asyncpg", "psycopg", "pymysql"})


def build_sync_engine(url: str, options: DatabaseOptions, budget: Budget | None = None) -> Engine:
    """Build the engine of sync code.

    Args:
        url: With its driver.
        options: Of the database.
        budget: What its pool shares with those of event loops.
    """
    name, size = make_url(url).get_backend_name(), options.pool_size
    # Positional parameters, which the lane hands over as they are.
    arguments: dict[str, Any] = {} if name == "sqlite" else {"paramstyle": "format"}
    driver: SyncDriver = sqlite.SQLite()
    if name == "sqlite":
        arguments["connect_args"] = sqlite.build_connect_args(options)
        # The database is the connection, so there is one, and callers take turns.
        size = 1 if sqlite.is_in_memory(url) else size
    elif name == "postgresql":
        driver = postgresql.Psycopg()
        arguments["connect_args"] = postgresql.build_connect_args("psycopg", options)
    elif name == "mariadb":
        driver = PyMySQL()
        arguments["connect_args"] = mariadb.build_connect_args("pymysql", options)
    try:
        engine = sa.create_engine(
            url,
            poolclass=ThreadPool,
            pool_size=size,
            pool_timeout=options.pool_timeout,
            pool_recycle=find_recycle(options),
            json_serializer=_write_json,
            **arguments,
        )
    except ModuleNotFoundError as error:
        raise _build_missing_driver(name, error) from error
    pool: Any = engine.pool
    pool.join(driver, budget)
    event.listen(engine, "before_cursor_execute", note_statement)
    if name == "sqlite":
        sqlite.prepare_engine(engine, options)
    elif name == "postgresql":
        postgresql.rest_in_autocommit(engine)
    elif name == "mariadb":
        mariadb.prepare_engine(engine, options)
    return engine


def build_async_engine(
    url: str, options: DatabaseOptions, budget: Budget | None = None
) -> AsyncEngine:
    """Build the engine of the running event loop; as `build_sync_engine`."""
    name = make_url(url).get_backend_name()
    driver: AsyncDriver
    if name == "mariadb":
        driver = Asyncmy()
        connect_args = mariadb.build_connect_args("asyncmy", options)
    else:
        # Behind a pooler that hands connections around, statements must not be kept.
        driver = postgresql.Asyncpg(prepares="statement_cache_size=0" not in url)
        connect_args = postgresql.build_connect_args("asyncpg", options)
    try:
        engine = create_async_engine(
            url,
            poolclass=LoopPool,
            pool_size=options.pool_size,
            pool_timeout=options.pool_timeout,
            pool_recycle=find_recycle(options),
            json_serializer=_write_json,
            connect_args=connect_args,
        )
    except ModuleNotFoundError as error:
        raise _build_missing_driver(name, error) from error
    pool: Any = engine.pool
    pool.join(driver, budget)
    event.listen(engine.sync_engine, "before_cursor_execute", note_statement)
    if name == "mariadb":
        mariadb.prepare_engine(engine.sync_engine, options)
    return engine


def note_statement(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
    """Note that SQLAlchemy is about to write, where it does not only read."""
    if statement.lstrip()[:6].upper() != "SELECT":
        note_write()


def find_recycle(options: DatabaseOptions) -> float:
    """Find SQLAlchemy's number for the age of connections; -1 for none."""
    return -1 if options.pool_recycle is None else options.pool_recycle


def _build_missing_driver(name: str, error: ModuleNotFoundError) -> ImproperlyConfigured:
    extra = EXTRAS.get(name)
    install = f"`pip install 'undercroft[{extra}]'`"
    if error.name in OWN_DRIVERS:
        hint = f"Run {install}."
    elif extra is None:
        hint = f"Write `{name}://`, whose driver is a part of Python, for sync and async code."
    else:
        hint = f"Write `{name}://`, whose drivers come by {install}, or install that one."
    return ImproperlyConfigured(
        f"The driver {error.name!r} for {name} is not installed.",
        hint=hint,
        code="db.driver-missing",
    )
