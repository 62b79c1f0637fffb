"""Replicas: which reads they answer, who reads from the primary, and what happens when they go.

The replica is a database of its own with other rows, so that every answer tells where it came from.
"""

import asyncio
import time
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest

from tests.conftest import create_mariadb_database, create_postgres_database
from tests.db.conftest import Run
from tests.db.shop_models import Author, Book
from undercroft import App, models
from undercroft.concurrency import run_on_background_loop
from undercroft.db import acheck_health, atomic, check_health, databases
from undercroft.db.connections import replicas
from undercroft.db.connections.replicas import recent_writes
from undercroft.db.connections.transactions import non_atomic_requests
from undercroft.errors import DatabaseUnavailable, ImproperlyConfigured
from undercroft.middleware.replicas import COOKIE
from undercroft.testing import max_queries
from undercroft.testing.client import Client, Through

DEAD = {
    "sqlite": "sqlite:////nowhere/at/all.db",
    "postgresql": "postgresql://postgres@127.0.0.1:1/gone?connect_timeout=1",
    "mariadb": "mysql://root@127.0.0.1:1/gone?connect_timeout=1",
}


@pytest.fixture
def copy_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a second database of the same kind, with every table and a row of its own."""
    if database == "sqlite":
        yield from fill(f"sqlite:///{tmp_path / 'copy.sqlite3'}")
        return
    server = request.getfixturevalue(
        "postgres_server" if database == "postgresql" else "mariadb_server"
    )
    create = create_postgres_database if database == "postgresql" else create_mariadb_database
    with create(server) as url:
        yield from fill(url)


def fill(url: str) -> Iterator[str]:
    """Give a database its tables, and an author who says which it is."""
    before = {alias: known.configuration for alias, known in databases.items()}
    databases.configure({**before, "copy": url})
    models.create_all("copy")
    make("copy")
    databases.configure(before)
    yield url


def make(alias: str) -> None:
    author = Author.objects.using(alias).create(name=alias, email=f"{alias}@example.org")
    Book.objects.using(alias).create(title=f"of {alias}", author=author)


def configure(*urls: str, sticky: float = 5.0) -> None:
    """Give the default database replicas, once it has a row that says which it is."""
    make("default")
    recent_writes.set(None)
    url = databases["default"].url
    databases.configure({"default": {"url": url, "replicas": list(urls), "replica_sticky": sticky}})


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Let every test begin as somebody who has written nothing."""
    token = recent_writes.set(None)
    yield
    recent_writes.reset(token)


def where() -> str:
    """Say which database answers."""
    return Author.objects.values_list("name", flat=True).get()


async def awhere() -> str:
    return await Author.objects.values_list("name", flat=True).aget()


def test_reads_go_to_the_replica(copy_url: str, run: Run) -> None:
    """In sync and in async code; relations of its rows come by the way of any other read."""
    configure(copy_url)
    assert where() == "copy"
    assert run(awhere()) == "copy"
    book = Book.objects.get()
    assert (book.title, book.author.name) == ("of copy", "copy")
    assert [each.name for each in Author.objects.prefetch_related("books")] == ["copy"]
    assert Author.objects.using("default").count() == 1


def test_transactions_and_writes_are_the_primarys(copy_url: str, run: Run) -> None:
    """So is every read of who has written, until the time is over."""
    configure(copy_url, sticky=0.2)
    with atomic(read_only=True):
        assert where() == "default"
    assert where() == "copy"
    Author.objects.filter(name="default").update(name="changed")
    assert where() == "changed"
    time.sleep(0.25)
    assert where() == "copy"
    with atomic():
        assert where() == "changed"
        time.sleep(0.25)
    assert where() == "changed", "counted from the commit"

    async def main() -> list[str]:
        await asyncio.sleep(0.25)
        found = [await awhere()]
        async with atomic():
            await Author.objects.filter(name="changed").aupdate(name="again")
        return [*found, await awhere()]

    assert run(main()) == ["copy", "again"]


def test_others_are_not_bound_by_it(copy_url: str) -> None:
    """A task or thread of somebody else goes on reading from the replica."""
    configure(copy_url)
    other = copy_context()
    Author.objects.filter(name="default").update(name="changed")
    assert where() == "changed"
    assert other.run(where) == "copy"


def test_a_dead_replica_is_left_out(
    copy_url: str, database: str, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one answers, at last the primary; it is asked again after a while, and told once."""
    configure(DEAD[database], copy_url)
    assert [where() for _ in range(4)] == ["copy"] * 4
    assert sum("is left out" in record.message for record in caplog.records) == 1
    configure_only_dead = {"url": databases["default"].url, "replicas": [DEAD[database]]}
    databases.configure({"default": configure_only_dead})
    assert where() == "default"
    assert run(awhere()) == "default"
    (replica,) = databases["default"].replicas or ()
    assert not replica.is_up
    replica.down_until = 0.0
    assert where() == "default"
    assert not replica.is_up


def test_each_is_asked_once_however_long_that_takes(
    copy_url: str, database: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search among dead ones ends, though the first may be asked again before the last fails."""
    configure(DEAD[database], DEAD[database])
    monkeypatch.setattr(replicas, "RETRY_AFTER", 0.0)
    with max_queries(2):
        assert where() == "default"
        assert run(awhere()) == "default"


def test_a_replica_comes_back(copy_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the time is over it is asked again."""
    configure(copy_url)
    monkeypatch.setattr(replicas, "RETRY_AFTER", 0.1)
    (known,) = databases["default"].replicas or ()
    known.leave_out(DatabaseUnavailable("as planned"))
    assert where() == "default"
    time.sleep(0.15)
    assert where() == "copy"


def test_a_busy_replica_is_no_dead_one(copy_url: str) -> None:
    """When its connections are in use, reads do not fall upon the primary: they wait, and tell."""
    url = databases["default"].url
    make("default")
    databases.configure(
        {"default": {"url": url.partition("?")[0], "replicas": [f"{copy_url}?pool_size=1"],
                     "pool_timeout": 0.2}}
    )  # fmt: skip
    recent_writes.set(None)
    assert where() == "copy"
    (copied,) = databases["default"].list_copies()
    with copied.sync_engine.connect(), pytest.raises(DatabaseUnavailable) as caught:
        where()
    assert caught.value.code == "db.pool-exhausted"
    assert where() == "copy"


def test_health_is_told(copy_url: str, database: str, run: Run) -> None:
    """Each answers for itself; one that does not is named, without its address."""
    configure(copy_url, DEAD[database])
    found = check_health()
    assert [(each.alias, each.is_up) for each in found] == [
        ("default", True),
        ("default.replica0", True),
        ("default.replica1", False),
    ]
    assert found[2].error
    assert "127.0.0.1" not in found[2].error
    assert all(each.lag is None for each in found)
    assert [each.is_up for each in run(acheck_health())] == [True, True, False]


def test_a_browser_sees_what_it_wrote(copy_url: str) -> None:
    """The next requests of who has written read from the primary; those of others do not."""
    configure(copy_url, sticky=2.0)
    app = App()

    @app.get("/where")
    async def show() -> str:
        return await awhere()

    @app.get("/sync")
    def show_sync() -> str:
        return where()

    @app.post("/change")
    def change() -> str:
        Author.objects.filter(name="default").update(name="changed")
        return where()

    @app.post("/fail")
    @non_atomic_requests
    def fail() -> None:
        Author.objects.filter(name="default").update(name="changed")
        raise ValueError("after the write")

    ways: tuple[Through, Through] = ("asgi", "wsgi")
    for through in ways:
        Author.objects.using("default").update(name="default")
        recent_writes.set(None)
        with Client(app, through=through) as one, Client(app, through=through) as other:
            assert one.get("/where").text == "copy"
            assert COOKIE not in one.cookies
            assert one.post("/change").text == "changed"
            assert one.get("/where").text == "changed"
            assert one.get("/sync").text == "changed"
            assert other.get("/where").text == "copy"
            assert other.post("/fail").status_code == 500
            assert other.get("/where").text == "changed"
    # What waits under WSGI does so on a loop that lives as long as the process.
    run_on_background_loop(databases.adispose())


@pytest.mark.parametrize("value", ["", "x", "-5", "1", "9" * 400, "\u0663"])
def test_a_forged_cookie_does_nothing(copy_url: str, value: str) -> None:
    """What is no moment to come is passed over, and one far away counts for the setting's time."""
    configure(copy_url)
    app = App()

    @app.get("/where")
    def show() -> str:
        return where()

    with Client(app) as client:
        headers = {"cookie": f"{COOKIE}={value}".encode()}
        assert client.get("/where", headers=headers).text == "copy"
        far = {"cookie": f"{COOKIE}=99999999999"}
        assert client.get("/where", headers=far).text == "default"


def test_a_replica_is_of_the_same_kind(database: str) -> None:
    """A copy of PostgreSQL is no SQLite file, and has no replicas of its own."""
    other = "sqlite:///x.db" if database != "sqlite" else "postgresql://h/n"
    with pytest.raises(ImproperlyConfigured) as caught:
        databases.configure({"default": {"url": DEAD[database], "replicas": [other]}})
    assert caught.value.code == "db.replica"
