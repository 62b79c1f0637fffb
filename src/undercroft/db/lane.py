"""The lane: a call of a known shape is a dictionary look-up and one call of the driver.

Reads and single writes run in the driver's autocommit. While a transaction is open, everything
runs on its connection. The pools are those of SQLAlchemy's engines.
"""

import asyncio
from asyncio import (
    _get_running_loop as find_running_loop,  # pyright: ignore[reportPrivateUsage]  # documented
)
from typing import Any

from sqlalchemy.engine import Dialect

from undercroft.concurrency import ensure_loop, run_in_thread
from undercroft.db.compiled import CompiledCall
from undercroft.db.databases import Database, databases
from undercroft.db.failures import raise_translated
from undercroft.db.links import AsyncLink, SyncLink, fetch, read_count
from undercroft.db.pool import LoopPool
from undercroft.db.shape import Call, Shape
from undercroft.db.threads import run_for_holder
from undercroft.db.transactions import current, find_frame, get_frame

#: Shapes kept per database; with more than that the oldest are forgotten.
MAX_COMPILED = 4_000

#: Prepared statements kept per connection of PostgreSQL.
MAX_PREPARED = 500


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
        # Behind a pooler that hands connections around, statements must not be kept.
        self._prepares = "statement_cache_size=0" not in (database.async_url or "")
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
        """Find the open transaction's connection, beginning what is not begun yet."""
        return None if find_frame(self.alias) is None else self.get_link()

    def get_link(self) -> SyncLink:
        """Get the open transaction's connection, beginning what is not begun yet.

        Raises:
            DatabaseError: No transaction is open.
        """
        frame = get_frame(self.alias)
        # Tasks on the loop may have sent several threads here at once.
        with frame.root.lock:
            links = frame.root.links
            link: Any = links.get((self.alias, False))
            if link is None:
                frame.check_open()
                opened = SyncLink(self.database.sync_engine)
                link = links[self.alias, False] = opened
                if frame.root.closed and links.pop((self.alias, False), None) is opened:
                    opened.close(broken=True)
            frame.check_open()
            for inner in frame.list_missing(link):
                link.execute(f"SAVEPOINT {inner.mark_savepoint(link)}")
        return link  # type: ignore[no-any-return]  # stored by kind

    def _get_dialect(self) -> Dialect:
        """Get the dialect, as it is once it knows the server's version."""
        engine = self.database.sync_engine
        if knows_server(engine.dialect):
            return engine.dialect
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
            frame = find_frame(self.alias)
            is_holder = frame is not None and (self.alias, False) in frame.root.links
            return await (run_for_holder if is_holder else run_in_thread)(self.run, call)
        loop = find_running_loop()
        if loop is None:
            await ensure_loop()
            loop = find_running_loop()
        pool: LoopPool = self._pool if loop is self._loop else self._get_pool()
        compiled = self._async_compiled.get(call.shape)
        if compiled is None:
            compiled = await self._acompile(call, pool)
        values = compiled.bind(call.parameters)
        if current.get() is not None and (link := await self._afind_link()) is not None:
            try:
                rows = await link.fetch(compiled.sql, values, counts=compiled.counts)
            except Exception as error:  # noqa: BLE001 - translated
                raise_translated(error, compiled.sql)
            return compiled.finish(rows)
        record = pool.find_idle()
        try:
            if record is None:
                record = await pool.acquire()
            rows = await self._afetch(record, compiled, values)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, compiled.sql)
        finally:
            if record is not None:
                pool.give(record)
        return compiled.finish(rows)

    async def _afetch(self, record: Any, compiled: CompiledCall, values: Any) -> Any:
        """Run a statement on asyncpg, prepared once for each connection."""
        prepared = record.info
        statement = prepared.get(compiled.sql)
        if statement is None:
            driver = record.dbapi_connection.driver_connection
            if compiled.counts:
                return read_count(await driver.execute(compiled.sql, *values))
            if not self._prepares:
                return await driver.fetch(compiled.sql, *values)
            if len(prepared) >= MAX_PREPARED:
                prepared.clear()
            statement = prepared[compiled.sql] = await driver.prepare(compiled.sql)
        try:
            return await statement.fetch(*values)
        except Exception as error:
            if type(error).__name__ != "InvalidCachedStatementError":
                raise
            # A table has changed since; asyncpg prepares anew by itself.
            prepared.clear()
            driver = record.dbapi_connection.driver_connection
            return await driver.fetch(compiled.sql, *values)

    def _get_pool(self) -> LoopPool:
        pool: Any = self.database.async_engine.sync_engine.pool
        self._loop, self._pool = asyncio.get_running_loop(), pool
        return pool  # type: ignore[no-any-return]  # our engines have our pools

    async def _acompile(self, call: Call, pool: LoopPool) -> CompiledCall:
        dialect = self.database.async_engine.dialect
        if not knows_server(dialect):
            try:
                pool.give(await pool.acquire())
            except Exception as error:  # noqa: BLE001 - translated
                raise_translated(error)
        return self._compile(call, self._async_compiled, dialect)

    async def _afind_link(self) -> AsyncLink | None:
        """As `_find_link`, for async code."""
        return None if find_frame(self.alias) is None else await self.aget_link()

    async def aget_link(self) -> AsyncLink:
        """As `get_link`, for async code.

        Raises:
            DatabaseError: No transaction is open.
        """
        frame = get_frame(self.alias)
        links = frame.root.links
        link: Any = links.get((self.alias, True))
        if link is None:
            frame.check_open()
            link = links[self.alias, True] = AsyncLink(self.database.async_engine, self._get_pool())
        await link.open()
        for inner in frame.list_missing(link):
            await link.execute(f"SAVEPOINT {inner.mark_savepoint(link)}")
        return link  # type: ignore[no-any-return]  # stored by kind


def knows_server(dialect: Dialect) -> bool:
    """Tell whether a first connection has told the dialect the server's version.

    To ask again for each statement could wait for a connection that only its asker can give back.
    """
    return getattr(dialect, "server_version_info", None) is not None


def get_lane(alias: str) -> Lane:
    """Get the lane of a database."""
    database = databases[alias]
    lane = database.lane
    if lane is None:
        lane = database.lane = Lane(database)
    return lane  # type: ignore[no-any-return]  # a light module keeps it
