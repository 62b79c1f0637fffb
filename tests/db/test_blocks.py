# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""What `atomic` can be told: its forms, nesting, isolation, reading only, the rollback flag."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author, Counter, make_author
from tests.db.test_transactions import count_in_use
from undercroft import transaction
from undercroft.concurrency import drive
from undercroft.db.connections.databases import databases
from undercroft.db.connections.frames import current
from undercroft.db.connections.transactions import RequestTransaction
from undercroft.db.sessions import session
from undercroft.db.transaction import atomic, on_commit
from undercroft.errors import (
    DatabaseError,
    ImproperlyConfigured,
    IntegrityError,
    TransactionManagementError,
)

pytestmark = pytest.mark.usefixtures("database")


@transaction.atomic
def write_bare(name: str, *, fails: bool = False) -> str:
    """Write in a block, the decorator without brackets."""
    make_author(name)
    if fails:
        raise ZeroDivisionError
    return name


@transaction.atomic
async def awrite_bare(name: str, *, fails: bool = False) -> str:
    """As `write_bare`, as a coroutine function."""
    await Author.objects.acreate(name=name, email=name)
    if fails:
        raise ZeroDivisionError
    return name


class Service:
    """Has methods that are blocks."""

    @transaction.atomic("default")
    def write(self) -> int:
        make_author("method")
        return Author.objects.count()


def test_every_form_of_django_s_works(run: Run) -> None:
    """Without brackets, with them, with a name; on functions of both kinds and on methods."""
    assert write_bare("Ada") == "Ada"
    assert write_bare.__name__ == "write_bare"
    with pytest.raises(ZeroDivisionError):
        write_bare("Bob", fails=True)
    assert Service().write() == 2
    with transaction.atomic(using="default"), transaction.atomic(None), transaction.atomic():
        make_author("Cyd")

    async def main() -> None:
        assert await awrite_bare("Dan") == "Dan"
        with pytest.raises(ZeroDivisionError):
            await awrite_bare("Eve", fails=True)
        assert await Author.objects.acount() == 4

    run(main())


def test_a_generator_is_no_block() -> None:
    """What runs after its block has ended is refused where it is written."""

    def generate() -> Iterator[int]:
        yield 1

    with pytest.raises(ImproperlyConfigured) as caught:
        atomic(generate)
    assert caught.value.code == "db.atomic-generator"


def test_a_durable_block_is_outermost() -> None:
    """Alone it commits; within another block, or a request, it is refused before it begins."""
    with atomic(durable=True):
        make_author("Ada")
        with atomic():
            make_author("Bob")
    with atomic(), pytest.raises(RuntimeError) as caught, atomic(durable=True):
        make_author("never")
    assert isinstance(caught.value, TransactionManagementError)
    assert caught.value.code == "db.durable"
    request = RequestTransaction()
    request.begin()
    with pytest.raises(TransactionManagementError), atomic(durable=True):
        make_author("never")
    drive(request.rollback())
    assert Author.objects.count() == 2
    assert current.get() is None


def test_without_a_savepoint_a_failure_takes_the_outer_block_along(run: Run) -> None:
    """A swallowed failure is told at the end of the block around, and at its next query."""
    with pytest.raises(TransactionManagementError) as caught, atomic():
        make_author("Ada")
        with pytest.raises(ZeroDivisionError), atomic(savepoint=False):
            make_author("Bob")
            _ = 1 / 0
        assert transaction.get_rollback()
        with pytest.raises(TransactionManagementError), atomic():
            make_author("never")
        with pytest.raises(TransactionManagementError):
            Author.objects.count()
    assert caught.value.code == "db.transaction-aborted"
    assert Author.objects.count() == 0

    async def main() -> None:
        with pytest.raises(TransactionManagementError):
            async with atomic():
                with pytest.raises(ZeroDivisionError):
                    async with atomic(savepoint=False):
                        await Author.objects.acreate(name="Ada", email="a")
                        _ = 1 / 0
                with pytest.raises(TransactionManagementError):
                    await Author.objects.acount()
        assert await Author.objects.acount() == count_in_use("async") == 0

    run(main())
    with atomic(), atomic(savepoint=False):
        make_author("Ada")
    assert Author.objects.count() == 1


def test_a_savepoint_around_keeps_the_failure_in_bounds() -> None:
    """The nearest block with a savepoint goes, and what is around that stays."""
    with atomic():
        make_author("Ada")
        with pytest.raises(ZeroDivisionError), atomic():
            make_author("Bob")
            with atomic(savepoint=False):
                make_author("Cyd")
                _ = 1 / 0
        make_author("Dan")
    assert [author.name for author in Author.objects] == ["Ada", "Dan"]


def test_the_rollback_flag_rolls_back_in_silence(run: Run) -> None:
    """A block may be taken back although nothing failed; an inner one alone, if it is meant."""
    called: list[str] = []
    with atomic():
        make_author("Ada")
        on_commit(lambda: called.append("never"))
        transaction.set_rollback(True)
        # Not as in Django: what is only to be taken back at the end still works.
        assert Author.objects.count() == 1
    with atomic():
        make_author("Bob")
        with atomic():
            make_author("Cyd")
            assert not transaction.get_rollback()
            transaction.set_rollback(True)
        assert not transaction.get_rollback()
    with atomic():
        transaction.set_rollback(True)
        make_author("Dan")
        transaction.set_rollback(False)

    async def main() -> None:
        async with atomic():
            await Author.objects.acreate(name="Eve", email="e")
            transaction.set_rollback(True)
        async with RequestTransaction():
            await Author.objects.acreate(name="Eve", email="e")
            transaction.set_rollback(True)

    run(main())
    assert [author.name for author in Author.objects] == ["Bob", "Dan"]
    assert called == []
    for call in (lambda: transaction.set_rollback(True), transaction.get_rollback):
        with pytest.raises(TransactionManagementError) as caught:
            call()
        assert caught.value.code == "db.no-transaction"


def show_isolation() -> str:
    """Ask the server for the isolation of the running transaction, its words made ours."""
    asked = {
        "postgresql": "SHOW transaction_isolation",
        "mariadb": "SELECT TRX_ISOLATION_LEVEL FROM INFORMATION_SCHEMA.INNODB_TRX"
        " WHERE TRX_MYSQL_THREAD_ID = CONNECTION_ID()",
    }
    if databases["default"].vendor == "mariadb":
        time.sleep(0.15)  # It shows its transactions as they were up to 0.1 seconds ago.
    with session() as shared:
        found = shared.execute(sa.text(asked[databases["default"].vendor])).scalar_one()
    return str(found).lower()


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_a_block_has_the_isolation_it_asks_for(isolation: str, database: str, run: Run) -> None:
    """The server runs the transaction so, and the next one again by its own default."""
    with atomic(isolation=isolation):  # type: ignore[arg-type]  # a variable, not a literal
        make_author("Ada")
        if database != "sqlite":
            assert show_isolation() == isolation
    with atomic():
        make_author("Bob")
        assert database == "sqlite" or show_isolation() == "read committed"

    async def main() -> None:
        async with atomic(isolation=isolation):  # type: ignore[arg-type]  # likewise
            await Author.objects.acreate(name="Cyd", email="c")
            async with atomic(isolation=isolation):  # type: ignore[arg-type]  # likewise
                await Author.objects.acreate(name="Dan", email="d")

    run(main())
    assert Author.objects.count() == 4


def test_a_repeatable_read_sees_one_snapshot(database: str) -> None:
    """What others commit meanwhile is not seen, and with "read committed" it is."""
    if database == "sqlite":
        return  # It lets nobody else commit meanwhile.
    with atomic(isolation="repeatable read"):
        assert Author.objects.count() == 0
        in_a_thread(lambda: make_author("Ada"))
        assert Author.objects.count() == 0
    with atomic(isolation="read committed"):
        assert Author.objects.count() == 1
        in_a_thread(lambda: make_author("Bob"))
        assert Author.objects.count() == 2


def in_a_thread(work: Callable[[], object]) -> None:
    """Do something on a connection of its own, and wait for it."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_block_of_no_database_is_refused_at_its_entry(run: Run) -> None:
    """A name that is none would write outside of the transaction it seems to be in."""
    ran: list[int] = []

    @atomic("defualt")
    def write() -> None:
        ran.append(1)

    @atomic("defualt", retry=2)
    async def awrite() -> None:
        ran.append(2)

    def enter() -> None:
        with atomic("defualt"):
            ran.append(3)

    for act in (write, lambda: run(awrite()), enter, lambda: on_commit(list, "defualt")):
        with pytest.raises(ImproperlyConfigured, match="Did you mean 'default'") as caught:
            act()
        assert caught.value.code == "db.unknown-database"
    with atomic(), pytest.raises(ImproperlyConfigured):
        on_commit(list, "defualt")
    assert ran == []


def test_an_unknown_isolation_is_refused() -> None:
    """A level that does not exist names the one that was meant; capitals are as good."""
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'serializable'"):
        atomic(isolation="serialisable")  # type: ignore[call-overload]  # the mistake
    with atomic(isolation="SERIALIZABLE"):  # type: ignore[call-overload]  # as SQLAlchemy writes
        make_author("Ada")


def test_a_transaction_that_reads_only_cannot_write(database: str, run: Run) -> None:
    """The database refuses to write, and the connection writes again afterwards."""
    make_author("Ada")

    def write() -> None:
        with pytest.raises(DatabaseError) as caught, atomic(read_only=True):
            assert Author.objects.count() == 1
            make_author("Bob")
        assert caught.value.code == "db.read-only"

    async def awrite() -> None:
        with pytest.raises(DatabaseError) as caught:
            async with atomic(read_only=True, isolation="serializable"):
                await Author.objects.acreate(name="Bob", email="b")
        assert caught.value.code == "db.read-only"
        await Author.objects.acreate(name="Cyd", email="c")
        # Nothing was open, so there was a failure to undo and nothing to keep.
        assert await Author.objects.acount() == 2

    write()
    run(awrite())
    make_author("Dan")
    assert [author.name for author in Author.objects] == ["Ada", "Cyd", "Dan"]


def test_who_reads_only_does_not_wait_for_sqlite_s_writer(database: str) -> None:
    """A transaction that reads only takes no turn to write."""
    done: list[int] = []

    def read() -> None:
        with atomic(read_only=True):
            done.append(Author.objects.count())

    with atomic():
        make_author("Ada")
        in_a_thread(read)
    assert done == [0]


def test_the_options_of_a_transaction_are_the_outermost_block_s() -> None:
    """An inner block may repeat what holds already, and not ask for anything else."""
    with atomic(isolation="serializable"), atomic(isolation="serializable"):
        make_author("Ada")
    with atomic(), pytest.raises(TransactionManagementError) as caught, atomic(read_only=True):
        pass
    assert caught.value.code == "db.nested-options"
    request = RequestTransaction()
    request.begin()
    with pytest.raises(TransactionManagementError) as caught, atomic(isolation="serializable"):
        pass
    assert "@non_atomic_requests" in str(caught.value)
    drive(request.rollback())


def test_a_robust_callback_does_not_hold_up_the_others(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Its failure is logged; of one that is not robust it is raised, and ends the calls."""
    called: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError

    async def afail() -> None:
        raise ZeroDivisionError

    with atomic():
        make_author("Ada")
        on_commit(fail, robust=True)
        on_commit(afail, robust=True)
        on_commit(lambda: called.append("sync"))

    async def main() -> None:
        async with atomic():
            await Author.objects.acreate(name="Bob", email="b")
            on_commit(fail, robust=True)
            on_commit(afail, robust=True)
            on_commit(lambda: called.append("async"))

    run(main())
    on_commit(fail, robust=True)
    assert called == ["sync", "async"]
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.exc_info[0] for record in failures if record.exc_info] == [ZeroDivisionError] * 5
    with pytest.raises(ZeroDivisionError), atomic():
        make_author("Cyd")
        on_commit(fail)
        on_commit(lambda: called.append("never"))
    assert Author.objects.count() == 3
    assert called == ["sync", "async"]


def test_a_coroutine_function_needs_a_commit_to_wait_for(run: Run) -> None:
    """Without a transaction there is nobody who would await it, so it is refused on the loop."""
    called: list[str] = []

    async def call() -> None:
        called.append("now")

    on_commit(call)

    async def main() -> None:
        with pytest.raises(TransactionManagementError) as caught:
            on_commit(call)
        assert caught.value.code == "db.no-transaction"

    run(main())
    assert called == ["now"]


@pytest.mark.parametrize("nested", [False, True])
def test_a_dead_connection_does_not_hide_what_failed(
    nested: bool, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """When the rollback fails, the exception that asked for it is the one that is raised."""
    with pytest.raises(ZeroDivisionError), atomic():
        make_author("Ada")
        if nested:
            with atomic():
                make_author("Bob")
                break_connection()
                _ = 1 / 0
        break_connection()
        _ = 1 / 0
    # Of the others' it is known beforehand that nothing is left to be rolled back.
    assert ("could not be rolled back" in caplog.text) is (database == "postgresql")
    assert count_in_use("sync") == 0
    assert Author.objects.count() == 0


def break_connection() -> None:
    """End the connection of the open transaction; PostgreSQL's server does it, unnoticed so far."""
    frame = current.get()
    assert frame is not None
    (link,) = frame.root.links.values()
    driver = link._driver  # type: ignore[attr-defined]  # which one it is
    if databases["default"].vendor != "postgresql":
        driver.close()
    elif not driver.closed:
        with databases["default"].sync_engine.connect() as other:
            ended = sa.text("SELECT pg_terminate_backend(:pid)")
            other.execute(ended, {"pid": driver.info.backend_pid})


def test_blocks_in_tasks_keep_apart(run: Run) -> None:
    """A decorated coroutine function that runs many times at once gets a block for each."""
    Counter.objects.create()

    @atomic
    async def work(number: int) -> None:
        await Author.objects.acreate(name=f"n{number}", email=f"e{number}")
        await asyncio.sleep(0.001)
        if number % 2:
            raise IntegrityError("on purpose")

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(20)), return_exceptions=True)
        assert await Author.objects.acount() == 10

    run(main())


def test_tasks_may_share_a_block(run: Run) -> None:
    """One `atomic()` that several tasks enter is a transaction of each, whoever leaves first."""
    shared = atomic()

    async def write(name: str, entered: asyncio.Event, waited_for: asyncio.Event) -> None:
        async with shared:
            entered.set()
            await waited_for.wait()
            await Author.objects.acreate(name=name, email=name)
            if name == "fails":
                raise ZeroDivisionError

    async def main() -> list[str]:
        first, second = asyncio.Event(), asyncio.Event()
        kept = asyncio.ensure_future(write("kept", first, second))
        await first.wait()
        failing = asyncio.ensure_future(write("fails", second, second))
        await kept
        with pytest.raises(ZeroDivisionError):
            await failing
        return [author.name async for author in Author.objects]

    assert run(main()) == ["kept"]
