"""`makemigrations`: what is written for a change, and what is refused."""

import uuid

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tests.migrations.conftest import Project
from undercroft.db.connections.databases import databases
from undercroft.db.fields.info import INFO_KEY, FieldInfo
from undercroft.db.fields.literals import write_literal
from undercroft.errors import ImproperlyConfigured, MigrationError
from undercroft.migrations.making import MakeOptions


def shop(metadata: sa.MetaData, *columns: "sa.Column[object]") -> sa.Table:
    return sa.Table("shop_item", metadata, sa.Column("id", sa.Integer, primary_key=True), *columns)


def name_column(length: int = 50) -> "sa.Column[str]":
    return sa.Column("name", sa.String(length), nullable=False)


def test_the_first_migration_is_called_initial(project: Project) -> None:
    """A new app gets 0001_initial in a package of its own, with its branch's label."""
    (made,) = project.make(shop=lambda metadata: shop(metadata, name_column()))
    assert (made.label, made.name) == ("shop", "0001_initial")
    assert made.path == project.folder / "shop" / "migrations" / "0001_initial.py"
    assert made.path.with_name("__init__.py").exists()
    assert 'revision = "shop_0001"' in made.path.read_text("utf-8")
    assert 'branch_labels = ("shop",)' in made.source


def test_nothing_changed_makes_nothing(project: Project) -> None:
    """Types, defaults, keys and indexes read back from the migrations are those of the models."""

    def everything(metadata: sa.MetaData) -> None:
        other = sa.Table("shop_maker", metadata, sa.Column("id", sa.BigInteger, primary_key=True))
        table = shop(
            metadata,
            sa.Column("price", sa.Numeric(8, 2), server_default="0"),
            sa.Column("made", sa.DateTime(timezone=True), server_default=sa.func.now()),
            sa.Column("code", sa.Uuid, unique=True),
            sa.Column("tags", postgresql.JSONB().with_variant(sa.JSON(), "sqlite", "mariadb")),
            sa.Column("kind", sa.Enum("a", "b", name="kind", native_enum=False, length=10)),
            sa.Column("maker_id", sa.ForeignKey(other.c.id, ondelete="CASCADE"), index=True),
            sa.Column("parent_id", sa.ForeignKey("shop_item.id")),
        )
        table.append_constraint(sa.CheckConstraint("price >= 0", name="price_not_negative"))
        if databases["default"].vendor != "mariadb":  # which has no indexes over expressions
            sa.Index("ix_lower", sa.func.lower(table.c.kind), unique=True)

    assert len(project.make(shop=everything)) == 1
    assert project.make(shop=everything) == []
    assert [step.name for step in project.migrate()] == ["0001_initial"]


@pytest.mark.parametrize(
    "columns,name",
    [
        ([name_column(), sa.Column("size", sa.Integer)], "0002_shop_item_size"),
        ([], "0002_drop_shop_item_name"),
        ([name_column(80)], "0002_alter_shop_item_name"),
    ],
)
def test_a_migration_is_named_after_the_one_thing_it_does(
    project: Project, columns: list["sa.Column[object]"], name: str
) -> None:
    """A column added, dropped or altered gives the file its name."""
    project.make(shop=lambda metadata: shop(metadata, name_column()))
    copies = [column._copy() for column in columns]
    (made,) = project.make(shop=lambda metadata: shop(metadata, *copies))
    assert made.name == name


def test_an_app_comes_after_those_it_refers_to(project: Project) -> None:
    """A foreign key across apps becomes a dependency between their migrations."""

    def orders(metadata: sa.MetaData) -> None:
        key = sa.Column("item_id", sa.ForeignKey("shop_item.id"), nullable=False)
        sa.Table("orders_line", metadata, sa.Column("id", sa.Integer, primary_key=True), key)

    # `orders` sorts before `shop`, and is declared before it.
    made = project.make(orders=orders, shop=shop)
    assert [each.label for each in made] == ["shop", "orders"]
    assert 'depends_on = ("shop_0001",)' in made[1].source
    assert [step.label for step in project.migrate("orders")] == ["shop", "orders"]


def test_tables_that_refer_to_each_other_are_made(project: Project) -> None:
    """In a circle within an app, one key is added when both tables are there."""

    def circle(metadata: sa.MetaData) -> None:
        for name, other in (("a", "b"), ("b", "a")):
            key = sa.Column("other_id", sa.ForeignKey(f"x_{other}.id", name=f"fk_{name}"))
            sa.Table(f"x_{name}", metadata, sa.Column("id", sa.Integer, primary_key=True), key)

    project.make(x=circle)
    project.migrate()
    found = {name: project.inspect().get_foreign_keys(name) for name in ("x_a", "x_b")}
    assert {name: keys[0]["referred_table"] for name, keys in found.items()} == {
        "x_a": "x_b",
        "x_b": "x_a",
    }
    project.migrate("x", "zero")
    assert project.inspect().get_table_names() == ["alembic_version"]


def test_a_new_column_needs_a_value_for_rows_that_are_there(project: Project) -> None:
    """A column that may not be NULL and has no default is refused with the ways out."""
    project.make(shop=shop)
    with pytest.raises(MigrationError, match=r"shop_item.name is new .* null=True") as caught:
        project.make(shop=lambda metadata: shop(metadata, name_column()))
    assert caught.value.code == "migrations.no-default"


def test_rows_that_are_there_get_the_field_s_default(project: Project) -> None:
    """The default fills existing rows once; the database keeps none."""
    project.make(shop=shop)
    project.migrate()
    project.query("INSERT INTO shop_item (id) VALUES (1)")
    size = sa.Column(
        "size",
        sa.Boolean,
        nullable=False,
        info={INFO_KEY: FieldInfo(kind="BooleanField", default=True)},
    )
    made = sa.Column(
        "made",
        sa.DateTime(timezone=True),
        nullable=False,
        info={INFO_KEY: FieldInfo(kind="DateTimeField", auto_now_add=True)},
    )
    (written,) = project.make(shop=lambda metadata: shop(metadata, size._copy(), made._copy()))
    assert written.changes == ("Add column shop_item.size", "Add column shop_item.made")
    project.migrate()
    rows = project.query("SELECT id, size, made FROM shop_item")
    assert len(rows) == 1
    assert rows[0][:2] == (1, True)
    assert rows[0][2] is not None
    columns = {column["name"]: column for column in project.inspect().get_columns("shop_item")}
    assert columns["size"]["default"] is None
    assert columns["made"]["default"] is None
    assert not columns["size"]["nullable"]
    assert project.make() == []


def test_a_changed_primary_key_is_not_guessed_at(project: Project) -> None:
    """What to do with a new key is a decision, so it is left to a hand-written migration."""
    project.make(shop=shop)

    def other_key(metadata: sa.MetaData) -> None:
        columns = [sa.Column(name, sa.Integer, primary_key=True) for name in ("id", "part")]
        sa.Table("shop_item", metadata, *columns)

    with pytest.raises(MigrationError, match="primary key"):
        project.make(shop=other_key)


def test_dry_run_writes_nothing(project: Project) -> None:
    """What would be written is returned and no file appears."""
    made = project.make_with(MakeOptions(dry_run=True), shop=shop)
    assert made[0].changes == ("Create table shop_item",)
    assert not made[0].path.exists()


def test_an_empty_migration_is_for_hand_written_work(project: Project) -> None:
    """It follows the last one, does nothing, and needs an app."""
    project.make(shop=shop)
    (made,) = project.make_with(MakeOptions(labels=["shop"], empty=True, name="fill_names"))
    assert made.name == "0002_fill_names"
    assert 'down_revision = "shop_0001"' in made.source
    assert [step.name for step in project.migrate()] == ["0001_initial", "0002_fill_names"]
    with pytest.raises(ImproperlyConfigured, match="none was named"):
        project.make_with(MakeOptions(empty=True))


def test_an_unknown_app_is_named_with_the_one_that_was_meant(project: Project) -> None:
    """A mistyped label leads to the right one."""
    with pytest.raises(ImproperlyConfigured, match=r"'shp' .* Did you mean 'shop'\?"):
        project.make_with(MakeOptions(labels=["shp"]), shop=shop)


def test_two_migrations_with_one_number_are_a_clear_error(project: Project) -> None:
    """Two branches of a repository that each added 0002 are told what to do."""
    project.make(shop=shop)
    (made,) = project.make(shop=lambda m: shop(m, sa.Column("size", sa.Integer)))
    made.path.with_name("0002_other.py").write_text(made.source, "utf-8")
    with pytest.raises(MigrationError, match="contradict each other") as caught:
        project.make()
    assert "same number" in caught.value.hint


def test_a_broken_file_is_named(project: Project) -> None:
    """A migration that cannot be imported is an error with the cause kept."""
    (made,) = project.make(shop=shop)
    made.path.write_text("def upgrade(:", "utf-8")
    with pytest.raises(MigrationError, match="cannot be read") as caught:
        project.make()
    assert isinstance(caught.value.__cause__, SyntaxError)


def test_work_on_data_is_passed_over_when_the_record_is_made(project: Project) -> None:
    """A migration that reads and writes rows still lets the next one be made."""
    project.make(shop=lambda metadata: shop(metadata, name_column()))
    (made,) = project.make_with(MakeOptions(labels=["shop"], empty=True, name="fill"))
    work = """    for row in op.get_bind().execute(sa.text("SELECT id FROM shop_item")):
        op.execute(f"UPDATE shop_item SET name = 'x' WHERE id = {row.id}")
    op.bulk_insert(sa.table("shop_item", sa.column("id"), sa.column("name")),
                   [{"id": 2, "name": "two"}])"""
    made.path.write_text(made.source.replace("    pass", work, 1), "utf-8")
    assert project.make() == []
    project.migrate("shop", "0001")
    project.query("INSERT INTO shop_item (id, name) VALUES (1, 'one')")
    project.migrate()
    assert project.query("SELECT id, name FROM shop_item ORDER BY id") == [(1, "x"), (2, "two")]


def test_renames_by_hand_are_understood(project: Project) -> None:
    """A table and a column renamed in a hand-written migration need no further one."""
    project.make(shop=lambda metadata: shop(metadata, name_column()))
    (made,) = project.make_with(MakeOptions(labels=["shop"], empty=True))
    work = """    op.rename_table("shop_item", "shop_thing")
    with op.batch_alter_table("shop_thing") as batch:
        batch.alter_column("name", new_column_name="title", existing_type=sa.String(50))"""
    made.path.write_text(made.source.replace("    pass", work, 1), "utf-8")

    def renamed(metadata: sa.MetaData) -> None:
        sa.Table(
            "shop_thing",
            metadata,
            sa.Column("id", sa.Integer),
            sa.Column("title", sa.String(50), nullable=False),
            sa.PrimaryKeyConstraint("id", name="pk_shop_item"),
        )

    assert project.make(shop=renamed) == []
    project.migrate()
    assert {column["name"] for column in project.inspect().get_columns("shop_thing")} == {
        "id",
        "title",
    }


@pytest.mark.parametrize(
    "value,text",
    [
        (True, "1"),
        (0, "0"),
        ("it's", "it's"),
        (uuid.UUID(int=1), "0" * 31 + "1"),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_literals_suit_every_database(value: object, text: str) -> None:
    """A default is written as text that SQLite, PostgreSQL and MariaDB all read."""
    assert write_literal(value) == text


def test_a_value_that_only_the_database_knows_is_not_a_default(project: Project) -> None:
    """What `inspectdb` could not read of a generated column is left out of migrations."""

    def build(metadata: sa.MetaData) -> None:
        shop(metadata, sa.Column("twice", sa.Integer, sa.FetchedValue()))

    (made,) = project.make(shop=build)
    assert "server_default" not in made.source
    assert project.make(shop=build) == []
