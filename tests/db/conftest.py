"""The same tests on SQLite, PostgreSQL and MariaDB, in sync and in async code."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import create_mariadb_database, create_postgres_database
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.lane import Lane
from undercroft.db.queries.shape import Call

#: For tests of constraints that wait for the commit, which MariaDB's do not.
DEFERRING = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="session")
def shared_postgres(postgres_server: str) -> Iterator[str]:
    """One PostgreSQL database for all tests here; each test empties its tables."""
    with create_postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def shared_mariadb(mariadb_server: str) -> Iterator[str]:
    """One MariaDB database for all tests here; each test empties its tables."""
    with create_mariadb_database(mariadb_server) as url:
        yield url


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with every table, as the default one; gives its vendor."""
    before = {alias: known.url for alias, known in databases.items()}
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    else:
        shared = {"postgresql": "shared_postgres", "mariadb": "shared_mariadb"}
        url = request.getfixturevalue(shared[request.param])
    databases.configure({"default": f"{url}?pool_timeout=5"})
    models.create_all()
    if request.param == "postgresql":
        names = ", ".join(f'"{table.name}"' for table in models.Model.metadata.tables.values())
        with databases["default"].sync_engine.begin() as connection:
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    elif request.param == "mariadb":
        empty_mariadb()
    yield request.param
    databases.dispose()
    databases.configure(before)


def empty_mariadb() -> None:
    """Empty every table that has, or had, a row; of DDL, which is slow, as little as can be."""
    with databases["default"].sync_engine.begin() as connection:
        used = connection.scalars(
            sa.text(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
                " AND (auto_increment > 1 OR table_rows > 0 OR auto_increment IS NULL)"
            )
        ).all()
        connection.execute(sa.text("SET foreign_key_checks = 0"))
        for name in used:
            connection.execute(sa.text(f"TRUNCATE `{name}`"))
        connection.execute(sa.text("SET foreign_key_checks = 1"))


@pytest.fixture
def run() -> Run:
    """Run a coroutine on a loop of its own, and close the connections that loop opened."""

    async def run_and_close(coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await coroutine
        finally:
            await databases.adispose()

    return lambda coroutine: asyncio.run(run_and_close(coroutine))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Collect every call that reaches a database; the lane itself stays the real one."""
    found: list[Call] = []
    run, arun = Lane.run, Lane.arun

    def note_and_run(lane: Lane, call: Call) -> Any:
        found.append(call)
        return run(lane, call)

    async def note_and_arun(lane: Lane, call: Call) -> Any:
        if lane.is_native_async:
            # Otherwise it goes through `run`, in a thread.
            found.append(call)
        return await arun(lane, call)

    monkeypatch.setattr(Lane, "run", note_and_run)
    monkeypatch.setattr(Lane, "arun", note_and_arun)
    return found
