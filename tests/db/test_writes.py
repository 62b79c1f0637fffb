"""Saving, updating and deleting: what is written, what comes back, what is refused."""

import datetime as dt
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.db.conftest import Run
from tests.db.shop_models import Author, Book, Critic, Publisher, Review, make_author
from undercroft.db.connections.databases import databases
from undercroft.errors import FieldError, FieldValueError, IntegrityError

pytestmark = pytest.mark.usefixtures("database")


def test_every_kind_of_value_survives_the_round_trip() -> None:
    """What was written is what is read, type for type, on every database."""
    zone = dt.timezone(dt.timedelta(hours=5))
    values = {
        "title": "Ünïcödé ☃ 漢字 𝄞",
        "summary": "x" * 10_000,
        "price": Decimal("123456.78"),
        "rating": 0.1,
        "published": dt.date(2026, 2, 28),
        "opens": dt.time(23, 59, 59, 999_999),
        "token": uuid.uuid4(),
        "data": {"list": [1, None, "x"], "nested": {"a": True}},
        "sold": 1 << 40,
        "in_print": False,
    }
    book = Book.objects.create(author=make_author(), **values)
    read = Book.objects.get(id=book.id)
    for name, value in values.items():
        assert getattr(read, name) == value
        assert type(getattr(read, name)) in (type(value), type(getattr(book, name)))
    moment = dt.datetime(2026, 1, 1, 3, tzinfo=zone)
    Book.objects.filter(id=book.id).update(created=moment)
    read.refresh_from_db()
    assert read.created == moment
    assert read.created.utcoffset() == dt.timedelta(0)


def test_defaults_apply_at_construction() -> None:
    """A new instance has its defaults before it is saved; the database's own come with the row."""
    book = Book(title="x", author=make_author())
    assert (book.pages, book.colour, book.in_print, book.review_count) == (1, "red", True, 0)
    assert isinstance(book.token, uuid.UUID)
    assert book.created.tzinfo is not None
    assert book.rating is None
    assert book.pk is None
    book.save()
    assert book.stock == 7
    assert book.pk == book.id == 1


def test_save_writes_what_changed() -> None:
    """A save after a change writes that column, and none when nothing changed."""
    book = Book.objects.create(title="x", author=make_author())
    changed = book.changed
    same = Book.objects.get(id=book.id)
    Book.objects.filter(id=book.id).update(summary="from elsewhere")
    same.title = "new"
    same.save()
    book.refresh_from_db()
    assert (book.title, book.summary) == ("new", "from elsewhere")
    assert book.changed > changed
    inspected = sa.inspect(same)
    assert not inspected.modified
    stamp = book.changed
    book.save()
    book.refresh_from_db()
    assert book.data is None or stamp
    book.pages, book.title = 5, "ignored"
    book.save(update_fields=["pages"])
    book.refresh_from_db()
    assert (book.pages, book.title) == (5, "new")
    with pytest.raises(FieldError, match="'pagse'"):
        book.save(update_fields=["pagse"])


def test_a_change_inside_json_is_saved() -> None:
    """A mutable value is written even though nobody assigned it."""
    book = Book.objects.create(title="x", author=make_author(), data={"n": 1})
    book = Book.objects.get(id=book.id)
    book.data["n"] = 2
    book.save()
    assert Book.objects.get(id=book.id).data == {"n": 2}


def test_a_relation_and_its_key_stay_in_step() -> None:
    """Assigning a relation sets the key; assigning the key forgets the relation."""
    ada, bob = make_author("Ada"), make_author("Bob")
    book = Book(title="x", author=ada)
    assert book.author_id == ada.id
    book.author = bob
    assert book.author_id == bob.id
    book.author_id = ada.id
    assert book.author == ada
    book.save()
    book = Book.objects.select_related("author").get(id=book.id)
    book.author = bob
    book.save()
    assert Book.objects.get(id=book.id).author_id == bob.id
    assert Book(title="y", author_id=ada.id).author.name == "Ada"


def test_delete_removes_the_row_and_the_identity() -> None:
    """A deleted instance has no key and can be saved anew; the database cascades."""
    ada = make_author()
    book = Book.objects.create(title="x", author=ada)
    Review.objects.create(book=book, critic=Critic.objects.create(name="c"), text="t")
    assert ada.delete().by_model["db.Author"] == 1
    assert ada.pk is None
    assert Book.objects.count() == Review.objects.count() == 0
    with pytest.raises(FieldError, match="never saved"):
        ada.delete()
    ada.save()
    assert ada.pk is not None


def test_the_database_enforces_on_delete() -> None:
    """PROTECT refuses, SET_NULL empties, whoever deletes."""
    house = Publisher.objects.create(name="House")
    ada = make_author(publisher=house)
    critic = Critic.objects.create(name="c")
    book = Book.objects.create(title="x", author=ada)
    Review.objects.create(book=book, critic=critic, text="t")
    with pytest.raises(IntegrityError):
        critic.delete()
    house.delete()
    ada.refresh_from_db()
    assert ada.publisher is None


def test_constraints_are_integrity_errors() -> None:
    """Unique, foreign-key and NULL violations are one class of error, with the cause kept."""
    ada = make_author()
    with pytest.raises(IntegrityError) as caught:
        make_author()
    assert caught.value.__cause__ is not None
    Book.objects.create(title="x", author=ada)
    with pytest.raises(IntegrityError):
        Book.objects.create(title="x", author=ada)
    with pytest.raises(IntegrityError):
        Book.objects.create(title="y", author_id=999)
    with pytest.raises(IntegrityError):
        Book.objects.create(title=None, author=ada)
    assert Book.objects.count() == 1


@pytest.mark.parametrize(
    "values",
    [
        {"title": "x" * 21},
        {"pages": -1},
        {"pages": 1 << 31},
        {"price": Decimal(1_000_000)},
        {"created": dt.datetime(2026, 1, 1)},  # noqa: DTZ001 - a naive one is the mistake
        {"title": "nul\x00"},
        {"title": 7},
    ],
)
def test_what_does_not_fit_is_not_written(values: dict[str, object]) -> None:
    """Values beyond a field's limits are refused alike on every database."""
    author = make_author()
    with pytest.raises(FieldValueError):
        Book.objects.create(**{"title": "t", "author": author, **values})
    with pytest.raises(FieldValueError):
        Book.objects.update(**values)
    assert Book.objects.count() == 0


def test_unknown_names_are_refused_in_writes() -> None:
    """A typo in a constructor or an update names the field that was meant."""
    with pytest.raises(FieldError, match="Did you mean 'title'"):
        Book(titel="x")
    with pytest.raises(FieldError, match="Did you mean 'title'"):
        Book.objects.update(titel="x")


def test_update_and_delete_follow_relations() -> None:
    """Statements that cannot join reach across relations by a subquery."""
    ada, bob = make_author("Ada"), make_author("Bob")
    for author in (ada, bob):
        Book.objects.create(title="x", author=author)
    assert Book.objects.filter(author__name="Ada").update(pages=9, author=bob, title="y") == 1
    assert Book.objects.filter(author__name="Bob", pages=9).count() == 1
    assert Book.objects.order_by("id")[:1].delete() == (1, {"db.Book": 1})
    assert Book.objects.filter(author__name="Bob").delete().total == 1


def test_a_row_that_is_gone_cannot_be_saved() -> None:
    """Saving over a deleted row is an error, not a silent nothing."""
    book = Book.objects.create(title="x", author=make_author())
    Book.objects.all().delete()
    book.title = "y"
    with pytest.raises(Book.DoesNotExist, match="gone"):
        book.save()
    with pytest.raises(Book.DoesNotExist):
        book.refresh_from_db()


def test_our_instances_are_sqlalchemys() -> None:
    """Sessions insert, load, merge and change the same classes, defaults included."""
    with Session(databases["default"].sync_engine) as session:
        author = Author(name="Ada", email="a@example.org")
        session.add(author)
        session.flush()
        session.add(Book(title="by session", author=author))
        session.execute(sa.insert(Publisher).values(name="core"))
        session.commit()
    book = Book.objects.select_related("author").get(title="by session")
    assert book.author.name == "Ada"
    with Session(databases["default"].sync_engine) as session:
        session.add(book)
        book.title = "changed"
        session.commit()
        found = session.scalars(sa.select(Book).where(Book.title == "changed")).one()
        assert found.author.name == "Ada"
    assert Book.objects.get().title == "changed"


def test_async_writes(run: Run) -> None:
    """The twins of create, save, refresh and delete write the same rows."""

    async def main() -> None:
        ada = await Author.objects.acreate(name="Ada", email="a@example.org")
        book = Book(title="x", author=ada, price=Decimal("1.50"), data=[1])
        await book.asave()
        book.pages = 3
        await book.asave()
        await book.arefresh_from_db()
        assert (book.pages, book.stock, book.price, book.data) == (3, 7, Decimal("1.50"), [1])
        with pytest.raises(IntegrityError):
            await Author.objects.acreate(name="Ada", email="a@example.org")
        assert await book.adelete() == (1, {"db.Book": 1})
        assert await ada.books.acount() == 0
        assert (await ada.books.acreate(title="y")).author_id == ada.id

    run(main())


def test_get_or_create_gives_one_row_to_all(database: str) -> None:
    """Callers at once get the same row, and one of them made it; defaults may be callables."""
    barrier = threading.Barrier(6)

    def work(number: int) -> tuple[int, bool]:
        barrier.wait(10)
        email = "one@example.org"
        found, new = Author.objects.get_or_create(email=email, defaults={"name": lambda: "Ada"})
        assert found.name == "Ada"
        return found.id, new

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(work, range(6)))
    assert len({key for key, _ in results}) == 1
    assert sum(new for _, new in results) == 1


def test_get_or_create_does_not_hide_another_rows_value() -> None:
    """A value that must be unique, and is taken by a row that was not asked for, is an error."""
    make_author("Ada")
    with pytest.raises(IntegrityError):
        Author.objects.get_or_create(name="Bob", defaults={"email": "ada@example.org"})
    critic, new = Critic.objects.get_or_create(name="x")
    assert new
    assert Critic.objects.get_or_create(name="x") == (critic, False)
