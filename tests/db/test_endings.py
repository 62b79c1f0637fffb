# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""How transactions end: refused commits, errors, callbacks, cancellation and forks."""

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.db.conftest import DEFERRING, Run
from tests.db.shop_models import Author, make_author
from tests.db.test_transactions import count_in_use
from undercroft import models
from undercroft.concurrency import drive, run_in_thread
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import RequestTransaction, atomic, on_commit
from undercroft.db.sessions import async_session, session
from undercroft.errors import DatabaseError, IntegrityError

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def orphans(database: str) -> Iterator[None]:
    """A table whose foreign key is checked at the commit."""
    with databases["default"].sync_engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE late_parent (id INTEGER PRIMARY KEY)"))
        connection.execute(
            sa.text(
                "CREATE TABLE late_child (id INTEGER REFERENCES late_parent (id)"
                " DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    yield
    with databases["default"].sync_engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE late_child"))
        connection.execute(sa.text("DROP TABLE late_parent"))


def insert_orphan() -> None:
    """Insert a row that only the commit refuses."""
    with session() as shared:
        shared.execute(sa.text("INSERT INTO late_child VALUES (1)"))


def test_a_swallowed_error_does_not_look_like_success(database: str, run: Run) -> None:
    """PostgreSQL stores nothing after a failed statement, and the commit says so."""
    author = Author(name="Ada", email="a")
    called: list[str] = []

    def swallow() -> None:
        author.save()
        on_commit(lambda: called.append("never"))
        with pytest.raises(IntegrityError):
            Author.objects.create(name="Ada", email="a")

    async def aswallow() -> None:
        async with RequestTransaction():
            await Author.objects.acreate(name="Bob", email="b")
            with pytest.raises(IntegrityError):
                await Author.objects.acreate(name="Bob", email="b")

    if database != "postgresql":
        with atomic():
            swallow()
        run(aswallow())
        assert Author.objects.count() == 2
        return
    with pytest.raises(DatabaseError) as caught, atomic():
        swallow()
    assert caught.value.code == "db.transaction-aborted"
    with pytest.raises(DatabaseError) as caught:
        run(aswallow())
    assert caught.value.code == "db.transaction-aborted"
    assert called == []
    assert count_in_use("sync") == 0
    assert Author.objects.count() == 0
    author.save()
    assert Author.objects.count() == 1


def test_a_swallowed_error_of_an_inner_block(database: str, run: Run) -> None:
    """A savepoint that cannot be released is rolled back, and the block around it goes on."""

    async def main() -> None:
        async with atomic():
            await Author.objects.acreate(name="Ada", email="a")
            with pytest.raises(DatabaseError) as caught:
                async with atomic():
                    with pytest.raises(IntegrityError):
                        await Author.objects.acreate(name="Ada", email="a")
            assert caught.value.code == "db.transaction-aborted"
            await Author.objects.acreate(name="Bob", email="b")
        assert await Author.objects.acount() == 2

    if database != "postgresql":
        return
    with atomic():
        make_author("Cyd")
        with pytest.raises(DatabaseError) as caught, atomic(), pytest.raises(IntegrityError):
            make_author("Cyd")
        assert caught.value.code == "db.transaction-aborted"
    assert Author.objects.get().name == "Cyd"
    Author.objects.all().delete()
    run(main())


@DEFERRING
@pytest.mark.usefixtures("orphans")
def test_what_only_the_commit_refuses_is_translated(run: Run) -> None:
    """A deferred constraint violated at the commit is an IntegrityError, and leaks nothing."""
    with pytest.raises(IntegrityError), atomic():
        make_author("Ada")
        insert_orphan()

    async def main() -> None:
        with pytest.raises(IntegrityError):
            async with RequestTransaction():
                await run_in_thread(insert_orphan)
        assert count_in_use("sync") == 0

    run(main())
    assert Author.objects.count() == count_in_use("sync") == 0
    with atomic():
        make_author("Ada")
    assert Author.objects.count() == 1


@DEFERRING
@pytest.mark.usefixtures("orphans")
def test_after_a_failed_commit_the_other_databases_roll_back(run: Run, tmp_path: Path) -> None:
    """When one of several databases refuses its commit, those whose turn comes later roll back."""
    urls = {alias: known.url for alias, known in databases.items()}
    databases.configure({**urls, "other": f"sqlite:///{tmp_path / 'other.sqlite3'}"})
    models.create_all(alias="other")

    def write() -> None:
        # The first to be used is the first to be committed.
        insert_orphan()
        Author.objects.using("other").create(name="Ada", email="a")

    async def main() -> None:
        with pytest.raises(IntegrityError):
            async with RequestTransaction():
                await run_in_thread(write)

    run(main())
    transaction = RequestTransaction()
    transaction.begin()
    write()
    with pytest.raises(IntegrityError):
        drive(transaction.commit())
    assert Author.objects.using("other").count() == 0


def test_plain_callbacks_may_block(run: Run) -> None:
    """On a loop a plain `on_commit` callback runs in a thread and may query; others are awaited."""
    called: list[str] = []

    def count() -> None:
        called.append(f"{Author.objects.count()} in {threading.current_thread().name[:10]}")

    async def acount() -> None:
        called.append(f"{await Author.objects.acount()} awaited")

    def handler() -> None:
        make_author("Ada")
        on_commit(count)
        on_commit(acount)
        on_commit(partial(acount))

    async def main() -> None:
        async with RequestTransaction():
            await run_in_thread(handler)

    run(main())
    assert called == ["1 in undercroft", "1 awaited", "1 awaited"]


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_cancellation_around_the_commit(run: Run, kind: str, times: int) -> None:
    """Cancelled once or twice anywhere near its end, a request leaves no connection or lock."""
    near_end: asyncio.Event

    async def work(number: int) -> None:
        async with RequestTransaction():
            if kind == "def":
                await run_in_thread(make_author, f"n{number}")
            else:
                await Author.objects.acreate(name=f"n{number}", email=f"e{number}")
            near_end.set()
            await asyncio.sleep(0)

    async def main() -> None:
        nonlocal near_end
        await Author.objects.acount()
        for number in range(60):
            near_end = asyncio.Event()
            task = asyncio.ensure_future(work(number))
            await near_end.wait()
            for _ in range(number % 12):
                await asyncio.sleep(0.0001 if number % 2 else 0)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            await asyncio.wait([task])
        for _ in range(200):
            if count_in_use("async") == count_in_use("sync") == 0:
                break
            await asyncio.sleep(0.01)
        assert count_in_use("async") == count_in_use("sync") == 0
        async with atomic():
            await Author.objects.acreate(name="last", email="last")

    run(asyncio.wait_for(main(), 30))
    with atomic():
        assert Author.objects.filter(name="last").update(email="free") == 1


def test_a_loop_that_ends_leaves_nothing_open() -> None:
    """Requests cancelled by the end of their loop roll back, and free the lock."""

    async def work(number: int) -> None:
        async with RequestTransaction():
            await Author.objects.acreate(name="x", email=f"{number}")
            await asyncio.sleep(5)

    async def main(seconds: float) -> None:
        tasks = [asyncio.ensure_future(work(number)) for number in range(5)]
        await asyncio.sleep(seconds)
        assert tasks
        await databases.adispose()

    for step in range(10):
        asyncio.run(main(step / 200))
    for _ in range(200):
        if count_in_use("sync") == 0:
            break
        threading.Event().wait(0.01)
    assert count_in_use("sync") == 0
    with atomic():
        make_author("last")
    assert Author.objects.get().name == "last"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_worker_has_its_own_connections(run: Run) -> None:
    """A child queries, ends and forgets its parent's transaction without touching its sockets."""
    make_author("Ada")
    before = databases["default"].sync_engine

    def work() -> bool:
        # The block that is open here is the parent's.
        with pytest.raises(DatabaseError):
            make_author("in the parent's transaction")
        return True

    with atomic():
        make_author("Bob")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                ok = work() and databases["default"].sync_engine is not before
                status = 0 if ok else 2
            finally:
                os._exit(status)
        assert wait_for(child) == 0
        make_author("Cyd")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with atomic():
                make_author("Dan")
            status = 0 if Author.objects.count() == 4 else 2
        finally:
            os._exit(status)
    assert wait_for(child) == 0
    assert [author.name for author in Author.objects] == ["Ada", "Bob", "Cyd", "Dan"]


def wait_for(child: int) -> int:
    """Wait for a child process for ten seconds at most."""
    for _ in range(1000):
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        threading.Event().wait(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -1


#: What ends the connection it is run on.
SUICIDE = {
    "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())",
    "mariadb": "KILL CONNECTION_ID()",
}


@pytest.mark.parametrize(
    "database",
    [
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)
def test_a_connection_that_breaks_under_a_session_comes_back_once(database: str, run: Run) -> None:
    """SQLAlchemy gives it back by itself; a second time, two would be handed the same one."""

    def break_it() -> None:
        with atomic():
            make_author("Ada")
            with session() as shared:
                shared.execute(sa.text(SUICIDE[database]))

    with pytest.raises((DBAPIError, DatabaseError)):
        break_it()
    assert count_in_use("sync") == 0

    async def abreak_it() -> None:
        async with atomic():
            await Author.objects.acreate(name="Ada", email="a")
            async with async_session() as shared:
                await shared.execute(sa.text(SUICIDE[database]))

    async def hold() -> int:
        async with atomic():
            await Author.objects.acount()
            await asyncio.sleep(0.05)
            return await Author.objects.acount()

    async def main() -> None:
        for _ in range(2):
            with pytest.raises((DBAPIError, DatabaseError)):
                await abreak_it()
        assert count_in_use("async") == 0
        idle = databases["default"].async_engine.sync_engine.pool._idle  # type: ignore[attr-defined]
        assert len(idle) == len(set(map(id, idle)))
        assert await asyncio.gather(*(hold() for _ in range(8))) == [0] * 8
        assert count_in_use("async") == 0

    run(main())
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: Author.objects.count(), range(16))) == [0] * 16
    assert count_in_use("sync") == 0
