"""Relations: loaded along, loaded for all siblings at once, refused on the event loop."""

import gc
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.shop_models import Author, Book, Critic, Publisher, Review, make_author
from undercroft.db.lane import get_lane
from undercroft.errors import FieldError, SynchronousOnlyOperation

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collect the calls that reach the database; the lane itself stays the real one."""
    found: list[Any] = []
    lane = get_lane("default")
    fetch = lane._fetch

    def count_and_fetch(compiled: Any, values: Any) -> Any:
        found.append(compiled.sql)
        return fetch(compiled, values)

    monkeypatch.setattr(lane, "_fetch", count_and_fetch)
    return found


def fill() -> None:
    house = Publisher.objects.create(name="House")
    authors = [make_author(f"A{number}", publisher=house) for number in range(3)]
    for number in range(9):
        Book.objects.create(title=f"t{number}", author=authors[number % 3])


def test_select_related_loads_along(calls: list[Any]) -> None:
    """One query brings the rows, their authors and their authors' publishers."""
    fill()
    calls.clear()
    books = list(Book.objects.select_related("author__publisher", "sequel_to").order_by("id"))
    assert [book.author.publisher.name for book in books if book.author.publisher] == ["House"] * 9
    assert books[0].sequel_to is None
    assert len(calls) == 1


def test_the_first_access_loads_for_all_siblings(calls: list[Any]) -> None:
    """Walking over rows and their relations costs one query for each relation."""
    fill()
    calls.clear()
    books = list(Book.objects.order_by("id"))
    assert [book.author.name for book in books] == ["A0", "A1", "A2"] * 3
    assert {book.author.publisher.name for book in books if book.author.publisher} == {"House"}
    assert [book.sequel_to for book in books] == [None] * 9
    assert len(calls) == 3


def test_a_row_does_not_keep_its_result_alive() -> None:
    """Siblings that are gone are not loaded for, and not held."""
    fill()
    book = list(Book.objects.order_by("id"))[4]
    gc.collect()
    loaders = sa.inspect(book).callables
    assert sum(reference() is not None for reference in loaders.references) == 1
    assert book.author.name == "A1"


def test_the_loop_refuses_to_load(run: Run) -> None:
    """In async code an unloaded relation is an error that names the repair."""
    fill()

    async def main() -> None:
        book = await Book.objects.aget(title="t0")
        with pytest.raises(SynchronousOnlyOperation, match=r'select_related\("author"\)'):
            _ = book.author
        assert book.sequel_to is None
        loaded = await Book.objects.select_related("author").aget(title="t0")
        assert loaded.author.name == "A0"
        fresh = Book(title="new", author_id=loaded.author_id)
        with pytest.raises(SynchronousOnlyOperation, match="select_related"):
            _ = fresh.author
        fresh.author = loaded.author
        assert fresh.author.name == "A0"

    run(main())


def test_the_other_side_is_a_queryset() -> None:
    """`related_name` gives the rows that refer to an instance, and creates more of them."""
    fill()
    author: Any = Author.objects.get(name="A1")
    assert [book.title for book in author.books.order_by("title")] == ["t1", "t4", "t7"]
    assert author.books.filter(title="t4").count() == 1
    author.books.create(title="mine")
    assert author.books.count() == 4
    with pytest.raises(Author.DoesNotExist, match="never saved"):
        _ = Author(name="x").books
    book = Book.objects.get(title="t0")
    assert list(book.reviews) == []
    assert Critic.objects.create(name="c").review_set.count() == 0


def test_a_target_named_by_text_is_found_later() -> None:
    """A foreign key to a model defined afterwards has its type and its constraint."""
    column = Review.__table__.c["critic_id"]
    assert isinstance(column.type, sa.Uuid)
    (key,) = column.foreign_keys
    assert key.column.table.name == "db_critic"
    assert key.ondelete == "RESTRICT"


def test_only_relations_are_loaded_along() -> None:
    """A column or a typo is refused by `select_related`."""
    with pytest.raises(FieldError, match="Did you mean 'author'"):
        Book.objects.select_related("autor")
    with pytest.raises(FieldError, match="no relation of Author"):
        Book.objects.select_related("author__name")


def test_only_rows_of_the_instance_are_removed() -> None:
    """`remove` refuses a row that refers to another, and leaves it as it is."""
    here, there = Publisher.objects.create(name="here"), Publisher.objects.create(name="there")
    author = make_author("Ada", publisher=there)
    with pytest.raises(Author.DoesNotExist, match=r"none of publisher\.authors"):
        here.authors.remove(author)  # type: ignore[attr-defined]
    assert Author.objects.get().publisher == there
    Author.objects.update(publisher=here)
    there.authors.remove(author)  # type: ignore[attr-defined]
    assert Author.objects.get().publisher == here
