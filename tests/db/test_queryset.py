"""What querysets find, in which order, and how they are refused."""

import datetime as dt
import warnings
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from tests.db.conftest import Run
from tests.db.shop_models import Author, Book, Counter, Publisher, make_author
from undercroft.db.connections.databases import databases
from undercroft.db.lane import get_lane
from undercroft.errors import (
    FieldError,
    FieldValueError,
    ImproperlyConfigured,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
)

pytestmark = pytest.mark.usefixtures("database")


def fill() -> tuple[Author, Author]:
    house = Publisher.objects.create(name="House")
    ada, bob = make_author("Ada", publisher=house), make_author("Bob")
    for number in range(6):
        Book.objects.create(
            title=f"Title {number}",
            pages=number * 10,
            author=ada if number % 2 else bob,
            price=Decimal(number),
            published=dt.date(2020 + number, 1, 1 + number),
            rating=None if number == 5 else number / 2,
        )
    return ada, bob


def titles(queryset: Any) -> list[int]:
    """List the numbers in the titles of the books found."""
    return [int(book.title.split()[-1]) for book in queryset]


LOOKUPS: list[tuple[dict[str, Any], list[int]]] = [
    ({"pages": 20}, [2]),
    ({"pages__exact": "20"}, [2]),
    ({"title__iexact": "TITLE 3"}, [3]),
    ({"title__contains": "itle 1"}, [1]),
    ({"title__contains": "TITLE"}, []),
    ({"title__icontains": "TITLE 4"}, [4]),
    ({"title__startswith": "Title"}, [0, 1, 2, 3, 4, 5]),
    ({"title__startswith": "title"}, []),
    ({"title__istartswith": "tITLE 5"}, [5]),
    ({"title__endswith": "5"}, [5]),
    ({"title__iendswith": " 5"}, [5]),
    ({"title__contains": "%"}, []),
    ({"title__contains": "_itle"}, []),
    ({"title__contains": "*"}, []),
    ({"title__contains": "[T]"}, []),
    ({"title__icontains": "%"}, []),
    ({"pages__in": [10, 20, 30]}, [1, 2, 3]),
    ({"pages__in": []}, []),
    ({"pages__gt": 30}, [4, 5]),
    ({"pages__gte": 30}, [3, 4, 5]),
    ({"pages__lt": 10}, [0]),
    ({"pages__lte": 10}, [0, 1]),
    ({"pages__range": (10, 20)}, [1, 2]),
    ({"rating__isnull": True}, [5]),
    ({"rating": None}, [5]),
    ({"rating__isnull": False, "pages__gt": 20}, [3, 4]),
    ({"published__year": 2022}, [2]),
    ({"published__month": 1, "published__day__gte": 5}, [4, 5]),
    ({"published__year__in": [2020, 2021]}, [0, 1]),
    ({"author__name": "Ada"}, [1, 3, 5]),
    ({"author__publisher__name": "House"}, [1, 3, 5]),
    ({"author__publisher__isnull": True}, [0, 2, 4]),
    ({"author__name__in": ["Ada", "Bob"], "pages__lt": 20}, [0, 1]),
    ({"price": "3"}, [3]),
    ({"price__gt": Decimal("3.5")}, [4, 5]),
    ({"sold": 0, "pk__gt": 0, "pages": 0}, [0]),
]


@pytest.mark.parametrize("lookups, expected", LOOKUPS)
def test_lookups_find_the_rows(lookups: dict[str, Any], expected: list[int]) -> None:
    """Each look-up means on every database what its name says."""
    fill()
    assert titles(Book.objects.filter(**lookups).order_by("pages")) == expected


def test_exclude_is_the_rest_where_columns_are_null() -> None:
    """Rows whose column is NULL are not equal to a value, so exclude keeps them."""
    fill()
    assert titles(Book.objects.exclude(rating=1.0).order_by("pages")) == [0, 1, 3, 4, 5]
    assert titles(Book.objects.exclude(author__publisher__name="House").order_by("pages")) == [
        0,
        2,
        4,
    ]
    assert titles(Book.objects.exclude(pages__in=[0, 10]).exclude(pages__gt=30)) == [2, 3]


def test_sqlalchemy_expressions_are_conditions() -> None:
    """Expressions of SQLAlchemy go where look-ups go, mix with them, and keep their own values."""
    ada, bob = fill()
    for text, expected in (("3", [3]), ("4", [4]), ("nothing", [])):
        assert titles(Book.objects.filter(Book.title.contains(text))) == expected
    for numbers in ([10], [10, 20], [10, 20, 30], []):
        found = Book.objects.filter(Book.pages.in_(numbers), rating__gte=0).order_by("pages")
        assert titles(found) == [number // 10 for number in numbers]
    both = (Book.pages > 20) | (Book.title == "Title 0")
    assert titles(Book.objects.filter(both, author=bob).order_by(Book.pages.desc())) == [4, 0]
    joined = Book.objects.select_related("author").filter(Author.name == "Ada")
    assert titles(joined.order_by("pages")) == [1, 3, 5]
    assert titles(Book.objects.filter(Book.author_id == ada.id).order_by("-pages")) == [5, 3, 1]


def test_the_order_is_as_asked() -> None:
    """Names, minus signs, relations, reverse and Meta.ordering decide the order."""
    fill()
    assert titles(Book.objects.order_by("-author__name", "-pages")) == [4, 2, 0, 5, 3, 1]
    assert titles(Book.objects.order_by("pages").reverse()) == [5, 4, 3, 2, 1, 0]
    assert [author.name for author in Author.objects] == ["Ada", "Bob"]
    assert [author.name for author in Author.objects.reverse()] == ["Bob", "Ada"]
    assert [author.name for author in Author.objects.order_by("-name")] == ["Bob", "Ada"]


def test_slices_cut_the_query() -> None:
    """Slices of slices, indexes and counts of slices count from where they stand."""
    fill()
    books = Book.objects.order_by("pages")
    assert titles(books[1:4]) == [1, 2, 3]
    assert titles(books[2:][:2]) == [2, 3]
    assert titles(books[:3][1:]) == [1, 2]
    assert titles(books[4:]) == [4, 5]
    assert titles(books[3:3]) == []
    assert books[2].pages == 20
    assert books[1:4].count() == 3
    assert books[4:100].count() == 2
    assert titles(books[1:5].all()) == [1, 2, 3, 4]
    with pytest.raises(IndexError):
        _ = books[6]
    with pytest.raises(FieldError, match="Slice last"):
        books[:2].filter(pages=1)
    with pytest.raises(FieldError, match="last"):
        _ = books[-1]


def test_get_wants_exactly_one_row() -> None:
    """No row and several rows raise the model's own exceptions."""
    ada, _ = fill()
    assert Author.objects.get(name="Ada") == ada
    assert Author.objects.get(pk=ada.pk).email == "ada@example.org"
    with pytest.raises(Author.DoesNotExist, match="name='Eve'"):
        Author.objects.get(name="Eve")
    with pytest.raises(Book.MultipleObjectsReturned):
        Book.objects.get(author=ada)
    assert issubclass(Author.DoesNotExist, ObjectDoesNotExist)
    assert issubclass(Book.MultipleObjectsReturned, MultipleObjectsReturned)
    assert not issubclass(Author.DoesNotExist, Book.DoesNotExist)


def test_first_and_last_follow_the_key_without_an_order() -> None:
    """The first and last row are found by order, else by primary key, else not at all."""
    fill()
    first, last = Book.objects.first(), Book.objects.last()
    assert first is not None
    assert last is not None
    assert (first.pages, last.pages) == (0, 50)
    found = Book.objects.order_by("-pages").first()
    assert found is not None
    assert found.pages == 50
    assert Book.objects.filter(pages=-1).first() is None
    assert Book.objects.filter(pages=-1).last() is None


def test_count_exists_none_and_values() -> None:
    """Counting and plain values make no instances."""
    fill()
    assert Book.objects.count() == 6
    assert Book.objects.filter(author__name="Ada").count() == 3
    assert Book.objects.filter(pages=50).exists() is True
    assert Book.objects.filter(pages=51).exists() is False
    assert Book.objects.none().count() == 0
    assert list(Book.objects.none()) == []
    pairs = Book.objects.filter(pages__lt=20).order_by("pages").values_list("pages", "author__name")
    assert list(pairs) == [(0, "Bob"), (10, "Ada")]
    assert list(Book.objects.order_by("pages").values_list("pages", flat=True)[:2]) == [0, 10]
    assert list(Book.objects.filter(pages=10).values("title", "author__name")) == [
        {"title": "Title 1", "author__name": "Ada"}
    ]


def test_a_queryset_keeps_its_rows() -> None:
    """A queryset asks once; a derived one, and the manager, ask anew."""
    fill()
    books = Book.objects.filter(pages__gt=30)
    assert len(books) == 2
    assert bool(books)
    Book.objects.filter(pages=50).delete()
    assert len(books) == books.count() == 2
    assert len(books.all()) == 1
    assert len(list(Book.objects)) == 5


def test_the_statement_is_compiled_once(database: str) -> None:
    """Two queries that differ in values only share one compiled statement."""
    fill()
    from undercroft.db.lane import get_lane

    list(Book.objects.filter(pages=1, title__in=["a", "b", "c"])[:1])
    compiled = len(get_lane("default")._compiled)
    list(Book.objects.filter(pages=2, title__in=["x", "y", "z", "q"])[:7])
    list(Book.objects.filter(Book.title.contains("a")))
    assert len(get_lane("default")._compiled) == compiled + 1
    list(Book.objects.filter(Book.title.contains("b")))
    assert len(get_lane("default")._compiled) == compiled + 1


@pytest.mark.parametrize(
    "lookups, hint",
    [
        ({"titel": "x"}, "Field 'titel' does not exist on Book. Did you mean 'title'?"),
        (
            {"title__contians": "x"},
            "Book.title has no look-up 'contians'. Did you mean 'contains'?",
        ),
        ({"author__nam": "x"}, "Field 'nam' does not exist on Author. Did you mean 'name'?"),
        ({"pages__contains": "x"}, "Book.pages has no look-up 'contains'"),
        ({"title__year": 1}, "Book.title has no look-up 'year'"),
        ({"title__exact__exact": 1}, "Book.title has no look-up 'exact'"),
        ({"_connector": "OR 1=1"}, "Field '_connector' does not exist on Book."),
        ({"": 1}, "Field '' does not exist"),
        ({"__class__": 1}, "Field '' does not exist"),
        ({"x" * 100_000: 1}, "Field 'xxx"),
    ],
)
def test_unknown_names_are_refused(lookups: dict[str, Any], hint: str) -> None:
    """A name that is no field or look-up is an error that suggests the right one."""
    with pytest.raises(FieldError) as caught:
        Book.objects.filter(**lookups)
    assert hint in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "lookups",
    [
        {"id": "abc"},
        {"id": 1 << 63},
        {"id": "9" * 5000},
        {"id": float("inf")},
        {"id": 1.5},
        {"stock": 40_000},
        {"title": 3},
        {"title": "nul\x00"},
        {"created": dt.datetime(2026, 1, 1)},  # noqa: DTZ001 - a naive one is the mistake
        {"created": "yesterday"},
        {"published": dt.datetime.now(dt.UTC)},
        {"price": "NaN"},
        {"price": "1e1000000"},
        {"price": "9" * 5000},
        {"token": "no-uuid"},
        {"in_print": "maybe"},
        {"pages__in": "12"},
        {"pages__in": 12},
        {"pages__range": [1]},
        {"rating__isnull": "yes"},
        {"author": Author(name="unsaved")},
    ],
)
def test_values_must_fit_their_field(lookups: dict[str, Any]) -> None:
    """A value of the wrong type or size is refused before the database sees it."""
    with pytest.raises(FieldValueError, match="expected"):
        Book.objects.filter(**lookups)


def test_a_condition_is_no_text() -> None:
    """Text never becomes SQL, wherever it is put."""
    with pytest.raises(FieldError, match="is no condition"):
        Book.objects.filter("1=1")
    with pytest.raises(FieldError, match="Relations: author, sequel_to"):
        Book.objects.select_related("publisher")
    with pytest.raises(FieldError, match="does not exist"):
        Book.objects.order_by("pages; DROP TABLE book")


def test_async_code_has_twins_of_everything(run: Run) -> None:
    """The `a` methods, `await` and `async for` answer as their blocking forms do."""
    fill()

    async def main() -> None:
        books = Book.objects.filter(pages__lt=30).order_by("pages")
        assert titles(await books) == [0, 1, 2]
        assert titles([book async for book in books]) == [0, 1, 2]
        assert (await books.aget(pages=10)).title == "Title 1"
        first, last = await books.afirst(), await books.alast()
        assert first is not None
        assert last is not None
        assert (first.pages, last.pages) == (0, 20)
        assert await books.acount() == 3
        assert await books.aexists()
        assert await books.values_list("pages", flat=True) == [0, 10, 20]
        assert await books.values("pages") == [{"pages": 0}, {"pages": 10}, {"pages": 20}]
        assert await books.aupdate(summary="x") == 3
        assert await Book.objects.filter(summary="x").adelete() == (3, {"db.Book": 3})
        with pytest.raises(Book.DoesNotExist):
            await Book.objects.aget(pages=0)
        author, new = await Author.objects.aget_or_create(name="Eve", email="e@example.org")
        assert new
        assert await Author.objects.aget_or_create(name="Eve", email="e@example.org") == (
            author,
            False,
        )

    run(main())


def test_an_unknown_database_is_named() -> None:
    """`using` a database that is not configured says which ones are."""
    with pytest.raises(ImproperlyConfigured, match="Did you mean 'default'"):
        list(Book.objects.using("defualt"))


def test_an_empty_slice_has_no_rows() -> None:
    """`exists` and `count` of a slice heed its limits."""
    fill()
    for start, stop, expected in ((0, 0, False), (2, 2, False), (0, 1, True), (99, 100, False)):
        assert Book.objects.all()[start:stop].exists() is expected
        assert bool(Book.objects.all()[start:stop].count()) is expected
    assert Book.objects.all()[1:].exists()
    lane = get_lane("default")
    before = len(lane._compiled)
    assert Book.objects.all()[3:3].exists() is False
    assert len(lane._compiled) == before


def test_a_slice_may_begin_beyond_any_row() -> None:
    """No database counts that far, so nothing is there."""
    fill()
    assert list(Book.objects.all()[2**70 :]) == []
    assert list(Book.objects.all()[2**70 : 2**71]) == []
    assert list(Book.objects.all()[5:][2**63 - 1 :]) == []


def test_an_expression_on_a_table_that_is_not_joined_is_refused() -> None:
    """It would multiply the rows of both tables, and delete the wrong ones."""
    fill()
    query = Book.objects.filter(Author.name == "Ada")
    for act in (list, lambda q: q.count(), lambda q: q.delete(), lambda q: q.update(pages=3)):
        with pytest.raises(FieldError, match="author__name="):
            act(query)
    with pytest.raises(FieldError, match="author__publisher__name="):
        list(Book.objects.exclude(Publisher.name == "x"))
    with pytest.raises(FieldError, match="exists"):
        list(Book.objects.filter(aliased(Book).pages == 1))
    with pytest.raises(FieldError, match="author__email="):
        list(Book.objects.order_by(Author.email.desc()))
    along = Book.objects.select_related("author").filter(Author.name == "Ada")
    assert (len(along), along.count(), along.exists(), along.update(pages=3)) == (3, 3, True, 3)
    inner = sa.exists().where(Author.id == Book.author_id, Author.name == "Ada")
    assert Book.objects.filter(inner).count() > 0
    assert Book.objects.filter(Book.author_id.in_(sa.select(Author.id))).count() > 0


def test_nulls_keep_their_side_when_the_order_is_turned() -> None:
    """What was last is first, NULLs included."""
    fill()
    for term in (
        Book.rating.asc().nulls_last(),
        Book.rating.desc().nulls_first(),
        Book.rating.nulls_first(),
    ):
        rows = [one.rating for one in Book.objects.order_by(term)]
        turned = [one.rating for one in Book.objects.order_by(term).reverse()]
        assert turned == rows[::-1]
        assert Book.objects.order_by(term).last().rating == rows[-1]


def test_long_lists_are_not_padded_beyond_the_driver(run: Run) -> None:
    """Padding never breaks a list that fits by itself."""
    fill()
    for length in (1_025, 20_000, 32_000):
        ids = range(1, length + 1)
        assert Book.objects.filter(id__in=ids).count() == Book.objects.count()
        run(Book.objects.filter(id__in=ids).acount())


def test_lookups_of_text_are_for_text() -> None:
    """Numbers have no case; a pattern too long for SQLite is an error of ours."""
    fill()
    with pytest.raises(FieldError, match="iexact"):
        Book.objects.filter(pages__iexact="5")
    try:
        assert Book.objects.filter(title__contains="x" * 60_000).count() == 0
    except FieldValueError:
        assert databases["default"].url.startswith("sqlite")


@pytest.mark.parametrize("name", ["self", "expressions", "lookups"])
def test_any_name_may_be_asked_for(name: str) -> None:
    """Names of our own parameters are names like any other."""
    for method in (Book.objects.filter, Book.objects.exclude, Book.objects.get):
        with pytest.raises(FieldError):
            method(**{name: 1})


def test_names_have_an_end() -> None:
    """Neither length nor depth of a name is cut, and neither grows without bounds."""
    for name in ("title" + "_" * 600, "sequel_to__" * 20 + "title", "title__" + "x" * 600):
        with pytest.raises(FieldError):
            Book.objects.filter(**{name: "x"})
        with pytest.raises(FieldError):
            Book.objects.order_by(name)
    with pytest.raises(FieldError):
        Book.objects.select_related("__".join(["sequel_to"] * 20))
    assert Book.objects.filter(**{"sequel_to__" * 8 + "title": "x"}).count() == 0


def test_tuples_are_found_in_lists() -> None:
    """SQLAlchemy's `tuple_` works, with other values at every call."""
    fill()
    book = Book.objects.first()
    for pages, found in ((book.pages, 1), (12_345, 0)):
        pairs = [(book.id, pages), (0, 0)]
        assert Book.objects.filter(sa.tuple_(Book.id, Book.pages).in_(pairs)).count() == found


def test_an_expression_without_a_key_is_not_kept() -> None:
    """What SQLAlchemy cannot compare would fill the cache and never be found there."""

    class Odd(sa.types.UserDefinedType[int]):
        def get_col_spec(self, **_options: Any) -> str:
            return "INTEGER"

    lane = get_lane("default")
    Book.objects.count()
    before = len(lane._compiled)
    for _ in range(3):
        condition = sa.type_coerce(Book.id, Odd()) == sa.type_coerce(sa.literal(1), sa.Integer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Book.objects.filter(condition).count()
    assert len(lane._compiled) == before


def test_the_shell_shows_rows(run: Run) -> None:
    """In sync code a queryset shows its first rows; the event loop never queries for it."""
    fill()
    text = repr(Book.objects.all())
    assert text.startswith("<QuerySet of Book: [<Book: ")
    assert repr(Book.objects) == "<Manager of Book>"
    Counter.objects.create()
    assert repr(Counter.objects.all()) == "<QuerySet of Counter: [<Counter: Counter object (1)>]>"
    for _ in range(25):
        Counter.objects.create()
    assert repr(Counter.objects.all()).endswith(", ...]>")

    async def show() -> str:
        return repr(Book.objects.all())

    assert run(show()) == "<QuerySet of Book>"


def test_a_forgotten_await_names_the_method() -> None:
    """Python's warning of a coroutine that nobody awaited says which method made it."""
    with pytest.warns(RuntimeWarning, match=r"\.acount' was never awaited"):
        Book.objects.acount()  # type: ignore[unused-coroutine]  # the mistake
    with pytest.warns(RuntimeWarning, match=r"\.asave' was never awaited"):
        Publisher(name="House").asave()  # type: ignore[unused-coroutine]  # the mistake
