"""The load plan: rows straight to nested dicts."""

import pytest

from tests.db.conftest import Run
from tests.db.shop_models import Book, Publisher, make_author
from undercroft.errors import FieldError
from undercroft.models import Selection

pytestmark = pytest.mark.usefixtures("database")

PLAN = Selection(
    ("id", "title"),
    (
        ("author", Selection(("name",), (("publisher", Selection(("id", "name"))),))),
        ("sequel_to", Selection(("title",), (("author", Selection(("name",))),))),
    ),
)


def fill() -> None:
    house = Publisher.objects.create(name="House")
    ada, bob = make_author("Ada", publisher=house), make_author("Bob")
    first = Book.objects.create(title="one", author=ada)
    Book.objects.create(title="two", author=bob, sequel_to=first)


EXPECTED = [
    {
        "id": 1,
        "title": "one",
        "author": {"name": "Ada", "publisher": {"id": 1, "name": "House"}},
        "sequel_to": None,
    },
    {
        "id": 2,
        "title": "two",
        "author": {"name": "Bob", "publisher": None},
        "sequel_to": {"title": "one", "author": {"name": "Ada"}},
    },
]


def test_a_plan_gives_nested_dicts() -> None:
    """Columns come in the plan's order, relations nested, a missing one as None."""
    fill()
    books = Book.objects.order_by("id")
    assert books.fetch_dicts(PLAN) == EXPECTED
    assert list(books.fetch_dicts(PLAN)[0]) == ["id", "title", "author", "sequel_to"]
    assert books.fetch_dicts(Selection(("title",))) == [{"title": "one"}, {"title": "two"}]
    assert books.filter(author__name="Bob").fetch_dict(PLAN) == EXPECTED[1]
    assert books.filter(title="three").fetch_dict(PLAN) is None
    assert books[1:].fetch_dicts(PLAN) == EXPECTED[1:]
    only = Selection((), (("sequel_to", Selection((), (("author", Selection(("name",))),))),))
    assert books.fetch_dicts(only) == [
        {"sequel_to": None},
        {"sequel_to": {"author": {"name": "Ada"}}},
    ]


def test_plans_on_the_event_loop(run: Run) -> None:
    """The twins give the same dicts."""
    fill()

    async def main() -> None:
        books = Book.objects.order_by("id")
        assert await books.afetch_dicts(PLAN) == EXPECTED
        assert await books.filter(id=2).afetch_dict(PLAN) == EXPECTED[1]

    run(main())


def test_a_plan_names_what_exists() -> None:
    """A typo in a plan is an error that names the model it is on."""
    with pytest.raises(FieldError, match="'nam' does not exist on Author"):
        Book.objects.fetch_dicts(Selection(("id",), (("author", Selection(("nam",))),)))
    with pytest.raises(FieldError, match="Did you mean 'author'"):
        Book.objects.fetch_dicts(Selection(("id",), (("autor", Selection(("name",))),)))
