"""The pool of an event loop: its limit, its waiting line, and connections that break."""

import asyncio

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import atomic
from undercroft.errors import DatabaseUnavailable

# SQLite has no pool of its own on the event loop.
pytestmark = [
    pytest.mark.usefixtures("small"),
    pytest.mark.parametrize(
        "database",
        [
            pytest.param("postgresql", marks=pytest.mark.postgres),
            pytest.param("mariadb", marks=pytest.mark.mariadb),
        ],
        indirect=True,
    ),
]

#: What closes all other connections to the database.
CLOSING = {
    "postgresql": "select pg_terminate_backend(pid) from pg_stat_activity"
    " where pid <> pg_backend_pid() and datname = current_database()",
    "mariadb": "select id from information_schema.processlist"
    " where id <> connection_id() and db = database()",
}


@pytest.fixture
def small(database: str) -> None:
    """A pool of two connections and a short patience."""
    url = databases["default"].url.partition("?")[0]
    databases.configure({"default": f"{url}?pool_size=2&pool_timeout=0.2"})


def pool() -> object:
    return databases["default"].async_engine.sync_engine.pool


def test_more_callers_than_connections_wait(run: Run) -> None:
    """Fifty queries on two connections all answer, and no third connection is opened."""
    patient = databases["default"].url.replace("pool_timeout=0.2", "pool_timeout=30")
    databases.configure({"default": patient})

    async def main() -> None:
        assert await asyncio.gather(*(Author.objects.acount() for _ in range(50))) == [0] * 50
        assert "open: 2, idle: 2" in pool().status()  # type: ignore[attr-defined]

    run(main())


def test_an_exhausted_pool_says_so(run: Run) -> None:
    """When no connection comes free in time the error names the limit and the repair."""

    async def hold() -> None:
        async with atomic():
            await Author.objects.acount()
            await asyncio.sleep(0.6)

    async def main() -> None:
        holders = [asyncio.ensure_future(hold()) for _ in range(2)]
        await asyncio.sleep(0.1)
        with pytest.raises(DatabaseUnavailable, match="None of the 2 database connections"):
            await Author.objects.acount()
        await asyncio.gather(*holders)
        assert await Author.objects.acount() == 0

    run(main())


def test_the_engine_and_the_lane_share_the_limit(run: Run) -> None:
    """A connection held through SQLAlchemy counts, and comes back for the lane to use."""

    async def main() -> None:
        engine = databases["default"].async_engine
        async with engine.connect() as first, engine.connect():
            assert await first.scalar(sa.text("select 1")) == 1
            with pytest.raises(DatabaseUnavailable):
                await Author.objects.acount()
        assert await Author.objects.acount() == 0
        assert "open: 2, idle: 2" in pool().status()  # type: ignore[attr-defined]

    run(main())


def test_a_broken_connection_is_replaced(run: Run, database: str) -> None:
    """Connections the server has closed are noticed and opened anew."""

    async def main() -> None:
        await asyncio.gather(Author.objects.acount(), Author.objects.acount())
        engine = databases["default"].sync_engine
        with engine.connect() as connection:
            found = connection.scalars(sa.text(CLOSING[database])).all()
            for number in found if database == "mariadb" else ():
                connection.execute(sa.text(f"KILL {number}"))
        await asyncio.sleep(0.1)
        assert await Author.objects.acount() == 0
        assert await Author.objects.acount() == 0
        assert pool().checkedout() == 0  # type: ignore[attr-defined]

    run(main())


def test_cancelled_queries_and_waiters_leak_nothing(run: Run) -> None:
    """Queries cancelled at any moment, running or waiting, give their connection back."""

    async def main() -> None:
        await Author.objects.acount()
        for step in range(40):
            tasks = [asyncio.ensure_future(Author.objects.acount()) for _ in range(6)]
            await asyncio.sleep(step / 10_000)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert pool().checkedout() == 0  # type: ignore[attr-defined]
        assert await asyncio.gather(*(Author.objects.acount() for _ in range(10))) == [0] * 10

    run(main())


def test_a_changed_table_is_no_surprise(run: Run, database: str) -> None:
    """A statement prepared before a migration is prepared anew after it."""
    change = "ALTER COLUMN name TYPE varchar({})"
    if database == "mariadb":
        # It forgets what is not said again.
        change = "MODIFY name varchar({}) NOT NULL"

    async def main() -> None:
        await Author.objects.acreate(name="Ada", email="a")
        for length in (300, 200):
            assert len(await Author.objects.all()) == 1
            with databases["default"].sync_engine.begin() as connection:
                connection.execute(sa.text(f"ALTER TABLE db_author {change.format(length)}"))
        assert len(await Author.objects.all()) == 1

    run(main())
