"""One budget for the pools of sync code and of every event loop, and their limits under load."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author, make_author
from undercroft.concurrency import run_in_thread
from undercroft.db.connections.databases import Database, databases
from undercroft.db.connections.transactions import atomic
from undercroft.errors import DatabaseUnavailable

# SQLite has one pool only.
pytestmark = [
    pytest.mark.usefixtures("small"),
    pytest.mark.parametrize(
        "database",
        [
            pytest.param("postgresql", marks=pytest.mark.postgres),
            pytest.param("mariadb", marks=pytest.mark.mariadb),
        ],
        indirect=True,
    ),
]

LIMIT = 3


@pytest.fixture
def small(database: str) -> None:
    """A budget of three connections, and a short patience."""
    configure(pool_timeout=0.5)


def configure(**options: Any) -> None:
    """Configure the test's database anew, with a budget and other options."""
    url = databases["default"].url.partition("?")[0]
    databases.configure({"default": {"url": url, "max_connections": LIMIT, **options}})


def count_open() -> int:
    """Count the connections of all pools of this process."""
    database = databases["default"]
    return sum(state.open for state in database.list_pools())


def count_on_server() -> int:
    """Count this test's connections as the server sees them, this one left out."""
    asked = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "mariadb": "SELECT count(*) FROM information_schema.processlist"
        " WHERE db = database() AND id <> connection_id()",
    }
    other = Database("other", databases["default"].url)
    try:
        with other.sync_engine.connect() as connection:
            return int(connection.scalar(sa.text(asked[other.vendor])) or 0)
    finally:
        other.dispose()


@pytest.fixture
def watched() -> Iterator[Callable[[], int]]:
    """Watch how many connections the server has; gives the most there were at once."""
    most, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            most.append(count_on_server())

    thread = threading.Thread(target=watch)
    thread.start()
    yield lambda: max(most)
    ended.set()
    thread.join()


def test_sync_and_async_code_share_the_budget(run: Run, watched: Callable[[], int]) -> None:
    """Two kinds of code at once never have more connections than the budget, and all answer."""
    configure(pool_timeout=20)

    async def main() -> None:
        async def wait() -> int:
            async with atomic():
                count = await Author.objects.acount()
                await asyncio.sleep(0.005)
                return count

        def block() -> int:
            with atomic():
                count = Author.objects.count()
                time.sleep(0.005)
                return count

        for _ in range(3):
            calls = [wait() if n % 2 else run_in_thread(block) for n in range(60)]
            assert await asyncio.gather(*calls) == [0] * 60
        assert 1 <= count_open() <= LIMIT

    run(asyncio.wait_for(main(), 60))
    assert watched() <= LIMIT


def test_an_idle_connection_is_given_up_for_a_pool_that_has_none(run: Run) -> None:
    """What sync code opened and does not use any more does not keep async code out."""
    threads = [threading.Thread(target=hold, args=[0.1]) for _ in range(LIMIT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_open() == LIMIT

    async def main() -> None:
        assert await asyncio.gather(*(Author.objects.acount() for _ in range(20))) == [0] * 20
        kinds = {state.kind: state.open for state in databases["default"].list_pools()}
        assert 1 <= kinds["loop"] <= LIMIT
        assert sum(kinds.values()) == LIMIT
        # And back again.
        assert await asyncio.gather(*(run_in_thread(Author.objects.count) for _ in range(9)))
        assert count_open() <= LIMIT

    run(main())


def hold(seconds: float) -> None:
    """Hold a connection of sync code for a while."""
    with atomic():
        Author.objects.count()
        time.sleep(seconds)


def hold_until(done: threading.Event) -> None:
    """Hold a connection of sync code until it is to be given back."""
    with atomic():
        Author.objects.count()
        assert done.wait(60)


def test_a_connection_in_use_is_waited_for(run: Run) -> None:
    """When all are busy in one kind of code, the other has the next that comes free."""

    async def main() -> None:
        holders = [asyncio.ensure_future(run_in_thread(hold, 0.2)) for _ in range(LIMIT)]
        await asyncio.sleep(0.1)
        assert count_open() == LIMIT
        assert await Author.objects.acount() == 0
        await asyncio.gather(*holders)

        async def ahold() -> None:
            async with atomic():
                await Author.objects.acount()
                await asyncio.sleep(0.2)

        tasks = [asyncio.ensure_future(ahold()) for _ in range(LIMIT)]
        await asyncio.sleep(0.1)
        assert await run_in_thread(Author.objects.count) == 0
        await asyncio.gather(*tasks)
        assert count_open() <= LIMIT

    run(main())


def test_an_exhausted_budget_names_its_option(run: Run) -> None:
    """Who waits in vain is told which number it was, in both kinds of code, and leaves no trace."""

    async def main() -> None:
        done = threading.Event()
        holders = [asyncio.ensure_future(run_in_thread(hold_until, done)) for _ in range(LIMIT)]
        await asyncio.sleep(0.1)
        with pytest.raises(DatabaseUnavailable, match=f"None of the {LIMIT}") as caught:
            await Author.objects.acount()
        assert "`max_connections`" in str(caught.value)
        assert caught.value.code == "db.pool-exhausted"
        with pytest.raises(DatabaseUnavailable, match=f"None of the {LIMIT}"):
            await run_in_thread(Author.objects.count)
        done.set()
        await asyncio.gather(*holders)
        for _ in range(3):
            assert await Author.objects.acount() == await run_in_thread(Author.objects.count) == 0
        assert not any(state.waiting for state in databases["default"].list_pools())

    run(main())


def test_a_loop_that_ended_gives_its_places_back() -> None:
    """Connections that died with their loop count no more, though nobody closed them."""

    async def use() -> None:
        await asyncio.gather(*(Author.objects.acount() for _ in range(LIMIT)))
        # What a loop leaves behind is not this test's affair.
        for engine in databases["default"]._async_engines.values():
            pool: Any = engine.sync_engine.pool
            for record in pool._idle:
                pool.driver.close(record.dbapi_connection.driver_connection)
        await asyncio.sleep(0.05)

    async def end() -> None:
        assert await Author.objects.acount() == 0
        await databases.adispose()

    asyncio.run(use())
    assert Author.objects.count() == 0
    asyncio.run(use())
    asyncio.run(end())
    assert Author.objects.count() == 0
    assert count_open() == 1


@pytest.mark.parametrize("seed", range(2))
def test_no_place_is_lost_whatever_happens(run: Run, seed: int) -> None:
    """Threads, loops, failures, time-outs, cancellations at random; then every place is there."""
    chance = random.Random(seed)
    configure(pool_timeout=0.05, pool_size=2)

    async def wait(seconds: float) -> None:
        async with atomic():
            await Author.objects.acount()
            await asyncio.sleep(seconds)
            if seconds > 0.008:
                await Author.objects.acreate(name=None, email="x")

    def block(seconds: float) -> None:
        with atomic():
            Author.objects.count()
            time.sleep(seconds)
            if seconds > 0.008:
                make_author("Ada", email=None)

    async def main() -> None:
        for _ in range(20):
            seconds = [chance.random() / 100 for _ in range(12)]
            tasks = [
                asyncio.ensure_future(
                    wait(each) if chance.random() < 0.5 else run_in_thread(block, each)
                )
                for each in seconds
            ]
            await asyncio.sleep(chance.random() / 100)
            for task in tasks:
                if chance.random() < 0.3:
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.2)
        assert count_open() <= LIMIT

    second = threading.Thread(target=lambda: asyncio.run(finish(main())))
    second.start()
    run(asyncio.wait_for(main(), 60))
    second.join(60)
    assert Author.objects.count() == 0
    budget = databases["default"]._budget
    assert budget is not None
    # A thread whose task was cancelled comes to its end by itself.
    until = time.monotonic() + 20
    while budget._free + count_open() != LIMIT and time.monotonic() < until:
        time.sleep(0.02)
    assert budget._free + count_open() == LIMIT
    assert not budget.is_wanted


async def finish(work: Any) -> None:
    """Run something on a loop of its own, and close what it opened there, and there only."""
    try:
        await work
    finally:
        engine = databases["default"]._async_engines.pop(asyncio.get_running_loop(), None)
        if engine is not None:
            await engine.dispose()
