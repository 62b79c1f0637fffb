"""Every change of a model, applied to tables with rows, taken back and applied again."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.migrations.conftest import Project
from undercroft.db.fields.info import INFO_KEY, FieldInfo
from undercroft.db.fields.time_types import UTCDateTime
from undercroft.db.fields.types import Json

Column = sa.Column[Any]


def tables(*columns: Column | sa.Constraint) -> Callable[[sa.MetaData], None]:
    """Declare a shelf, and books with the given columns besides."""

    def declare(metadata: sa.MetaData) -> None:
        key = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("shop_shelf", metadata, sa.Column("id", sa.Integer, primary_key=True))
        name = sa.Column("name", sa.String(50), nullable=False)
        sa.Table("shop_book", metadata, key, name, *columns)

    return declare


def has_default(name: str, column_type: Any, default: Any, **options: Any) -> Column:
    info = FieldInfo(kind="x", default=default)
    return sa.Column(name, column_type, nullable=False, info={INFO_KEY: info}, **options)


CHANGES: dict[str, tuple[list[Any], list[Any]]] = {
    "foreign key": ([], [lambda: sa.Column("shelf_id", sa.ForeignKey("shop_shelf.id"))]),
    "foreign key with an index": (
        [],
        [lambda: sa.Column("shelf_id", sa.ForeignKey("shop_shelf.id"), index=True)],
    ),
    "index of a foreign key": (
        [lambda: sa.Column("shelf_id", sa.ForeignKey("shop_shelf.id"))],
        [lambda: sa.Column("shelf_id", sa.ForeignKey("shop_shelf.id"), index=True)],
    ),
    "other deeds of a foreign key": (
        [lambda: sa.Column("shelf_id", sa.ForeignKey("shop_shelf.id"), index=True)],
        [
            lambda: sa.Column(
                "shelf_id", sa.ForeignKey("shop_shelf.id", ondelete="CASCADE"), index=True
            )
        ],
    ),
    "foreign key to itself": ([], [lambda: sa.Column("over_id", sa.ForeignKey("shop_book.id"))]),
    "unique": (
        [lambda: sa.Column("code", sa.String(20))],
        [lambda: sa.Column("code", sa.String(20), unique=True)],
    ),
    "unique foreign key": (
        [lambda: sa.Column("shelf_id", sa.ForeignKey("shop_shelf.id"), unique=True)],
        [lambda: sa.Column("shelf_id", sa.ForeignKey("shop_shelf.id"))],
    ),
    "unique text": (
        [lambda: sa.Column("code", sa.Text)],
        [lambda: sa.Column("code", sa.Text, unique=True)],
    ),
    "index over text": (
        [lambda: sa.Column("code", sa.Text)],
        [lambda: sa.Column("code", sa.Text, index=True)],
    ),
    "index over long text": ([], [lambda: sa.Column("code", sa.String(2_000), index=True)]),
    "check": ([], [lambda: sa.CheckConstraint("name <> ''", name="ck_name")]),
    "other type": (
        [lambda: sa.Column("code", sa.String(20))],
        [lambda: sa.Column("code", sa.Text)],
    ),
    "longer": (
        [lambda: sa.Column("code", sa.String(20), index=True)],
        [lambda: sa.Column("code", sa.String(90), index=True)],
    ),
    "other default": (
        [lambda: sa.Column("code", sa.String(20), server_default="a'b\\c%d")],
        [lambda: sa.Column("code", sa.String(20), server_default="ä")],
    ),
    "no default any more": (
        [lambda: sa.Column("code", sa.Integer, server_default="7", nullable=False)],
        [lambda: sa.Column("code", sa.Integer, nullable=False)],
    ),
    "not null": (
        [lambda: sa.Column("code", sa.Text)],
        [lambda: has_default("code", sa.Text, "é'\\%s")],
    ),
    "text": ([], [lambda: has_default("code", sa.Text, "é'\\%s:x")]),
    "boolean": ([], [lambda: has_default("is_old", sa.Boolean, True)]),
    "uuid": ([], [lambda: has_default("code", sa.Uuid, uuid.uuid4())]),
    "document": ([], [lambda: has_default("data", Json, {"a": ["'\\%"]})]),
    "moment": (
        [],
        [lambda: sa.Column("made", UTCDateTime, server_default=sa.text("CURRENT_TIMESTAMP"))],
    ),
    "number": ([], [lambda: has_default("price", sa.Numeric(8, 2), 1.5)]),
    "float": ([], [lambda: has_default("ratio", sa.Float(53), 0.1)]),
    "bytes": ([], [lambda: sa.Column("blob", sa.LargeBinary)]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_goes_up_and_down(project: Project, change: str) -> None:
    """Rows and what is referred to survive both ways, and nothing is found to be made again."""
    before, after = ([make() for make in side] for side in CHANGES[change])
    old, new = tables(*before), tables(*after)
    project.make(shop=old)
    project.migrate()
    project.query("INSERT INTO shop_shelf (id) VALUES (1)")
    project.query("INSERT INTO shop_book (id, name) VALUES (1, 'one')")
    before, after = ([make() for make in side] for side in CHANGES[change])
    new = tables(*after)
    (made,) = project.make(shop=new)
    assert made.changes
    assert len(project.migrate()) == 1
    filled = project.query("SELECT * FROM shop_book")
    assert filled[0][:2] == (1, "one")
    required = [column for column in after if not getattr(column, "nullable", True)]
    assert len([value for value in filled[0][2:] if value is not None]) >= len(required)
    names, values = write(required)
    project.query(f"INSERT INTO shop_book (id, name{names}) VALUES (2, 'two'{values})")
    assert [step.is_upgrade for step in project.migrate("shop", "0001")] == [False]
    assert project.query("SELECT name FROM shop_book ORDER BY id") == [("one",), ("two",)]
    assert [step.is_upgrade for step in project.migrate()] == [True]
    assert project.make(shop=tables(*(make() for make in CHANGES[change][1]))) == []
    if project.inspect().engine.dialect.name == "mariadb":
        check_indexes(project)
    project.migrate("shop", "zero")
    assert project.inspect().get_table_names() == ["alembic_version"]


def write(columns: list[Column]) -> tuple[str, str]:
    """Write names and values for columns that need one."""
    literals = {sa.Boolean: "true", sa.Uuid: f"'{uuid.uuid4().hex}'", sa.JSON: "'{}'"}
    names = "".join(f", {column.name}" for column in columns)
    values = "".join(
        ", " + next((v for kind, v in literals.items() if isinstance(c.type, kind)), "'1'")
        for c in columns
    )
    return names, values


def check_indexes(project: Project) -> None:
    """Check that no two indexes of MariaDB's are over the same columns."""
    columns = [str(index["column_names"]) for index in project.inspect().get_indexes("shop_book")]
    assert len(columns) == len(set(columns))
