"""Transactions in each other's way: deadlocks, serialization, locks, and running them again."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author, Counter, make_author
from tests.db.test_blocks import in_a_thread
from tests.db.test_transactions import count_in_use
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.connections.retries import LONGEST_DELAY, list_delays
from undercroft.db.connections.transactions import RequestTransaction, atomic, on_commit
from undercroft.db.sessions import session
from undercroft.errors import (
    ImproperlyConfigured,
    LockTimeout,
    TransactionConflict,
    TransactionManagementError,
)

pytestmark = pytest.mark.usefixtures("database")

#: Those on which two writers can meet.
SERVERS = pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


def meet(work: Callable[[int, int], None]) -> list[BaseException]:
    """Let two threads change two counters in opposite order, at the same time; give failures."""
    first, second = (Counter.objects.create().id for _ in range(2))
    failures: list[BaseException] = []

    def run(one: int, other: int) -> None:
        try:
            work(one, other)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [
        threading.Thread(target=run, args=order) for order in ((first, second), (second, first))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return failures


def increment(key: int) -> None:
    """Increment a counter by one statement."""
    with session() as shared:
        shared.execute(sa.update(Counter).where(Counter.id == key).values(value=Counter.value + 1))


@SERVERS
def test_one_of_two_that_wait_for_each_other_is_told() -> None:
    """The database ends one of two transactions in a deadlock: a conflict, and a 503."""
    barrier = threading.Barrier(2)

    def work(one: int, other: int) -> None:
        with atomic():
            Counter.objects.filter(id=one).update(value=1)
            barrier.wait(10)
            Counter.objects.filter(id=other).update(value=1)

    (failure,) = meet(work)
    assert isinstance(failure, TransactionConflict)
    assert (failure.code, failure.is_temporary) == ("db.deadlock", True)
    assert count_in_use("sync") == 0


@SERVERS
def test_a_deadlock_is_run_again() -> None:
    """With `retry` both come to their end, and what the first try wrote is there once."""
    barrier = threading.Barrier(2)
    tries: list[int] = []

    @atomic(retry=3)
    def work(one: int, other: int) -> None:
        tries.append(one)
        author = Author(name="x", email=f"{one}")
        author.save()
        increment(one)
        if len(tries) <= 2:
            barrier.wait(10)
        increment(other)

    assert meet(work) == []
    assert len(tries) == 3
    assert [counter.value for counter in Counter.objects] == [2, 2]
    assert Author.objects.count() == 2
    assert count_in_use("sync") == 0


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_cannot_be_serialized_is_run_again(run: Run) -> None:
    """A lost update is refused, and succeeds when it is made from what is there now."""
    key = Counter.objects.create().id
    tries: list[int] = []

    def interfere() -> None:
        if len(tries) == 1:
            Counter.objects.filter(id=key).update(value=10)

    def work() -> int:
        counter = Counter.objects.get(id=key)
        tries.append(counter.value)
        in_a_thread(interfere)
        counter.value += 1
        counter.save()
        return counter.value

    with pytest.raises(TransactionConflict) as caught, atomic(isolation="repeatable read"):
        work()
    assert caught.value.code == "db.serialization"
    tries.clear()
    Counter.objects.update(value=0)
    assert atomic(isolation="repeatable read", retry=1)(work)() == 11
    assert tries == [0, 10]

    @atomic(isolation="serializable", retry=2)
    async def awork() -> int:
        counter = await Counter.objects.aget(id=key)
        tries.append(counter.value)
        await asyncio.to_thread(in_a_thread, interfere)
        counter.value += 1
        await counter.asave()
        return counter.value

    tries.clear()
    Counter.objects.update(value=0)
    assert run(awork()) == 11
    assert tries == [0, 10]


def test_a_lock_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    """SQLite's writer in another process is waited for again, as often as was said."""
    path = tmp_path / "busy.sqlite3"
    databases.configure({"default": f"sqlite:///{path}?busy_timeout=0.05"})
    models.create_all()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ["ROLLBACK"])

    def write() -> None:
        make_author()

    with pytest.raises(LockTimeout):
        atomic(write)()
    timer.start()
    atomic(retry=20)(write)()
    timer.join()
    other.close()
    assert Author.objects.count() == 1


def test_the_last_try_raises_what_happened() -> None:
    """After so many tries the conflict is raised; other errors are raised at once."""
    tries: list[int] = []

    @atomic(retry=2)
    def conflict() -> None:
        tries.append(1)
        make_author()
        raise TransactionConflict("always")

    with pytest.raises(TransactionConflict):
        conflict()
    assert len(tries) == 3
    assert Author.objects.count() == 0

    @atomic(retry=2)
    def fail() -> None:
        tries.append(1)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert len(tries) == 4


def test_what_is_committed_is_not_run_again(run: Run) -> None:
    """A conflict in what waited for the commit comes too late: the writes are there."""

    def conflict() -> None:
        raise TransactionConflict("in a callback")

    @atomic(retry=3)
    def write() -> None:
        make_author("Ada")
        on_commit(conflict)

    @atomic(retry=3)
    async def awrite() -> None:
        await Author.objects.acreate(name="Bob", email="b")
        on_commit(conflict)

    with pytest.raises(TransactionConflict):
        write()
    with pytest.raises(TransactionConflict):
        run(awrite())
    assert Author.objects.count() == 2


def test_a_with_block_cannot_be_run_again(run: Run) -> None:
    """`retry` on a block that is no function says so when it is entered."""
    with pytest.raises(TransactionManagementError) as caught, atomic(retry=3):
        pass
    assert caught.value.code == "db.retry-block"
    assert "@atomic(retry=3)" in str(caught.value)

    async def main() -> None:
        with pytest.raises(TransactionManagementError):
            async with atomic(retry=3):
                pass

    run(main())


def test_retries_nest_in_retries_only() -> None:
    """Within a block that is run again an inner one is a part; within another it is refused."""
    tries: list[str] = []

    @atomic(retry=2)
    def inner() -> None:
        tries.append("inner")
        make_author()
        if len(tries) < 4:
            raise TransactionConflict("once")

    @atomic(retry=2)
    def outer() -> None:
        tries.append("outer")
        inner()

    outer()
    assert tries == ["outer", "inner", "outer", "inner"]
    with atomic(), pytest.raises(TransactionManagementError) as caught:
        inner()
    assert caught.value.code == "db.nested-retry"

    async def request() -> None:
        async with RequestTransaction():
            await asyncio.to_thread(inner)

    with pytest.raises(TransactionManagementError, match="@non_atomic_requests"):
        asyncio.run(request())
    assert len(tries) == 4


@pytest.mark.parametrize("retry", [-1, True])
def test_a_number_of_retries_is_a_number(retry: int) -> None:
    """What is no number from 0 on is refused where it is written."""
    with pytest.raises(ImproperlyConfigured) as caught:
        atomic(retry=retry)
    assert caught.value.code == "db.retry"


def test_waits_grow_and_differ() -> None:
    """Each wait may be twice as long as the one before, up to a limit, and none is certain."""
    delays = [list(list_delays(12)) for _ in range(20)]
    assert all(0 < delay <= LONGEST_DELAY for each in delays for delay in each)
    assert min(each[-1] for each in delays) > max(each[0] for each in delays)
    assert len({each[0] for each in delays}) == 20


def test_two_dozen_tasks_increment_and_none_is_lost(run: Run, database: str) -> None:
    """Read, add and save by many tasks at once, each run again where it must be."""
    key = Counter.objects.create().id
    isolation = "repeatable read" if database == "postgresql" else "serializable"

    @atomic(isolation=isolation, retry=200)  # type: ignore[call-overload]  # a variable
    async def work() -> None:
        counter = await Counter.objects.aget(id=key)
        counter.value += 1
        await counter.asave()

    async def main() -> None:
        await asyncio.gather(*(work() for _ in range(24)))
        assert (await Counter.objects.aget(id=key)).value == 24

    started = time.monotonic()
    run(main())
    assert time.monotonic() - started < 30


def test_what_was_handled_is_not_run_again() -> None:
    """A conflict that the function made into an error of its own is the caller's affair."""
    tries: list[int] = []

    @atomic(retry=2)
    def handle() -> None:
        tries.append(1)
        raise ValueError from TransactionConflict("handled")

    with pytest.raises(ValueError, match=r"^$"):
        handle()
    assert tries == [1]
