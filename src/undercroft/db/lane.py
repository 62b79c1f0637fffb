"""The lane: a call of a known shape is a dictionary look-up and one call of the driver.

Reads and single writes run in the driver's autocommit. While a transaction is open, everything
runs on its connection. The pools are those of SQLAlchemy's engines.
"""

import asyncio
from asyncio import _get_running_loop as find_running_loop  # pyright: ignore[reportPrivateUsage]
from typing import Any

from sqlalchemy.engine import Dialect

from undercroft.concurrency import ensure_loop, run_in_thread
from undercroft.db.compiled import CompiledCall
from undercroft.db.databases import Database, databases
from undercroft.db.failures import raise_translated
from undercroft.db.links import AsyncLink, SyncLink, fetch, read_count, release
from undercroft.db.pool import LoopPool
from undercroft.db.shape import Call, Shape
from undercroft.db.transactions import current, find_frame

#: Shapes kept per database; with more than that the oldest are forgotten.
MAX_COMPILED = 4_000


class Lane:
    """Runs calls on one database.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.alias = database.alias
        self.is_native_async = database.async_url is not None
        self._compiled: dict[Shape, CompiledCall] = {}
        self._async_compiled: dict[Shape, CompiledCall] = {}
        # A web process has one loop for its whole life: no weak look-up for that one.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: Any = None

    # -------------------------------------------------------------- sync

    def run(self, call: Call) -> Any:
        """Run a call and wait for it.

        Raises:
            DatabaseError: The database refused it or cannot be reached.
        """
        compiled = self._compiled.get(call.shape)
        if compiled is None:
            compiled = self._compile(call, self._compiled, self._get_dialect())
        values = compiled.bind(call.parameters)
        try:
            if current.get() is not None and (link := self._find_link()) is not None:
                rows = link.fetch(compiled.sql, values, counts=compiled.counts)
            else:
                rows = self._fetch(compiled, values)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, compiled.sql)
        return compiled.finish(rows)

    def _fetch(self, compiled: CompiledCall, values: Any) -> Any:
        pool: Any = self.database.sync_engine.pool
        record = pool.take()
        try:
            return fetch(record.dbapi_connection, compiled.sql, values, counts=compiled.counts)
        except Exception:
            if getattr(record.dbapi_connection, "broken", False):
                record.invalidate()
            raise
        finally:
            pool.give(record)

    def _find_link(self) -> SyncLink | None:
        frame = find_frame(self.alias)
        if frame is None:
            return None
        links = frame.root.links
        link: Any = links.get((self.alias, False))
        if link is None:
            link = links[self.alias, False] = SyncLink(self.database.sync_engine)
        for inner in frame.list_missing(link):
            link.execute(f"SAVEPOINT {inner.mark_savepoint(link)}")
        return link  # type: ignore[no-any-return]  # stored by kind

    def _get_dialect(self) -> Dialect:
        """Get the dialect, as it is once it knows the server's version."""
        engine = self.database.sync_engine
        try:
            engine.connect().close()
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error)
        return engine.dialect

    def _compile(
        self, call: Call, known: dict[Shape, CompiledCall], dialect: Dialect
    ) -> CompiledCall:
        compiled = CompiledCall(call, dialect, self.run)
        if compiled.cacheable:
            while len(known) >= MAX_COMPILED:
                known.pop(next(iter(known)), None)
            known[call.shape] = compiled
        return compiled

    # -------------------------------------------------------------- async

    async def arun(self, call: Call) -> Any:
        """Run a call and await it.

        Raises:
            DatabaseError: The database refused it or cannot be reached.
        """
        if not self.is_native_async:
            # No async driver: one hop to a thread for the whole call, not one for each step.
            return await run_in_thread(self.run, call)
        loop = find_running_loop()
        if loop is None:
            await ensure_loop()
            loop = find_running_loop()
        pool: LoopPool = self._pool if loop is self._loop else self._get_pool()
        compiled = self._async_compiled.get(call.shape)
        if compiled is None:
            compiled = await self._acompile(call, pool)
        values = compiled.bind(call.parameters)
        if current.get() is not None and (link := await self._afind_link(pool)) is not None:
            try:
                rows = await link.fetch(compiled.sql, values, counts=compiled.counts)
            except Exception as error:  # noqa: BLE001 - translated
                raise_translated(error, compiled.sql)
            return compiled.finish(rows)
        record = pool.find_idle()
        try:
            if record is None:
                record = await pool.acquire()
            driver = record.dbapi_connection.driver_connection
            if compiled.counts:
                rows = read_count(await driver.execute(compiled.sql, *values))
            else:
                rows = await driver.fetch(compiled.sql, *values)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, compiled.sql)
        finally:
            if record is not None:
                release(pool, record)
        return compiled.finish(rows)

    def _get_pool(self) -> LoopPool:
        pool: Any = self.database.async_engine.sync_engine.pool
        self._loop, self._pool = asyncio.get_running_loop(), pool
        return pool  # type: ignore[no-any-return]  # our engines have our pools

    async def _acompile(self, call: Call, pool: LoopPool) -> CompiledCall:
        # The first connection tells the dialect the server's version.
        try:
            pool.give(await pool.acquire())
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error)
        dialect = self.database.async_engine.dialect
        return self._compile(call, self._async_compiled, dialect)

    async def _afind_link(self, pool: LoopPool) -> AsyncLink | None:
        frame = find_frame(self.alias)
        if frame is None:
            return None
        links = frame.root.links
        link: Any = links.get((self.alias, True))
        if link is None:
            link = links[self.alias, True] = AsyncLink(self.database.async_engine, pool)
        await link.open()
        for inner in frame.list_missing(link):
            await link.execute(f"SAVEPOINT {inner.mark_savepoint(link)}")
        return link  # type: ignore[no-any-return]  # stored by kind


def get_lane(alias: str) -> Lane:
    """Get the lane of a database."""
    database = databases[alias]
    lane = database.lane
    if lane is None:
        lane = database.lane = Lane(database)
    return lane  # type: ignore[no-any-return]  # a light module keeps it
