# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""Rows by SQL of one's own."""

import asyncio

import pytest

from tests.db.conftest import Run
from tests.db.shop_models import Author, Book, Counter, make_author
from undercroft.db import atomic
from undercroft.db.raw import RawQuerySet
from undercroft.errors import DatabaseError, FieldError

pytestmark = pytest.mark.usefixtures("database")


def test_rows_become_instances_whatever_their_order() -> None:
    """Columns go by their names; others become attributes, and missing ones are loaded later."""
    ada = make_author()
    Book.objects.create(title="x", author=ada, sold=3)
    sql = "SELECT 2 + 1 AS three, copies_sold, title, id FROM db_book WHERE title = %s"
    [book] = Book.objects.raw(sql, ["x"])
    assert (book.title, book.sold, book.three) == ("x", 3, 3)
    assert book.author == ada
    assert book.created == Book.objects.get().created
    book.title = "y"
    book.save()
    assert Book.objects.get().title == "y"


def test_values_are_bound_by_place_and_by_name() -> None:
    """A value is never part of the text; colons and percent signs in it mean themselves."""
    make_author("Ada")
    hostile = "x' OR '1'='1"
    assert list(Author.objects.raw("SELECT * FROM db_author WHERE name = %s", [hostile])) == []
    named = "SELECT * FROM db_author WHERE name = %(name)s AND ':no' <> '100%%'"
    assert [each.name for each in Author.objects.raw(named, {"name": "Ada"})] == ["Ada"]
    assert len(Author.objects.raw("SELECT * FROM db_author WHERE name LIKE %s", ["A%"])) == 1


def test_what_does_not_fit_is_said() -> None:
    """Too few values, a missing key and wrong SQL are clear errors."""
    with pytest.raises(FieldError, match="places"):
        Author.objects.raw("SELECT * FROM db_author WHERE name = %s")
    with pytest.raises(FieldError, match="needs the key 'id'"):
        make_author() and list(Author.objects.raw("SELECT name FROM db_author"))
    with pytest.raises(DatabaseError):
        list(Author.objects.raw("SELEC 1"))


def test_it_takes_part_in_the_transaction(run: Run) -> None:
    """Within a block it sees what the block wrote, in sync and in async code."""
    with atomic():
        Counter.objects.create(value=7)
        assert Counter.objects.raw("SELECT * FROM db_counter")[0].value == 7

    async def main() -> None:
        async with atomic():
            await Counter.objects.acreate(value=8)
            rows = await Counter.objects.raw("SELECT * FROM db_counter ORDER BY value")
            assert [row.value for row in rows] == [7, 8]
        assert len(await Counter.objects.raw("SELECT * FROM db_counter")) == 2

    run(main())


def test_what_it_writes_is_stored(run: Run) -> None:
    """A statement that writes and gives rows is committed, within a block with the block."""
    verb = "DELETE FROM db_counter WHERE value = %s RETURNING *"
    for value in (1, 2, 3):
        Counter.objects.create(value=value)
    assert len(Counter.objects.raw(verb, [1])) == 1
    assert Counter.objects.count() == 2

    async def main() -> None:
        assert len(await Counter.objects.raw(verb, [2])) == 1
        assert await Counter.objects.acount() == 1

    run(main())
    with pytest.raises(ZeroDivisionError), atomic():
        assert len(Counter.objects.raw(verb, [3])) == 1
        _ = 1 / 0
    assert Counter.objects.get().value == 3


def test_tasks_of_a_transaction_take_turns(run: Run) -> None:
    """Raw queries wait for others on the connection of their transaction."""

    async def main() -> None:
        async with atomic():
            await Counter.objects.acreate(value=1)
            asked = [Counter.objects.raw("SELECT * FROM db_counter") for _ in range(3)]
            found = await asyncio.gather(*(count(each) for each in asked), Counter.objects.acount())
        assert found == [1, 1, 1, 1]

    async def count(rows: RawQuerySet[Counter]) -> int:
        return len(await rows)

    run(main())
