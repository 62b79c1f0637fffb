"""A contract test of the SQLAlchemy internals in use: it fails when a release moves one."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tests.db.shop_models import Author, Book
from undercroft.db import internals


def test_the_version_is_one_that_was_tried() -> None:
    """The version range in pyproject.toml is what this module was read against."""
    assert sa.__version__.startswith("2.1.")


def test_instances_are_made_tracked_and_cleaned() -> None:
    """An instance made without `__init__` tracks changes, and forgets them when told to."""
    mapper = Book.__options__.mapper
    book: Any = internals.find_instance_maker(mapper)()
    state = internals.state_of(book)
    state.dict["title"] = "old"
    state.key = (internals.get_identity_class(mapper), (1,), None)
    assert sa.inspect(book).detached
    assert mapper.identity_key_from_primary_key((1,)) == state.key
    book.title = "new"
    assert state.committed_state == {"title": "old"}
    assert state.modified
    internals.mark_clean(state)
    assert not state.modified
    assert state.committed_state == {}
    internals.forget_identity(state)
    assert sa.inspect(book).transient


def test_loaders_are_called_at_the_first_access() -> None:
    """A loader is called when an attribute is read, asked whether it may query, and kept."""
    seen: list[bool] = []

    def load(state: Any, passive: Any) -> Any:
        seen.append(internals.may_query(passive))
        if not internals.may_query(passive):
            return internals.NOT_LOADED
        state.dict["author"] = "loaded"
        return internals.LOADED

    book: Any = internals.find_instance_maker(Book.__options__.mapper)()
    state = internals.state_of(book)
    state.callables = internals.SharedLoaders(author=load)
    assert book.author == "loaded"
    assert seen == [True]
    del state.callables["author"]
    assert state.callables.pop("author") is None
    assert "author" in state.callables
    internals.forget_value(state, "author")
    book.author = Author(name="x")
    assert seen == [True, False]


def test_expressions_are_described_without_their_values() -> None:
    """Two expressions that differ in values have one key, and give up their values in order."""
    one = internals.describe_expression((Book.title == "a") & (Book.pages > 1))
    two = internals.describe_expression((Book.title == "b") & (Book.pages > 2))
    other = internals.describe_expression((Book.pages == 1) & (Book.title > "a"))
    assert one is not None
    assert two is not None
    assert other is not None
    assert one[0] == two[0] != other[0]
    assert hash(one[0]) == hash(two[0])
    assert [bind.effective_value for bind in two[1]] == ["b", 2]


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.asyncpg.dialect()])
def test_statements_are_taken_apart(dialect: Any) -> None:
    """Compilation tells each parameter's place, list elements and processors included."""
    table = Book.__table__
    single = sa.bindparam(None, "x", type_=sa.Text(), unique=True)
    many = sa.bindparam(None, [1, 2, 3], type_=sa.Integer(), unique=True, expanding=True)
    statement = sa.select(table.c.title, table.c.created).where(
        table.c.pages.in_(many), table.c.title == single
    )
    compiled = internals.compile_statement(statement, dialect)
    places = [
        (many in internals.list_ancestors(bind), element) for bind, element, _ in compiled.slots
    ]
    assert sorted(places, key=str) == [(False, None), (True, 0), (True, 1), (True, 2)]
    assert "POSTCOMPILE" not in compiled.sql
    assert len(compiled.results) == 2
    assert (compiled.results[1] is None) == (dialect.driver == "asyncpg")


def test_a_pooled_record_can_be_wrapped_by_hand() -> None:
    """A record taken from the pool serves a Connection, and its close gives it back."""
    from undercroft.db.connections.engines import build_sync_engine
    from undercroft.db.connections.options import DatabaseOptions
    from undercroft.db.connections.thread_pool import ThreadPool

    engine = build_sync_engine("sqlite+pysqlite://", DatabaseOptions())
    pool = engine.pool
    assert isinstance(pool, ThreadPool)
    record = pool.take()
    assert not internals.is_stale(pool, record)
    fairy = internals.adopt_record(pool, record)
    assert sa.Connection(engine, connection=fairy).scalar(sa.text("select 1")) == 1
    assert pool.checkedout() == 1
    fairy.close()
    assert pool.checkedout() == 0
    pool.take().invalidate()
    engine.dispose()


def test_a_circle_of_foreign_keys_stays_what_it_is() -> None:
    """Tables made where a circle is closed afterwards can be made on SQLite, keys included, too."""
    metadata = sa.MetaData()
    for name, other in (("egg", "hen"), ("hen", "egg")):
        key = sa.ForeignKey(f"{other}.id", name=f"{name}_{other}")
        sa.Table(
            name,
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column(other, sa.Integer, key),
        )
    tables = list(metadata.tables.values())
    statements: list[str] = []
    engine = sa.create_mock_engine("postgresql+psycopg://", lambda it, *_: statements.append(it))
    with internals.keep_constraints(tables):
        metadata.create_all(engine, checkfirst=False)
    assert any("ALTER TABLE" in str(statement) for statement in statements)
    dialect: Any = sqlite.dialect()  # type: ignore[no-untyped-call]  # without types
    written = [str(sa.schema.CreateTable(table).compile(dialect=dialect)) for table in tables]
    assert all("FOREIGN KEY" in text for text in written)
