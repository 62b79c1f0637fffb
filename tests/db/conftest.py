"""The same tests on SQLite and on PostgreSQL, in sync and in async code."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import create_postgres_database
from undercroft import models
from undercroft.db.connections.databases import databases

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(scope="session")
def shared_postgres(postgres_server: str) -> Iterator[str]:
    """One PostgreSQL database for all tests here; each test empties its tables."""
    with create_postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database with every table, as the default one; gives its vendor."""
    before = {alias: known.url for alias, known in databases.items()}
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'test.sqlite3'}"
    else:
        url = request.getfixturevalue("shared_postgres")
    databases.configure({"default": f"{url}?pool_timeout=5"})
    models.create_all()
    if request.param == "postgresql":
        names = ", ".join(f'"{table.name}"' for table in models.Model.metadata.tables.values())
        with databases["default"].sync_engine.begin() as connection:
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    yield request.param
    databases.dispose()
    databases.configure(before)


@pytest.fixture
def run() -> Run:
    """Run a coroutine on a loop of its own, and close the connections that loop opened."""

    async def run_and_close(coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await coroutine
        finally:
            await databases.adispose()

    return lambda coroutine: asyncio.run(run_and_close(coroutine))
