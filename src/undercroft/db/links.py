"""Connections with an open transaction, one kind for sync and one for async code."""

import asyncio
import re
import threading
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from undercroft.db.internals import adopt_record
from undercroft.db.pool import LoopPool
from undercroft.db.transactions import build_over

_COUNT = re.compile(r"\d+$")


def fetch(connection: Any, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
    """Run a statement on a driver's connection: its rows, or the count of those it changed."""
    cursor = connection.execute(sql, values)
    if counts:
        return cursor.rowcount
    return cursor.fetchall() if cursor.description is not None else ()


def read_count(status: str) -> int:
    """Read the count out of PostgreSQL's command tag, for example `UPDATE 3`."""
    found = _COUNT.search(status)
    return int(found.group()) if found else 0


class SyncLink:
    """A connection of sync code in a transaction; threads of one request take turns on it.

    Args:
        engine: Whose pool the connection comes from.
    """

    is_async = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.RLock()
        pool: Any = engine.pool
        record = pool.take()
        self._fairy = adopt_record(pool, record)
        self._driver: Any = record.dbapi_connection
        self._shared: sa.Connection | None = None
        self._is_closed = False
        try:
            # SQLite's writers wait for their turn here; later they could only fail.
            self.execute("BEGIN IMMEDIATE" if engine.dialect.name == "sqlite" else "BEGIN")
        except BaseException:
            self.close(broken=True)
            raise

    def fetch(self, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement: its rows, or the count of those it changed."""
        with self._lock:
            if self._is_closed:
                raise build_over()
            return fetch(self._driver, sql, values, counts=counts)

    def execute(self, sql: str) -> None:
        """Run a statement that has no values and no rows."""
        with self._lock:
            self._driver.execute(sql)

    def share(self) -> sa.Connection:
        """Give SQLAlchemy's view of this connection, for a Session within the transaction.

        Its outer transaction is ours: ending it there is not possible, only savepoints are.
        """
        if self._shared is None:
            self._shared = sa.Connection(self._engine, connection=self._fairy)
            self._shared.begin()
        return self._shared

    def close(self, *, broken: bool = False) -> None:
        """Give the connection back, or throw it away."""
        with self._lock:
            self._is_closed = True
            if broken:
                self._fairy.invalidate()
            self._fairy.close()


class AsyncLink:
    """A connection of one event loop in a transaction; tasks of one request take turns on it.

    Args:
        engine: Of the loop.
        pool: The engine's.
    """

    is_async = True

    def __init__(self, engine: AsyncEngine, pool: LoopPool) -> None:
        self._engine = engine
        self._pool = pool
        self._lock = asyncio.Lock()
        self._record: Any = None
        self._driver: Any = None
        self._is_closed = False
        self._shared: sa.Connection | None = None
        self._fairy: Any = None

    def is_open(self) -> bool:
        """Tell whether the transaction has begun."""
        return self._driver is not None

    def has_ended(self) -> bool:
        """Tell whether the transaction was given up."""
        return self._is_closed

    async def open(self) -> None:
        """Take a connection and begin, unless that is done."""
        if self.is_open():
            return
        async with self._lock:
            if self.is_open():
                return
            if self._is_closed:
                raise build_over()
            record = self._pool.find_idle() or await self._pool.acquire()
            driver = record.dbapi_connection.driver_connection
            try:
                await driver.execute("BEGIN")
            except BaseException:
                driver.terminate()
                self._pool.give(record)
                raise
            if self.has_ended():
                # The transaction was given up while this task was still opening it.
                driver.terminate()
                self._pool.give(record)
                raise build_over()
            self._record, self._driver = record, driver

    async def fetch(self, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement: its rows, or the count of those it changed."""
        async with self._lock:
            if self._is_closed:
                raise build_over()
            if counts:
                return read_count(await self._driver.execute(sql, *values))
            return await self._driver.fetch(sql, *values)

    async def execute(self, sql: str) -> None:
        """Run a statement that has no values and no rows."""
        if self._driver is None:
            return
        async with self._lock:
            await self._driver.execute(sql)

    def share(self) -> sa.Connection:
        """Give SQLAlchemy's view of this connection, for a Session within the transaction."""
        if self._shared is None:
            adapter = self._record.dbapi_connection
            # It must not begin a transaction of its own inside ours.
            adapter.autocommit = True
            self._fairy = adopt_record(self._pool, self._record)
            self._shared = sa.Connection(self._engine.sync_engine, connection=self._fairy)
            self._shared.begin()
        return self._shared

    async def close(self, *, broken: bool = False) -> None:
        """Give the connection back, or throw it away."""
        record, self._record = self._record, None
        self._is_closed = True
        if record is None:
            return
        if broken:
            self._driver.terminate()
        if self._shared is not None:
            record.dbapi_connection.autocommit = False
        release_shared(self._fairy, record)
        self._pool.give(record)


def release_shared(fairy: Any, record: Any) -> None:
    """Part a record from the wrapper a Session used, which must not give it back a second time."""
    if fairy is not None:
        record.fairy_ref = None
        fairy.dbapi_connection = None
        fairy._connection_record = None
        fairy._finalizer.detach()
