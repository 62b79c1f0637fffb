"""Rows one by one: in chunks from the database's cursor, in and out of a transaction."""

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Genre
from undercroft.db.connections.transactions import atomic
from undercroft.errors import FieldError


@pytest.fixture(autouse=True)
def genres(database: str) -> None:
    """More rows than a chunk holds."""
    del database
    Genre.objects.bulk_create([Genre(name=f"genre {number:02}") for number in range(20)])


def test_all_rows_come_in_chunks() -> None:
    """Every row comes once, those included that the open transaction has written."""
    ordered = Genre.objects.order_by("name")
    assert len({genre.pk for genre in ordered.iterator(chunk_size=3)}) == 20
    with atomic():
        Genre.objects.create(name="zzz")
        names = [genre.name for genre in ordered.iterator(chunk_size=3)]
    assert len(names) == 21
    assert names[-1] == "zzz"


def test_other_queries_may_run_between_rows() -> None:
    """A loop over rows may write, in and out of a transaction, without losing one."""
    for genre in Genre.objects.iterator(chunk_size=3):
        Genre.objects.filter(pk=genre.pk).update(name=f"x{genre.pk}")
    with atomic():
        for genre in Genre.objects.iterator(chunk_size=3):
            Genre.objects.filter(pk=genre.pk).update(name=f"y{genre.pk}")
    assert Genre.objects.filter(name__startswith="y").count() == 20


def test_who_gives_up_early_leaves_nothing_open() -> None:
    """The connection of a broken-off iteration is good for the next query."""
    for _ in range(30):
        assert next(Genre.objects.iterator(chunk_size=2)).name
    assert Genre.objects.count() == 20


def test_async_code_streams_too(run: Run) -> None:
    """`async for` over `aiterator()` gives the same rows, in and out of a transaction."""

    async def main() -> tuple[int, int, int]:
        outside = [genre async for genre in Genre.objects.aiterator(chunk_size=3)]
        async with atomic():
            await Genre.objects.acreate(name="zzz")
            inside = [genre async for genre in Genre.objects.aiterator(chunk_size=3)]
        async for _ in Genre.objects.aiterator(chunk_size=3):
            break
        return len(outside), len(inside), await Genre.objects.acount()

    assert run(main()) == (20, 21, 21)


def test_a_chunk_of_nothing_is_refused() -> None:
    """A chunk holds at least one row."""
    with pytest.raises(FieldError, match="chunk_size=0"):
        next(Genre.objects.iterator(chunk_size=0))
