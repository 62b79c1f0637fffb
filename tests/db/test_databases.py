"""URLs, engines, and databases that cannot be reached."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author, Counter
from undercroft import models
from undercroft.concurrency import run_in_thread
from undercroft.db.connections.databases import databases
from undercroft.db.connections.failures import translate
from undercroft.db.connections.options import DatabaseOptions
from undercroft.db.connections.transactions import atomic
from undercroft.db.connections.urls import parse_url
from undercroft.errors import DatabaseUnavailable, ImproperlyConfigured, SynchronousOnlyOperation


@pytest.fixture(autouse=True)
def configuration() -> Iterator[None]:
    """Put back the configuration a test replaces."""
    before = {alias: known.url for alias, known in databases.items()}
    yield
    databases.dispose()
    databases.configure(before)


def test_a_url_names_both_drivers() -> None:
    """A plain scheme means the driver for sync and the driver for async code."""
    assert parse_url("postgresql://u:p@h:1/n?sslmode=x&pool_size=3") == (
        "postgresql",
        "postgresql+psycopg://u:p@h:1/n?sslmode=x",
        "postgresql+asyncpg://u:p@h:1/n?sslmode=x",
        DatabaseOptions(pool_size=3),
    )
    assert parse_url("postgres://h/n")[0] == "postgresql"
    assert parse_url("sqlite:////abs/x.db")[1:3] == ("sqlite+pysqlite:////abs/x.db", None)
    for scheme in ("mysql", "mariadb", "mysql+pymysql", "mariadb+asyncmy"):
        assert parse_url(f"{scheme}://h/n")[:3] == (
            "mariadb",
            "mariadb+pymysql://h/n",
            "mariadb+asyncmy://h/n",
        )


@pytest.mark.parametrize(
    "url",
    [
        "postgress://secret@h/n",
        "nothing",
        "sqlite://?pool_size=x",
        "postgresql://u:secret@h:1,i:2/n",
        "mariadb://u:secret@h:many/n",
        "postgresql://u:x@y:secret/n",
    ],
)
def test_a_wrong_url_is_refused_without_its_secrets(url: str) -> None:
    """The message says what is wrong and never shows a password."""
    with pytest.raises(ImproperlyConfigured) as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)


def test_configure_keeps_what_stays() -> None:
    """A database whose URL does not change keeps its engines."""
    databases.configure({"default": "sqlite://", "other": "sqlite:///other.db"})
    other = databases["other"]
    databases.configure({"default": "sqlite:///x.db", "other": "sqlite:///other.db"})
    assert databases["other"] is other
    assert set(databases) == {"default", "other"}
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'other'"):
        _ = databases["othr"]


NOISE = ("sqlalche.me", "(psycopg", "(pymysql", "(sqlite3", "[SQL", "[parameters", "\n")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres@127.0.0.1:1/none?connect_timeout=2",
        "mariadb://root@127.0.0.1:1/none?connect_timeout=2",
        "postgresql://postgres@no-such-host.invalid/none?connect_timeout=2",
        "sqlite:////no/such/folder/db.sqlite3",
        "postgresql://postgres@no-such-host.invalid/none",
        "mariadb://root@no-such-host.invalid/none",
    ],
)
def test_an_unreachable_database_says_so(url: str, run: Run) -> None:
    """No server, or no folder, is DatabaseUnavailable with the cause, in sync and async code."""
    databases.configure({"default": url})
    with pytest.raises(DatabaseUnavailable) as caught:
        Author.objects.count()
    assert caught.value.__cause__ is not None
    assert [noise for noise in NOISE if noise in str(caught.value)] == []
    with pytest.raises(DatabaseUnavailable), atomic():
        Author.objects.create(name="x", email="x")
    with pytest.raises(DatabaseUnavailable):
        models.create_all()

    async def main() -> None:
        for _ in range(20):  # more often than the pool has places
            with pytest.raises(DatabaseUnavailable):
                await Author.objects.acount()
        with pytest.raises(DatabaseUnavailable):
            async with atomic():
                await Author.objects.acreate(name="x", email="x")

    run(main())


def test_memory_is_one_database_for_all_threads(run: Run) -> None:
    """An in-memory SQLite is the same one in every thread and on the loop."""
    databases.configure({"default": "sqlite://"})
    models.create_all()
    counter = Counter.objects.create(value=1)

    def read() -> int:
        return Counter.objects.get(id=counter.id).value

    async def main() -> list[int]:
        calls = [run_in_thread(read) for _ in range(20)]
        values = await asyncio.gather(*calls)
        values.append((await Counter.objects.aget(id=counter.id)).value)
        return values

    assert asyncio.run(main()) == [1] * 21


def test_sqlite_is_set_up_for_production(tmp_path: Path) -> None:
    """Every connection waits for writers, logs ahead, and enforces foreign keys."""
    databases.configure({"default": f"sqlite:///{tmp_path / 'x.db'}?busy_timeout=3"})
    with databases["default"].sync_engine.connect() as connection:
        settings = {
            name: connection.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("busy_timeout", "journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {
        "busy_timeout": 3000,
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
    }


def test_blocking_calls_on_the_loop_name_their_twin() -> None:
    """Each blocking way to a row is refused on the event loop, with the async one in the hint."""
    databases.configure({"default": "sqlite://"})

    async def main() -> None:
        cases = [
            (lambda: Author.objects.get(id=1), "await Author.objects.aget(...)"),
            (lambda: list(Author.objects.all()), "async for row in Author.objects"),
            (lambda: Author.objects.all()[0], "afirst"),
            (lambda: len(Author.objects.all()), "acount"),
            (lambda: bool(Author.objects.all()), "aexists"),
            (lambda: Author(name="x").save(), "await author.asave(...)"),
        ]
        for call, hint in cases:
            with pytest.raises(SynchronousOnlyOperation) as caught:
                call()
            assert hint in str(caught.value)

    asyncio.run(main())


def test_the_light_modules_stay_light() -> None:
    """Databases and transactions can be named without importing SQLAlchemy."""
    code = (
        "import sys; import undercroft.db, undercroft.db.connections.databases;"
        "import undercroft.db.connections.transactions;"
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_sqlalchemy_adds_is_left_out() -> None:
    """The text has the driver's words: no statement, no value, no link."""
    cause = sqlite3.OperationalError("no such function: nope")
    wrapped = sa.exc.OperationalError("SELECT nope(?)", ("secret",), cause)
    wrapped.code = "e3q8"
    told = translate(wrapped)
    assert str(told) == "The database refused a statement: no such function: nope. [db.error]"
    alone = translate(sa.exc.InvalidRequestError("No.", code="abcd"))
    assert str(alone) == "The database refused a statement: No. [db.error]"


@pytest.mark.parametrize(
    "url,driver,hint",
    [
        ("sqlite+aiosqlite:///x.db", "aiosqlite", "Write `sqlite://`, whose driver is a part of"),
        ("postgresql+pg8000://h/n", "pg8000", "Write `postgresql://`, .* 'undercroft.postgres.'"),
        ("postgresql://h/n", "psycopg", "Run `pip install 'undercroft.postgres.'`"),
    ],
)
def test_a_missing_driver_says_what_brings_one(
    url: str, driver: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint names what there is: Python's own, an extra, or ours in place of another's."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise ModuleNotFoundError(name=driver)

    # Which packages are installed here should not matter.
    monkeypatch.setattr(sa, "create_engine", fail)
    databases.configure({"default": url})
    with pytest.raises(ImproperlyConfigured, match=hint) as caught:
        _ = databases["default"].sync_engine
    assert caught.value.code == "db.driver-missing"
