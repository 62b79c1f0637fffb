"""Violated constraints: a class for each kind, which names model, fields and constraint."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.db.conftest import DEFERRING, Run
from tests.db.shop_models import Author, Book, Critic, Review, make_author
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import RequestTransaction, atomic
from undercroft.errors import (
    CheckViolation,
    ExclusionViolation,
    ForeignKeyViolation,
    IntegrityError,
    NotNullViolation,
    ProtectedError,
    RestrictedError,
    UniqueViolation,
)

pytestmark = pytest.mark.usefixtures("database")


class Seat(models.Model):
    """A row with every kind of rule: unique, checked, referring, with a stretch of its own."""

    label = models.CharField(max_length=10, db_column="printed_label", unique=True)
    first = models.IntegerField(default=0)
    last = models.IntegerField(default=0)
    above = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, db_column="over_id")

    class Meta:
        db_table = "violated_seat"
        constraints = [sa.CheckConstraint("first <= last", name="in_order")]


class Promise(models.Model):
    """A row that refers to another, which the database checks at the commit."""

    kept_by = models.BigIntegerField()

    class Meta:
        db_table = "violated_promise"


sa.event.listen(
    Seat.__options__.table,
    "after_create",
    sa.DDL(
        "ALTER TABLE violated_seat ADD CONSTRAINT apart"
        " EXCLUDE USING gist (int4range(first, last) WITH &&)"
    ).execute_if(dialect="postgresql"),
)


def catch(write: Callable[[], object], kind: type[IntegrityError]) -> IntegrityError:
    """Catch a violation of exactly a kind, whose text shows no value and no SQL."""
    with pytest.raises(IntegrityError) as caught:
        write()
    assert type(caught.value) is kind, caught.value
    assert caught.value.__cause__ is not None
    text = str(caught.value)
    for word in ("@example.org", "INSERT", "DELETE", "None", "'taken'"):
        assert word not in text
    return caught.value


def test_unique_fields_are_named() -> None:
    """One field, several together, and a key: by the names of the model, with the constraint."""
    ada = make_author()
    error = catch(make_author, UniqueViolation)
    assert (error.model, error.fields, error.columns) == (Author, ("email",), ("email",))
    assert (error.table, error.constraint) == ("db_author", "uq_db_author_email")
    assert (error.database, error.code) == ("default", "db.unique-violation")
    assert "Author.email" in str(error)
    assert "uq_db_author_email" in str(error)
    book = Book.objects.create(title="taken", author=ada)
    error = catch(lambda: Book.objects.create(title="taken", author=ada), UniqueViolation)
    assert (error.model, error.fields) == (Book, ("author", "title"))
    assert error.columns == ("author_id", "title")
    assert "Book (author, title)" in str(error)
    error = catch(lambda: Author.objects.create(id=ada.id, name="x", email="y"), UniqueViolation)
    assert (error.model, error.fields, error.constraint) == (Author, ("id",), "pk_db_author")
    other = Book.objects.create(title="free", author=ada)
    other.title = book.title
    assert catch(other.save, UniqueViolation).fields == ("author", "title")


def test_a_field_goes_by_its_own_name(database: str) -> None:
    """A column that is called otherwise is told as the field, and a relation as itself."""
    Seat.objects.create(label="taken", first=1, last=2)
    error = catch(lambda: Seat.objects.create(label="taken", first=3, last=4), UniqueViolation)
    assert (error.fields, error.columns) == (("label",), ("printed_label",))
    error = catch(
        lambda: Seat.objects.create(label="x", first=5, last=6, above=99), ForeignKeyViolation
    )
    assert (error.model, error.fields, error.columns) == (Seat, ("above",), ("over_id",))
    assert error.constraint == "fk_violated_seat_over_id_violated_seat"
    assert "Seat.above refers to a row of Seat that does not exist" in str(error)


def test_a_reference_to_nothing_is_named_where_it_is_known(database: str) -> None:
    """PostgreSQL says which foreign key it was; of several in one statement SQLite says nothing."""
    ada = make_author()
    error = catch(lambda: Book.objects.create(title="x", author_id=999), ForeignKeyViolation)
    assert error.model is Book
    assert error.fields == (() if database == "sqlite" else ("author",))
    if database == "sqlite":
        assert "Book.author or Book.sequel_to refers to a row that does not exist" in str(error)
    book = Book.objects.create(title="x", author=ada)
    book.author_id = 999
    assert catch(book.save, ForeignKeyViolation).fields == ("author",)


def test_a_protected_row_names_who_refers_to_it() -> None:
    """PROTECT and RESTRICT refuse a deletion, by instance and by queryset."""
    critic = Critic.objects.create(name="c")
    book = Book.objects.create(title="x", author=make_author())
    Review.objects.create(book=book, critic=critic, text="t")
    for delete in (critic.delete, Critic.objects.all().delete):
        error = catch(delete, ProtectedError)
        assert isinstance(error, ForeignKeyViolation)
        assert (error.model, error.fields, error.table) == (Review, ("critic",), "db_review")
        assert "Review.critic" in str(error)
    assert RestrictedError is ProtectedError
    Seat.objects.create(label="low", first=1, last=2)
    Seat.objects.create(label="high", first=3, last=4, above=Seat.objects.get())
    error = catch(Seat.objects.get(label="low").delete, ProtectedError)
    assert (error.model, error.fields) == (Seat, ("above",))


def test_a_missing_value_is_named() -> None:
    """NULL where none may be names the field, in an insertion and in a change."""
    Seat.objects.create(label="x")
    for write in (
        lambda: Seat.objects.create(label="y", first=None),
        lambda: Seat.objects.update(first=None),
    ):
        error = catch(write, NotNullViolation)
        assert (error.model, error.fields) == (Seat, ("first",))
        assert "Seat.first has no value" in str(error)


def test_a_check_is_named() -> None:
    """A check constraint is told by its name, and the fields it is about where that is known."""
    error = catch(lambda: Seat.objects.create(label="x", first=2, last=1), CheckViolation)
    assert (error.model, error.constraint) == (Seat, "ck_violated_seat_in_order")


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_an_exclusion_is_named() -> None:
    """PostgreSQL's exclusion constraints have a class of their own."""
    Seat.objects.create(label="x", first=1, last=5)
    error = catch(lambda: Seat.objects.create(label="y", first=3, last=9), ExclusionViolation)
    assert (error.model, error.constraint) == (Seat, "apart")


def test_async_code_is_told_the_same(run: Run, database: str) -> None:
    """The driver of async code leads to the same errors."""

    async def main() -> None:
        critic = await Critic.objects.acreate(name="c")
        ada = await Author.objects.acreate(name="Ada", email="a")
        book = await Book.objects.acreate(title="x", author=ada)
        await Review.objects.acreate(book=book, critic=critic, text="t")
        with pytest.raises(UniqueViolation) as unique:
            await Author.objects.acreate(name="Bob", email="a")
        assert unique.value.fields == ("email",)
        with pytest.raises(ForeignKeyViolation) as foreign:
            await Seat.objects.acreate(label="x", above=9)
        assert foreign.value.fields == ("above",)
        with pytest.raises(NotNullViolation) as null:
            await Seat.objects.acreate(label="x", first=None)
        assert null.value.fields == ("first",)
        with pytest.raises(CheckViolation):
            await Seat.objects.acreate(label="x", first=1)
        with pytest.raises(ProtectedError) as protected:
            await critic.adelete()
        assert protected.value.fields == ("critic",)
        with pytest.raises(UniqueViolation):
            async with RequestTransaction():
                await Author.objects.acreate(name="Bob", email="a")

    run(main())


@pytest.fixture
def promises(database: str) -> Iterator[None]:
    """The table of promises, whose foreign key is checked at the commit."""
    key = "INTEGER PRIMARY KEY" if database == "sqlite" else "BIGSERIAL PRIMARY KEY"
    create = sa.text(
        f"CREATE TABLE violated_promise (id {key}, kept_by BIGINT NOT NULL CONSTRAINT kept"
        " REFERENCES violated_promise (id) DEFERRABLE INITIALLY DEFERRED)"
    )
    with databases["default"].sync_engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE violated_promise"))
        connection.execute(create)
    yield
    with databases["default"].sync_engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE violated_promise"))


@DEFERRING
@pytest.mark.usefixtures("promises")
def test_what_the_commit_refuses_has_its_class(run: Run, database: str) -> None:
    """A deferred constraint is told as one that is checked at once, as far as it is known."""

    async def main() -> None:
        async with atomic():
            await Promise.objects.acreate(kept_by=99)

    def write() -> None:
        with atomic():
            Promise.objects.create(kept_by=99)

    for work in (write, lambda: run(main())):
        error = catch(work, ForeignKeyViolation)
        if database == "postgresql":
            assert (error.model, error.constraint) == (Promise, "kept")
    assert Promise.objects.count() == 0


def test_another_database_is_named(tmp_path: object) -> None:
    """The error says on which database it was."""
    urls = {alias: known.url for alias, known in databases.items()}
    databases.configure({**urls, "other": f"sqlite:///{tmp_path}/other.sqlite3"})
    models.create_all(alias="other")
    Author.objects.using("other").create(name="Ada", email="a")
    with pytest.raises(UniqueViolation) as caught:
        Author.objects.using("other").create(name="Ada", email="a")
    assert caught.value.database == "other"


def test_a_table_of_no_model_is_told_as_it_is(database: str) -> None:
    """Where no model is behind a table, the error says what the database said."""
    engine = databases["default"].sync_engine
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE violated_log (id INTEGER, seat INTEGER UNIQUE)"))
        for statement in TRIGGERS[database]:
            connection.exec_driver_sql(statement)
    try:
        Seat.objects.create(label="a", first=1, last=2)
        error = catch(lambda: Seat.objects.create(label="b", first=3, last=4), UniqueViolation)
        assert (error.model, error.fields) == (None, ())
        if database == "mariadb":  # which names no table
            assert (error.table, error.constraint) == ("", "seat")
        else:
            assert (error.table, error.columns) == ("violated_log", ("seat",))
            assert "violated_log.seat" in str(error)
    finally:
        with engine.begin() as connection:
            place = " ON violated_seat" if database == "postgresql" else ""
            connection.exec_driver_sql(f"DROP TRIGGER log_seat{place}")
            connection.exec_driver_sql("DROP TABLE violated_log")


#: What writes a row of the log for every seat, twice the same.
TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER log_seat AFTER INSERT ON violated_seat"
        " BEGIN INSERT INTO violated_log VALUES (1, 1); END"
    ],
    "postgresql": [
        "CREATE OR REPLACE FUNCTION log_seat() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO violated_log VALUES (1, 1); RETURN NULL; END $$",
        "CREATE TRIGGER log_seat AFTER INSERT ON violated_seat"
        " FOR EACH ROW EXECUTE FUNCTION log_seat()",
    ],
    "mariadb": [
        "CREATE TRIGGER log_seat AFTER INSERT ON violated_seat"
        " FOR EACH ROW INSERT INTO violated_log VALUES (1, 1)"
    ],
}
