"""Search indexes are made and dropped with their tables, and say what they cannot be."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.gallery_models import forget
from tests.db.search_models import STORED, TABLES, Essay, Stored, made_tables
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.connections.search_indexes import Search
from undercroft.db.connections.searching import create_search, drop_search
from undercroft.db.inspection.inspecting import InspectOptions, inspect_database
from undercroft.db.mapping.search_indexes import SearchIndex, get_searches
from undercroft.db.schema import check_searches
from undercroft.errors import FieldError, ImproperlyConfigured

SEARCHING = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


def make_search(**given: Any) -> Search:
    columns = given.pop("columns", ("name",))
    described = {"name": "thing_search", "table": "thing", "config": "english"} | given
    return Search(columns=columns, weights=("",) * len(columns), **described)


def list_objects() -> set[str]:
    """List all tables, indexes and triggers."""
    engine = databases["default"].sync_engine
    sql = {
        "sqlite": "SELECT name FROM sqlite_master",
        "postgresql": "SELECT relname FROM pg_class WHERE relkind IN ('r', 'i')",
    }[engine.dialect.name]
    with engine.connect() as connection:
        return set(connection.scalars(sa.text(sql)))


@SEARCHING
def test_tables_come_and_go_with_their_indexes(database: str) -> None:
    """Nothing is left behind, of the tables and triggers of SQLite above all."""
    before = list_objects()
    with made_tables():
        made = list_objects() - before
        assert {"essay_search", "essay_notes", "writer_search", "label_search"} <= made
        assert ("essay_search_update" in made) == (database == "sqlite")
    assert list_objects() == before


@SEARCHING
def test_rows_that_are_there_are_found(database: str) -> None:
    """An index that is made later knows the rows, and can be dropped and made again."""
    assert database
    with made_tables():
        Essay.objects.create(title="Owls", text="Fly")
        engine = databases["default"].sync_engine
        search = get_searches(Essay._meta.table)["essay_search"]
        for _ in range(2):
            with engine.begin() as connection:
                drop_search(connection, search)
            Essay.objects.create(title="An owl")
            with engine.begin() as connection:
                create_search(connection, search)
        assert Essay.objects.search("owl", index="essay_search").count() == 3


@SEARCHING
def test_names_are_quoted(database: str) -> None:
    """Tables, columns and indexes may be called anything."""
    assert database
    odd = sa.Table(
        "odd 'tab\"le",
        sa.MetaData(),
        sa.Column("the: key", sa.Integer, primary_key=True),
        sa.Column("a 'col\"umn", sa.Text),
        sa.Column("select", sa.Text),
    )
    search = make_search(
        name="odd 'in\"dex", table=odd.name, columns=("a 'col\"umn", "select"), config="simple"
    )
    with databases["default"].sync_engine.begin() as connection:
        odd.create(connection)
        create_search(connection, search)
        connection.execute(odd.insert().values({"the: key": 3, "select": "x"}))
        connection.execute(odd.update().values({"select": "y"}))
        connection.execute(odd.delete())
        drop_search(connection, search)
        odd.drop(connection)


@SEARCHING
def test_an_unknown_configuration_is_told(database: str) -> None:
    """What makes words of text must be something the database has."""
    assert database
    table = sa.Table(
        "thing",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text),
    )
    with databases["default"].sync_engine.begin() as connection:
        table.create(connection)
        for config, hint in (("englisch", "Did you mean 'english'"), ("zzz", "Known: ")):
            with pytest.raises(ImproperlyConfigured, match=hint) as caught:
                create_search(connection, make_search(config=config))
            assert caught.value.code == "db.search-config"
        create_search(connection, make_search(config="german"))
        table.drop(connection)
        if database == "sqlite":
            drop_search(connection, make_search())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "keys",
    [
        [sa.Column("id", sa.Uuid, primary_key=True)],
        [sa.Column("id", sa.BigInteger, primary_key=True)],
        [
            sa.Column("a", sa.Integer, primary_key=True),
            sa.Column("b", sa.Integer, primary_key=True),
        ],
    ],
    ids=["no number", "no integer", "several"],
)
def test_a_key_that_numbers_no_rows_is_told(database: str, keys: list[Any]) -> None:
    """SQLite finds rows by their number, which must be their key."""
    assert database
    columns = [key._copy() for key in keys]
    table = sa.Table("thing", sa.MetaData(), *columns, sa.Column("name", sa.Text))
    with databases["default"].sync_engine.begin() as connection:
        table.create(connection)
        with pytest.raises(ImproperlyConfigured, match="one integer for a key") as caught:
            create_search(connection, make_search())
        assert caught.value.code == "db.search-key"
        table.drop(connection)


@SEARCHING
def test_a_database_with_indexes_is_inspected(database: str) -> None:
    """The tables that SQLite keeps words in are no models, and the index is written down."""
    with made_tables():
        names = tuple(table.name for table in TABLES)
        source = inspect_database(InspectOptions(tables=names)).source
        everything = inspect_database().source
    assert "essay_search_data" not in everything
    assert "class EssaySearch" not in everything
    if database == "sqlite":
        index = (
            'models.SearchIndex(fields=["title", "text"], name="essay_search", config="english")'
        )
        assert index in source


@pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_words_may_be_stored(database: str) -> None:
    """A generated column of words is searched and ranked like any other words."""
    assert database
    STORED.create(databases["default"].sync_engine)
    try:
        for title, text in (("Dogs", "And foxes"), ("The quick fox", "Jumps"), ("Cats", "")):
            Stored.objects.create(title=title, text=text)
        fox = models.SearchQuery("fox", config="english")
        ranked = Stored.objects.filter(words=fox).order_by(models.SearchRank("words", fox).desc())
        assert [row.title for row in ranked] == ["The quick fox", "Dogs"]
        assert Stored.objects.exclude(words=fox).get().title == "Cats"
        assert Stored.objects.get(title="Cats").words == "'cat':1A"
    finally:
        STORED.drop(databases["default"].sync_engine)


@pytest.mark.mariadb
@pytest.mark.parametrize(
    "database", [pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True
)
def test_mariadb_refuses(database: str) -> None:
    """MariaDB makes no such index, and a search on it says what to do instead."""
    refused = pytest.raises(ImproperlyConfigured, match=f"cannot be made on {database}")
    with refused as caught, made_tables():
        pass
    assert caught.value.code == "db.search-index"
    with pytest.raises(ImproperlyConfigured, match="expected PostgreSQL or SQLite"):
        check_searches(TABLES, database)
    for queryset in (
        Essay.objects.search("x", index="essay_search"),
        Essay.objects.filter(title__search="x"),
        Essay.objects.annotate(shown=models.SearchHeadline("title", "x")),
    ):
        with pytest.raises(FieldError, match="icontains"):
            list(queryset)


@pytest.mark.parametrize(
    "given, message, code",
    [
        ({"fields": []}, "expected a list of fields", "db.search-index"),
        ({"fields": "name"}, "expected a list of fields", "db.search-index"),
        ({"weights": {"title": "E"}}, "'E' is no weight", "db.search-index"),
        ({"weights": {"text": "A"}}, "none of its fields", "db.search-index"),
        ({"config": "english'"}, "no name of a search configuration", "db.search-config"),
        ({"fields": ["titel"]}, "names 'titel'", "db.meta"),
        ({"fields": ["words"]}, "which is no text", "db.search-index"),
    ],
)
def test_declarations_are_checked(given: dict[str, Any], message: str, code: str) -> None:
    """Fields, weights and configurations that are none are told at once."""
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        SearchIndex(**{"fields": ["title"], "name": "x", **given}).attach(Essay)
    assert caught.value.code == code


def test_children_of_an_abstract_model_have_their_own() -> None:
    """An index that is inherited belongs to each table, under its own name."""

    class Written(models.Model):
        text = models.TextField()

        class Meta:
            abstract = True
            indexes = (models.SearchIndex(fields=["text"], name="%(class)s_search"),)

    class Letter(Written):
        class Meta(Written.Meta):
            app_label = "test_search_children"

    assert list(get_searches(Letter._meta.table)) == ["letter_search"]
    assert repr(Written.Meta.indexes[0]) == "<SearchIndex '%(class)s_search'>"
    forget(Letter)
