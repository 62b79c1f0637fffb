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
from undercroft.db.schema import list_tables

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
    prepare = {"sqlite": copy_sqlite, "postgresql": empty_postgres, "mariadb": empty_mariadb}
    prepare[request.param](url)
    yield request.param
    databases.dispose()
    databases.configure(before)


#: An SQLite database with all tables, by the names of those: to copy it is faster than to make one.
_templates: dict[frozenset[str], bytes] = {}


def copy_sqlite(url: str) -> None:
    """Make a file with every table."""
    path = Path(url.removeprefix("sqlite:///"))
    names = frozenset(models.Model.metadata.tables)
    if names not in _templates:
        models.create_all()
        databases["default"].dispose()
        _templates[names] = path.read_bytes()
    path.write_bytes(_templates[names])


def make_tables(listing: str) -> None:
    """Make the tables that are not there; SQLAlchemy would ask for each of them.

    Args:
        listing: The database's own question for the names of those that are.
    """
    with databases["default"].sync_engine.connect() as connection:
        present = {*connection.scalars(sa.text(listing))}
    if not present.issuperset(table.name for table in list_tables()):
        models.create_all()


#: The tables that have handed out keys.
_POSTGRES_COUNTED = """
    SELECT DISTINCT pg_class.relname FROM pg_sequences
    JOIN pg_depend ON pg_depend.objid = format('%I.%I', schemaname, sequencename)::regclass
    JOIN pg_class ON pg_class.oid = pg_depend.refobjid AND pg_depend.deptype IN ('a', 'i')
    WHERE last_value IS NOT NULL AND schemaname = current_schema()
"""


def empty_postgres(_url: str) -> None:
    """Empty every table that has, or had, a row."""
    make_tables("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    with databases["default"].sync_engine.begin() as connection:
        used = {*connection.scalars(sa.text(_POSTGRES_COUNTED)), *find_filled(connection)}
        if used:
            names = ", ".join(f'"{name}"' for name in sorted(used))
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


def empty_mariadb(_url: str) -> None:
    """Empty every table that has, or had, a row; of DDL, which is slow, as little as can be."""
    make_tables("SHOW TABLES")
    with databases["default"].sync_engine.begin() as connection:
        counted = connection.scalars(
            sa.text(
                "SELECT SUBSTRING_INDEX(name, '/', -1)"
                " FROM information_schema.innodb_sys_tablestats"
                " WHERE name LIKE CONCAT(DATABASE(), '/%') AND autoinc > 1"
            )
        )
        used = {*counted, *find_filled(connection)}
        connection.execute(sa.text("SET foreign_key_checks = 0"))
        for name in sorted(used):
            connection.execute(sa.text(f"TRUNCATE `{name}`"))
        connection.execute(sa.text("SET foreign_key_checks = 1"))


def find_filled(connection: sa.Connection) -> list[str]:
    """Find the tables that have a row, in one question."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    asks = (
        f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quote(name)})"
        for name in [table.name for table in list_tables()]
    )
    return [*connection.scalars(sa.text(" UNION ALL ".join(asks)))]


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
