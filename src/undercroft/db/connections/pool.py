"""Connection pools that SQLAlchemy's engines and our lane draw from alike, under one limit.

The engine takes connections the usual way. The lane takes the pooled record itself: from the event
loop that is a `deque.popleft`, with no greenlet and no task, and a plain future when none is idle.
"""

import asyncio
import time
from collections import deque
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, Pool, QueuePool

from undercroft.db.connections.drivers import AsyncDriver, SyncDriver
from undercroft.db.internals import is_stale, run_in_greenlet, wait_in_greenlet
from undercroft.errors import DatabaseUnavailable


class ThreadPool(QueuePool):
    """The pool of sync code: SQLAlchemy's own, with the record within reach.

    Attributes:
        driver: How its connections are spoken to; whoever makes the pool says it.
    """

    driver: SyncDriver

    def take(self) -> Any:
        """Take a connected record; give it back with `give`.

        Raises:
            DatabaseUnavailable: No connection came free in time.
        """
        try:
            record = self._do_get()
        except PoolTimeout as error:
            raise build_exhausted(self.size(), self.timeout()) from error
        connection = record.dbapi_connection
        if connection is not None and self.driver.is_dead(connection):
            record.invalidate()
        if is_stale(self, record):
            try:
                record.get_connection()  # type: ignore[attr-defined]  # of the record's own class
            except BaseException:
                self._do_return_conn(record)
                raise
        return record

    def recreate(self) -> "ThreadPool":
        """Make an empty pool with the same settings."""
        pool: Any = super().recreate()
        pool.driver = self.driver
        return pool  # type: ignore[no-any-return]  # of this class

    def give(self, record: Any) -> None:
        """Give a record back."""
        self._do_return_conn(record)


class LoopPool(Pool):
    """The pool of one event loop.

    Args:
        creator: Opens a connection.
        pool_size: Connections at most.
        timeout: Seconds to wait for one.

    Attributes:
        driver: How its connections are spoken to; whoever makes the pool says it.
    """

    driver: AsyncDriver

    def __init__(
        self, creator: Any, pool_size: int = 8, timeout: float = 30.0, **options: Any
    ) -> None:
        super().__init__(creator, **options)
        self._size = pool_size
        self._timeout = timeout
        self._open = 0
        self._idle: deque[Any] = deque()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._disposed = False

    # -------------------------------------------------------------- for the lane

    def find_idle(self) -> Any:
        """Take an idle, connected record at once; None when there is none."""
        if self._idle:
            record = self._idle.pop()
            if not (is_stale(self, record) or self._is_dead(record)):
                return record
            self._idle.append(record)
        return None

    async def acquire(self) -> Any:
        """Take a connected record, opening or waiting for one.

        Raises:
            DatabaseUnavailable: None came free in time.
        """
        if self._idle:
            record = self._idle.pop()
        elif self._open < self._size:
            return await self._open_record()
        else:
            record = await self._wait()
        if self._is_dead(record):
            # The server went away meanwhile: there is nothing left to close.
            record.dbapi_connection = None
        if is_stale(self, record):
            try:
                await run_in_greenlet(record.get_connection)
            except BaseException:
                self.give(record)
                raise
        return record

    def give(self, record: Any) -> None:
        """Give a record back, to the first who waits or to the idle ones."""
        if self._disposed:
            if record.dbapi_connection is not None:
                self.driver.close(record.dbapi_connection.driver_connection)
                record.dbapi_connection = None
            return
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(record)
                return
        self._idle.append(record)

    def _is_dead(self, record: Any) -> bool:
        connection = record.dbapi_connection
        return connection is not None and self.driver.is_dead(connection.driver_connection)

    async def _open_record(self) -> Any:
        self._open += 1
        try:
            return await run_in_greenlet(self._create_connection)
        except BaseException:
            self._open -= 1
            self._wake_to_open()
            raise

    def _wake_to_open(self) -> None:
        """Let one who waits try to open a connection where another failed."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return

    async def _wait(self) -> Any:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(waiting)
        started = time.monotonic()
        timer = loop.call_later(self._timeout, self._give_up, waiting)
        try:
            record = await waiting
        except asyncio.CancelledError:
            # The record may have been handed over just before the cancellation arrived.
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                self._pass_on(waiting.result())
            raise
        finally:
            timer.cancel()
        if record is not None:
            return record
        if time.monotonic() - started > self._timeout:
            raise build_exhausted(self._size, self._timeout)
        return await self._open_record()

    def _pass_on(self, record: Any) -> None:
        if record is None:
            self._wake_to_open()
        else:
            self.give(record)

    def _give_up(self, waiting: "asyncio.Future[Any]") -> None:
        if not waiting.done():
            waiting.set_exception(build_exhausted(self._size, self._timeout))

    # -------------------------------------------------------------- for SQLAlchemy's engine

    def _do_get(self) -> ConnectionPoolEntry:
        # SQLAlchemy calls this inside its own greenlet and connects the record itself.
        if self._idle:
            found: ConnectionPoolEntry = self._idle.pop()
            return found
        if self._open >= self._size:
            return wait_in_greenlet(self._wait())  # type: ignore[no-any-return]  # a record
        self._open += 1
        try:
            return self._create_connection()
        except BaseException:
            self._open -= 1
            self._wake_to_open()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        self.give(record)

    def recreate(self) -> "LoopPool":
        """Make an empty pool with the same settings."""
        pool = self.__class__(
            self._creator,
            pool_size=self._size,
            timeout=self._timeout,
            recycle=self._recycle,
            echo=self.echo,
            logging_name=self._orig_logging_name,
            reset_on_return=self._reset_on_return,
            _dispatch=self.dispatch,
            dialect=self._dialect,
        )
        pool.driver = self.driver
        return pool

    def dispose(self) -> None:
        """Close the idle connections now, and those in use when they come back."""
        self._disposed = True
        while self._idle:
            record = self._idle.pop()
            self._open -= 1
            record.close()

    def status(self) -> str:
        """Describe the pool in a line."""
        return f"Pool size: {self._size}, open: {self._open}, idle: {len(self._idle)}"

    def checkedout(self) -> int:
        """Count the connections in use."""
        return self._open - len(self._idle)


def build_exhausted(size: int, timeout: float) -> DatabaseUnavailable:
    """Build the error for a pool in which no connection came free."""
    return DatabaseUnavailable(
        f"None of the {size} database connections came free within {timeout:g} seconds.",
        hint="Look for long transactions, and for requests that query a manager while a Session of "
        "theirs, without a transaction, has a connection too: put `atomic()` around both. Or raise "
        "`pool_size` in the database's URL.",
        code="db.pool-exhausted",
    )
