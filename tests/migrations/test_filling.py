"""What rows that are there already hold when a column may not be NULL."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.migrations.conftest import Project
from undercroft.db.connections.databases import databases
from undercroft.db.fields.info import INFO_KEY, FieldInfo
from undercroft.errors import MigrationError

AWARE = dt.datetime(2024, 1, 2, 3, 4, tzinfo=dt.UTC)
MOMENT = AWARE.replace(tzinfo=None)


def declare(*columns: "sa.Column[Any]") -> Any:
    def shop(metadata: sa.MetaData) -> None:
        key: sa.Column[Any] = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("shop_item", metadata, key, *(column._copy() for column in columns))

    return shop


def column(name: str, kind: Any, *, nullable: bool = False, **info: Any) -> "sa.Column[Any]":
    described = {INFO_KEY: FieldInfo(kind="AnyField", **info)} if info else {}
    return sa.Column(name, kind, nullable=nullable, info=described)


def read(*columns: "sa.Column[Any]") -> list[Any]:
    """Read the rows that compare equal to what was read of them."""
    table = sa.Table("shop_item", sa.MetaData(), *(each._copy() for each in columns))
    with databases["default"].sync_engine.begin() as connection:
        (row,) = connection.execute(sa.select(table))
        same = [table.c[name] == value for name, value in row._mapping.items()]
        assert connection.execute(sa.select(table).where(*same)).all() == [row]
        return list(row)


def test_self_filling_fields_fill_rows_with_what_is_read_back(project: Project) -> None:
    """Dates, times and moments of old rows are readable, and equal to themselves in a query."""
    project.make(shop=declare())
    project.migrate()
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    added = [
        column("day", sa.Date(), auto_now_add=True),
        column("time", sa.Time(), auto_now_add=True),
        column("moment", sa.DateTime(), auto_now=True),
    ]
    project.make(shop=declare(*added))
    project.migrate()
    day, time, moment = read(*added)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    for found in (moment, dt.datetime.combine(day, time)):
        assert abs(now - found) < dt.timedelta(minutes=1)


class Size(enum.Enum):
    SMALL = "s"


@pytest.mark.parametrize(
    "kind,default,expected",
    [
        (sa.DateTime(), MOMENT, MOMENT),
        (sa.DateTime(), AWARE, MOMENT),
        (sa.Time(), dt.time(12, 30), dt.time(12, 30)),
        (sa.Date(), dt.date(2024, 1, 2), dt.date(2024, 1, 2)),
        (sa.Numeric(8, 2), Decimal("1.50"), Decimal("1.50")),
        (sa.Integer(), 7, 7),
        (sa.Boolean(), False, False),
        (sa.String(20), "it's 100% :new \\ ", "it's 100% :new \\ "),
        (sa.String(20), Size.SMALL, "s"),
    ],
)
def test_defaults_are_stored_as_they_would_be_saved(
    project: Project, kind: Any, default: object, expected: object
) -> None:
    """A default of an added column, and of one that was NULL, equals the value in a query."""
    project.make(shop=declare(column("was", kind, nullable=True)))
    project.migrate()
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    filled = [column("was", kind, default=default), column("new", kind, default=default)]
    (made,) = project.make(shop=declare(*filled))
    assert "Fill column shop_item.was" in made.changes
    project.migrate()
    assert read(*filled) == [expected, expected]
    assert {each["nullable"] for each in project.inspect().get_columns("shop_item")} == {False}
    assert project.make() == []


def test_json_is_filled_as_json(project: Project) -> None:
    """Text in a JSON column is quoted, as it would be saved."""
    project.make(shop=declare())
    project.migrate()
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    project.make(shop=declare(column("data", sa.JSON(), default="text")))
    project.migrate()
    with databases["default"].sync_engine.begin() as connection:
        data: sa.ColumnClause[Any] = sa.column("data", sa.JSON())
        assert connection.scalar(sa.select(data).select_from(sa.table("shop_item"))) == "text"


def test_a_column_that_may_no_longer_be_null_needs_a_default(project: Project) -> None:
    """Without one, makemigrations refuses and says what to write by hand."""
    project.make(shop=declare(column("name", sa.String(20), nullable=True)))
    with pytest.raises(MigrationError, match=r"shop_item.name may no longer be NULL") as caught:
        project.make(shop=declare(column("name", sa.String(20))))
    assert caught.value.code == "migrations.no-default"
    assert 'batch.alter_column("name", existing_type=sa.String(length=20)' in caught.value.hint


def test_what_may_be_null_again_is_only_released(project: Project) -> None:
    """The way down of a filled column changes no rows."""
    project.make(shop=declare(column("size", sa.Integer(), nullable=True)))
    project.migrate()
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    project.make(shop=declare(column("size", sa.Integer(), default=3)))
    project.migrate()
    project.migrate("shop", "0001")
    assert project.query("SELECT size FROM shop_item") == [(3,)]
