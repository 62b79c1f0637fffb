"""Values at the edge of what a column holds: refused in Python, or the same on every database."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.db.shop_models import Book, make_author
from undercroft.db.connections.databases import databases
from undercroft.errors import FieldValueError
from undercroft.models import Q

pytestmark = pytest.mark.usefixtures("database")

EAST = dt.timezone(dt.timedelta(hours=14))
WEST = dt.timezone(-dt.timedelta(hours=12))
LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    "values",
    [
        {"created": dt.datetime(1, 1, 1, tzinfo=EAST)},
        {"created": dt.datetime(9999, 12, 31, 23, tzinfo=WEST)},
        {"rating": 10**400},
        {"rating": float("nan")},
        {"rating": "inf"},
        {"rating": float("-inf")},
        {"opens": dt.time(12, tzinfo=dt.UTC)},
        {"data": object()},
        {"data": {"x": float("nan")}},
        {"data": {"x": "a\x00b"}},
        {"data": {"\x00": 1}},
        {"data": LOOP},
        {"price": Decimal("999999.995")},
        {"price": Decimal("1e900")},
    ],
)
def test_what_no_database_holds_is_refused(values: dict[str, Any]) -> None:
    """The error is ours and names the field, in an insert, an update, a save and a look-up."""
    (name,) = values
    author = make_author()
    with pytest.raises(FieldValueError, match=name):
        Book.objects.create(title="x", author=author, **values)
    book = Book.objects.create(title="x", author=author)
    with pytest.raises(FieldValueError, match=name):
        Book.objects.update(**values)
    setattr(book, name, values[name])
    with pytest.raises(FieldValueError, match=name):
        book.save()
    if name != "price":
        with pytest.raises(FieldValueError, match=name):
            Book.objects.filter(**values)


def test_backslashes_are_no_nul() -> None:
    """JSON text that looks like the escape of NUL is text."""
    data = {"x": "\\u0000", "y": "\\\\u0000"}
    book = Book.objects.create(title="x", author=make_author(), data=data)
    assert Book.objects.get(id=book.id).data == data


@pytest.mark.parametrize(
    "given, stored", [("1.005", "1.01"), ("2.675", "2.68"), ("-1.005", "-1.01"), (3, "3.00")]
)
def test_decimals_are_rounded_before_they_are_written(given: Any, stored: str) -> None:
    """Instance and database agree, on every database, and half is rounded up."""
    book = Book.objects.create(title="x", author=make_author(), price=Decimal(given))
    assert str(book.price) == stored
    assert str(Book.objects.get().price) == stored


def test_datetimes_on_the_instance_are_utc() -> None:
    """What was given in another zone reads as it would after a query."""
    moment = dt.datetime(2026, 1, 1, 3, tzinfo=EAST)
    book = Book.objects.create(title="x", author=make_author(), created=moment)
    assert book.created.tzinfo is dt.UTC
    book.created = moment = moment.replace(year=2027)
    book.save()
    assert book.created == moment
    assert book.created.tzinfo is dt.UTC
    assert Book.objects.filter(created=moment).exists()


def test_json_is_compared() -> None:
    """Whole documents can be looked for."""
    Book.objects.create(title="x", author=make_author(), data={"a": [1]})
    assert Book.objects.filter(data={"a": [1]}).count() == 1
    assert Book.objects.filter(data={"a": [2]}).count() == 0
    assert Book.objects.filter(data__isnull=True).count() == 0
    if databases["default"].vendor == "mariadb":  # which has them as text
        Book.objects.update(data={"a": 1, "b": [2.5]})
        assert Book.objects.filter(data={"b": [2.5], "a": 1}).count() == 1
        assert Book.objects.filter(Book.data != {"b": [2.5], "a": 1}).count() == 0


def test_json_that_is_not_there_equals_nothing() -> None:
    """A document that is NULL, or lacks the key, fulfils no comparison, alone or among others."""
    author = make_author()
    for number, data in enumerate(({"a": 1}, {}, None)):
        Book.objects.create(title=f"x{number}", author=author, data=data)
    for lookups, found in (
        ({"data__a": 1}, [{"a": 1}]),
        ({"data__a": 2}, []),
        ({"data": {"a": 1}}, [{"a": 1}]),
        ({"data": {}}, [{}]),
    ):
        books = Book.objects.order_by("id")
        assert [book.data for book in books.filter(**lookups)] == found
        assert [book.data for book in books.filter(Q(title="y") | Q(**lookups))] == found
        assert books.exclude(**lookups).count() == 3 - len(found)
    assert [book.data for book in Book.objects.filter(Book.data == {"a": 1})] == [{"a": 1}]
    assert [book.data for book in Book.objects.filter(Book.data != {"a": 1})] == [{}]


def test_json_is_written_when_it_changed() -> None:
    """A save of something else leaves what others wrote meanwhile; a change within is written."""
    made = Book.objects.create(title="x", author=make_author(), data={"a": [1]})
    for book in (made, Book.objects.get()):
        Book.objects.update(data={"others": True})
        book.pages += 1
        book.save()
        assert Book.objects.get().data == {"others": True}
    book.data["a"].append(2)
    book.save()
    assert Book.objects.get().data == {"a": [1, 2]}
    book.data["a"] = [True, 2]
    book.save(update_fields=["data"])
    book.data["a"][0] = 1
    book.save()
    assert Book.objects.get().data["a"][0] is not True
    book.data = None
    book.save()
    assert Book.objects.get().data is None


def test_a_required_column_without_a_value_is_named() -> None:
    """No database is asked for a row that lacks what it needs."""
    with pytest.raises(FieldValueError, match=r"Book\.author_id has no value"):
        Book.objects.create(title="x")
