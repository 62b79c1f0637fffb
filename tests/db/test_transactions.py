# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""Blocks, savepoints, requests and cancellation, on both databases and from both kinds of code."""

import asyncio
import threading
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.shop_models import Author, Counter, make_author
from undercroft.concurrency import run_in_thread
from undercroft.db.connections.databases import databases
from undercroft.db.connections.frames import current
from undercroft.db.connections.transactions import RequestTransaction, atomic, on_commit
from undercroft.db.sessions import async_session, session
from undercroft.errors import (
    DatabaseError,
    ImproperlyConfigured,
    IntegrityError,
    SynchronousOnlyOperation,
)

pytestmark = pytest.mark.usefixtures("database")


def count_in_use(kind: str) -> int:
    """Count the connections of sync code, or of the running loop, that are not back."""
    database = databases["default"]
    if kind == "sync" or database.vendor == "sqlite":
        return int(database.sync_engine.pool.checkedout())  # type: ignore[attr-defined]
    return int(database.async_engine.sync_engine.pool.checkedout())  # type: ignore[attr-defined]


def test_a_block_is_all_or_nothing() -> None:
    """An exception takes back every write of the block; without one all stay."""
    with atomic():
        make_author("Ada")
    with pytest.raises(ZeroDivisionError), atomic():
        make_author("Bob")
        assert Author.objects.count() == 2
        _ = 1 / 0
    assert Author.objects.count() == 1
    assert count_in_use("sync") == 0
    assert current.get() is None


def test_inner_blocks_are_savepoints() -> None:
    """An inner block that fails takes back its own writes only, even after a database error."""
    with atomic():
        make_author("Ada")
        with pytest.raises(IntegrityError), atomic():
            make_author("Bob")
            make_author("Ada")
        with atomic(), atomic():
            make_author("Cyd")
        with pytest.raises(ZeroDivisionError), atomic():
            _ = 1 / 0
    assert [author.name for author in Author.objects] == ["Ada", "Cyd"]


def test_on_commit_waits_for_the_real_commit() -> None:
    """Callbacks run after the outermost commit, and not for a block that was rolled back."""
    called: list[str] = []
    on_commit(lambda: called.append("at once"))
    with atomic():
        make_author()
        on_commit(lambda: called.append("outer"))
        with atomic():
            on_commit(lambda: called.append("inner"))
        with pytest.raises(ZeroDivisionError), atomic():
            on_commit(lambda: called.append("never"))
            _ = 1 / 0
        assert called == ["at once"]
    assert called == ["at once", "outer", "inner"]
    with pytest.raises(ZeroDivisionError), atomic():
        on_commit(lambda: called.append("never"))
        _ = 1 / 0
    assert len(called) == 3


def test_a_function_may_be_a_block(run: Run) -> None:
    """The decorator works on both kinds of functions and keeps their name."""

    @atomic()
    def write(name: str) -> str:
        make_author(name)
        if name == "Bob":
            raise ValueError(name)
        return name

    @atomic()
    async def awrite(name: str) -> str:
        await Author.objects.acreate(name=name, email=name)
        if name == "Eve":
            raise ValueError(name)
        return name

    assert write("Ada") == "Ada"
    assert write.__name__ == "write"
    with pytest.raises(ValueError, match="Bob"):
        write("Bob")
    assert run(awrite("Dan")) == "Dan"
    with pytest.raises(ValueError, match="Eve"):
        run(awrite("Eve"))
    assert [author.name for author in Author.objects] == ["Ada", "Dan"]


def test_async_blocks(run: Run) -> None:
    """Async blocks nest, roll back, call back and give their connection back."""
    called: list[str] = []

    async def call_later() -> None:
        called.append("coroutine")

    async def main() -> None:
        async with atomic():
            await Author.objects.acreate(name="Ada", email="a")
            on_commit(call_later)
            with pytest.raises(IntegrityError):
                async with atomic():
                    await Author.objects.acreate(name="Bob", email="b")
                    await Author.objects.acreate(name="Bob", email="b")
            assert await Author.objects.acount() == 1
            assert count_in_use("async") == 1
        assert count_in_use("async") == 0
        with pytest.raises(ZeroDivisionError):
            async with atomic():
                await Author.objects.acreate(name="Cyd", email="c")
                _ = 1 / 0
        assert await Author.objects.acount() == 1
        with pytest.raises(SynchronousOnlyOperation, match="async with"):
            atomic().__enter__()

    run(main())
    assert called == ["coroutine"]


def test_tasks_of_one_block_take_turns(run: Run) -> None:
    """Concurrent queries under one transaction share its connection without a clash."""

    async def main() -> None:
        async with atomic():
            await asyncio.gather(
                *(Author.objects.acreate(name=f"a{n}", email=f"e{n}") for n in range(10))
            )
            assert await Author.objects.acount() == 10

    run(main())


def test_a_request_begins_at_its_first_query(run: Run) -> None:
    """A request that asks nothing opens nothing; one that writes commits at its end."""

    async def main() -> None:
        async with RequestTransaction() as unused:
            assert not unused.is_used
        transaction = RequestTransaction()
        transaction.begin()
        await Author.objects.acreate(name="Ada", email="a")
        assert transaction.is_used
        await transaction.commit()
        transaction = RequestTransaction()
        transaction.begin()
        await Author.objects.acreate(name="Bob", email="b")
        await transaction.rollback()
        await transaction.rollback()
        assert [author.name async for author in Author.objects.all()] == ["Ada"]
        assert count_in_use("async") == count_in_use("sync") == 0

    run(main())


def test_a_handler_in_a_thread_takes_part(run: Run) -> None:
    """What a `def` handler writes in its thread is committed or rolled back by the request."""

    def handler(name: str) -> None:
        make_author(name)
        with pytest.raises(ZeroDivisionError), atomic():
            make_author("never")
            _ = 1 / 0

    async def main() -> None:
        async with RequestTransaction():
            await run_in_thread(handler, "Ada")
        with pytest.raises(ZeroDivisionError):
            async with RequestTransaction():
                await run_in_thread(handler, "Bob")
                _ = 1 / 0
        assert [author.name async for author in Author.objects.all()] == ["Ada"]
        assert count_in_use("sync") == 0

    run(main())


def test_cancellation_leaks_nothing(run: Run) -> None:
    """However early or late a task is cancelled, its writes and its connection are given back."""

    async def work() -> None:
        async with atomic():
            await Author.objects.acreate(name="x", email="x")
            async with atomic():
                await Author.objects.aupdate(name="y")
            await asyncio.sleep(1)

    async def main() -> None:
        await Author.objects.acount()
        for step in range(30):
            task = asyncio.ensure_future(work())
            await asyncio.sleep(step / 4000)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        for _ in range(200):
            if count_in_use("async") == 0:
                break
            await asyncio.sleep(0.01)
        assert count_in_use("async") == 0
        assert await Author.objects.acount() == 0

    run(main())


def test_many_transactions_on_the_loop_all_end(run: Run) -> None:
    """More open transactions than there are threads do not wait for one another for ever."""

    async def write(number: int) -> None:
        async with RequestTransaction():
            counter = await Counter.objects.aget()
            await asyncio.sleep(0.002)
            counter.value += 1
            await counter.asave()
            await Author.objects.acreate(name="x", email=f"e{number}")

    async def main() -> None:
        await Counter.objects.acreate()
        await asyncio.wait_for(asyncio.gather(*(write(number) for number in range(40))), 20)
        assert await Author.objects.acount() == 40

    run(main())


def test_a_thread_that_outlives_its_request_is_refused(run: Run) -> None:
    """A query after the end of its transaction is an error, never a write on another's."""
    go, ended = threading.Event(), threading.Event()
    failures: list[str] = []

    def handler() -> None:
        make_author("Ada")
        go.set()
        ended.wait(5)
        for _ in range(2):
            try:
                make_author("Bob")
            except DatabaseError as error:
                failures.append(error.code)

    async def main() -> None:
        transaction = RequestTransaction()
        transaction.begin()
        work = asyncio.ensure_future(run_in_thread(handler))
        await asyncio.to_thread(go.wait, 5)
        await transaction.rollback()
        ended.set()
        await work
        assert failures == ["db.transaction-over"] * 2
        assert await Author.objects.acount() == 0
        assert count_in_use("sync") == 0

    run(main())


def test_sessions_share_the_transaction() -> None:
    """A Session inside a block sees its rows, and its own go when the block goes."""
    with atomic():
        make_author("Ada")
        with session() as shared:
            assert shared.query(Author).count() == 1
            shared.add(Author(name="Bob", email="b"))
            shared.commit()
            shared.add(Author(name="Cyd", email="c"))
        assert Author.objects.count() == 3
    with pytest.raises(ZeroDivisionError), atomic():
        with session() as shared:
            shared.add(Author(name="Dan", email="d"))
        _ = 1 / 0
    assert Author.objects.count() == 3
    with session() as alone:
        alone.add(Author(name="Eve", email="e"))
    assert Author.objects.count() == 3
    with session() as alone:
        alone.add(Author(name="Eve", email="e"))
        alone.commit()
    assert Author.objects.count() == 4
    assert count_in_use("sync") == 0


def test_async_sessions_share_the_transaction(run: Run, database: str) -> None:
    """As in sync code on PostgreSQL; SQLite says plainly that it has no async session."""

    async def main() -> None:
        if database == "sqlite":
            with pytest.raises(ImproperlyConfigured, match="no async engine"):
                async with async_session():
                    pass
            return
        async with atomic():
            await Author.objects.acreate(name="Ada", email="a")
            async with async_session() as shared:
                shared.add(Author(name="Bob", email="b"))
            assert await Author.objects.acount() == 2
        with pytest.raises(ZeroDivisionError):
            async with RequestTransaction():
                async with async_session() as shared:
                    shared.add(Author(name="Cyd", email="c"))
                    await shared.commit()
                assert await Author.objects.acount() == 3
                _ = 1 / 0
        async with async_session() as alone:
            alone.add(Author(name="Eve", email="e"))
            await alone.commit()
        assert await Author.objects.acount() == 3
        assert count_in_use("async") == 0

    run(main())


def test_twenty_threads_write_without_a_lock_error() -> None:
    """Read, change and write by twenty threads at once: each waits, and no update is lost."""
    counter = Counter.objects.create()
    failures: list[BaseException] = []

    def increment() -> None:
        try:
            for _ in range(10):
                with atomic(), session() as shared:
                    row: Any = shared.get(Counter, counter.id, with_for_update=True)
                    row.value += 1
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=increment) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert Counter.objects.get().value == 200


def test_a_failed_commit_gives_the_connection_back() -> None:
    """When the server is gone at commit, the block fails clearly and leaks nothing."""
    with pytest.raises((DatabaseError, Exception)), atomic():
        make_author()
        frame = current.get()
        assert frame is not None
        (link,) = frame.root.links.values()
        link._driver.close()  # type: ignore[attr-defined]  # the server going away
    assert count_in_use("sync") == 0
    assert Author.objects.count() == 0
