"""Migrations make, change and drop search indexes, and keep them through all that tables suffer."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.migrations.conftest import Project
from undercroft.db.connections.databases import databases
from undercroft.db.connections.search_indexes import Search
from undercroft.db.mapping.search_indexes import add_search
from undercroft.errors import MigrationError
from undercroft.migrations.making import MakeOptions

SEARCHING = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
ON_MARIADB = pytest.mark.parametrize(
    "database_url", [pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True
)


def posts(*fields: str, table: str = "blog_post", config: str = "english", **columns: Any) -> Any:
    """Declare posts, which are searched by fields; `a_` stands before fields of weight A."""

    def declare(metadata: sa.MetaData) -> None:
        given = {"title": sa.String(50), "body": sa.Text(), **columns}
        described = [sa.Column(name, kind, nullable=False) for name, kind in given.items() if kind]
        key = sa.Column("id", sa.Integer, primary_key=True)
        made = sa.Table(table, metadata, key, *described)
        if fields:
            names = tuple(each.removeprefix("a_") for each in fields)
            weights = tuple("A" if each.startswith("a_") else "" for each in fields)
            add_search(made, Search("post_search", table, names, config, weights))

    return declare


def insert(title: str, body: str = "", table: str = "blog_post") -> None:
    """Insert a post."""
    with databases["default"].sync_engine.begin() as connection:
        described = sa.table(table, sa.column("title"), sa.column("body"))
        connection.execute(described.insert().values(title=title, body=body))


def find(project: Project, word: str, table: str = "blog_post", *columns: str) -> int:
    """Count the posts that have a word, as the database itself finds them."""
    if databases["default"].sync_engine.dialect.name == "sqlite":
        return len(project.query(f"SELECT 1 FROM post_search WHERE post_search MATCH '{word}'"))
    text = " || ' ' || ".join(columns or ("title", "body"))
    query = f"to_tsvector('english', {text}) @@ plainto_tsquery('english', '{word}')"
    return len(project.query(f"SELECT 1 FROM {table} WHERE {query}"))


def has_index(project: Project) -> bool:
    """Tell whether there is an index."""
    if databases["default"].sync_engine.dialect.name == "sqlite":
        return bool(project.query("SELECT 1 FROM sqlite_master WHERE name = 'post_search'"))
    return bool(project.query("SELECT 1 FROM pg_indexes WHERE indexname = 'post_search'"))


@SEARCHING
def test_an_index_comes_and_goes_with_its_table(project: Project) -> None:
    """The first migration makes it, in words one can read, and leaves nothing when taken back."""
    (made,) = project.make(blog=posts("a_title", "body"))
    assert (
        """    op.create_search_index(
        "post_search", "blog_post", ["title", "body"], config="english", weights={"title": "A"}
    )
"""
        in made.source
    )
    assert "Create search index post_search" in made.changes
    for _ in range(2):
        project.migrate()
        insert("The quick fox")
        assert find(project, "foxes") == 1
        project.migrate("blog", "zero")
        assert not has_index(project)
    assert project.make() == []


@SEARCHING
def test_an_index_is_added_changed_and_removed(project: Project) -> None:
    """Each is noticed, knows the rows that are there, and can be taken back."""
    project.make(blog=posts())
    project.migrate()
    insert("The quick fox", "Lazy dogs")
    (added,) = project.make(blog=posts("title"))
    assert 'op.drop_search_index("post_search", "blog_post")' in added.source
    project.migrate()
    assert find(project, "foxes") == 1
    (changed,) = project.make(blog=posts("a_title", "body"))
    assert changed.changes == ("Drop search index post_search", "Create search index post_search")
    project.migrate()
    assert find(project, "dogs") == 1
    project.make(blog=posts())
    project.migrate()
    assert not has_index(project)
    for target in ("0003", "0002"):
        project.migrate("blog", target)
        insert("Another fox", "")
        assert has_index(project)
    assert find(project, "foxes") == 3
    project.migrate("blog", "0001")
    assert not has_index(project)
    assert project.make() == []


@SEARCHING
@pytest.mark.parametrize("config", ["simple", "german"])
def test_another_configuration_is_another_index(project: Project, config: str) -> None:
    """What makes words of text is compared like fields and weights."""
    project.make(blog=posts("title"))
    (made,) = project.make(blog=posts("title", config=config))
    assert f'config="{config}"' in made.source
    project.migrate()
    assert project.make() == []


@SEARCHING
def test_a_table_made_anew_keeps_its_index(project: Project) -> None:
    """What SQLite makes anew is searched as before: rows that were there, and those to come."""
    project.make(blog=posts("title", "body"))
    project.migrate()
    insert("The quick fox")
    project.make(blog=posts("title", "body", title=sa.String(90), body=sa.String(500)))
    project.migrate()
    insert("Another fox")
    project.query("UPDATE blog_post SET title = 'Dog' WHERE title = 'The quick fox'")
    assert (find(project, "fox"), find(project, "dog")) == (1, 1)
    project.migrate("blog", "0001")
    project.query("DELETE FROM blog_post WHERE title = 'Dog'")
    insert("A third fox")
    assert (find(project, "fox"), find(project, "dog")) == (2, 0)


@SEARCHING
def test_what_changes_while_a_table_is_made_anew_is_found(project: Project) -> None:
    """Rows written by the migration itself, past the triggers, are in the index at its end."""
    project.make(blog=posts("title"))
    project.migrate()
    insert("The quick fox")
    (made,) = project.make(blog=posts("title", title=sa.String(90)))
    text = made.path.read_text()
    change = "    op.execute(\"UPDATE blog_post SET title = 'Dog'\")\n\n\ndef downgrade"
    made.path.write_text(text.replace("\n\ndef downgrade", change, 1))
    project.migrate()
    assert (find(project, "fox"), find(project, "dog")) == (0, 1)


@SEARCHING
def test_what_is_renamed_is_searched_under_its_new_name(project: Project) -> None:
    """Columns and tables are renamed where they are, forth and back, with their index."""
    project.make(blog=posts("title", "body"))
    project.migrate()
    insert("The quick fox")
    project.make_with(
        MakeOptions(renames=["blog_post.title=name"]),
        blog=posts("name", "body", title=None, name=sa.String(50)),
    )
    project.make_with(
        MakeOptions(renames=["blog_post=blog_essay"]),
        blog=posts("name", "body", table="blog_essay", title=None, name=sa.String(50)),
    )
    project.migrate()
    project.query("INSERT INTO blog_essay (name, body) VALUES ('A fox', '')")
    project.query("UPDATE blog_essay SET name = 'Dog' WHERE name = 'The quick fox'")
    assert find(project, "fox", "blog_essay", "name", "body") == 1
    assert find(project, "dog", "blog_essay", "name", "body") == 1
    project.migrate("blog", "0001")
    project.query("DELETE FROM blog_post WHERE title = 'Dog'")
    insert("Foxes")
    assert find(project, "fox") == 2
    assert project.make() == []


@SEARCHING
def test_an_index_goes_with_its_column(project: Project) -> None:
    """A column that is dropped takes the index along, and rows can be written as before."""
    project.make(blog=posts("title", "body"))
    project.migrate()
    insert("The quick fox")
    (made,) = project.make(blog=posts("title", body=None))
    # As somebody would write it who does not think of the index.
    lines = made.path.read_text().splitlines(keepends=True)
    made.path.write_text("".join(line for line in lines if "_search_index(" not in line))
    project.migrate()
    assert not has_index(project)
    project.query("INSERT INTO blog_post (title) VALUES ('Foxes')")
    (again,) = project.make()
    assert again.changes == ("Create search index post_search",)
    project.migrate()
    assert find(project, "fox", "blog_post", "title") == 2


@ON_MARIADB
def test_mariadb_refuses(project: Project) -> None:
    """A database that cannot search says so, and what it says names the index."""
    project.make(blog=posts("title"))
    with pytest.raises(MigrationError, match="'post_search' on 'blog_post' cannot be made on"):
        project.migrate()
