"""Copies of instances: by `copy`, `deepcopy` and `pickle`."""

import copy
import pickle
from collections.abc import Callable

import pytest

from tests.db.shop_models import Author, Book, Publisher, make_author

pytestmark = pytest.mark.usefixtures("database")

COPIES = pytest.mark.parametrize(
    "make_copy",
    [copy.copy, copy.deepcopy, lambda row: pickle.loads(pickle.dumps(row))],
    ids=["copy", "deepcopy", "pickle"],
)

Copy = Callable[[Author], Author]


@COPIES
def test_a_copy_is_saved_by_itself(make_copy: Copy) -> None:
    """A copy without a key is a row of its own; neither knows of changes to the other."""
    make_author("Ada")
    author = Author.objects.get()
    other = make_copy(author)
    assert other == author
    other.pk, other.name, other.email = None, "Bob", "bob@example.org"
    other.save()
    author.email = "new@example.org"
    author.save()
    assert list(Author.objects.values_list("name", "email")) == [
        ("Ada", "new@example.org"),
        ("Bob", "bob@example.org"),
    ]


@COPIES
def test_a_copy_knows_what_was_changed(make_copy: Copy) -> None:
    """A change made before the copy is written by either."""
    make_author("Ada")
    author = Author.objects.get()
    author.name = "Bob"
    make_copy(author).save()
    assert Author.objects.get().name == "Bob"


@COPIES
def test_a_copy_loads_what_it_lacks(make_copy: Copy) -> None:
    """Relations and deferred fields are loaded at their first use, as of any instance."""
    publisher = Publisher.objects.create(name="House")
    make_author("Ada", publisher=publisher)
    make_author("Bob", publisher=publisher)
    first, second = Author.objects.only("name", "publisher")
    assert make_copy(first).publisher == publisher
    assert make_copy(second).email == "bob@example.org"
    fresh = make_copy(Author(name="Cyd", publisher_id=publisher.pk))
    assert fresh.publisher == publisher


def test_a_copy_has_rows_of_its_own() -> None:
    """What was prefetched goes along, and is forgotten by each alone."""
    author = make_author("Ada")
    Book.objects.create(title="One", author=author)
    author = Author.objects.prefetch_related("books").get()
    other = copy.copy(author)
    other.books.create(title="Two")  # type: ignore[attr-defined]
    assert (len(author.books.all()), len(other.books.all())) == (1, 2)  # type: ignore[attr-defined]


def test_a_queryset_is_copied_and_not_pickled() -> None:
    """A copy is a query of its own; to pickle one is an error that names what to do."""
    make_author("Ada")
    authors = Author.objects.filter(name="Ada")
    assert len(authors) == 1
    Author.objects.create(name="Ada", email="other@example.org")
    assert (len(copy.copy(authors)), len(copy.deepcopy(authors))) == (1, 2)
    with pytest.raises(TypeError, match=r"list\(\.\.\.\)"):
        pickle.dumps(authors)
    with pytest.raises(TypeError, match=r"author\.books"):
        pickle.dumps(authors[0].books)  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(list(authors))) == list(authors)
