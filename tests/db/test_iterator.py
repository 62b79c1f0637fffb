"""Results of any size in constant memory, and connections that are always given back."""

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Track, fill
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import atomic
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError, SynchronousOnlyOperation
from undercroft.models import Count, F

pytestmark = pytest.mark.usefixtures("database")


def count_used() -> int:
    """Count the connections of sync code that somebody has."""
    pool: Any = databases["default"].sync_engine.pool
    return int(pool.checkedout())


def test_every_form_of_rows_comes_one_by_one() -> None:
    """Instances, dicts, tuples and single values, of joins, groups and slices."""
    fill()
    albums = Album.objects.order_by("id")
    assert [each.artist.name for each in albums.select_related("artist").iterator(1)] == [
        "Ann",
        "Ann",
        "Bob",
        "Bob",
    ]
    assert list(albums.values("title").iterator(3)) == [
        {"title": "First"},
        {"title": "Second"},
        {"title": "Blue"},
        {"title": "Empty"},
    ]
    assert list(albums.values_list("title", flat=True)[1:3].iterator()) == ["Second", "Blue"]
    artists = Artist.objects.annotate(n=Count("albums")).order_by("id")
    assert [each.n for each in artists.iterator(2)] == [2, 2, 0]
    assert list(Album.objects.none().iterator()) == []
    assert list(albums.filter(pk__in=[]).iterator()) == []
    assert [each.twice for each in albums.annotate(twice=F("price") * 2).iterator()] == [
        17,
        24,
        20,
        10,
    ]


def test_relations_are_prefetched_for_each_chunk(asked: list[Call]) -> None:
    """A chunk's relations come in one query, and siblings are those of the chunk."""
    fill()
    asked.clear()
    loaded = Album.objects.prefetch_related("track_set").order_by("id").iterator(chunk_size=2)
    assert [len(each.track_set.all()) for each in loaded] == [3, 1, 2, 0]
    assert len(asked) == 2
    asked.clear()
    assert [each.artist.name for each in Album.objects.order_by("id").iterator(chunk_size=2)] == [
        "Ann",
        "Ann",
        "Bob",
        "Bob",
    ]
    assert len(asked) == 2


def test_rows_are_not_kept() -> None:
    """A queryset that was iterated so fetches anew."""
    fill()
    genres = Genre.objects.all()
    assert len(list(genres.iterator())) == 3
    Genre.objects.create(name="New")
    assert len(list(genres.iterator())) == 4
    assert len(genres) == 4


def test_connections_are_given_back() -> None:
    """At the end, at a break, and at an error within the loop."""
    fill()
    assert len(list(Track.objects.iterator(2))) == 6
    assert count_used() == 0
    for _ in Track.objects.iterator(2):
        break
    gc.collect()
    assert count_used() == 0
    with pytest.raises(ZeroDivisionError):
        sum(each.seconds / 0 for each in Track.objects.iterator(2))
    gc.collect()
    assert count_used() == 0
    rows: Iterator[Track] = Track.objects.iterator(2)
    next(rows)
    rows.close()  # type: ignore[attr-defined]  # it is a generator
    assert count_used() == 0
    assert Track.objects.count() == 6


def test_a_statement_that_fails_gives_its_connection_back() -> None:
    """An error of the database is translated, and the next query runs."""
    fill()
    broken = Artist.objects.annotate(x=sa.func.no_such_function(Artist.name))
    for _ in range(10):
        with pytest.raises(Exception, match="no_such_function"):
            list(broken.iterator())
    assert count_used() == 0
    assert Artist.objects.count() == 3


def test_within_a_transaction_its_own_writes_are_seen() -> None:
    """Rows that the block wrote come, and a break leaves the block as it is."""
    fill()
    with atomic():
        Genre.objects.create(name="Aaa")
        rows = Genre.objects.order_by("name").iterator(1)
        assert next(rows).name == "Aaa"
        Genre.objects.create(name="Bbb")
        rows.close()  # type: ignore[attr-defined]  # it is a generator
    assert Genre.objects.count() == 5


def test_chunks_must_hold_something() -> None:
    """A chunk of no rows is refused."""
    for wrong in (0, -5):
        with pytest.raises(FieldError, match="expected 1 or more"):
            list(Genre.objects.iterator(chunk_size=wrong))


def test_async_iteration(run: Run) -> None:
    """`aiterator` gives the same rows, prefetched relations included, and gives up cleanly."""
    fill()

    async def main() -> None:
        albums = Album.objects.prefetch_related("genres").order_by("id")
        found = [len(each.genres.all()) async for each in albums.aiterator(2)]
        assert found == [2, 1, 2, 0]
        titles = Album.objects.order_by("id").values_list("title", flat=True)
        assert [each async for each in titles.aiterator(3)] == ["First", "Second", "Blue", "Empty"]
        for _ in range(12):
            async for _row in Track.objects.aiterator(1):
                break
        assert await Track.objects.acount() == 6
        with pytest.raises(ZeroDivisionError):
            _ = [each.seconds / 0 async for each in Track.objects.aiterator(2)]
        with pytest.raises(SynchronousOnlyOperation, match="aiterator"):
            next(Track.objects.iterator())
        async with atomic():
            await Genre.objects.acreate(name="New")
            assert len([each async for each in Genre.objects.aiterator(1)]) == 4

    run(main())


def test_a_cancelled_iteration_leaves_nothing_open(run: Run) -> None:
    """Who is cancelled between rows gives its connection back."""
    fill()

    async def walk() -> None:
        async for _ in Track.objects.aiterator(1):
            await asyncio.sleep(10)

    async def main() -> None:
        for _ in range(8):
            task = asyncio.create_task(walk())
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await Track.objects.acount() == 6

    run(main())


@pytest.mark.slow
def test_memory_is_flat() -> None:
    """Two hundred thousand rows take no more memory than two chunks of them."""
    artist = Artist.objects.create(name="Busy")
    album = Album.objects.create(title="Long", artist=artist)
    Track.objects.bulk_create([Track(album=album, title="t") for _ in range(1_600)])
    double = sa.text(
        "INSERT INTO db_track (album_id, title, seconds, plays, is_live) "
        "SELECT album_id, title, seconds, plays, is_live FROM db_track"
    )
    with databases["default"].sync_engine.begin() as connection:
        for _ in range(7):
            connection.execute(double)
    few = measure(Track.objects.all()[:20_000])
    many = measure(Track.objects.all())
    assert few[0] == 20_000
    assert many[0] == 204_800
    assert many[1] < few[1] * 1.5
    assert many[1] < 10_000_000


def measure(queryset: Any) -> tuple[int, int]:
    """Walk over rows; give their number and the greatest memory in bytes that it took."""
    gc.collect()
    tracemalloc.start()
    try:
        count = sum(1 for _ in queryset.iterator())
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
