# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""The options of a database: each works on every database, or is refused where it means nothing."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author, Counter, make_author
from tests.db.test_transactions import count_in_use
from undercroft import App, DatabaseSettings, Settings
from undercroft.db.connections.databases import databases
from undercroft.db.connections.options import DatabaseOptions
from undercroft.db.connections.transactions import atomic
from undercroft.db.connections.urls import parse_url
from undercroft.db.sessions import async_session, session
from undercroft.errors import (
    DatabaseTimeout,
    DatabaseUnavailable,
    ImproperlyConfigured,
    LockTimeout,
    TransactionManagementError,
)


@pytest.fixture(autouse=True)
def configuration() -> Iterator[None]:
    """Put back the configuration a test replaces."""
    before = {alias: known.configuration for alias, known in databases.items()}
    yield
    databases.dispose()
    databases.configure(before)


def configure(**options: Any) -> None:
    """Configure the test's database anew, with options."""
    url = databases["default"].url.partition("?")[0]
    databases.configure({"default": {"url": url, **options}})


def test_options_come_from_the_url_or_beside_it() -> None:
    """Texts of a URL and values of settings are read alike; what is not ours is the driver's."""
    vendor, sync_url, _, options = parse_url(
        "postgresql://h/n?statement_timeout=2.5&sslmode=x&max_connections=9",
        {"lock_timeout": 1, "pool_size": None, "application_name": "my shop"},
    )
    assert (vendor, sync_url) == ("postgresql", "postgresql+psycopg://h/n?sslmode=x")
    assert options == DatabaseOptions(
        statement_timeout=2.5,
        max_connections=9,
        lock_timeout=1.0,
        application_name="my shop",
    )
    assert parse_url("sqlite://?busy_timeout=3")[3].lock_timeout == 3
    for query in ("cached_statements=9", "mode=ro&uri=true"):
        assert parse_url(f"sqlite:///file:x?{query}")[1].endswith(query)


@pytest.mark.parametrize(
    "url,given,message",
    [
        ("sqlite:///x.db?pool_sise=3", {}, "'pool_sise' does not exist. Did you mean 'pool_size'"),
        ("sqlite:///file:x?uri=true&pool_sise=3", {}, "'pool_sise' does not exist"),
        ("sqlite:///x.db?mode=ro", {}, r"'mode' is of SQLite's own URIs.*mode=\.\.\.&uri=true"),
        ("sqlite://?connect_timeout=1", {}, "'connect_timeout' means nothing here. SQLite"),
        ("sqlite://", {"idle_in_transaction_timeout": 1}, "'idle_in_transaction_timeout' means"),
        ("sqlite://", {"application_name": "x"}, "'application_name' means nothing"),
        ("sqlite://", {"replicas": ["x"]}, "'replicas' is no list of URLs"),
        ("postgresql://h/n?replicas=a,b", {}, "'replicas' is no list of URLs"),
        ("postgresql://h/n", {"replicas": []}, "'replicas' is no list of URLs"),
        ("mariadb://h/n", {"replica_sticky": 0}, "replica_sticky=0: expected a number of seconds"),
        ("postgresql://h/n?busy_timeout=1", {}, "write `lock_timeout`"),
        ("mariadb://h/n?busy_timeout=1", {}, "write `lock_timeout`"),
        ("mysql://h/n", {"max_overflow": 3}, "'max_overflow' does not exist.*max_connections"),
        ("postgresql://h/n?max_overflow=3", {}, "'max_overflow' does not exist"),
        ("postgresql://h/n", {"pool_siez": 3}, "Did you mean 'pool_size'"),
        ("postgresql://h/n?pool_size=3", {"pool_size": 3}, "'pool_size' is given twice"),
        ("sqlite://?busy_timeout=3&lock_timeout=3", {}, "'lock_timeout' is given twice"),
        ("postgresql://h/n?pool_size=many", {}, "pool_size='many' is no number"),
        ("postgresql://h/n?pool_size=0", {}, "pool_size='0': expected a number from 1 on"),
        ("postgresql://h/n?pool_size=1.5", {}, "pool_size='1.5' is no number"),
        ("postgresql://h/n?statement_timeout=0", {}, "above 0. Leave it out for no limit"),
        ("postgresql://h/n?lock_timeout=-1", {}, "lock_timeout='-1': expected"),
        ("postgresql://h/n?pool_timeout=nan", {}, "pool_timeout='nan': expected"),
        ("postgresql://h/n?pool_recycle=inf", {}, "pool_recycle='inf': expected"),
    ],
)
def test_what_would_be_passed_over_is_refused(url: str, given: Any, message: str) -> None:
    """An option that does not exist, means nothing or is no number says what to write."""
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        parse_url(url, given)
    assert caught.value.code == "db.option"


def test_settings_hold_options() -> None:
    """A database of the settings is a URL, or options with one, also from the environment."""
    App(
        Settings(
            databases={
                "default": DatabaseSettings(url="sqlite://", pool_size=3),
                "archive": "sqlite:///archive.db?pool_timeout=7",
            }
        )
    )
    assert databases["default"].options.pool_size == 3
    assert databases["archive"].options.pool_timeout == 7
    before = databases["default"]
    App(Settings(databases={"default": {"url": "sqlite://", "pool_size": 3}}))  # type: ignore[dict-item]
    assert databases["default"] is before
    App(Settings(databases={"default": DatabaseSettings(url="sqlite://", pool_size=4)}))
    assert databases["default"] is not before


def test_options_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's JSON may hold options, and a mistake in them changes nothing."""
    told = '{"default": {"url": "sqlite://", "statement_timeout": 2}}'
    monkeypatch.setenv("UNDERCROFT_DATABASES", told)
    App()
    assert databases["default"].options.statement_timeout == 2
    before = databases["default"]
    monkeypatch.setenv("UNDERCROFT_DATABASES", told.replace("statement", "connect"))
    with pytest.raises(ImproperlyConfigured, match="connect_timeout"):
        App()
    assert databases["default"] is before


def test_options_need_a_url() -> None:
    """Options without a URL say what is missing."""
    with pytest.raises(ImproperlyConfigured, match="'default' has no URL"):
        databases.configure({"default": {"pool_size": 3}})


SLOW = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000000)"
    " SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(20)",
    # A sleep is interrupted in silence.
    "mariadb": "SELECT BENCHMARK(2000000000, MD5('x'))",
}


def make_slow(vendor: str) -> sa.ColumnElement[bool]:
    """Make a condition that takes many seconds."""
    column: sa.ColumnElement[Any] = sa.literal_column(f"({SLOW[vendor]})")
    return column.is_not(None)


def test_a_statement_that_takes_too_long_is_cut_short(database: str, run: Run) -> None:
    """Time-outs are a DatabaseTimeout in querysets and in the block of a Session, and a 503."""
    make_author("Ada")
    configure(statement_timeout=0.2)
    started = time.monotonic()
    slow = Author.objects.filter(make_slow(database))
    with pytest.raises(DatabaseTimeout) as caught:
        slow.count()
    assert (caught.value.code, caught.value.is_temporary) == ("db.statement-timeout", True)
    assert "`statement_timeout`" in str(caught.value)
    with pytest.raises(DatabaseTimeout), atomic():
        make_author("Bob")
        slow.count()

    async def main() -> None:
        with pytest.raises(DatabaseTimeout):
            await slow.acount()
        with pytest.raises(DatabaseTimeout):
            async with atomic():
                await Author.objects.acreate(name="Cyd", email="c")
                await slow.acount()
        assert await Author.objects.acount() == 1
        assert count_in_use("async") == 0

    run(main())
    assert time.monotonic() - started < 10
    assert count_in_use("sync") == 0
    assert [author.name for author in Author.objects] == ["Ada"]
    # One that is fast enough is not disturbed, however long its transaction takes.
    with atomic():
        time.sleep(0.3)
        make_author("Dan")
        time.sleep(0.3)
        assert Author.objects.count() == 2


def test_a_transaction_that_sqlite_gave_up_stores_nothing(database: str) -> None:
    """SQLite rolls all back when a write is cut short; nothing after it is stored on its own."""
    if database != "sqlite":
        return
    configure(statement_timeout=0.2)
    with pytest.raises(TransactionManagementError), atomic():
        make_author("Ada")
        with pytest.raises(DatabaseTimeout):
            Author.objects.filter(make_slow(database)).update(name="x")
        with pytest.raises(TransactionManagementError):
            make_author("Bob")
    assert Author.objects.count() == 0


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_lock_that_is_not_given_is_told(database: str, run: Run, kind: str) -> None:
    """Who waits too long for a row (on SQLite for the file) is told, and others go on."""
    configure(lock_timeout=1 if database == "mariadb" else 0.2)
    key = Counter.objects.create().id
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with atomic():
            Counter.objects.filter(id=key).update(value=1)
            held.set()
            done.wait(10)

    async def awrite() -> None:
        with pytest.raises(LockTimeout):
            async with atomic():
                await Counter.objects.filter(id=key).aupdate(value=2)
        assert count_in_use("async") <= 1

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        if kind == "def":
            with pytest.raises(LockTimeout) as caught, atomic():
                Counter.objects.filter(id=key).update(value=2)
            assert caught.value.code == ("db.locked" if database == "sqlite" else "db.lock-timeout")
            assert "`lock_timeout`" in str(caught.value)
        else:
            run_without_sync(awrite, run)
        assert Counter.objects.get().value == 0
    finally:
        done.set()
        thread.join()
    assert Counter.objects.get().value == 1


def run_without_sync(work: Callable[[], Any], run: Run) -> None:
    """Run a coroutine function, and close only what its loop has opened."""

    async def main() -> None:
        try:
            await work()
        finally:
            engine = databases["default"]._async_engines.pop(asyncio.get_running_loop(), None)
            if engine is not None:
                await engine.dispose()

    asyncio.run(main())


@pytest.mark.parametrize(
    "database",
    [
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)
def test_a_transaction_that_does_nothing_is_ended(database: str, run: Run) -> None:
    """The server ends it with its connection; what comes then is told, and nothing is stored."""
    configure(idle_in_transaction_timeout=1)

    def work() -> None:
        with atomic():
            make_author("Ada")
            time.sleep(1.6)
            make_author("Bob")

    async def awork() -> None:
        async with atomic():
            await Author.objects.acreate(name="Cyd", email="c")
            await asyncio.sleep(1.6)
            await Author.objects.acreate(name="Dan", email="d")

    # MariaDB's server does not say why, and asyncpg has closed the connection by then.
    ended = (DatabaseTimeout, DatabaseUnavailable, TransactionManagementError)
    with pytest.raises(ended) as caught:
        work()
    assert database == "mariadb" or caught.value.code == "db.idle-in-transaction"
    with pytest.raises(ended):
        run(awork())
    assert Author.objects.count() == 0


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_server_lists_the_application(database: str, run: Run) -> None:
    """PostgreSQL knows by what name the process goes, of both drivers."""
    configure(application_name="my shop: -c")
    statement = sa.text("SHOW application_name")
    with session() as opened:
        assert opened.scalar(statement) == "my shop: -c"

    async def main() -> None:
        async with async_session() as opened:
            assert await opened.scalar(statement) == "my shop: -c"

    run(main())


@pytest.mark.parametrize("age", [0.2, None])
def test_an_old_connection_is_replaced(database: str, run: Run, age: float | None) -> None:
    """After `pool_recycle` seconds a connection is a new one, and without it the same."""
    configure(pool_recycle=age, pool_size=1)

    def identify(pool: Any, record: Any) -> int:
        try:
            return id(record.dbapi_connection)
        finally:
            pool.give(record)

    pool: Any = databases["default"].sync_engine.pool
    first = pool.take()
    kept = first.dbapi_connection
    pool.give(first)
    time.sleep(0.3)
    assert (identify(pool, pool.take()) == id(kept)) is (age is None)

    async def main() -> None:
        apool: Any = databases["default"].async_engine.sync_engine.pool
        record = await apool.acquire()
        akept = record.dbapi_connection
        apool.give(record)
        await asyncio.sleep(0.3)
        found = apool.find_idle() or await apool.acquire()
        assert (identify(apool, found) == id(akept)) is (age is None)
        assert await Author.objects.acount() == 0

    if database != "sqlite":
        run(main())


def test_the_pool_is_as_large_as_it_says(tmp_path: Path) -> None:
    """Sync code waits for one of so many connections, in a line, and is told when none comes."""
    databases.configure({"default": f"sqlite:///{tmp_path / 'x'}?pool_size=2&pool_timeout=0.2"})
    pool: Any = databases["default"].sync_engine.pool
    first, second = pool.take(), pool.take()
    with pytest.raises(DatabaseUnavailable, match="None of the 2 database connections"):
        pool.take()
    threading.Timer(0.05, pool.give, [second]).start()
    third = pool.take()
    pool.give(first)
    pool.give(third)
    assert pool.state == ("threads", 2, 2, 0, 2)
    assert pool.checkedout() == 0
