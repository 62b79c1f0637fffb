"""`get_or_create` and `update_or_create`: one row, however many ask for it at once."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, fill
from tests.db.shop_models import Book, make_author
from undercroft.db.connections.transactions import atomic
from undercroft.errors import FieldError, FieldValueError, UniqueViolation
from undercroft.models import F

pytestmark = pytest.mark.usefixtures("database")


def race(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Let threads act at the same moment; give what each found."""
    barrier, found = threading.Barrier(count), list[Any]()

    def start(turn: int) -> None:
        barrier.wait()
        try:
            found.append(act(turn))
        except BaseException as error:  # noqa: BLE001 - of a thread
            found.append(error)

    threads = [threading.Thread(target=start, args=(turn,)) for turn in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_row_is_found_or_made() -> None:
    """Look-ups find it; a new one gets them and the defaults, callables called."""
    rows = fill()
    assert Genre.objects.get_or_create(name="Rock") == (rows["rock"], False)
    made, is_new = Genre.objects.get_or_create(name="Soul", defaults={"parent": rows["jazz"]})
    assert (made.name, made.parent, is_new) == ("Soul", rows["jazz"], True)
    made, is_new = Album.objects.get_or_create(
        title="New", artist=rows["ann"], defaults={"rating": lambda: 4.5}
    )
    assert (made.rating, made.artist_id, is_new) == (4.5, rows["ann"].pk, True)
    assert Album.objects.get_or_create(title__iexact="NEW", defaults={"artist": rows["ann"]}) == (
        made,
        False,
    )
    assert Album.objects.get_or_create(artist__name="Bob", title="Blue") == (rows["blue"], False)
    assert rows["ann"].albums.get_or_create(title="New") == (made, False)
    _, is_new = rows["bob"].albums.get_or_create(title="New")
    assert is_new
    with pytest.raises(Album.MultipleObjectsReturned):
        Album.objects.get_or_create(title="New", defaults={"artist": rows["ann"]})


def test_a_row_is_changed_or_made() -> None:
    """`defaults` change a row that is there; `create_defaults` are a new one's."""
    rows = fill()
    changed, is_new = Album.objects.update_or_create(title="Blue", defaults={"rating": 5.0})
    assert (changed.pk, changed.rating, is_new) == (rows["blue"].pk, 5.0, False)
    assert Album.objects.get(title="Blue").rating == 5.0
    made, is_new = Album.objects.update_or_create(
        title="New",
        defaults={"rating": 1.0},
        create_defaults={"artist": rows["ann"], "rating": lambda: 2.0},
    )
    assert (made.rating, is_new) == (2.0, True)
    changed, _ = Album.objects.update_or_create(title="New", defaults={"rating": F("rating") * 2})
    assert changed.rating == 4.0
    changed, _ = Album.objects.update_or_create(title="New")
    assert changed.rating == 4.0


def test_sixteen_at_once_make_one_row() -> None:
    """Exactly one of them is told that the row is new; all of them have it."""
    found = race(16, lambda turn: Genre.objects.get_or_create(name="Rock"))
    assert Genre.objects.count() == 1
    rock = Genre.objects.get()
    assert [row for row, _ in found] == [rock] * 16
    assert sum(is_new for _, is_new in found) == 1


def test_sixteen_at_once_change_one_row() -> None:
    """Every change is written to the same row."""
    author = make_author()

    def change(turn: int) -> Any:
        return Book.objects.update_or_create(title="x", author=author, defaults={"pages": turn + 1})

    found = race(16, change)
    assert [error for error in found if isinstance(error, BaseException)] == []
    book = Book.objects.get()
    assert book.pages in range(1, 17)
    assert sum(is_new for _, is_new in found) == 1


def test_sixteen_at_once_within_transactions() -> None:
    """A block of one's own around it changes nothing."""

    def get(turn: int) -> Any:
        with atomic():
            return Genre.objects.get_or_create(name="Rock")

    found = race(16, get)
    assert [error for error in found if isinstance(error, BaseException)] == []
    assert Genre.objects.count() == 1
    assert sum(is_new for _, is_new in found) == 1


def test_many_tasks_at_once_make_one_row(run: Run) -> None:
    """The same on the event loop."""

    async def main() -> None:
        found = await asyncio.gather(
            *(Genre.objects.aget_or_create(name="Rock") for _ in range(16))
        )
        assert await Genre.objects.acount() == 1
        assert sum(is_new for _, is_new in found) == 1
        assert len({row.pk for row, _ in found}) == 1
        changed = await asyncio.gather(
            *(
                Artist.objects.aupdate_or_create(id=7, defaults={"name": str(turn)})
                for turn in range(8)
            )
        )
        assert sum(is_new for _, is_new in changed) == 1
        assert await Artist.objects.acount() == 1

    run(main())


def test_another_constraint_is_told() -> None:
    """A row that is in the way by other fields is an error, and not found as if it were meant."""
    Genre.objects.create(id=1, name="Rock")
    with pytest.raises(UniqueViolation):
        Genre.objects.get_or_create(id=2, defaults={"name": "Rock"})
    assert Genre.objects.count() == 1


def test_wrong_names_and_values_are_named() -> None:
    """Unknown fields in look-ups and defaults, and values that do not fit."""
    with pytest.raises(FieldError, match="Did you mean 'name'"):
        Genre.objects.get_or_create(nam="x")
    with pytest.raises(FieldError, match="Did you mean 'parent'"):
        Genre.objects.get_or_create(name="x", defaults={"prent": 1})
    with pytest.raises(FieldValueError, match="at most 50"):
        Genre.objects.get_or_create(name="x" * 51)
    Genre.objects.create(name="y")
    with pytest.raises(FieldError, match="nme"):
        Genre.objects.update_or_create(name="y", defaults={"nme": "z"})
    assert Genre.objects.count() == 1
