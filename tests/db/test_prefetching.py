"""Relations loaded after the rows, in one query for all of them."""

from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Playlist, Sleeve, Track, fill, names
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError
from undercroft.models import Count, Prefetch

pytestmark = pytest.mark.usefixtures("database")


def test_one_query_for_each_relation(asked: list[Call]) -> None:
    """Rows of one-to-many, many-to-many and to-one relations come in a query each."""
    fill()
    asked.clear()
    albums = list(Album.objects.prefetch_related("track_set", "genres", "artist").order_by("id"))
    assert len(asked) == 4
    assert [
        (each.title, len(each.track_set.all()), names(each.genres.all()), each.artist.name)
        for each in albums
    ] == [
        ("First", 3, ["Punk", "Rock"], "Ann"),
        ("Second", 1, ["Jazz"], "Ann"),
        ("Blue", 2, ["Jazz", "Rock"], "Bob"),
        ("Empty", 0, [], "Bob"),
    ]
    assert [each.track_set.count() for each in albums] == [3, 1, 2, 0]
    assert [each.genres.exists() for each in albums] == [True, True, True, False]
    assert [len(each.genres.all()) for each in albums] == [2, 1, 2, 0]
    assert len(asked) == 4


def test_both_sides_know_each_other(asked: list[Call]) -> None:
    """A prefetched row's way back is loaded, too."""
    fill()
    asked.clear()
    artists = list(Artist.objects.prefetch_related("albums").order_by("id"))
    assert [album.artist is artist for artist in artists for album in artist.albums.all()] == [
        True
    ] * 4
    assert len(asked) == 2


def test_paths_are_followed_step_by_step(asked: list[Call]) -> None:
    """Each step of a path is one query, whatever the number of rows."""
    fill()
    asked.clear()
    artists = list(Artist.objects.prefetch_related("albums__track_set", "albums__genres__parent"))
    assert len(asked) == 5
    found = {
        artist.name: {
            album.title: (
                len(album.track_set.all()),
                [genre.parent.name for genre in album.genres.all() if genre.parent],
            )
            for album in artist.albums.all()
        }
        for artist in artists
    }
    assert found == {
        "Ann": {"First": (3, ["Rock"]), "Second": (1, [])},
        "Bob": {"Blue": (2, []), "Empty": (0, [])},
        "Çyd": {},
    }
    assert len(asked) == 5


def test_paths_begin_with_relations_to_one_row(asked: list[Call]) -> None:
    """A path may go up to a row and down again."""
    fill()
    asked.clear()
    tracks = list(Track.objects.prefetch_related("album__artist__albums").order_by("id"))
    assert names(sorted(tracks[0].album.artist.albums.all(), key=str)) == ["First", "Second"]
    assert tracks[0].album.artist is tracks[1].album.artist
    assert len(asked) == 4
    asked.clear()
    loaded = Track.objects.select_related("album__artist").prefetch_related("album__artist__albums")
    assert len(loaded[0:3][0].album.artist.albums.all()) == 2
    assert len(asked) == 2


def test_a_queryset_says_which_rows_in_which_order() -> None:
    """`Prefetch` filters, orders and annotates what is loaded."""
    fill()
    cheap = Prefetch("albums", Album.objects.filter(price__lt=11).order_by("-price"))
    artists = Artist.objects.prefetch_related(cheap).order_by("id")
    assert [names(each.albums.all()) for each in artists] == [["First"], ["Blue", "Empty"], []]
    counted = Prefetch("albums", Album.objects.annotate(n=Count("track")).order_by("id"))
    (ann, *_) = Artist.objects.prefetch_related(counted).order_by("id")
    assert [each.n for each in ann.albums.all()] == [3, 1]
    spread = Prefetch("genres", Genre.objects.annotate(n=Count("albums")))
    albums = Album.objects.prefetch_related(spread).order_by("id")
    assert [[(genre.name, genre.n) for genre in each.genres.all()] for each in albums] == [
        [("Punk", 1), ("Rock", 2)],
        [("Jazz", 2)],
        [("Jazz", 2), ("Rock", 2)],
        [],
    ]
    jazz = Prefetch("genres", Genre.objects.filter(name="Jazz"))
    albums = Album.objects.prefetch_related(jazz).order_by("id")
    assert [names(each.genres.all()) for each in albums] == [[], ["Jazz"], ["Jazz"], []]


def test_a_slice_is_taken_for_each_row() -> None:
    """The dearest of each artist, the first two tracks of each album, one genre of each."""
    fill()
    top = Prefetch("albums", Album.objects.order_by("-price")[:1], to_attr="top")
    artists = Artist.objects.prefetch_related(top).order_by("id")
    assert [names(each.top) for each in artists] == [["Second"], ["Blue"], []]
    inner = Prefetch("track_set", Track.objects.order_by("-seconds")[1:3], to_attr="rest")
    albums = Album.objects.prefetch_related(inner).order_by("id")
    assert [names(each.rest) for each in albums] == [["First 1", "First 0"], [], ["Blue 1"], []]
    one = Prefetch("genres", Genre.objects.order_by("-name")[:1], to_attr="last_genre")
    albums = Album.objects.prefetch_related(one).order_by("id")
    assert [names(each.last_genre) for each in albums] == [["Rock"], ["Jazz"], ["Rock"], []]
    filtered = Prefetch("track_set", Track.objects.filter(is_live=True).order_by("id")[:1])
    albums = Album.objects.prefetch_related(filtered).order_by("id")
    assert [names(each.track_set.all()) for each in albums] == [["First 1"], [], ["Blue 1"], []]


def test_the_same_relation_is_loaded_in_several_ways(asked: list[Call]) -> None:
    """Each `to_attr` is a list of its own beside the relation itself."""
    fill()
    asked.clear()
    artists = list(
        Artist.objects.prefetch_related(
            "albums",
            Prefetch("albums", Album.objects.filter(price__gt=9), to_attr="dear"),
            Prefetch("albums", Album.objects.filter(price__lt=9), to_attr="cheap"),
        ).order_by("id")
    )
    assert len(asked) == 4
    assert [(len(each.albums.all()), names(each.dear), names(each.cheap)) for each in artists] == [
        (2, ["Second"], ["First"]),
        (2, ["Blue"], ["Empty"]),
        (0, [], []),
    ]
    assert isinstance(artists[0].dear, list)


def test_the_same_lookup_twice_is_loaded_once(asked: list[Call]) -> None:
    """Paths that share steps, or say the same, do not ask twice."""
    fill()
    asked.clear()
    list(Artist.objects.prefetch_related("albums", "albums", "albums__genres", "albums__track_set"))
    assert len(asked) == 4
    asked.clear()
    (ann, *_) = Artist.objects.prefetch_related("albums__genres").prefetch_related("albums")
    assert len(asked) == 3
    assert ann.albums.all()[0].genres.count() > 0
    assert len(asked) == 3


def test_lists_under_a_name_are_followed_further(asked: list[Call]) -> None:
    """What `to_attr` named is a step like any other for the paths behind it."""
    fill()
    asked.clear()
    dear = Prefetch("albums", Album.objects.filter(price__gt=9).order_by("id"), to_attr="dear")
    artists = list(Artist.objects.prefetch_related(dear, "dear__track_set").order_by("id"))
    assert [[len(album.track_set.all()) for album in each.dear] for each in artists] == [
        [1],
        [2],
        [],
    ]
    assert len(asked) == 3


def test_a_queryset_loads_further_relations() -> None:
    """The queryset of a `Prefetch` may load along and prefetch by itself."""
    fill()
    inner = Album.objects.select_related("artist").prefetch_related("genres").order_by("id")
    (rock, *_) = Genre.objects.prefetch_related(Prefetch("albums", inner)).order_by("-name")
    assert [
        (each.title, each.artist.name, names(each.genres.all())) for each in rock.albums.all()
    ] == [
        ("First", "Ann", ["Punk", "Rock"]),
        ("Blue", "Bob", ["Jazz", "Rock"]),
    ]


def test_a_row_of_many_is_shared_or_not_but_always_right() -> None:
    """A genre that two albums have is there for both, with its own relations loaded."""
    fill()
    albums = Album.objects.prefetch_related("genres__children").order_by("id")
    found = [[(g.name, names(g.children.all())) for g in each.genres.all()] for each in albums]
    assert found == [
        [("Punk", []), ("Rock", ["Punk"])],
        [("Jazz", [])],
        [("Jazz", []), ("Rock", ["Punk"])],
        [],
    ]


def test_one_to_one_relations_are_prefetched(asked: list[Call]) -> None:
    """From both sides; where there is no row, asking for it says so without a query."""
    fill()
    asked.clear()
    albums = list(Album.objects.prefetch_related("sleeve").order_by("id"))
    assert albums[0].sleeve.text == "gold"
    assert albums[0].sleeve.album is albums[0]
    with pytest.raises(Sleeve.DoesNotExist, match="This Album has no Sleeve"):
        _ = albums[1].sleeve
    assert len(asked) == 2
    (sleeve,) = Sleeve.objects.prefetch_related("album")
    assert sleeve.album.title == "First"
    assert len(asked) == 4


def test_the_other_side_of_many_to_many_and_through_models() -> None:
    """Reverse relations, symmetrical ones, and those with a model of their own between."""
    rows = fill()
    rows["ann"].friends.add(rows["bob"])
    rows["ann"].influences.add(rows["cyd"])
    mix = Playlist.objects.create(name="Mix")
    mix.tracks.add(
        *Track.objects.filter(title__startswith="First"), through_defaults={"position": 1}
    )
    genres = Genre.objects.prefetch_related(Prefetch("albums", Album.objects.order_by("id")))
    assert {each.name: names(each.albums.all()) for each in genres} == {
        "Jazz": ["Second", "Blue"],
        "Punk": ["First"],
        "Rock": ["First", "Blue"],
    }
    artists = Artist.objects.prefetch_related("friends", "influences", "influenced").order_by("id")
    assert [
        (names(each.friends.all()), names(each.influences.all()), names(each.influenced.all()))
        for each in artists
    ] == [(["Bob"], ["Çyd"], []), (["Ann"], [], []), ([], [], ["Ann"])]
    (mix,) = Playlist.objects.prefetch_related("tracks", "entry_set")
    assert len(mix.tracks.all()) == len(mix.entry_set.all()) == 3
    tracks = Track.objects.prefetch_related("playlists").order_by("id")
    assert [each.playlists.count() for each in tracks] == [1, 1, 1, 0, 0, 0]


def test_what_was_prefetched_is_forgotten_when_it_is_changed() -> None:
    """A write through the relation is seen by the next access."""
    rows = fill()
    (first, *_) = Album.objects.prefetch_related("genres", "track_set").order_by("id")
    first.genres.remove(rows["rock"])
    assert names(first.genres.all()) == ["Punk"]
    first.track_set.create(title="Bonus")
    assert first.track_set.count() == 4
    assert len(first.track_set.all()) == 4
    (first, *_) = Album.objects.prefetch_related("genres").order_by("id")
    assert names(first.genres.filter(name="Punk")) == ["Punk"]
    first.refresh_from_db()
    rows["jazz"].albums.add(first)
    assert names(first.genres.all()) == ["Jazz", "Punk"]


def test_prefetching_many_rows_goes_in_batches(asked: list[Call]) -> None:
    """More rows than fit into a query's list of keys come in several queries."""
    artist = Artist.objects.create(name="Busy")
    albums = Album.objects.bulk_create(
        [Album(title=str(number), artist=artist) for number in range(2500)]
    )
    Track.objects.bulk_create([Track(album=album, title=album.title) for album in albums])
    asked.clear()
    loaded = list(Album.objects.prefetch_related("track_set"))
    assert all(each.track_set.all()[0].title == each.title for each in loaded)
    assert len(asked) == 4


def test_what_to_prefetch_is_forgotten_by_none() -> None:
    """`prefetch_related(None)` asks for nothing any more."""
    fill()
    (album, *_) = Album.objects.prefetch_related("genres").prefetch_related(None)
    assert "_prefetched_objects_cache" not in album.__dict__


def test_what_was_prefetched_is_a_queryset_that_was_fetched(asked: list[Call]) -> None:
    """Indexes, slices, counts and membership of it ask nothing; narrowing it does."""
    rows = fill()
    (first, *_) = Album.objects.prefetch_related("track_set").order_by("id")
    tracks = first.track_set.all()
    asked.clear()
    assert len(tracks) == tracks.count() == 3
    assert tracks.exists()
    assert tracks[1] == tracks[1:][0] == next(iter(tracks[1:2]))
    assert tracks.contains(tracks[0])
    assert tracks[0] in tracks
    assert list(first.track_set) == list(tracks)
    assert asked == []
    assert tracks.filter(is_live=True).count() == 1
    assert first.track_set.first() == rows["first"].track_set.order_by("id")[0]
    assert len(asked) == 3


def test_wrong_relations_are_named() -> None:
    """Unknown names, columns, and querysets of values are refused."""
    fill()
    with pytest.raises(FieldError, match=r"'genre' is no relation of Album.* Relations: artist"):
        Album.objects.prefetch_related("genre")
    with pytest.raises(FieldError, match="'title' is no relation of Album"):
        Artist.objects.prefetch_related("albums__title")
    with pytest.raises(FieldError, match="expected one of instances"):
        list(Artist.objects.prefetch_related(Prefetch("albums", Album.objects.values("id"))))
    with pytest.raises(FieldError, match=r"values\(\) makes none"):
        list(Artist.objects.prefetch_related("albums").values("name"))
    with pytest.raises(FieldError, match="would hide Artist"):
        Artist.objects.prefetch_related(Prefetch("albums", to_attr="name"))
    with pytest.raises(FieldError, match="expected rows of Album"):
        list(Artist.objects.prefetch_related(Prefetch("albums", Track.objects.all())))


def test_prefetching_in_async_code(run: Run, asked: list[Call]) -> None:
    """Prefetched relations are used on the loop without waiting."""
    fill()

    async def main() -> None:
        asked.clear()
        top = Prefetch("albums", Album.objects.order_by("-price")[:1], to_attr="top")
        artists = await Artist.objects.prefetch_related("albums__genres", top).order_by("id")
        found: list[Any] = [
            [names(album.genres.all()) for album in sorted(each.albums.all(), key=str)]
            for each in artists
        ]
        assert found == [[["Punk", "Rock"], ["Jazz"]], [["Jazz", "Rock"], []], []]
        assert [names(each.top) for each in artists] == [["Second"], ["Blue"], []]
        assert len(asked) == 4
        album = await Album.objects.prefetch_related("sleeve").aget(title="First")
        assert album.sleeve.text == "gold"

    run(main())
