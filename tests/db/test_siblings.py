# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""Walking over rows and what belongs to them costs a query for each relation, not for each row."""

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Sleeve, Track, fill, names
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import atomic
from undercroft.db.queries.shape import Call
from undercroft.db.sessions import session
from undercroft.errors import SynchronousOnlyOperation

pytestmark = pytest.mark.usefixtures("database")


def test_rows_on_the_other_side_come_for_all_siblings(asked: list[Call]) -> None:
    """`artist.albums.all()` in a loop asks once for the albums of all artists."""
    fill()
    asked.clear()
    found = {
        artist.name: [(album.title, len(album.track_set.all())) for album in artist.albums.all()]
        for artist in Artist.objects.order_by("id")
    }
    assert found == {
        "Ann": [("First", 3), ("Second", 1)],
        "Bob": [("Blue", 2), ("Empty", 0)],
        "Çyd": [],
    }
    assert len(asked) <= 2 + 2


def test_many_to_many_comes_for_all_siblings(asked: list[Call]) -> None:
    """`album.genres.all()` in a loop asks once."""
    fill()
    asked.clear()
    found = [names(album.genres.all()) for album in Album.objects.order_by("id")]
    assert found == [["Punk", "Rock"], ["Jazz"], ["Jazz", "Rock"], []]
    assert len(asked) == 2


def test_one_to_one_comes_for_all_siblings(asked: list[Call]) -> None:
    """`album.sleeve` in a loop asks once, for those without one as well."""
    fill()
    asked.clear()
    found: list[str | None] = []
    for album in Album.objects.order_by("id"):
        try:
            found.append(album.sleeve.text)
        except Sleeve.DoesNotExist:
            found.append(None)
    assert found == ["gold", None, None, None]
    assert len(asked) == 2


def test_a_write_in_between_is_seen() -> None:
    """What was read ahead for siblings is not used once something was written."""
    rows = fill()
    first, second = Album.objects.filter(artist=rows["ann"]).order_by("id")
    assert len(first.track_set.all()) == 3
    Track.objects.create(album=second, title="New")
    assert len(second.track_set.all()) == 2
    first, second = Album.objects.filter(artist=rows["ann"]).order_by("id")
    assert names(first.genres.all()) == ["Punk", "Rock"]
    rows["rock"].albums.add(second)
    assert names(second.genres.all()) == ["Jazz", "Rock"]


def test_each_access_asks_anew() -> None:
    """A second look at the same rows sees what has happened meanwhile."""
    rows = fill()
    first, second = Album.objects.filter(artist=rows["ann"]).order_by("id")
    assert len(first.track_set.all()) == 3
    assert len(second.track_set.all()) == 1
    Track.objects.filter(title="First 0").delete()
    assert len(first.track_set.all()) == 2
    assert first.track_set.count() == 2
    assert first.track_set.filter(is_live=True).exists()


def test_queries_on_the_other_side_are_their_own(asked: list[Call]) -> None:
    """A narrowed relation is a query for its one row; it does not load for others."""
    fill()
    asked.clear()
    albums = list(Album.objects.order_by("id"))
    assert [each.track_set.filter(seconds__gt=100).count() for each in albums] == [2, 1, 1, 0]
    assert len(asked) == 5


def test_a_single_row_asks_for_itself(asked: list[Call]) -> None:
    """A row without siblings loads its own."""
    fill()
    album = Album.objects.get(title="First")
    asked.clear()
    assert len(album.track_set.all()) == 3
    (call,) = asked
    assert album.pk in call.parameters


def test_siblings_that_are_gone_are_not_loaded_for() -> None:
    """Rows nobody holds any more are left out, and not kept alive."""
    fill()
    album = list(Album.objects.order_by("id"))[2]
    gc.collect()
    assert names(sorted(album.track_set.all(), key=str)) == ["Blue 0", "Blue 1"]
    assert album.artist.name == "Bob"


def test_the_loop_waits_for_the_other_side(run: Run, asked: list[Call]) -> None:
    """In async code the other side is awaited; one query serves all siblings there, too."""
    fill()

    async def main() -> None:
        asked.clear()
        artists = await Artist.objects.order_by("id")
        assert [names(await each.albums.all()) for each in artists] == [
            ["First", "Second"],
            ["Blue", "Empty"],
            [],
        ]
        assert len(asked) == 2
        albums = await Album.objects.order_by("id")
        assert [await each.genres.acount() for each in albums] == [2, 1, 2, 0]
        with pytest.raises(SynchronousOnlyOperation, match="async for"):
            list(albums[0].genres.all())
        with pytest.raises(SynchronousOnlyOperation, match=r'select_related\("sleeve"\)'):
            _ = albums[0].sleeve

    run(main())


def test_what_was_taken_back_is_not_seen() -> None:
    """Rows read ahead within a block are not used behind it, where they may never have been."""
    rows = fill()
    first, second = Album.objects.filter(artist=rows["ann"]).order_by("id")
    with pytest.raises(ZeroDivisionError), atomic():
        Track.objects.create(album=second, title="Ghost")
        assert len(first.track_set.all()) == 3
        _ = 1 / 0
    assert len(second.track_set.all()) == 1


def test_a_block_reads_for_itself() -> None:
    """Rows read ahead before a block are not used in it: it may hold a lock since."""
    rows = fill()
    first, second = Album.objects.filter(artist=rows["ann"]).order_by("id")
    assert len(first.track_set.all()) == 3
    with ThreadPoolExecutor() as others:
        # What another process writes, this one does not know of.
        others.submit(write_unseen, second).result()
    with atomic():
        Album.objects.select_for_update().get(pk=second.pk)
        assert len(second.track_set.all()) == 2


def write_unseen(album: Album) -> None:
    """Insert a track past the lane and SQLAlchemy's events."""
    engine = databases["default"].sync_engine
    connection = engine.raw_connection()
    connection.cursor().execute(
        "INSERT INTO db_track (album_id, title, seconds, plays, is_live)"
        f" VALUES ({album.pk:d}, 'Other', 1, 1, false)"
    )
    connection.commit()
    connection.close()


def test_what_a_session_writes_is_seen() -> None:
    """What was read ahead is not used once SQLAlchemy has written either."""
    rows = fill()
    first, second = Album.objects.filter(artist=rows["ann"]).order_by("id")
    assert len(first.track_set.all()) == 3
    with session() as opened:
        opened.add(Track(album_id=second.pk, title="New"))
        opened.commit()
    assert len(second.track_set.all()) == 2


def test_looking_again_loads_no_more_than_needed(asked: list[Call]) -> None:
    """A loop that looks twice at each row, or writes, loads only that row's the second time."""
    fill()
    asked.clear()
    found = [
        (len(album.track_set.all()), len(album.track_set.all()))
        for album in Album.objects.order_by("id")
    ]
    assert found == [(3, 3), (1, 1), (2, 2), (0, 0)]
    assert [len(call.parameters[0]) for call in asked[1:] if type(call.parameters[0]) is tuple] == [
        4
    ]
    albums = list(Album.objects.order_by("id"))
    asked.clear()
    for album in albums:
        for track in album.track_set.all():
            track.plays += 1
            track.save()
    reading = [call for call in asked if call.shape.kind == "instances"]
    assert sum(type(call.parameters[0]) is tuple for call in reading) == 1
    assert [len(album.track_set.all()) for album in albums] == [3, 1, 2, 0]
