"""What was renamed keeps its data, and nothing is dropped before somebody has said so."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.migrations.conftest import Project
from undercroft.errors import MigrationError
from undercroft.migrations.making import MakeOptions


def declare(name: str, *, table: str = "shop_item", length: int = 50) -> Any:
    def shop(metadata: sa.MetaData) -> None:
        metadata.naming_convention = {"pk": "pk_%(table_name)s", "ix": "ix_%(column_0_label)s"}
        key: sa.Column[Any] = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table(table, metadata, key, sa.Column(name, sa.String(length), index=True))

    return shop


def test_what_may_be_a_rename_is_refused_until_somebody_says(project: Project) -> None:
    """A column gone and one of its type new: the error shows the line, and both ways on."""
    project.make(shop=declare("name"))
    with pytest.raises(MigrationError, match=r"shop_item.name to title\?") as caught:
        project.make(shop=declare("title"))
    assert caught.value.code == "migrations.rename"
    assert 'op.alter_column("shop_item", "name", new_column_name="title")' in caught.value.hint
    assert "--rename shop_item.name=title" in caught.value.hint
    assert "--no-rename" in caught.value.hint
    (made,) = project.make_with(MakeOptions(decide=lambda _: False), shop=declare("title"))
    assert "Drop column shop_item.name" in made.changes


@pytest.mark.parametrize(
    "options", [MakeOptions(renames=["shop_item.name=title"]), MakeOptions(decide=lambda _: True)]
)
def test_a_renamed_column_keeps_its_data(project: Project, options: MakeOptions) -> None:
    """Told or asked, the column is renamed with its index, and back on the way down."""
    project.make(shop=declare("name"))
    project.migrate()
    project.query("INSERT INTO shop_item (id, name) VALUES (1, 'one')")
    (made,) = project.make_with(options, shop=declare("title"))
    assert made.name == "0002_rename_shop_item_name_to_title"
    assert "Drop column" not in made.source
    project.migrate()
    assert project.query("SELECT title FROM shop_item") == [("one",)]
    indexes = project.inspect().get_indexes("shop_item")
    assert [(each["name"], each["column_names"]) for each in indexes] == [
        ("ix_shop_item_title", ["title"])
    ]
    assert project.make() == []
    project.migrate("shop", "0001")
    assert project.query("SELECT name FROM shop_item") == [("one",)]


def test_a_column_may_be_renamed_and_altered_at_once(project: Project) -> None:
    """A rename that is named needs no like types."""
    project.make(shop=declare("name"))
    project.migrate()
    project.query("INSERT INTO shop_item (id, name) VALUES (1, 'one')")
    options = MakeOptions(renames=["shop_item.name=title"])
    project.make_with(options, shop=declare("title", length=80))
    project.migrate()
    assert project.query("SELECT title FROM shop_item") == [("one",)]
    assert project.make() == []


def test_a_renamed_table_keeps_its_rows_and_who_refers_to_it(project: Project) -> None:
    """A table under another name is asked about too; other apps' keys follow it."""

    def orders(target: str) -> Any:
        def declare_orders(metadata: sa.MetaData) -> None:
            key: sa.Column[Any] = sa.Column("id", sa.Integer, primary_key=True)
            item: sa.Column[Any] = sa.Column("item_id", sa.ForeignKey(f"{target}.id"))
            sa.Table("orders_line", metadata, key, item)

        return declare_orders

    project.make(shop=declare("name"), orders=orders("shop_item"))
    project.migrate()
    project.query("INSERT INTO shop_item (id, name) VALUES (1, 'one')")
    project.query("INSERT INTO orders_line (id, item_id) VALUES (1, 1)")
    changed = {"shop": declare("name", table="shop_thing"), "orders": orders("shop_thing")}
    with pytest.raises(MigrationError, match="shop_item to shop_thing"):
        project.make(**changed)
    (made,) = project.make_with(MakeOptions(renames=["shop_item=shop_thing"]), **changed)
    assert made.label == "shop"
    assert project.make() == []
    project.migrate()
    assert project.query("SELECT id, name FROM shop_thing") == [(1, "one")]
    (key,) = project.inspect().get_foreign_keys("orders_line")
    assert key["referred_table"] == "shop_thing"
    project.migrate("shop", "0001")
    assert project.query("SELECT id, name FROM shop_item") == [(1, "one")]


def test_a_rename_that_is_none_is_refused(project: Project) -> None:
    """A mistyped name must not end in a column dropped."""
    project.make(shop=declare("name"))
    options = MakeOptions(renames=["shop_item.nmae=title"], decide=lambda _: False)
    with pytest.raises(MigrationError, match="nothing to rename"):
        project.make_with(options, shop=declare("title"))


def test_columns_of_other_types_are_no_rename(project: Project) -> None:
    """Another type is another thing: nobody is asked."""
    project.make(shop=declare("name"))

    def shop(metadata: sa.MetaData) -> None:
        key: sa.Column[Any] = sa.Column("id", sa.Integer, primary_key=True)
        sa.Table("shop_item", metadata, key, sa.Column("size", sa.Integer))

    (made,) = project.make(shop=shop)
    assert "Drop column shop_item.name" in made.changes
