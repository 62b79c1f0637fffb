"""The lane: a call of a known shape is a dictionary look-up and one call of the driver.

Reads and single writes run in the driver's autocommit. While a transaction is open, everything
runs on its connection. The pools are those of SQLAlchemy's engines.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from sqlalchemy.engine import Dialect

from undercroft.concurrency import ensure_loop, find_running_loop, run_in_thread
from undercroft.db.connections.async_links import AsyncLink
from undercroft.db.connections.callbacks import Callback
from undercroft.db.connections.databases import Database, databases
from undercroft.db.connections.failures import raise_translated
from undercroft.db.connections.frames import Frame, Link, current, find_frame, get_frame
from undercroft.db.connections.links import SyncLink
from undercroft.db.connections.loop_pool import LoopPool
from undercroft.db.connections.replicas import Replica, Replicas
from undercroft.db.connections.sqlite import get_patience
from undercroft.db.connections.turns import Turns
from undercroft.db.queries.shape import Call, Shape
from undercroft.db.sql.compiled import CompiledCall
from undercroft.db.sql.writes import WRITES
from undercroft.db.watching import note, open_watches
from undercroft.errors import DatabaseError, DatabaseUnavailable

#: No copy could be asked.
_NO_COPY: Any = object()

#: Shapes kept per database; with more than that the oldest are forgotten.
MAX_COMPILED = 4_000


class Lane:
    """Runs calls on one database.

    Args:
        database: Where.
        primary: The lane of the database it is a copy of, which loads relations of its rows.
    """

    def __init__(self, database: Database, primary: "Lane | None" = None) -> None:
        self.database = database
        self._primary = primary
        self._replicas = database.replicas
        self.alias = database.alias
        self.is_native_async = database.async_url is not None
        self._compiled: dict[Shape, CompiledCall] = {}
        self._async_compiled: dict[Shape, CompiledCall] = {}
        # A web process has one loop for its whole life: no weak look-up for that one.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: Any = None
        self._engine: Any = None
        is_queueing = database.vendor == "sqlite"
        self._turns = Turns(get_patience(database.options)) if is_queueing else None

    # -------------------------------------------------------------- sync

    def run(self, call: Call) -> Any:
        """Run a call and wait for it.

        Raises:
            DatabaseError: The database refused it or cannot be reached.
        """
        if open_watches:
            note(call)
        if current.get() is not None and (frame := find_frame(self.alias)) is not None:
            return self._run_within(frame, call)
        copies = self._replicas
        if copies and (answer := self._run_on_copies(call, copies)) is not _NO_COPY:
            return answer
        compiled = self._compiled.get(call.shape)
        if compiled is None:
            compiled = self._compile(call, self._compiled, self._get_dialect())
        values = compiled.bind(call.parameters)
        try:
            rows = self._fetch(compiled, values)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, compiled.sql, call.shape.model, self.alias)
        return compiled.finish(rows)

    # -------------------------------------------------------------- copies

    def _choose_copies(self, call: Call, replicas: Replicas) -> Iterable[Replica]:
        """Choose who may answer: nobody a write, which is noted, nor one who has just written."""
        if call.shape.kind in WRITES:
            replicas.note_write()
            return ()
        return () if replicas.must_wait else replicas.choose()

    def _run_on_copies(self, call: Call, replicas: Replicas) -> Any:
        """Run a read on a copy, on the next one if that is gone; each is asked once at most."""
        for replica in self._choose_copies(call, replicas):
            try:
                return self._get_copy(replica).run(call)
            except DatabaseUnavailable as error:
                replica.leave_out(error)
        return _NO_COPY

    async def _arun_on_copies(self, call: Call, replicas: Replicas) -> Any:
        for replica in self._choose_copies(call, replicas):
            try:
                return await self._get_copy(replica).arun(call)
            except DatabaseUnavailable as error:
                replica.leave_out(error)
        return _NO_COPY

    def _get_copy(self, replica: Replica) -> "Lane":
        database = replica.database
        if database.lane is None:
            database.lane = Lane(database, self)
        return database.lane  # type: ignore[no-any-return]  # a light module keeps it

    def _run_within(self, frame: Frame, call: Call) -> Any:
        """Run a call in the open transaction."""
        link: Any = frame.get_link(self.alias, self._make_link)
        if link.is_async:
            return link.wait(self.arun(call))
        compiled = self._compiled.get(call.shape)
        if compiled is None:
            compiled = self._compile(call, self._compiled, self._get_dialect())
        values = compiled.bind(call.parameters)
        try:
            rows = link.fetch(frame, compiled.sql, values, counts=compiled.counts)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, compiled.sql, call.shape.model, self.alias)
        return compiled.finish(rows)

    def _fetch(self, compiled: CompiledCall, values: Any) -> Any:
        pool: Any = self.database.sync_engine.pool
        record = pool.take()
        try:
            return pool.driver.fetch(
                record.dbapi_connection, compiled.sql, values, counts=compiled.counts
            )
        except BaseException:
            if pool.driver.is_broken(record.dbapi_connection):
                record.invalidate()
            raise
        finally:
            pool.give(record)

    def _make_link(self, root: Frame) -> Link:
        self._note_transaction(root)
        # Who only reads does not wait for a turn to write.
        turns = None if root.mode.read_only else self._turns
        turn = turns.join() if turns is not None else None
        return SyncLink(self.database.sync_engine, turn)

    def get_link(self) -> SyncLink:
        """Get the open transaction's connection, beginning what is not begun yet.

        Raises:
            DatabaseError: No transaction is open, or it is on a connection of async code.
        """
        frame = get_frame(self.alias)
        link: Any = frame.get_link(self.alias, self._make_link)
        if link.is_async:
            raise build_mixed("AsyncSession")
        link.begin(frame)
        return link  # type: ignore[no-any-return]  # the other kind is refused above

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

    def prepare(self, call: Call) -> CompiledCall:
        """Get the compiled form of a call, for sync code."""
        compiled = self._compiled.get(call.shape)
        return compiled or self._compile(call, self._compiled, self._get_dialect())

    async def aprepare(self, call: Call) -> CompiledCall:
        """Get the compiled form of a call, for the running loop."""
        compiled = self._async_compiled.get(call.shape)
        return compiled or await self._acompile(call, self.get_pool())

    def _compile(
        self, call: Call, known: dict[Shape, CompiledCall], dialect: Dialect
    ) -> CompiledCall:
        compiled = CompiledCall(call, dialect, (self._primary or self).run)
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
        if open_watches:
            note(call)
        if current.get() is not None and (frame := find_frame(self.alias)) is not None:
            return await self._arun_within(frame, call)
        copies = self._replicas
        if copies and (answer := await self._arun_on_copies(call, copies)) is not _NO_COPY:
            return answer
        if not self.is_native_async:
            # No async driver: one hop to a thread for the whole call, not one for each step.
            return await run_in_thread(self.run, call)
        loop = find_running_loop()
        if loop is None:
            await ensure_loop()
            loop = find_running_loop()
        pool: LoopPool = self._pool if loop is self._loop else self.get_pool()
        compiled = self._async_compiled.get(call.shape)
        if compiled is None:
            compiled = await self._acompile(call, pool)
        values = compiled.bind(call.parameters)
        record = pool.find_idle()
        try:
            if record is None:
                record = await pool.acquire()
            rows = await pool.driver.fetch(record, compiled.sql, values, counts=compiled.counts)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, compiled.sql, call.shape.model, self.alias)
        finally:
            if record is not None:
                pool.give(record)
        return compiled.finish(rows)

    async def _arun_within(self, frame: Frame, call: Call) -> Any:
        """Run a call in the open transaction."""
        link: Any = await self._areserve(frame)
        if not link.is_async:
            await link.await_turn()
            # One thread for each transaction is enough: the others would wait for that one.
            async with link.task:
                return await run_in_thread(self._run_within, frame, call)
        compiled = self._async_compiled.get(call.shape)
        if compiled is None:
            compiled = await self._acompile(call, self.get_pool())
        values = compiled.bind(call.parameters)
        try:
            rows = await link.fetch(frame, compiled.sql, values, counts=compiled.counts)
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, compiled.sql, call.shape.model, self.alias)
        return compiled.finish(rows)

    async def _areserve(self, frame: Frame) -> Link:
        """Get the open transaction's connection, of this kind if none of the other is there."""
        if not self.is_native_async:
            return frame.get_link(self.alias, self._make_link)
        await ensure_loop()
        return frame.get_link(self.alias, self._make_async_link)

    def get_pool(self) -> LoopPool:
        """Get the pool of the running loop."""
        engine = self.database.async_engine
        pool: Any = engine.sync_engine.pool
        self._loop, self._engine, self._pool = asyncio.get_running_loop(), engine, pool
        return pool  # type: ignore[no-any-return]  # our engines have our pools

    async def _acompile(self, call: Call, pool: LoopPool) -> CompiledCall:
        dialect = self.database.async_engine.dialect
        if not knows_server(dialect):
            try:
                pool.give(await pool.acquire())
            except Exception as error:  # noqa: BLE001 - translated
                raise_translated(error)
        return self._compile(call, self._async_compiled, dialect)

    def _note_transaction(self, root: Frame) -> None:
        """Note that a transaction, which may write, is opened."""
        if self._replicas is not None and not root.mode.read_only:
            self._replicas.note_write()
            # Once more when it is stored: it may take longer than replicas are behind.
            root.callbacks.append(Callback(self._replicas.note_write, robust=True))

    def _make_async_link(self, root: Frame) -> Link:
        self._note_transaction(root)
        if find_running_loop() is not self._loop:
            self.get_pool()
        return AsyncLink(self._engine, self._pool)

    async def aget_link(self) -> AsyncLink:
        """As `get_link`, for async code.

        Raises:
            DatabaseError: No transaction is open, or it is on a connection of sync code.
        """
        frame = get_frame(self.alias)
        link: Any = await self._areserve(frame)
        if not link.is_async:
            raise build_mixed("Session")
        await link.begin(frame)
        return link  # type: ignore[no-any-return]  # the other kind is refused above


def build_mixed(kind: str) -> DatabaseError:
    """Build the error for a session on a connection of the other kind.

    Args:
        kind: Of session that would do.
    """
    return DatabaseError(
        "Sync and async code share this transaction, and its connection is of the other kind.",
        hint=f"Use {kind}, make all that touches the database in this request `def` or all of it "
        "`async def`, or use querysets, which work on either.",
        code="db.mixed-transaction",
    )


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
