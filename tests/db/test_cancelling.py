"""Work cancelled at any of its waits is stored whole or not at all, and leaves nothing open."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author, Book
from tests.db.test_transactions import count_in_use
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import atomic, on_commit
from undercroft.db.sessions import async_session
from undercroft.errors import FieldValueError

pytestmark = pytest.mark.usefixtures("database")

SERVERS = pytest.mark.parametrize(
    "database",
    [
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)


class CancelledAt(Awaitable[None]):
    """A coroutine whose task is cancelled at one of its waits, or at several in a row.

    Args:
        coroutine: What to run.
        wait: The first wait at which it is cancelled, from 1 on.
        times: At how many.
        late: Whether the cancellation comes along with what is waited for, not before it.
    """

    def __init__(
        self, coroutine: Coroutine[Any, Any, None], wait: int, times: int, late: bool
    ) -> None:
        self._coroutine = coroutine
        self._waits = range(wait, wait + times)
        self._late = late
        self.count = 0

    def __await__(self) -> Generator[Any, None, None]:
        resume: Callable[[], Any] = lambda: self._coroutine.send(None)  # noqa: E731
        while True:
            try:
                waited = resume()
            except StopIteration:
                return
            self.count += 1
            if self.count in self._waits:
                self._cancel(waited)
            try:
                yield waited
                resume = lambda: self._coroutine.send(None)  # noqa: E731
            except asyncio.CancelledError as error:
                resume = lambda error=error: self._coroutine.throw(error)  # noqa: E731

    def _cancel(self, waited: Any) -> None:
        task: Any = asyncio.current_task()
        if self._late and waited is not None:
            waited.add_done_callback(lambda _waited: task.cancel())
        else:
            asyncio.get_running_loop().call_soon(task.cancel)


async def create() -> None:
    """Write a row without a block."""
    await Author.objects.acreate(name="x", email="x")


async def write_in_blocks() -> None:
    """Write in a block, and in two within it of which one is taken back; then call back."""

    async def call_back() -> None:
        await asyncio.sleep(0)

    async with atomic():
        author = await Author.objects.acreate(name="x", email="x")
        try:
            async with atomic():
                await Book.objects.acreate(title="bad", author=author)
                raise ValueError
        except ValueError:
            pass
        async with atomic():
            await Book.objects.acreate(title="x", author=author)
        on_commit(call_back)


async def write_many() -> None:
    """Write in batches, which have a savepoint of their own."""
    async with atomic():
        written = [Author(name="x", email=f"x{number}") for number in range(4)]
        authors = await Author.objects.abulk_create(written, batch_size=2)
        books = [Book(title="x", author=author) for author in authors]
        await Book.objects.abulk_create(books, batch_size=2)


async def read_and_write() -> None:
    """Write between the rows of a stream, on its connection."""
    async with atomic():
        author = await Author.objects.acreate(name="x", email="x")
        async for seed in Author.objects.filter(name="seed").aiterator(chunk_size=1):
            await Book.objects.acreate(title=f"x of {seed.pk}", author=author)


async def write_in_session() -> None:
    """Write by a session that shares a block."""
    async with atomic():
        author = await Author.objects.acreate(name="x", email="x")
        async with async_session() as shared:
            shared.add(Book(title="x", author_id=author.pk))


async def write_in_session_alone() -> None:
    """Write by a session with a connection of its own."""
    async with async_session() as alone:
        author = Author(name="x", email="x")
        alone.add(author)
        await alone.flush()
        alone.add(Book(title="x", author_id=author.pk))
        await alone.commit()


async def read() -> None:
    """Read a stream, which has a connection of its own."""
    async for _ in Author.objects.filter(name="seed").aiterator(chunk_size=1):
        pass
    await create()


async def count() -> tuple[int, ...]:
    """Count what the work above writes, several times at once."""

    async def count_one() -> tuple[int, int]:
        async with atomic():
            return await Author.objects.filter(name="x").acount(), await Book.objects.acount()

    while True:
        answers = {*await asyncio.gather(*(count_one() for _ in range(3)))}
        if len(answers) == 1:
            return answers.pop()
        # A server may still store a statement whose connection was closed.
        await asyncio.sleep(0.01)


async def settle(before: set[asyncio.Task[Any]]) -> None:
    """Wait until nothing goes on by itself."""
    for _ in range(400):
        if asyncio.all_tasks() <= before and count_in_use("async") == count_in_use("sync") == 0:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("something goes on, or was not given back")


@SERVERS
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(
    "work",
    [
        create,
        read,
        write_in_blocks,
        write_many,
        read_and_write,
        write_in_session,
        write_in_session_alone,
    ],
)
def test_cancelled_at_every_wait(
    run: Run, work: Callable[[], Coroutine[Any, Any, None]], times: int
) -> None:
    """Wherever it is cancelled, and however often, all or nothing is stored and nothing is open."""

    async def empty() -> None:
        await Book.objects.all().adelete()
        await Author.objects.filter(name="x").adelete()

    async def main() -> None:
        for number in range(3):
            await Author.objects.acreate(name="seed", email=f"{number}")
        await work()
        everything, before = await count(), asyncio.all_tasks()
        for late in (False, True):
            wait, reached = 1, True
            while reached:
                await empty()
                cancelled = CancelledAt(work(), wait, times, late)
                await asyncio.wait([asyncio.ensure_future(_await(cancelled))])
                await settle(before)
                assert await count() in {(0, 0), everything}, (late, wait)
                reached, wait = cancelled.count >= wait, wait + 1

    run(asyncio.wait_for(main(), 60))


async def _await(awaitable: Awaitable[None]) -> None:
    await awaitable


_LOCKED = """
    SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
    WHERE relname = :name
"""


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_value_that_cannot_be_sent_locks_nothing(run: Run) -> None:
    """A table is free for its migration though a statement about it was prepared and never run."""

    async def main() -> None:
        with pytest.raises(FieldValueError):
            await Author.objects.filter(name="\ud800").acount()
        with databases["default"].sync_engine.connect() as connection:
            named = {"name": Author.__table__.name}  # type: ignore[attr-defined]
            assert connection.scalar(sa.text(_LOCKED), named) == 0

    run(main())


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_cancelled_preparation_locks_nothing(run: Run) -> None:
    """Cancelled between its preparation and its start, a statement leaves no table locked."""

    async def main() -> None:
        wait, reached, before = 1, True, asyncio.all_tasks()
        while reached:
            await databases.adispose()
            cancelled = CancelledAt(create(), wait, 1, late=True)
            await asyncio.wait([asyncio.ensure_future(_await(cancelled))])
            await settle(before)
            for _ in range(100):
                with databases["default"].sync_engine.connect() as connection:
                    named = {"name": Author.__table__.name}  # type: ignore[attr-defined]
                    locks = connection.scalar(sa.text(_LOCKED), named)
                if not locks:
                    break
                await asyncio.sleep(0.01)
            assert locks == 0, wait
            await Author.objects.all().adelete()
            reached, wait = cancelled.count >= wait, wait + 1

    run(asyncio.wait_for(main(), 60))
