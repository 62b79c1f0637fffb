"""The connection of an event loop with an open transaction; as `links`, for async code."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from undercroft.concurrency import check_not_on_loop, find_running_loop
from undercroft.db.connections.failures import raise_translated
from undercroft.db.connections.frames import Frame, build_aborted, build_over
from undercroft.db.connections.links import check_committed
from undercroft.db.connections.loop_pool import LoopPool
from undercroft.db.connections.modes import Mode
from undercroft.db.connections.threads import Unbroken
from undercroft.db.internals import (
    adopt_record,
    is_given_back,
    release_record,
    run_in_greenlet,
)
from undercroft.errors import DatabaseError, TransactionManagementError

T = TypeVar("T")


class AsyncLink:
    """A connection of one event loop in a transaction; tasks of one request take turns on it.

    Args:
        engine: Of the running loop.
        pool: The engine's.
    """

    is_async = True

    def __init__(self, engine: AsyncEngine, pool: LoopPool) -> None:
        self._engine = engine
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._record: Any = None
        self._driver: Any = None
        self._is_closed = False
        self._is_lost = False
        self._shared: sa.Connection | None = None
        self._fairy: Any = None
        self.blocks: list[Frame] = []

    @property
    def driver(self) -> Any:
        """The driver's connection, once the transaction has begun."""
        return self._driver

    @property
    def is_holding(self) -> bool:
        """Whether it has a connection that others may wait for."""
        return self._driver is not None

    async def fetch(self, frame: Frame, sql: str, values: Sequence[Any], *, counts: bool) -> Any:
        """Run a statement in a block: its rows, or the count of those it changed."""
        async with self._lock:
            await self._begin(frame, sql)
            driver = self._pool.driver
            try:
                return await driver.fetch(self._record, sql, values, counts=counts)
            except BaseException as error:
                self._is_lost = self._is_lost or driver.is_lost(self._driver, error)
                raise

    async def call(self, driver: Any, method: str, *arguments: Any) -> Any:
        """Call a method of the driver's connection, while this transaction still has it.

        Raises:
            TransactionManagementError: It has ended, and others may have the connection by now.
        """
        async with self._lock:
            if self._driver is not driver:
                raise build_over()
            try:
                return await getattr(driver, method)(*arguments)
            except BaseException as error:
                self._is_lost = self._is_lost or self._pool.driver.is_lost(driver, error)
                raise

    async def begin(self, frame: Frame) -> None:
        """Begin what is not begun yet: the transaction, and the savepoints of inner blocks."""
        async with self._lock:
            await self._begin(frame)

    async def _begin(self, frame: Frame, sql: str = "") -> None:
        """Begin what is not begun yet.

        Args:
            frame: The block.
            sql: The statement that is run next; empty when there is none, or savepoints come first.
        """
        if self._driver is None:
            await self._open(frame.root.mode, sql if frame.root is frame else "")
        if self._is_closed:
            raise build_over()
        if frame.is_broken or self._is_lost:
            raise build_aborted()
        if (self.blocks or frame.root is not frame) and (missing := frame.list_missing(self)):
            await self._save_unbroken(missing)

    async def _open(self, mode: Mode, sql: str) -> None:
        if self._is_closed:
            raise build_over()
        record = self._pool.find_idle() or await self._pool.acquire()
        driver = record.dbapi_connection.driver_connection
        try:
            beginnings = mode.list_beginnings(self._engine.dialect.name)
            await self._pool.driver.begin(record, beginnings, sql)
        except BaseException:
            self._pool.driver.close(driver)
            self._pool.give(record)
            raise
        self._record, self._driver = record, driver

    async def _save_unbroken(self, blocks: list[Frame]) -> None:
        """Make savepoints; one whose making is cancelled would fail the whole transaction."""
        try:
            await Unbroken(self._save(blocks))
        except asyncio.CancelledError:
            if blocks[-1] not in self.blocks:
                # Cancelled again, and nobody waits for the answer that is still on its way: the
                # next statement would be given it as its own.
                self._is_lost = True
                self._pool.driver.close(self._driver)
            raise

    async def _save(self, blocks: list[Frame]) -> None:
        for block in blocks:
            await self._run(f"SAVEPOINT {block.name}")
            self.blocks.append(block)

    async def _run(self, sql: str) -> None:
        try:
            tag = await self._pool.driver.run(self._driver, sql)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, sql)
        check_committed(sql, tag)

    def share(self) -> sa.Connection:
        """Give SQLAlchemy's view of this connection, for a Session within the transaction."""
        if self._shared is None:
            self._pool.driver.share(self._record.dbapi_connection)
            self._fairy = adopt_record(self._pool, self._record)
            self._shared = sa.Connection(self._engine.sync_engine, connection=self._fairy)
            self._shared.begin()
        return self._shared

    async def run(self, function: Callable[[sa.Connection], T]) -> T:
        """Call a function with SQLAlchemy's view of the connection, when nobody else uses it.

        Raises:
            TransactionManagementError: The transaction has ended.
        """
        async with self._lock:
            if self._driver is None:
                raise build_over()
            return await run_in_greenlet(function, self.share())

    async def leave(self, block: Frame, *, commit: bool) -> None:
        """End the savepoint of a block, and those within it."""
        async with self._lock:
            if self._check_lost():
                del self.blocks[self.blocks.index(block) :]
                if commit:
                    raise build_aborted()
                return
            try:
                if not commit:
                    await self._run(f"ROLLBACK TO SAVEPOINT {block.name}")
                await self._run(f"RELEASE SAVEPOINT {block.name}")
            except Exception:
                if commit:
                    with suppress(DatabaseError):
                        await self._run(f"ROLLBACK TO SAVEPOINT {block.name}")
                raise
            finally:
                del self.blocks[self.blocks.index(block) :]

    async def end(self, *, commit: bool) -> None:
        """End the transaction and give the connection back, or throw it away if that fails."""
        self._is_closed = True
        async with self._lock:
            if self._driver is None:
                return
            broken, is_lost = True, self._check_lost()
            try:
                if is_lost and commit:
                    raise build_aborted()
                if is_lost:
                    with suppress(DatabaseError):
                        await self._end(commit=False)
                        broken = False
                    return
                await self._end(commit=commit)
                broken = False
            except DatabaseError:
                if commit:
                    with suppress(DatabaseError):
                        await self._end(commit=False)
                        broken = False
                raise
            finally:
                self._give_back(broken=broken)

    def _check_lost(self) -> bool:
        """Tell whether the transaction is gone, be it through a Session that shares it."""
        self._is_lost = self._is_lost or self._pool.driver.is_lost(self._driver, None)
        return self._is_lost

    async def _end(self, *, commit: bool) -> None:
        await self._run("COMMIT" if commit else "ROLLBACK")

    def _give_back(self, *, broken: bool) -> None:
        record, driver = self._record, self._driver
        self._record = self._driver = None
        if self._fairy is not None:
            if is_given_back(self._fairy):
                return
            self._pool.driver.unshare(record.dbapi_connection)
            release_record(self._fairy, record)
        if broken:
            self._pool.driver.close(driver)
        self._pool.give(record)

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Wait, in a thread, for a coroutine on the loop whose connection this is.

        Raises:
            TransactionManagementError: That loop has ended.
        """
        if find_running_loop() is not None or not self._loop.is_running():
            coroutine.close()
            check_not_on_loop("This call", "await")
            raise TransactionManagementError(
                "A transaction begun in async code goes on after its event loop has ended.",
                hint="Write `async with atomic():` within the coroutine.",
                code="db.transaction",
            )
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()
