"""The pool of an event loop, from which SQLAlchemy's engine and our lane draw alike.

The engine takes connections the usual way. The lane takes the pooled record itself: that is a
`deque.pop`, with no greenlet and no task, and a plain future when none is idle.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry

from undercroft.db.connections.bounded_pool import BoundedPool
from undercroft.db.connections.budget import PoolState, build_exhausted
from undercroft.db.connections.drivers import AsyncDriver
from undercroft.db.internals import is_stale, run_in_greenlet, wait_in_greenlet


class LoopPool(BoundedPool[AsyncDriver]):
    """The pool of one event loop."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting: deque[asyncio.Future[Any]] = deque()
        #: Known once a connection was asked for.
        self._loop: asyncio.AbstractEventLoop | None = None

    # -------------------------------------------------------------- for the lane

    def find_idle(self) -> Any:
        """Take an idle, connected record at once; None when there is none."""
        try:
            record = self._idle.pop()
        except IndexError:
            return None
        if not (is_stale(self, record) or self._is_dead(record)):
            return record
        self._idle.append(record)
        return None

    async def acquire(self) -> Any:
        """Take a connected record, opening or waiting for one.

        Raises:
            DatabaseUnavailable: None came free in time.
        """
        try:
            record = self._idle.pop()
        except IndexError:
            if self._reserve():
                return await self._open_record()
            record = await self._wait()
            if record is None:
                return await self._open_record()
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
        if self.is_marked and self._is_let_go(record):
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

    # -------------------------------------------------------------- opening and waiting

    def _reserve(self) -> bool:
        """Reserve what is needed for one more connection; tell whether it can be had."""
        if self._open >= self._size:
            return False
        self._loop = asyncio.get_running_loop()
        if self.budget is not None and not self.budget.take(self):
            return False
        self._open += 1
        return True

    async def _open_record(self) -> Any:
        """Open a connection in what was reserved."""
        try:
            return await run_in_greenlet(self._create_connection)
        except BaseException:
            self._give_place()
            raise

    def _give_place(self) -> None:
        """Give away what was reserved for a connection, to one who waits if there is one."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        self._open -= 1
        if self.budget is not None:
            self.budget.release()

    async def _wait(self) -> Any:
        """Wait for a record, or None for the place to open one in."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(waiting)
        timer = loop.call_later(self._timeout, self._give_up, waiting)
        asks = self.budget is not None and self._open < self._size
        if asks and self._ask():
            waiting.cancel()
        try:
            return None if waiting.cancelled() else await waiting
        except asyncio.CancelledError:
            # The record may have been handed over just before the cancellation arrived.
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                self._pass_on(waiting.result())
            raise
        finally:
            timer.cancel()
            if asks and self.budget is not None and not self._count_waiting():
                self.budget.withdraw(self)

    def _ask(self) -> bool:
        """Ask for a place; True when there was one at once, which is reserved then."""
        found = self.budget is not None and self.budget.ask(self, self._count_waiting())
        self._open += found
        return found

    def _count_waiting(self) -> int:
        return sum(not waiting.done() for waiting in self._waiting)

    def _pass_on(self, record: Any) -> None:
        if record is None:
            self._give_place()
        else:
            self.give(record)

    def _give_up(self, waiting: "asyncio.Future[Any]") -> None:
        if not waiting.done():
            waiting.set_exception(build_exhausted(self._size, self._timeout, self.budget))

    # -------------------------------------------------------------- for the budget

    def take_place(self) -> None:
        """Let somebody who waits open a connection in a place that is given with this call."""
        self._call(self._use_place)

    def _use_place(self) -> None:
        self._open += 1
        self._give_place()

    def give_up_idle(self) -> int:
        """Close an idle connection, if there is one; give how many places come free."""
        if self._loop is not None and self._loop.is_closed():
            # All of them went with their loop.
            places, self._open = self._open, 0
            self._idle.clear()
            return places
        try:
            record = self._idle.popleft()
        except IndexError:
            return 0
        self._call(self._drop, record)
        return 1

    def _drop(self, record: Any) -> None:
        self._open -= 1
        self._close(record)

    def _call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Call something on the loop, soon; not at all when that has ended meanwhile."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(function, *arguments)

    def _is_let_go(self, record: Any) -> bool:
        """Close a record that comes back where nobody wants it here; tell whether that is so."""
        wanted = self.budget is not None and self.budget.is_wanted
        if self._is_disposed or (wanted and not self._count_waiting()):
            self._close(record)
            self._give_place()
            return True
        self.is_marked = wanted
        return False

    def _close(self, record: Any) -> None:
        if record.dbapi_connection is not None:
            self.driver.close(record.dbapi_connection.driver_connection)
            record.dbapi_connection = None

    # -------------------------------------------------------------- for SQLAlchemy's engine

    def _do_get(self) -> ConnectionPoolEntry:
        # SQLAlchemy calls this inside its own greenlet and connects the record itself.
        try:
            found: ConnectionPoolEntry | None = self._idle.pop()
        except IndexError:
            found = None if self._reserve() else wait_in_greenlet(self._wait())
        if found is not None:
            return found
        try:
            return self._create_connection()
        except BaseException:
            self._give_place()
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        self.give(record)

    def dispose(self) -> None:
        """Close the idle connections now, and those in use when they come back."""
        self._is_disposed = self.is_marked = True
        while self._idle:
            record = self._idle.pop()
            record.close()
            self._give_place()

    @property
    def state(self) -> PoolState:
        """How many connections it has."""
        return PoolState("loop", self._open, len(self._idle), self._count_waiting(), self._size)
