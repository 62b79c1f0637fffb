"""The pool of sync code: connections that threads take in turn."""

import threading
from time import monotonic
from typing import Any

from sqlalchemy.pool import ConnectionPoolEntry

from undercroft.db.connections.bounded_pool import BoundedPool
from undercroft.db.connections.budget import PoolState, build_exhausted
from undercroft.db.connections.drivers import SyncDriver
from undercroft.db.internals import is_stale


class ThreadPool(BoundedPool[SyncDriver]):
    """The pool of sync code, from which SQLAlchemy's engine and our lane draw alike.

    An idle connection is taken and given back without a lock: a deque's own methods are enough.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        #: Guards the numbers; waited on by those who find no connection.
        self._change = threading.Condition()
        self._waiting = 0
        #: Given by the budget, for those who wait to open connections in.
        self._places = 0

    # -------------------------------------------------------------- for the lane

    def take(self) -> Any:
        """Take a connected record; give it back with `give`.

        Raises:
            DatabaseUnavailable: No connection came free in time.
        """
        record: Any = self._do_get()
        connection = record.dbapi_connection
        if connection is not None and self.driver.is_dead(connection):
            record.invalidate()
        if is_stale(self, record):
            try:
                record.get_connection()
            except BaseException:
                self.give(record)
                raise
        return record

    def give(self, record: Any) -> None:
        """Give a record back."""
        if self.is_marked:
            self._give_marked(record)
            return
        self._idle.append(record)
        if self._waiting:
            with self._change:
                self._change.notify()

    # -------------------------------------------------------------- for SQLAlchemy's engine

    def _do_get(self) -> ConnectionPoolEntry:
        if not self._waiting:
            try:
                found: ConnectionPoolEntry = self._idle.pop()
                return found
            except IndexError:
                pass
        return self._open_or_wait()  # type: ignore[no-any-return]  # a record

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        self.give(record)

    # -------------------------------------------------------------- opening and waiting

    def _open_or_wait(self) -> Any:
        deadline = monotonic() + self._timeout
        with self._change:
            self._waiting += 1
        try:
            while (record := self._find()) is None:
                if self._reserve():
                    return self._open_record()
                self._wait(deadline)
            return record
        finally:
            self._leave()

    def _find(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _reserve(self) -> bool:
        """Reserve what is needed for one more connection; tell whether it can be had."""
        with self._change:
            if self._open >= self._size:
                return False
            self._open += 1
            if self.budget is None:
                return True
            if self._places:
                self._places -= 1
                return True
        # Without the lock: other pools may be asked for an idle connection.
        if self.budget.take(self) or self.budget.ask(self, self._waiting):
            return True
        with self._change:
            self._open -= 1
        return False

    def _open_record(self) -> Any:
        try:
            return self._create_connection()
        except BaseException:
            self._let_go()
            raise

    def _wait(self, deadline: float) -> None:
        with self._change:
            if not (self._idle or self._places):
                left = deadline - monotonic()
                if left <= 0 or not self._change.wait(left):
                    raise build_exhausted(self._size, self._timeout, self.budget)

    def _leave(self) -> None:
        with self._change:
            self._waiting -= 1
            if self.budget is None or self._waiting:
                return
            unused, self._places = self._places, 0
        self.budget.withdraw(self)
        self.budget.release(unused)

    def _let_go(self) -> None:
        """Count a connection that is open no more, and let somebody else open one."""
        with self._change:
            self._open -= 1
            self._change.notify()
        if self.budget is not None:
            self.budget.release()

    # -------------------------------------------------------------- for the budget

    def take_place(self) -> None:
        """Let somebody who waits open a connection in a place that is given with this call."""
        with self._change:
            if self._waiting:
                self._places += 1
                self._change.notify()
                return
        if self.budget is not None:
            self.budget.release()

    def give_up_idle(self) -> int:
        """Close an idle connection, if there is one; give how many places come free."""
        try:
            record = self._idle.popleft()
        except IndexError:
            return 0
        with self._change:
            self._open -= 1
        record.close()
        return 1

    def _give_marked(self, record: Any) -> None:
        wanted = self.budget is not None and self.budget.is_wanted and not self._waiting
        if self._is_disposed or wanted:
            try:
                record.close()
            finally:
                self._let_go()
            return
        self.is_marked = self.budget is not None and self.budget.is_wanted
        self._idle.append(record)
        with self._change:
            self._change.notify()

    # -------------------------------------------------------------- its life

    def dispose(self) -> None:
        """Close the idle connections now, and those in use when they come back."""
        self._is_disposed = self.is_marked = True
        while (record := self._find()) is not None:
            record.close()
            self._let_go()

    @property
    def state(self) -> PoolState:
        """How many connections it has."""
        return PoolState("threads", self._open, len(self._idle), self._waiting, self._size)
