"""The club in every database, filled once for all exercises of a file."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.conftest import copy_sqlite, empty_mariadb, empty_postgres
from tests.db.exercises import club_rows
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.connections.frames import find_frame
from undercroft.db.connections.transactions import atomic, set_rollback
from undercroft.db.fixtures.sequences import reset_sequences
from undercroft.db.lane import get_lane

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Club:
    """The database of the exercises.

    Attributes:
        vendor: `sqlite`, `postgresql` or `mariadb`.
    """

    vendor: str

    def same(
        self,
        found: Any,
        sql: str,
        *,
        ordered: bool = False,
        answer: Any = None,
        **dialects: str,
    ) -> None:
        """Check that a queryset finds what a query in plain SQL finds.

        Args:
            found: Rows, or one dict of values.
            sql: The query.
            ordered: Whether the order of rows counts.
            answer: The rows, where they are few enough to be told.
            dialects: The query for the databases that say it differently.
        """
        mine = read(found)
        theirs = self.ask(dialects.get(self.vendor, sql))
        assert theirs, "The exercise has no answer, so it proves nothing."
        if ordered:
            assert mine == theirs
        else:
            assert sorted(mine, key=repr) == sorted(theirs, key=repr)
        if answer is not None:
            assert mine == read(answer)

    def writes(
        self, write: Callable[[], Any], *statements: str, seen: str, **dialects: tuple[str, ...]
    ) -> None:
        """Check that a call writes what statements in plain SQL write; both are taken back.

        Args:
            write: What writes.
            statements: The statements.
            seen: A query that shows what was written.
            dialects: The statements for the databases that say it differently.
        """
        before = self.ask(seen)
        with atomic():
            write()
            mine = self.ask(seen)
            set_rollback(True)
        with databases["default"].sync_engine.connect() as connection:
            for statement in dialects.get(self.vendor, statements):
                execute(connection, statement)
            theirs = read(execute(connection, seen).all())
            connection.rollback()
        assert mine == theirs != before
        assert self.ask(seen) == before

    def ask(self, sql: str) -> Rows:
        """Ask in plain SQL, within the open transaction if there is one."""
        return read(ask_here(sql))


def ask_here(sql: str) -> list[Any]:
    if find_frame("default") is not None:
        return list(execute(get_lane("default").get_link().share(), sql).all())
    with databases["default"].sync_engine.connect() as connection:
        return list(execute(connection, sql).all())


def execute(connection: sa.Connection, sql: str) -> Any:
    # Percent signs in the text are what they are.
    return connection.execution_options(no_parameters=True).exec_driver_sql(sql)


def read(found: Any) -> Rows:
    """Give rows of any form as tuples of values that every driver writes alike."""
    rows: Iterable[Any] = [found] if isinstance(found, dict) else found
    return [tuple(map(normalize, list_values(row))) for row in rows]


def list_values(row: Any) -> Iterable[Any]:
    if isinstance(row, dict):
        return row.values()
    if isinstance(row, models.Model):
        return [row.pk]
    return [row] if isinstance(row, str) or not isinstance(row, Iterable) else row


def normalize(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None).isoformat(" ", "seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (float, Decimal)):
        return int(value) if value == int(value) else round(float(value), 4)
    if isinstance(value, str) and value.endswith(".000000"):
        return value.removesuffix(".000000")
    return value


@pytest.fixture(
    scope="module",
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
)
def club(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Club]:
    """The club with all its rows, as the default database."""
    before = {alias: known.url for alias, known in databases.items()}
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('club') / 'club.sqlite3'}"
    else:
        shared = {"postgresql": "shared_postgres", "mariadb": "shared_mariadb"}
        url = request.getfixturevalue(shared[request.param])
    databases.configure({"default": f"{url}?pool_timeout=5"})
    prepare = {"sqlite": copy_sqlite, "postgresql": empty_postgres, "mariadb": empty_mariadb}
    prepare[request.param](url)
    club_rows.fill()
    with databases["default"].sync_engine.begin() as connection:
        reset_sequences(connection, [*club_rows.MODELS])
    yield Club(request.param)
    databases.dispose()
    databases.configure(before)
