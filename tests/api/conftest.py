"""A database with the newsroom's tables and a few rows, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.api.newsroom import City, Everything, Reporter, Story
from tests.conftest import create_postgres_database
from undercroft import models
from undercroft.concurrency import run_on_background_loop
from undercroft.db.connections.databases import databases

MODELS = (City, Reporter, Story, Everything)


@pytest.fixture(scope="session")
def api_postgres(postgres_server: str) -> Iterator[str]:
    """One PostgreSQL database for all tests here; each test empties its tables."""
    with create_postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def newsroom(request: pytest.FixtureRequest) -> Iterator[Reporter]:
    """A database with a city, two reporters and three stories; gives the first reporter."""
    before = {alias: known.url for alias, known in databases.items()}
    which = "sqlite_url" if request.param == "sqlite" else "api_postgres"
    databases.configure({"default": request.getfixturevalue(which)})
    tables = [model.__options__.table for model in MODELS]
    engine = databases["default"].sync_engine
    models.Model.metadata.create_all(engine, tables=tables)
    if request.param == "postgres":
        names = ", ".join(f'"{table.name}"' for table in tables)
        with engine.begin() as connection:
            connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    city = City.objects.create(name="Turin")
    ada = Reporter.objects.create(name="Ada", email="ada@example.org", city=city)
    Reporter.objects.create(name="Bo", email="bo@example.org")
    for number in range(3):
        Story.objects.create(title=f"Story {number}", body="Text.", reporter=ada)
    yield ada
    # Under WSGI there is no lifespan that would close what the background loop opened.
    run_on_background_loop(databases.adispose())
    databases.dispose()
    databases.configure(before)
