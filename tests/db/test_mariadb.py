# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""MariaDB: what its connections are told, which servers are refused, how connections end."""

import asyncio
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from tests.db.conftest import Run
from tests.db.proxy import open_proxy
from tests.db.shop_models import Author, Book, Publisher, make_author
from tests.db.test_transactions import count_in_use
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import atomic
from undercroft.db.sessions import async_session, session
from undercroft.errors import (
    DatabaseError,
    DatabaseUnavailable,
    ImproperlyConfigured,
    LockTimeout,
    TransactionConflict,
)

pytestmark = [
    pytest.mark.mariadb,
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("database", ["mariadb"], indirect=True),
]

SETTINGS = (
    "SELECT @@sql_mode, @@time_zone, @@tx_isolation, @@collation_connection,"
    " @@character_set_client, @@autocommit"
)


@pytest.fixture
def url(database: str) -> Iterator[str]:
    """The database's address; the configuration comes back after the test."""
    before = databases["default"].url
    yield before
    databases.configure({"default": before})


def check_settings(found: Any) -> None:
    modes, *others = found
    assert set(modes.split(",")) == {
        "STRICT_ALL_TABLES",
        "NO_ZERO_DATE",
        "NO_ZERO_IN_DATE",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "NO_ENGINE_SUBSTITUTION",
        "NO_AUTO_VALUE_ON_ZERO",
        "PIPES_AS_CONCAT",
        "SIMULTANEOUS_ASSIGNMENT",
    }
    assert others[:4] == ["+00:00", "READ-COMMITTED", "utf8mb4_nopad_bin", "utf8mb4"]


def test_every_connection_is_told_how_to_behave(run: Run) -> None:
    """The settings are ours in sync and async code, on the first connection and on later ones."""
    engine = databases["default"].sync_engine
    with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            found = connection.execute(sa.text(SETTINGS)).one()
            check_settings(found)
            assert found[5] == 0
    record = engine.pool.take()  # type: ignore[attr-defined]  # our pool
    assert record.dbapi_connection.get_autocommit()
    engine.pool.give(record)  # type: ignore[attr-defined]  # likewise

    async def main() -> None:
        async_engine = databases["default"].async_engine
        async with async_engine.connect() as first, async_engine.connect() as second:
            for connection in (first, second):
                check_settings((await connection.execute(sa.text(SETTINGS))).one())

    run(main())


@pytest.mark.parametrize("shown", ["-Percona", "00.00."])
def test_other_servers_are_refused(url: str, shown: str, run: Run) -> None:
    """MySQL and old releases are refused at the first connection, each time, in words that help."""
    with databases["default"].sync_engine.connect() as connection:
        version = str(connection.scalar(sa.text("SELECT VERSION()")))
    assert "-MariaDB" in version
    number = ".".join(version.split(".")[:2]) + "."
    changes = {"-Percona": {"-MariaDB": shown}, "00.00.": {number: re.sub(r"\d", "0", number)}}
    replaced = {old.encode(): new.encode() for old, new in changes[shown].items()}
    with open_proxy(url, replaced) as (address, _):
        databases.configure({"default": address})
        for _ in range(2):
            with pytest.raises(ImproperlyConfigured) as caught:
                Author.objects.count()
            assert shown in caught.value.message
            assert "MariaDB 10.11 or later" in caught.value.message
            assert caught.value.code == "db.server"

        async def main() -> None:
            with pytest.raises(ImproperlyConfigured, match=r"MariaDB 10\.11"):
                await Author.objects.acount()

        run(main())


def test_a_server_that_never_answers_is_given_up(url: str, run: Run) -> None:
    """One that accepts the connection and says nothing costs `connect_timeout`, no more."""
    with open_proxy(url, silent=True) as (address, _):
        databases.configure({"default": f"{address}&connect_timeout=0.3"})
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            Author.objects.count()

        async def main() -> None:
            with pytest.raises(DatabaseUnavailable):
                await Author.objects.acount()

        run(main())
        assert time.monotonic() - started < 5


def test_a_slow_statement_is_not_cut_by_the_connect_timeout(url: str, run: Run) -> None:
    """The limit of the handshake does not hold for statements."""
    databases.configure({"default": f"{url}&connect_timeout=0.3"})
    make_author()
    slow = Author.objects.filter(sa.func.sleep(0.6) == 0)
    assert slow.count() == 1

    async def main() -> None:
        assert await slow.all().acount() == 1

    run(main())


def test_one_text_is_one_statement(run: Run) -> None:
    """Neither driver sends a second statement along, whatever got into the text."""
    engine = databases["default"].sync_engine
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.exec_driver_sql("SELECT 1; SELECT 2")

    async def main() -> None:
        async with databases["default"].async_engine.connect() as connection:
            for parameters in ((), (1,)):
                with pytest.raises(DBAPIError):
                    mark = "%s" if parameters else "1"
                    await connection.exec_driver_sql(f"SELECT {mark}; SELECT 2", parameters)

    run(main())


# ------------------------------------------------------------------ connections that end


def list_others() -> list[int]:
    """List the other connections to the database, by a connection outside of every pool."""
    engine = sa.create_engine(databases["default"].sync_url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = connection.scalars(
            sa.text(
                "SELECT id FROM information_schema.processlist"
                " WHERE id <> connection_id() AND db = database()"
            )
        ).all()
    return list(found)


def kill_others(what: str = "CONNECTION") -> None:
    """Have the server end the other connections, or what they are doing."""
    engine = sa.create_engine(databases["default"].sync_url, poolclass=sa.NullPool)
    for number in list_others():
        with engine.connect() as connection:
            connection.exec_driver_sql(f"KILL {what} {number}")


def test_idle_connections_that_were_killed_are_replaced(run: Run) -> None:
    """Nobody but the server notices: not the lane, not a block, not a Session, sync or async."""
    make_author()

    def query_in_a_session() -> int:
        with session() as own:
            return own.scalars(sa.select(sa.func.count()).select_from(Author)).one()

    def query_in_a_block() -> int:
        with atomic():
            return Author.objects.count()

    for query in (Author.objects.count, query_in_a_block, query_in_a_session):
        assert query() == 1
        kill_others()
        time.sleep(0.05)
        assert query() == 1
    assert count_in_use("sync") == 0

    async def query_in_an_async_session() -> int:
        async with async_session() as own:
            found = await own.scalars(sa.select(sa.func.count()).select_from(Author))
            return found.one()

    async def query_in_an_async_block() -> int:
        async with atomic():
            return await Author.objects.acount()

    async def main() -> None:
        for query in (
            Author.objects.acount,
            query_in_an_async_block,
            query_in_an_async_session,
        ):
            assert await query() == 1
            await asyncio.to_thread(kill_others)
            await asyncio.sleep(0.05)
            assert await query() == 1
        assert count_in_use("async") == 0

    run(main())


def test_a_connection_killed_at_work_is_an_error_once(run: Run) -> None:
    """Who waits for the answer is told that the server has gone; the next one gets another."""
    make_author()
    slow = Author.objects.filter(sa.func.sleep(3) == 0)
    timer = threading.Timer(0.3, kill_others)
    timer.start()
    with pytest.raises(DatabaseUnavailable):
        slow.count()
    timer.join()
    assert Author.objects.count() == 1

    async def main() -> None:
        task = asyncio.ensure_future(slow.all().acount())
        await asyncio.sleep(0.3)
        await asyncio.to_thread(kill_others)
        with pytest.raises(DatabaseUnavailable):
            await task
        assert await Author.objects.acount() == 1
        assert count_in_use("async") == 0

    run(main())
    assert count_in_use("sync") == 0


def test_a_connection_lost_in_a_block_ends_the_block(url: str, run: Run) -> None:
    """What failed is told, nothing of the block is stored, and it cannot be gone on with."""
    with open_proxy(url) as (address, proxy):
        databases.configure({"default": address})
        with pytest.raises(DatabaseUnavailable), atomic():
            make_author("Ada")
            proxy.break_connections()
            make_author("Bob")
        with pytest.raises(DatabaseError) as caught, atomic():
            make_author("Ada")
            proxy.break_connections()
            with pytest.raises(DatabaseUnavailable), atomic():
                make_author("Bob")
            with pytest.raises(DatabaseError):
                make_author("Cyd")
        assert caught.value.code == "db.transaction-aborted"

        async def main() -> None:
            with pytest.raises(DatabaseError) as caught:
                async with atomic():
                    await Author.objects.acreate(name="Ada", email="a")
                    proxy.break_connections()
                    with pytest.raises(DatabaseUnavailable):
                        await Author.objects.acreate(name="Bob", email="b")
            assert caught.value.code == "db.transaction-aborted"
            assert await Author.objects.acount() == 0
            assert count_in_use("async") == 0

        run(main())
        assert Author.objects.count() == 0
        assert count_in_use("sync") == 0


def test_a_cancelled_query_leaves_no_answer_to_the_next(run: Run) -> None:
    """Wherever in an answer the cancellation comes, the next query reads its own."""
    publisher = Publisher.objects.create(name="House")
    long = "x" * 300_000
    for number in range(8):
        author = make_author(f"a{number}", publisher=publisher)
        Book.objects.create(title=f"t{number}", summary=long, author=author)

    async def main() -> None:
        for step in range(60):
            task = asyncio.ensure_future(Book.objects.order_by("title").alast())
            await asyncio.sleep(step / 8_000)
            task.cancel()
            await asyncio.wait([task])
            names = await Publisher.objects.values_list("name", flat=True)
            assert names == ["House"]
        assert count_in_use("async") == 0

    run(main())


@pytest.mark.parametrize("length", [0, 3, 4, 500, 300_000])
def test_an_interrupted_query_leaves_no_answer_to_the_next(url: str, length: int) -> None:
    """An exception out of a signal handler, in the middle of an answer, costs the connection."""
    publisher = Publisher.objects.create(name="House")
    for number in range(3):
        author = make_author(f"a{number}", publisher=publisher)
        Book.objects.create(title=f"t{number}", summary="x" * 200_000, author=author)

    class InterruptedByTest(BaseException):
        pass

    def interrupt(*_arguments: object) -> None:
        raise InterruptedByTest

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with open_proxy(url) as (address, proxy):
            databases.configure({"default": address})
            assert Book.objects.count() == 3
            proxy.limit = length
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(InterruptedByTest):
                list(Book.objects.all())
            proxy.limit = None
            proxy.released.set()
            names = Publisher.objects.values_list("name", flat=True)
            assert list(names) == ["House"]
            assert count_in_use("sync") == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_stream_that_is_given_up_leaves_no_rows_to_the_next(run: Run) -> None:
    """Its connection is closed, instead of reading all the rest only to drop it."""
    publisher = Publisher.objects.create(name="House")
    author = make_author(publisher=publisher)
    for number in range(40):
        Book.objects.create(title=f"t{number}", summary="x" * 200_000, author=author)
    for taken in (1, 2, 40):
        books = Book.objects.order_by("id").iterator(chunk_size=1)
        assert [next(books).title for _ in range(taken)][-1] == f"t{taken - 1}"
        books.close()
        assert list(Publisher.objects.values_list("name", flat=True)) == ["House"]
    with pytest.raises(DatabaseError):
        list(Book.objects.filter(sa.func.no_such_function() == 1).iterator())
    assert len(list(Book.objects.iterator())) == 40

    async def main() -> None:
        async for book in Book.objects.order_by("id").aiterator(chunk_size=1):
            assert book.title == "t0"
            break
        assert await Publisher.objects.acount() == 1

    run(main())
    assert count_in_use("sync") == 0


# ------------------------------------------------------------------ deadlocks


def lock_crosswise(first: Any, second: Any) -> None:
    """Have two transactions wait for each other's row; both arguments are called with two keys."""
    one, two = make_author("one"), make_author("two")
    barrier = threading.Barrier(2)
    errors: list[BaseException] = []

    def work(call: Any, *keys: int) -> None:
        try:
            call(barrier, *keys)
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    threads = [
        threading.Thread(target=work, args=(first, one.id, two.id)),
        threading.Thread(target=work, args=(second, two.id, one.id)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not errors, errors


@pytest.mark.parametrize("nested", [True, False])
def test_after_a_deadlock_nothing_of_the_block_is_stored(nested: bool) -> None:
    """The server has rolled back: what the block goes on to write must not be stored either."""
    lost: list[str] = []

    def update(barrier: threading.Barrier, mine: int, other: int) -> None:
        try:
            with atomic():
                Author.objects.filter(id=mine).update(name=f"mine {mine}")
                barrier.wait(10)
                try:
                    with atomic() if nested else nullcontext():
                        Author.objects.filter(id=other).update(name=f"other {other}")
                except TransactionConflict as error:
                    lost.append(error.code)
                    with pytest.raises(DatabaseError) as caught:
                        Publisher.objects.create(name="stored all the same")
                    assert caught.value.code == "db.transaction-aborted"
        except DatabaseError as error:
            lost.append(error.code)

    lock_crosswise(update, update)
    assert lost == ["db.deadlock", "db.transaction-aborted"]
    assert Publisher.objects.count() == 0
    assert count_in_use("sync") == 0


@pytest.mark.parametrize("nested", [True, False])
def test_after_a_deadlock_in_async_code_nothing_is_stored(nested: bool, run: Run) -> None:
    """It is the same there, and the connection can be used again."""
    lost: list[str] = []

    async def update(mine: int, other: int, done: asyncio.Event, begun: asyncio.Event) -> None:
        try:
            async with atomic():
                await Author.objects.filter(id=mine).aupdate(name=f"mine {mine}")
                done.set()
                await begun.wait()
                try:
                    async with atomic() if nested else nullcontext():
                        await Author.objects.filter(id=other).aupdate(name=f"other {other}")
                except TransactionConflict as error:
                    lost.append(error.code)
                    with pytest.raises(DatabaseError) as caught:
                        await Publisher.objects.acreate(name="stored all the same")
                    assert caught.value.code == "db.transaction-aborted"
        except DatabaseError as error:
            lost.append(error.code)

    async def main() -> None:
        keys = [(await Author.objects.acreate(name="x", email=each)).id for each in "ab"]
        first, second = asyncio.Event(), asyncio.Event()
        await asyncio.gather(
            update(keys[0], keys[1], first, second), update(keys[1], keys[0], second, first)
        )
        assert lost == ["db.deadlock", "db.transaction-aborted"]
        assert await Publisher.objects.acount() == count_in_use("async") == 0

    run(main())


@pytest.mark.parametrize("rolls_back", [True, False])
def test_a_late_lock_ends_what_the_server_says_it_ends(url: str, rolls_back: bool) -> None:
    """The statement, or with `innodb_rollback_on_timeout` the whole transaction."""
    author = make_author()
    with databases["default"].sync_engine.connect() as connection:
        version = str(connection.scalar(sa.text("SELECT VERSION()")))
    told = f"{version[-4:]}\x01".encode()
    changes = {told + b"0": told + b"1"} if rolls_back else {}
    engine = sa.create_engine(databases["default"].sync_url, poolclass=sa.NullPool)
    with open_proxy(url, changes) as (address, _), engine.begin() as other:
        databases.configure({"default": address})
        other.execute(sa.update(Author).values(name="locked"))
        codes: list[str] = []
        try:
            with atomic():
                Publisher.objects.create(name="before")
                with session() as shared:
                    shared.execute(sa.text("SET innodb_lock_wait_timeout = 1"))
                try:
                    Author.objects.filter(id=author.id).update(name="late")
                except LockTimeout as error:
                    codes.append(error.code)
                Publisher.objects.create(name="after")
        except DatabaseError as error:
            codes.append(error.code)
        aborted = ["db.transaction-aborted"] if rolls_back else []
        assert codes == ["db.lock-timeout", *aborted]
        assert Publisher.objects.count() == (0 if rolls_back else 2)


def test_a_changed_row_ends_the_transaction() -> None:
    """With `innodb_snapshot_isolation`, the default from 11.6 on, a conflict is a rollback."""
    author = make_author()
    engine = sa.create_engine(databases["default"].sync_url, poolclass=sa.NullPool)
    with pytest.raises(DatabaseError) as caught, atomic(isolation="repeatable read"):
        with session() as shared:
            shared.execute(sa.text("SET innodb_snapshot_isolation = ON"))
        Publisher.objects.create(name="before")
        assert Author.objects.count() == 1
        with engine.begin() as other:
            other.execute(sa.update(Author).values(name="changed"))
        with pytest.raises(TransactionConflict) as conflict:
            Author.objects.filter(id=author.id).update(name="late")
        assert conflict.value.code == "db.serialization"
        with pytest.raises(DatabaseError):
            Publisher.objects.create(name="after")
    assert caught.value.code == "db.transaction-aborted"
    assert Publisher.objects.count() == 0


@pytest.mark.parametrize("shared", [True, False], ids=["in a block", "alone"])
def test_after_a_deadlock_in_a_session_nothing_is_stored(shared: bool) -> None:
    """A Session cannot go on in a transaction that the server has rolled back."""
    failures: list[str] = []

    def update(barrier: threading.Barrier, mine: int, other: int) -> None:
        with session() as opened:
            statement = sa.update(Author).values(name="x")
            opened.execute(statement.where(Author.id == mine))
            barrier.wait(10)
            try:
                opened.execute(statement.where(Author.id == other))
            except DBAPIError:
                failures.append("deadlock")
                with pytest.raises(sa.exc.SQLAlchemyError):
                    opened.execute(sa.insert(Publisher).values(name="stored all the same"))
                raise
            opened.commit()

    def call(barrier: threading.Barrier, mine: int, other: int) -> None:
        try:
            if shared:
                with atomic():
                    update(barrier, mine, other)
            else:
                update(barrier, mine, other)
        except DBAPIError:
            failures.append("raised")

    lock_crosswise(call, call)
    assert failures == ["deadlock", "raised"]
    assert Publisher.objects.count() == 0
    assert count_in_use("sync") == 0
    with atomic():
        make_author("Ada")
    assert Author.objects.filter(name="Ada").exists()
