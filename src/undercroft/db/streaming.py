"""Rows in chunks, from a cursor that the database keeps: constant memory, whatever the result.

Outside of a transaction the rows have a connection of their own until the last one is read, or the
iteration is given up. Within a transaction MariaDB's are fetched at once, as its connections do one
thing at a time, and SQLite's, unless it only reads.
"""

from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, asynccontextmanager, closing, contextmanager
from functools import partial
from itertools import count
from typing import Any

from undercroft.concurrency import ensure_loop, iterate
from undercroft.db.connections.failures import raise_translated
from undercroft.db.connections.frames import build_over, find_frame
from undercroft.db.connections.links import SyncLink
from undercroft.db.connections.mariadb_drivers import PyMySQL
from undercroft.db.connections.sqlite import is_in_memory
from undercroft.db.lane import Lane
from undercroft.db.queries.shape import Call

_names = count(1)


def stream(lane: Lane, call: Call, size: int) -> Generator[list[Any], None, None]:
    """Run a call and give its rows in chunks.

    Args:
        lane: Of the database.
        call: One whose answer is rows.
        size: Rows in a chunk.

    Raises:
        DatabaseError: The database refused it or cannot be reached.
    """
    if _is_held(lane):
        yield from _cut(lane.run(call), size)
        return
    compiled = lane.prepare(call)
    values = compiled.bind(call.parameters)
    open_ = _OPEN[lane.database.vendor]
    # The cursor is closed before its connection is given back, whatever ends the iteration.
    with (
        _borrow(lane) as (driver, check),
        closing(open_(driver, compiled.sql, values, size)) as chunks,
    ):
        while True:
            try:
                check()
                rows = next(chunks, None)
            except Exception as error:  # noqa: BLE001 - translated
                raise_translated(error, compiled.sql, call.shape.model, lane.alias)
            if not rows:
                return
            yield compiled.finish(rows)


def _is_held(lane: Lane) -> bool:
    """Tell whether rows still unread would be lost, or others, by the next statement.

    A cursor of SQLite's comes by rows that are written meanwhile on its own connection, again and
    again. An in-memory database has one connection, which outside of a transaction is not shared.
    """
    frame = find_frame(lane.alias)
    if lane.database.vendor == "sqlite":
        if frame is None:
            return is_in_memory(lane.database.url)
        return not frame.root.mode.read_only
    return lane.database.vendor == "mariadb" and frame is not None


def _cut(rows: list[Any], size: int) -> Iterator[list[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


@contextmanager
def _borrow(lane: Lane) -> Generator[tuple[Any, Callable[[], None]]]:
    """Borrow the open transaction's connection, or one with a transaction of its own to read in.

    With it comes what raises once the connection is somebody else's.
    """
    if find_frame(lane.alias) is not None:
        link = lane.get_link()
        yield link.driver, partial(check_same, link, link.driver)
        return
    pool: Any = lane.database.sync_engine.pool
    record = pool.take()
    driver = record.dbapi_connection
    try:
        if lane.database.vendor == "postgresql":
            driver.execute("BEGIN READ ONLY")
        yield driver, _allow
    finally:
        try:
            if lane.database.vendor == "postgresql":
                driver.execute("ROLLBACK")
        except Exception:  # noqa: BLE001 - the connection is gone, and so is what it held
            record.invalidate()
        pool.give(record)


def _allow() -> None:
    pass


def check_same(link: SyncLink, driver: Any) -> None:
    """Check that a transaction still has the connection that rows are read from.

    Raises:
        TransactionManagementError: It has ended, and others may have the connection by now.
    """
    if link.driver is not driver:
        raise build_over()


def _open_here(driver: Any, sql: str, values: Any, size: int) -> Generator[Any]:
    """Read from a cursor that lives in this process, as SQLite does itself."""
    cursor = driver.execute(sql, values)
    try:
        while rows := cursor.fetchmany(size):
            yield rows
    finally:
        cursor.close()


def _open_postgresql(driver: Any, sql: str, values: Any, size: int) -> Generator[Any]:
    name = f"undercroft_{next(_names)}"
    driver.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}", values)
    while rows := driver.execute(f"FETCH FORWARD {size} FROM {name}").fetchall():
        yield rows
    driver.execute(f"CLOSE {name}")


_OPEN = {"mariadb": PyMySQL().stream, "postgresql": _open_postgresql, "sqlite": _open_here}


# ------------------------------------------------------------------ on the event loop


async def astream(lane: Lane, call: Call, size: int) -> AsyncGenerator[list[Any], None]:
    """As `stream`, for async code."""
    if _is_held(lane):
        for rows in _cut(await lane.arun(call), size):
            yield rows
        return
    if lane.database.vendor != "postgresql":
        async with aclosing(iterate(stream(lane, call, size))) as chunks:
            async for rows in chunks:
                yield rows
        return
    await ensure_loop()
    compiled = await lane.aprepare(call)
    values = compiled.bind(call.parameters)
    name = f"undercroft_{next(_names)}"
    async with _aborrow(lane) as ask:
        try:
            await ask("execute", f"DECLARE {name} NO SCROLL CURSOR FOR {compiled.sql}", *values)
            while rows := await ask("fetch", f"FETCH FORWARD {size} FROM {name}"):
                yield compiled.finish(rows)
            await ask("execute", f"CLOSE {name}")
        except Exception as error:  # noqa: BLE001 - translated
            raise_translated(error, compiled.sql, call.shape.model, lane.alias)


async def _call(driver: Any, method: str, *arguments: Any) -> Any:
    return await getattr(driver, method)(*arguments)


@asynccontextmanager
async def _aborrow(lane: Lane) -> AsyncGenerator[Any, None]:
    """As `_borrow`; gives what calls a method of the connection, one at a time."""
    if find_frame(lane.alias) is not None:
        link = await lane.aget_link()
        yield partial(link.call, link.driver)
        return
    pool = lane.get_pool()
    record = pool.find_idle() or await pool.acquire()
    driver = record.dbapi_connection.driver_connection
    is_whole = False
    try:
        await driver.execute("BEGIN READ ONLY")
        yield partial(_call, driver)
        await driver.execute("ROLLBACK")
        is_whole = True
    finally:
        if not is_whole:
            # A cancelled fetch leaves nobody knows what on the wire.
            driver.terminate()
        pool.give(record)
