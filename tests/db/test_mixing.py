# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""Sync and async code, tasks and threads, in one transaction; and who waits where."""

import asyncio
import contextvars
import gc
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author, Counter, make_author
from tests.db.test_transactions import count_in_use
from undercroft import models
from undercroft.concurrency import run_in_thread
from undercroft.db.connections.databases import databases
from undercroft.db.connections.frames import current
from undercroft.db.connections.transactions import RequestTransaction, atomic
from undercroft.db.sessions import async_session, session
from undercroft.errors import DatabaseError, LockTimeout

pytestmark = pytest.mark.usefixtures("database")


def work_in_blocks() -> None:
    """Write as a `def` handler would, one of its blocks failing."""
    make_author("Bob")
    with atomic():
        make_author("Cyd")
    with pytest.raises(ZeroDivisionError), atomic():
        make_author("never")
        _ = 1 / 0


async def awork_in_blocks() -> None:
    """As `work_in_blocks`, for an `async def` handler."""
    await Author.objects.acreate(name="Dan", email="d")
    async with atomic():
        await Author.objects.acreate(name="Eve", email="e")
    with pytest.raises(ZeroDivisionError):
        async with atomic():
            await Author.objects.acreate(name="never", email="n")
            _ = 1 / 0


@pytest.mark.parametrize("sync_first", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_both_kinds_of_code_share_one_transaction(run: Run, sync_first: bool, fails: bool) -> None:
    """A `def` dependency and an `async def` handler commit together or not at all."""

    async def main() -> None:
        try:
            async with RequestTransaction():
                if sync_first:
                    await run_in_thread(work_in_blocks)
                await awork_in_blocks()
                if not sync_first:
                    await run_in_thread(work_in_blocks)
                # Each waits for the other's rows: on two connections they would lock for ever.
                assert await Author.objects.aupdate(name="x") == 4
                assert await run_in_thread(lambda: Author.objects.update(name="y")) == 4
                assert count_in_use("async") + count_in_use("sync") == (
                    2 if databases["default"].vendor == "sqlite" else 1
                )
                if fails:
                    _ = 1 / 0
        except ZeroDivisionError:
            pass
        assert await Author.objects.acount() == (0 if fails else 4)
        assert count_in_use("async") == count_in_use("sync") == 0

    run(asyncio.wait_for(main(), 20))


def test_both_kinds_at_once(run: Run) -> None:
    """Tasks and threads that ask first at the same time still get one connection."""

    async def main() -> None:
        for number in range(10):
            with pytest.raises(ZeroDivisionError):
                async with RequestTransaction():
                    await asyncio.gather(
                        *(run_in_thread(make_author, f"t{number}-{n}") for n in range(4)),
                        *(
                            Author.objects.acreate(name="a", email=f"{number}-{n}")
                            for n in range(4)
                        ),
                    )
                    assert await Author.objects.acount() == 8
                    _ = 1 / 0
        assert await Author.objects.acount() == 0

    run(asyncio.wait_for(main(), 20))


def test_a_session_of_the_other_kind_is_refused(run: Run, database: str) -> None:
    """A Session cannot work on a connection of the other kind, and says what would."""

    def use_session() -> None:
        with session() as shared:
            shared.execute(sa.text("SELECT 1"))

    async def use_async_session() -> None:
        async with async_session() as shared:
            await shared.execute(sa.text("SELECT 1"))

    async def main() -> None:
        async with RequestTransaction():
            await Author.objects.acount()
            with pytest.raises(DatabaseError) as caught:
                await run_in_thread(use_session)
            assert caught.value.code == "db.mixed-transaction"
        async with RequestTransaction():
            await run_in_thread(Author.objects.count)
            with pytest.raises(DatabaseError) as caught:
                await use_async_session()
            assert caught.value.code == "db.mixed-transaction"

    if database == "postgresql":
        run(main())


def test_blocks_of_concurrent_tasks_are_refused(run: Run) -> None:
    """Two blocks open at once in one transaction would end each other's savepoints."""
    codes: list[str] = []

    async def fail(begun: asyncio.Event, tried: asyncio.Event) -> None:
        with pytest.raises(ZeroDivisionError):
            async with atomic():
                await Author.objects.acreate(name="a", email="a")
                begun.set()
                await tried.wait()
                _ = 1 / 0

    async def write(begun: asyncio.Event, tried: asyncio.Event) -> None:
        await begun.wait()
        with pytest.raises(DatabaseError) as caught:
            async with atomic():
                await Author.objects.acreate(name="b", email="b")
        codes.append(caught.value.code)
        with pytest.raises(DatabaseError) as caught:
            await Author.objects.acreate(name="lost", email="with the other's savepoint")
        codes.append(caught.value.code)
        tried.set()

    async def main() -> None:
        async with atomic():
            begun, tried = asyncio.Event(), asyncio.Event()
            await asyncio.gather(fail(begun, tried), write(begun, tried))
            async with atomic():
                await Author.objects.acreate(name="c", email="c")
        assert [author.name async for author in Author.objects] == ["c"]

    run(asyncio.wait_for(main(), 20))
    assert codes == ["db.concurrent-blocks"] * 2


def test_threads_and_tasks_that_wait_to_write_do_not_starve_the_writer(run: Run) -> None:
    """Two dozen requests with an async dependency and a `def` handler all come to their end."""

    async def request(number: int) -> None:
        async with RequestTransaction():
            if number % 3:
                await Author.objects.acreate(name="x", email=f"a{number}")
            await asyncio.sleep(0.002)
            await run_in_thread(make_author, f"t{number}")

    async def main() -> None:
        await asyncio.gather(*(request(number) for number in range(48)))
        assert await Author.objects.acount() == 80
        assert count_in_use("async") == count_in_use("sync") == 0

    run(asyncio.wait_for(main(), 20))


def test_those_who_wait_for_a_row_do_not_starve_its_holder(run: Run) -> None:
    """Threads that wait for a row's lock leave one for who holds it."""
    Counter.objects.create()

    async def request() -> None:
        async with RequestTransaction():
            await run_in_thread(increment)
            await asyncio.sleep(0.002)
            await run_in_thread(increment)

    def increment() -> None:
        with session() as shared:
            shared.execute(sa.update(Counter).values(value=Counter.value + 1))

    async def main() -> None:
        await asyncio.gather(*(request() for _ in range(40)))

    run(asyncio.wait_for(main(), 20))
    assert Counter.objects.get().value == 80


def test_the_turn_to_write_has_an_end(tmp_path: Path, run: Run) -> None:
    """Who waits for SQLite's lock longer than `busy_timeout` is told that it is busy: a 503."""
    databases.configure({"default": f"sqlite:///{tmp_path / 'busy.sqlite3'}?busy_timeout=0.2"})
    models.create_all()

    async def hold() -> None:
        async with atomic():
            await Author.objects.acreate(name="Ada", email="a")
            started = time.monotonic()
            results = await asyncio.gather(
                *(asyncio.create_task(write(), context=empty.copy()) for _ in range(5)),
                run_in_thread(empty.copy().run, block),
                return_exceptions=True,
            )
            assert {type(result) for result in results} == {LockTimeout}
            assert {result.code for result in results if isinstance(result, DatabaseError)} == {
                "db.locked"
            }
            assert time.monotonic() - started < 3

    async def write() -> None:
        async with atomic():
            await Author.objects.acreate(name="Bob", email="b")

    def block() -> None:
        with atomic():
            make_author("Bob")

    empty = contextvars.copy_context()
    run(asyncio.wait_for(hold(), 20))
    with atomic():
        make_author("last")
    assert Author.objects.count() == 2


def test_a_session_that_reads_locks_nothing(database: str) -> None:
    """Without a transaction a Session that only reads does not wait for SQLite's writer."""
    if database != "sqlite":
        return
    url = databases["default"].url.partition("?")[0]
    databases.configure({"default": f"{url}?busy_timeout=0.2"})
    found: list[object] = []

    def read() -> None:
        with session() as alone:
            found.append(alone.query(Author).count())
        try:
            with session() as alone:
                alone.add(Author(name="Bob", email="b"))
                alone.commit()
        except LockTimeout as error:
            found.append(error.code)

    with atomic():
        make_author("Ada")
        thread = threading.Thread(target=read)
        thread.start()
        thread.join(10)
    assert found == [0, "db.locked"]


def test_a_forgotten_transaction_lets_the_next_one_write() -> None:
    """A transaction whose owner is gone without ending it holds neither lock nor connection."""
    transaction = RequestTransaction()
    transaction.begin()
    make_author("Ada")
    current.set(None)
    del transaction
    gc.collect()
    with atomic():
        make_author("Bob")
    assert [author.name for author in Author.objects] == ["Bob"]
