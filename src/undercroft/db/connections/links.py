"""The connection of sync code with an open transaction; `async_links` has that of async code.

A transaction has one connection to each database, of the kind that was first needed. Code of the
other kind takes part in it: from the loop by a thread, from a thread by the loop.
"""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from undercroft.concurrency import is_on_loop
from undercroft.db.connections.failures import raise_translated
from undercroft.db.connections.frames import Frame, build_aborted, build_over
from undercroft.db.connections.modes import DEFAULT, Mode
from undercroft.db.connections.turns import Turn
from undercroft.db.internals import adopt_record, is_given_back, release_record
from undercroft.errors import DatabaseError


def check_committed(sql: str, tag: str | None) -> None:
    """Refuse the answer of a COMMIT that was none.

    Args:
        sql: What was run.
        tag: What PostgreSQL says it has done: it answers COMMIT by ROLLBACK, not by an error,
            when a statement before has failed. None where there is no such thing.

    Raises:
        DatabaseError: The transaction was rolled back.
    """
    if sql == "COMMIT" and tag is not None and tag != "COMMIT":
        raise build_aborted()


class SyncLink:
    """A connection of sync code in a transaction; threads of one request take turns on it.

    Args:
        engine: Whose pool the connection comes from.
        turn: On SQLite, the place among those who want to write.
    """

    is_async = False

    def __init__(self, engine: Engine, turn: Turn | None) -> None:
        self._engine = engine
        self._pool: Any = engine.pool
        self._turn = turn
        self._lock = threading.RLock()
        self._record: Any = None
        self._fairy: Any = None
        self._driver: Any = None
        self._shared: sa.Connection | None = None
        self._vendor = engine.dialect.name
        self._mode = DEFAULT
        self._is_closed = False
        self._is_lost = False
        self.blocks: list[Frame] = []
        #: Held by the one task that has sent a thread here.
        self.task = asyncio.Lock()

    def __del__(self) -> None:
        """Let the next one write, should a transaction be forgotten by whoever began it."""
        if self._turn is not None:
            self._turn.give_up()

    @property
    def driver(self) -> Any:
        """The driver's connection, once the transaction has begun."""
        return self._driver

    @property
    def is_holding(self) -> bool:
        """Whether it has a connection, or its turn to write, that others may wait for."""
        return self._driver is not None or (self._turn is not None and self._turn.has_come)

    async def await_turn(self) -> None:
        """Wait for the turn to write on the event loop, where that takes no thread.

        Raises:
            LockTimeout: The turn did not come in time.
        """
        if self._turn is not None and is_on_loop():
            await self._turn.await_()

    def fetch(self, frame: Frame, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement in a block: its rows, or the count of those it changed."""
        with self._lock:
            self.begin(frame)
            try:
                return self._pool.driver.fetch(self._driver, sql, values, counts=counts)
            except BaseException as error:
                self._is_lost = self._is_lost or self._pool.driver.is_lost(self._driver, error)
                raise

    def begin(self, frame: Frame) -> None:
        """Begin what is not begun yet: the transaction, and the savepoints of inner blocks."""
        with self._lock:
            if self._driver is None:
                self._open(frame.root.mode)
            if self._is_closed:
                raise build_over()
            if frame.is_broken or self._is_lost:
                raise build_aborted()
            if self.blocks or frame.root is not frame:
                for block in frame.list_missing(self):
                    self._run(f"SAVEPOINT {block.name}")
                    self.blocks.append(block)

    def _open(self, mode: Mode) -> None:
        if self._turn is not None:
            # Before a connection is taken: those who only read need that one.
            self._turn.wait()
        if self._is_closed:
            raise build_over()
        self._record = record = self._pool.take()
        self._fairy = adopt_record(self._pool, record)
        self._driver = record.dbapi_connection
        try:
            for sql in mode.list_beginnings(self._vendor):
                self._run(sql)
            self._mode = mode
        except BaseException:
            self._give_back(broken=True)
            raise

    def _run(self, sql: str) -> None:
        try:
            tag = self._pool.driver.run(self._driver, sql)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, sql)
        check_committed(sql, tag)

    def share(self) -> sa.Connection:
        """Give SQLAlchemy's view of this connection, for a Session within the transaction.

        Its outer transaction is ours: ending it there is not possible, only savepoints are.
        """
        if self._shared is None:
            self._shared = sa.Connection(self._engine, connection=self._fairy)
            self._shared.begin()
        return self._shared

    def leave(self, block: Frame, *, commit: bool) -> None:
        """End the savepoint of a block, and those within it."""
        with self._lock:
            if self._check_lost():
                del self.blocks[self.blocks.index(block) :]
                if commit:
                    raise build_aborted()
                return
            try:
                if not commit:
                    self._run(f"ROLLBACK TO SAVEPOINT {block.name}")
                self._run(f"RELEASE SAVEPOINT {block.name}")
            except Exception:
                if commit:
                    with suppress(DatabaseError):
                        self._run(f"ROLLBACK TO SAVEPOINT {block.name}")
                raise
            finally:
                del self.blocks[self.blocks.index(block) :]

    def end(self, *, commit: bool) -> None:
        """End the transaction and give the connection back, or throw it away if that fails."""
        self._is_closed = True
        if self._turn is not None and self._driver is None:
            # Wakes a thread that still waits for it with the lock held.
            self._turn.give_up()
        try:
            with self._lock:
                if self._driver is not None:
                    self._end_open(commit=commit)
        finally:
            if self._turn is not None:
                self._turn.give_up()

    def _check_lost(self) -> bool:
        """Tell whether the transaction is gone, be it through a Session that shares it."""
        self._is_lost = self._is_lost or self._pool.driver.is_lost(self._driver, None)
        return self._is_lost

    def _end_open(self, *, commit: bool) -> None:
        broken, is_lost = True, self._check_lost()
        try:
            if is_lost and commit:
                raise build_aborted()
            if is_lost:
                with suppress(DatabaseError):
                    self._end(commit=False)
                    broken = False
                return
            self._end(commit=commit)
            broken = False
        except DatabaseError:
            if commit:
                with suppress(DatabaseError):
                    self._end(commit=False)
                    broken = False
            raise
        finally:
            self._give_back(broken=broken)

    def _end(self, *, commit: bool) -> None:
        self._run("COMMIT" if commit else "ROLLBACK")
        for sql in self._mode.list_endings(self._vendor):
            self._run(sql)

    def _give_back(self, *, broken: bool) -> None:
        fairy, record = self._fairy, self._record
        self._fairy = self._record = self._driver = None
        if is_given_back(fairy):
            return
        release_record(fairy, record)
        if broken:
            record.invalidate()
        self._pool.give(record)

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Never called: what is done here is done in the caller's thread."""
        raise NotImplementedError
