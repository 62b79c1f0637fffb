# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""What instances are after the block that wrote them was rolled back, on both databases."""

import pytest

from tests.db.conftest import Run
from tests.db.shop_models import Author, Book, make_author
from undercroft.db.connections.transactions import RequestTransaction, atomic
from undercroft.db.sessions import session

pytestmark = pytest.mark.usefixtures("database")


def test_a_change_is_written_again_after_a_rollback() -> None:
    """What a rolled-back block wrote of an instance still counts as changed."""
    author = make_author("Ada")
    author.name = "Bob"
    with pytest.raises(ZeroDivisionError), atomic():
        author.save()
        author.name = "Cyd"
        author.save(update_fields=["name"])
        _ = 1 / 0
    assert Author.objects.get().name == "Ada"
    author.save()
    assert Author.objects.get().name == "Cyd"
    author.name = "Ada"
    author.save()
    assert Author.objects.get().name == "Ada"


def test_a_savepoint_takes_back_its_own_writes_only() -> None:
    """After an inner block's rollback an instance is what it was when that block began."""
    author = make_author("Ada")
    with atomic():
        author.name = "Bob"
        author.save()
        author.email = "b"
        with pytest.raises(ZeroDivisionError), atomic():
            author.save()
            _ = 1 / 0
        author.save()
    assert (Author.objects.get().name, Author.objects.get().email) == ("Bob", "b")
    with pytest.raises(ZeroDivisionError), atomic():
        with atomic():
            author.name = "Cyd"
            author.save()
        _ = 1 / 0
    author.save()
    assert Author.objects.get().name == "Cyd"


def test_a_new_instance_is_inserted_again_after_a_rollback() -> None:
    """An instance whose insertion was rolled back was never saved, and has no key."""
    author = Author(name="Ada", email="a")
    with pytest.raises(ZeroDivisionError), atomic():
        author.save()
        _ = 1 / 0
    assert vars(author).get("id") is None
    other = make_author("Bob")
    author.save()
    assert Author.objects.count() == 2
    assert author.id != other.id
    assert Author.objects.get(id=author.id).name == "Ada"


def test_a_deleted_instance_is_back_after_a_rollback() -> None:
    """An instance whose deletion was rolled back has its key, and is updated."""
    author = make_author("Ada")
    key = author.id
    with pytest.raises(ZeroDivisionError), atomic():
        author.delete()
        _ = 1 / 0
    assert author.id == key
    author.name = "Bob"
    author.save()
    assert Author.objects.get().name == "Bob"


def test_a_request_that_fails_takes_back_too(run: Run) -> None:
    """The same holds for async code, and for the transaction of a request."""

    async def main() -> None:
        author = await Author.objects.acreate(name="Ada", email="a")
        author.name = "Bob"
        new = Author(name="New", email="n")
        with pytest.raises(ZeroDivisionError):
            async with RequestTransaction():
                await author.asave()
                async with atomic():
                    await new.asave()
                _ = 1 / 0
        await author.asave()
        await new.asave()
        assert [found.name async for found in Author.objects] == ["Bob", "New"]

    run(main())


def test_a_restored_instance_may_go_to_a_session() -> None:
    """SQLAlchemy too sees what is changed again."""
    author = make_author("Ada")
    author.name = "Bob"
    with pytest.raises(ZeroDivisionError), atomic():
        author.save()
        _ = 1 / 0
    with session() as alone:
        alone.add(author)
        alone.commit()
    assert Author.objects.get().name == "Bob"


def test_bulk_writes_are_written_again_after_a_rollback() -> None:
    """What a rolled-back `bulk_update` or `add` wrote still counts as changed."""
    ada, bob = make_author("Ada"), make_author("Bob")
    book = Book.objects.create(title="One", author=ada)
    with pytest.raises(ZeroDivisionError), atomic():
        book.title = "Two"
        Book.objects.bulk_update([book], ["title"])
        bob.books.add(book)  # type: ignore[attr-defined]
        _ = 1 / 0
    book.save()
    book.refresh_from_db()
    assert (book.title, book.author_id) == ("Two", bob.id)
