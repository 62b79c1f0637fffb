"""Build SQLAlchemy's engines on our pools."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from undercroft.db.connections import mariadb, postgresql, sqlite
from undercroft.db.connections.drivers import AsyncDriver, SyncDriver
from undercroft.db.connections.mariadb_drivers import Asyncmy, PyMySQL
from undercroft.db.connections.pool import LoopPool, ThreadPool
from undercroft.db.connections.urls import PoolOptions
from undercroft.errors import ImproperlyConfigured

#: What to install when a driver is missing.
EXTRAS = {"postgresql": "postgres", "mariadb": "mysql"}


def build_sync_engine(url: str, options: PoolOptions) -> Engine:
    """Build the engine of sync code."""
    name, size = make_url(url).get_backend_name(), options.pool_size
    # Positional parameters, which the lane hands over as they are.
    arguments: dict[str, Any] = {} if name == "sqlite" else {"paramstyle": "format"}
    driver = SyncDriver()
    if name == "sqlite":
        arguments["connect_args"] = {"check_same_thread": False}
        # The database is the connection, so there is one, and callers take turns.
        size = 1 if sqlite.is_in_memory(url) else size
    elif name == "postgresql":
        driver = postgresql.Psycopg()
        arguments["connect_args"] = postgresql.build_connect_args(
            "psycopg", options.connect_timeout
        )
    elif name == "mariadb":
        driver = PyMySQL()
        arguments["connect_args"] = mariadb.build_connect_args("pymysql", options.connect_timeout)
    try:
        engine = sa.create_engine(
            url,
            poolclass=ThreadPool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=options.pool_timeout,
            pool_use_lifo=True,
            **arguments,
        )
    except ModuleNotFoundError as error:
        raise _build_missing_driver(name, error) from error
    pool: Any = engine.pool
    pool.driver = driver
    if name == "sqlite":
        sqlite.prepare_engine(engine, options.busy_timeout)
    elif name == "postgresql":
        postgresql.rest_in_autocommit(engine)
    elif name == "mariadb":
        mariadb.prepare_engine(engine)
    return engine


def build_async_engine(url: str, options: PoolOptions) -> AsyncEngine:
    """Build the engine of the running event loop."""
    name, timeout = make_url(url).get_backend_name(), options.connect_timeout
    driver: AsyncDriver
    if name == "mariadb":
        driver = Asyncmy()
        connect_args = mariadb.build_connect_args("asyncmy", timeout)
    else:
        # Behind a pooler that hands connections around, statements must not be kept.
        driver = postgresql.Asyncpg(prepares="statement_cache_size=0" not in url)
        connect_args = postgresql.build_connect_args("asyncpg", timeout)
    try:
        engine = create_async_engine(
            url,
            poolclass=LoopPool,
            pool_size=options.pool_size,
            pool_timeout=options.pool_timeout,
            connect_args=connect_args,
        )
    except ModuleNotFoundError as error:
        raise _build_missing_driver(name, error) from error
    pool: Any = engine.pool
    pool.driver = driver
    if name == "mariadb":
        mariadb.prepare_engine(engine.sync_engine)
    return engine


def _build_missing_driver(name: str, error: ModuleNotFoundError) -> ImproperlyConfigured:
    extra = EXTRAS.get(name, name)
    return ImproperlyConfigured(
        f"The driver {error.name!r} for {name} is not installed.",
        hint=f"Run `pip install 'undercroft[{extra}]'`.",
        code="db.driver-missing",
    )
