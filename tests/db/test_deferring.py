"""Columns left out of a query, and loaded at their first use: once, for all rows of the result."""

import copy
import pickle
from decimal import Decimal

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Chair, Track, fill
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError, SynchronousOnlyOperation

pytestmark = pytest.mark.usefixtures("database")


def test_only_the_named_columns_are_loaded() -> None:
    """`only` keeps the named columns and the key; `defer` all but the named ones."""
    fill()
    (album, *_) = Album.objects.only("title").order_by("id")
    assert {"price", "rating", "released", "data", "artist_id"}.isdisjoint(album.__dict__)
    assert {"id", "title"} <= album.__dict__.keys()
    (album, *_) = Album.objects.defer("price", "data").order_by("id")
    assert {"price", "data"}.isdisjoint(album.__dict__)
    assert {"id", "title", "artist_id", "rating", "released"} <= album.__dict__.keys()
    (album, *_) = Album.objects.defer("id", "pk").order_by("id")
    assert "id" in album.__dict__


def test_a_deferred_column_is_loaded_for_all_siblings_at_once(asked: list[Call]) -> None:
    """The first access to a column left out asks for it once, for the whole result."""
    fill()
    asked.clear()
    albums = list(Album.objects.only("title").order_by("id"))
    assert [(each.title, each.price) for each in albums] == [
        ("First", Decimal("8.50")),
        ("Second", Decimal("12.00")),
        ("Blue", Decimal("10.00")),
        ("Empty", Decimal("5.00")),
    ]
    assert [call.shape.kind for call in asked] == ["instances", "rows"]
    assert [each.rating for each in albums] == [4.0, None, 3.0, 2.5]
    assert len(asked) == 3
    assert [each.artist.name for each in albums] == ["Ann", "Ann", "Bob", "Bob"]
    assert len(asked) == 5


def test_calls_of_only_and_defer_follow_one_another() -> None:
    """The last `only` counts, `defer` adds up, and `defer(None)` forgets."""
    fill()

    def loaded(queryset: object) -> set[str]:
        (row, *_) = list(queryset)  # type: ignore[call-overload]
        return row.__dict__.keys() & set(Album.__options__.keys)

    albums = Album.objects.all()
    everything = set(Album.__options__.keys)
    assert loaded(albums.only("title").only("price")) == {"id", "price"}
    assert loaded(albums.defer("title").defer("price")) == everything - {"title", "price"}
    assert loaded(albums.only("title", "price").defer("price")) == {"id", "title"}
    assert loaded(albums.defer("title").defer(None)) == everything
    assert loaded(albums.only("artist")) == {"id", "artist_id"}
    assert loaded(albums.only()) == {"id"}


def test_columns_of_related_rows_are_left_out() -> None:
    """Paths say what to load of the rows that are loaded along."""
    fill()
    (album, *_) = (
        Album.objects.select_related("artist").only("title", "artist__name").order_by("id")
    )
    assert {"id", "title"} == album.__dict__.keys() & set(Album.__options__.keys)
    assert "born" not in album.artist.__dict__
    assert album.artist.name == "Ann"
    assert album.artist.born is not None
    (album, *_) = Album.objects.select_related("artist").defer("artist__name").order_by("id")
    assert "name" not in album.artist.__dict__
    assert album.artist.name == "Ann"
    assert album.artist_id == album.artist.id


def test_rows_with_deferred_columns_are_saved() -> None:
    """Saving writes what was changed and nothing that was never loaded."""
    fill()
    track = Track.objects.only("title").get(title="First 0")
    track.plays = 7
    track.save()
    fresh = Track.objects.get(pk=track.pk)
    assert (fresh.title, fresh.plays, fresh.seconds) == ("First 0", 7, 100)
    track.refresh_from_db()
    assert track.seconds == 100
    track = Track.objects.defer("plays").get(pk=track.pk)
    track.seconds = 1
    track.save(update_fields=["seconds"])
    assert Track.objects.values_list("plays", "seconds").get(pk=track.pk) == (7, 1)


def test_deferred_rows_are_copied_and_pickled() -> None:
    """A copy takes along what was loaded."""
    fill()
    album = Album.objects.only("title").get(title="Blue")
    for copied in (copy.copy(album), pickle.loads(pickle.dumps(album))):
        assert copied.title == "Blue"
        assert copied == album


def test_a_row_that_is_gone_has_no_deferred_value() -> None:
    """A column of a row deleted meanwhile is an error that says so."""
    fill()
    track = Track.objects.only("title").get(title="First 0")
    Track.objects.filter(pk=track.pk).delete()
    with pytest.raises(Track.DoesNotExist, match="plays"):
        _ = track.plays


def test_columns_of_rows_with_several_keys_are_deferred() -> None:
    """Rows with a composite key load what they lack, too."""
    for number in range(3):
        Chair.objects.create(hall="A", number=number)
    chairs = list(Chair.objects.defer("holder").order_by("number"))
    assert [each.holder_id for each in chairs] == [None, None, None]
    assert [each.holder for each in chairs] == [None, None, None]
    assert {"hall", "number"} <= chairs[0].__dict__.keys()


def test_unknown_columns_are_named() -> None:
    """What is no column, or lies behind a relation to many rows, is refused."""
    with pytest.raises(FieldError, match="Did you mean 'title'"):
        Album.objects.only("titel")
    with pytest.raises(FieldError, match="does not exist"):
        Album.objects.defer("track__title")
    with pytest.raises(FieldError, match="no column of Album"):
        Album.objects.only("genres")
    with pytest.raises(FieldError, match="Did you mean 'name'"):
        Album.objects.only("artist__nam")


def test_the_loop_refuses_to_load_columns(run: Run) -> None:
    """In async code a column that was left out is an error that names the repair."""
    fill()

    async def main() -> None:
        album = await Album.objects.only("title").aget(title="Blue")
        assert album.title == "Blue"
        with pytest.raises(SynchronousOnlyOperation, match=r'\.values\("price"\)'):
            _ = album.price
        await album.arefresh_from_db(fields=["price"])
        assert album.price == 10
        album.rating = 5.0
        await album.asave()
        assert await Album.objects.values_list("rating", flat=True).aget(title="Blue") == 5.0

    run(main())
