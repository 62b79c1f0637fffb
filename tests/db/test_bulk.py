"""Many rows by few statements: inserted, changed, and what happens to rows in the way."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Track, fill
from tests.db.shop_models import Author, Book, make_author
from undercroft import models
from undercroft.db.bulk import list_batches
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError, FieldValueError, IntegrityError, UniqueViolation
from undercroft.models import F, Lower, Sum, Value

pytestmark = pytest.mark.usefixtures("database")


class Leaf(models.Model):
    """Has a key and nothing else."""

    class Meta:
        app_label = "bulk"


def make(count: int, **values: Any) -> list[Genre]:
    """Make genres that are not saved."""
    return [Genre(name=f"g{number:05}", **values) for number in range(count)]


def test_rows_get_their_keys_in_order() -> None:
    """Every instance is what a query would give: with its key, saved, and unchanged."""
    genres = Genre.objects.bulk_create(make(10))
    assert [each.name for each in Genre.objects.order_by("id")] == [each.name for each in genres]
    assert [each.pk for each in genres] == list(
        Genre.objects.order_by("id").values_list("pk", flat=True)
    )
    genres[3].parent = genres[0]
    genres[3].save()
    assert Genre.objects.get(parent__isnull=False) == genres[3]
    assert Genre.objects.bulk_create([]) == []


def test_five_thousand_rows_take_few_statements(asked: list[Call]) -> None:
    """Batches are as large as statements may be, and their sizes recur."""
    asked.clear()
    genres = Genre.objects.bulk_create(make(5000))
    assert len(asked) < 15
    assert Genre.objects.count() == 5000
    assert len({each.pk for each in genres}) == 5000
    asked.clear()
    for genre in genres:
        genre.parent_id = genres[0].pk
    assert Genre.objects.bulk_update(genres, ["parent"]) == 5000
    assert len(asked) < 30
    assert Genre.objects.filter(parent=genres[0]).count() == 5000


def test_batches_have_recurring_sizes() -> None:
    """Powers of two, large ones first, never more than was asked for or fits."""
    assert list(list_batches(13, 2, None)) == [(0, 8), (8, 12), (12, 13)]
    assert list(list_batches(13, 2, 4)) == [(0, 4), (4, 8), (8, 12), (12, 13)]
    assert list(list_batches(5, 2, 3)) == [(0, 2), (2, 4), (4, 5)]
    assert list(list_batches(0, 2, None)) == []
    assert max(stop - start for start, stop in list_batches(10_000, 100, None)) == 128
    assert max(stop - start for start, stop in list_batches(10_000, 1, None)) == 1024


def test_a_batch_size_is_kept(asked: list[Call]) -> None:
    """No statement inserts or changes more rows than were allowed."""
    asked.clear()
    genres = Genre.objects.bulk_create(make(20), batch_size=8)
    assert len(asked) == 3
    asked.clear()
    Genre.objects.bulk_update(genres, ["name"], batch_size=16)
    assert len(asked) == 2
    for wrong in (0, -1):
        with pytest.raises(FieldError, match="expected 1 or more"):
            Genre.objects.bulk_create(make(1), batch_size=wrong)


def test_all_rows_are_inserted_or_none() -> None:
    """A row that a constraint refuses takes those before it along."""
    with pytest.raises(UniqueViolation) as caught:
        Genre.objects.bulk_create([*make(1500), Genre(name="g00000")])
    assert caught.value.fields == ("name",)
    assert Genre.objects.count() == 0
    genres = make(3)
    with pytest.raises(FieldValueError, match="at most 50"):
        Genre.objects.bulk_create([*genres, Genre(name="x" * 51)])
    assert Genre.objects.count() == 0
    Genre.objects.bulk_create(genres)
    assert Genre.objects.count() == 3


def test_instances_may_have_different_columns() -> None:
    """Rows with a key of their own, with defaults, and with values for different columns."""
    artist = Artist.objects.create(name="Ann")
    albums = [
        Album(title="a", artist=artist),
        Album(title="b", artist=artist, price=Decimal(3), rating=2.0, data={"k": [1]}),
        Album(title="c", artist_id=artist.pk, released=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),
        Album(id=1000, title="d", artist=artist),
    ]
    made = Album.objects.bulk_create(albums)
    assert made[3].pk == 1000
    assert all(each.pk is not None for each in made)
    assert {each.title: each.price for each in Album.objects.all()} == {
        "a": Decimal(10),
        "b": Decimal(3),
        "c": Decimal(10),
        "d": Decimal(10),
    }
    assert Album.objects.get(title="b").data == {"k": [1]}
    assert made[0].price == Decimal(10)


def test_values_of_the_database_come_back() -> None:
    """Defaults that the database fills in, and `auto_now` fields, are on the instances."""
    author = make_author()
    books = Book.objects.bulk_create(
        [Book(title=str(number), author=author) for number in range(3)]
    )
    assert [book.stock for book in books] == [7, 7, 7]
    assert all(book.created is not None and book.changed is not None for book in books)
    fresh = Book.objects.get(pk=books[0].pk)
    assert (fresh.created, fresh.token) == (books[0].created, books[0].token)


def test_relations_are_taken_from_instances() -> None:
    """Targets saved after they were assigned are fine; targets never saved are named."""
    artist = Artist(name="Ann")
    albums = [Album(title="a", artist=artist), Album(title="b", artist=artist)]
    with pytest.raises(FieldError, match="never saved"):
        Album.objects.bulk_create(albums)
    artist.save()
    Album.objects.bulk_create(albums)
    assert artist.albums.count() == 2
    with pytest.raises(FieldValueError, match=r"Album.artist_id has no value"):
        Album.objects.bulk_create([Album(title="x")])
    with pytest.raises(FieldError, match="is no Album"):
        Album.objects.bulk_create([artist])


def test_rows_in_the_way_are_left_out() -> None:
    """`ignore_conflicts` inserts what it can."""
    Genre.objects.bulk_create(make(3))
    Genre.objects.bulk_create(make(6), ignore_conflicts=True)
    assert Genre.objects.count() == 6
    with pytest.raises(IntegrityError):
        Track.objects.bulk_create([Track(title="x", album_id=999_999)], ignore_conflicts=True)


def test_rows_in_the_way_are_changed() -> None:
    """`update_conflicts` changes the named fields of rows that are there already."""
    rock = Genre.objects.create(name="Rock")
    Genre.objects.bulk_create(make(3))
    again = [*make(2, parent=rock), Genre(name="new", parent=rock)]
    Genre.objects.bulk_create(
        again, update_conflicts=True, update_fields=["parent"], unique_fields=["name"]
    )
    assert Genre.objects.count() == 5
    assert list(Genre.objects.filter(parent=rock).values_list("name", flat=True)) == [
        "g00000",
        "g00001",
        "new",
    ]
    author = make_author()
    Book.objects.create(title="x", author=author, pages=1, sold=5)
    Book.objects.bulk_create(
        [Book(title="x", author=author, pages=2), Book(title="y", author=author, pages=3)],
        update_conflicts=True,
        update_fields=["pages"],
        unique_fields=["author", "title"],
    )
    assert list(Book.objects.order_by("title").values_list("title", "pages", "sold")) == [
        ("x", 2, 5),
        ("y", 3, 0),
    ]


def test_options_of_conflicts_are_checked() -> None:
    """Both at once, no fields, and unknown fields are refused."""
    for options, message in (
        ({"ignore_conflicts": True, "update_conflicts": True}, "exclude each other"),
        ({"update_conflicts": True}, "needs update_fields"),
        ({"update_conflicts": True, "update_fields": ["nme"]}, "Did you mean 'name'"),
        (
            {"update_conflicts": True, "update_fields": ["name"], "unique_fields": ["prent"]},
            "Did you mean 'parent'",
        ),
    ):
        with pytest.raises(FieldError, match=message):
            Genre.objects.bulk_create(make(1), **options)


def test_fields_of_many_rows_are_changed() -> None:
    """Each row gets its own values; only the named fields are written."""
    fill()
    tracks = list(Track.objects.order_by("id"))
    for number, track in enumerate(tracks):
        track.seconds = number * 11
        track.title = f"T{number}"
        track.plays = 999
    assert Track.objects.bulk_update(tracks, ["seconds", "title"]) == 6
    assert list(Track.objects.order_by("id").values_list("seconds", "title", "plays")) == [
        (0, "T0", 0),
        (11, "T1", 1),
        (22, "T2", 2),
        (33, "T3", 0),
        (44, "T4", 0),
        (55, "T5", 1),
    ]
    tracks[0].save()
    assert Track.objects.get(pk=tracks[0].pk).plays == 999


def test_values_of_every_type_are_changed() -> None:
    """NULL, decimals, moments, JSON and relations go through `bulk_update`."""
    rows = fill()
    albums = list(Album.objects.order_by("id"))
    moment = dt.datetime(2024, 2, 29, 1, 2, 3, 456, dt.UTC)
    for number, album in enumerate(albums):
        album.rating = None if number % 2 else number / 3
        album.price = Decimal(number) / 4
        album.released = None if number else moment
        album.data = {"n": number} if number else None
        album.artist = rows["cyd"]
    Album.objects.bulk_update(albums, ["rating", "price", "released", "data", "artist"])
    fresh = list(Album.objects.order_by("id"))
    assert [each.rating for each in fresh] == [0.0, None, pytest.approx(2 / 3), None]
    assert [each.price for each in fresh] == [0, Decimal("0.25"), Decimal("0.50"), Decimal("0.75")]
    assert [each.released for each in fresh] == [moment, None, None, None]
    assert [each.data for each in fresh] == [None, {"n": 1}, {"n": 2}, {"n": 3}]
    assert {each.artist_id for each in fresh} == {rows["cyd"].pk}


def test_times_of_change_are_written_along() -> None:
    """`auto_now` fields of bulk updates are set, on the rows and on the instances."""
    author = make_author()
    books = Book.objects.bulk_create(
        [Book(title=str(number), author=author) for number in range(3)]
    )
    before = books[0].changed
    for book in books:
        book.pages = 77
    Book.objects.bulk_update(books, ["pages"])
    fresh = Book.objects.get(pk=books[0].pk)
    assert fresh.pages == 77
    assert fresh.changed > before
    assert books[0].changed == fresh.changed


def test_rows_that_are_gone_are_not_counted() -> None:
    """The answer says how many rows were found; the same one twice is one."""
    genres = Genre.objects.bulk_create(make(4))
    Genre.objects.filter(pk=genres[0].pk).delete()
    assert Genre.objects.bulk_update(genres, ["name"]) == 3
    assert Genre.objects.bulk_update([], ["name"]) == 0


def test_what_cannot_be_changed_is_named() -> None:
    """Keys, unknown fields, no fields, unsaved rows and rows of another model."""
    (genre,) = Genre.objects.bulk_create(make(1))
    for fields, message in (
        (["id"], "cannot change the key"),
        (["pk"], "cannot change the key"),
        (["nme"], "Did you mean 'name'"),
        ([], "was told no fields"),
    ):
        with pytest.raises(FieldError, match=message):
            Genre.objects.bulk_update([genre], fields)
    with pytest.raises(FieldError, match="never saved"):
        Genre.objects.bulk_update([Genre(name="x")], ["name"])
    with pytest.raises(FieldError, match="is no Genre"):
        Genre.objects.bulk_update([Artist.objects.create(name="x")], ["name"])
    genre.name = "x" * 51
    with pytest.raises(FieldValueError, match="at most 50"):
        Genre.objects.bulk_update([genre], ["name"])


def test_expressions_are_values() -> None:
    """Columns of inserted and changed rows may be worked out by the database."""
    made = Genre.objects.bulk_create([Genre(name=Lower(Value("ROCK"))), Genre(name="Jazz")])
    assert set(Genre.objects.values_list("name", flat=True)) == {"rock", "Jazz"}
    assert made[0].name == "rock"
    fill_tracks = Track.objects.bulk_create(
        [Track(title=str(n), album=_album(), seconds=n) for n in range(3)]
    )
    for track in fill_tracks:
        track.seconds = F("seconds") * 2 + 1
    fill_tracks[2].seconds = 7
    Track.objects.bulk_update(fill_tracks, ["seconds"])
    assert list(Track.objects.order_by("id").values_list("seconds", flat=True)) == [1, 3, 7]


def _album() -> Album:
    artist, _ = Artist.objects.get_or_create(name="Ann")
    album, _ = Album.objects.get_or_create(title="A", artist=artist)
    return album


def test_related_managers_write_many() -> None:
    """Rows that are inserted through a relation refer to its instance."""
    rows = fill()
    made = rows["empty"].track_set.bulk_create([Track(title="a"), Track(title="b", seconds=1)])
    assert [each.album_id for each in made] == [rows["empty"].pk] * 2
    assert rows["empty"].track_set.aggregate(s=Sum("seconds")) == {"s": 181}


def test_bulk_writes_in_async_code(run: Run) -> None:
    """The same statements on the drivers of async code."""

    async def main() -> None:
        genres = await Genre.objects.abulk_create(make(1500))
        assert len({each.pk for each in genres}) == 1500
        for genre in genres:
            genre.parent = genres[0]
        assert await Genre.objects.abulk_update(genres, ["parent"]) == 1500
        await Genre.objects.abulk_create(make(1501), ignore_conflicts=True)
        assert await Genre.objects.acount() == 1501
        await Genre.objects.abulk_create(
            make(2), update_conflicts=True, update_fields=["parent"], unique_fields=["name"]
        )
        assert await Genre.objects.filter(parent=None).acount() == 3
        with pytest.raises(UniqueViolation):
            await Genre.objects.abulk_create(make(2))

    run(main())


def test_only_the_row_that_is_meant_is_changed() -> None:
    """A row that is in the way by other fields than `unique_fields` is an error, not changed."""
    rows = [
        Author(name="new", email="a@example.org"),
        Author(id=1, name="x", email="b@example.org"),
    ]
    Author.objects.bulk_create([Author(id=1, name="old", email="a@example.org")])
    again = {"update_conflicts": True, "update_fields": ["name"], "unique_fields": ["email"]}
    Author.objects.bulk_create(rows[:1], **again)  # type: ignore[arg-type]
    assert Author.objects.get().name == "new"
    with pytest.raises(UniqueViolation):
        Author.objects.bulk_create(rows[1:], **again)  # type: ignore[arg-type]
    with pytest.raises(UniqueViolation):
        Author.objects.bulk_create(
            [Author(name="y", email="a@example.org")],
            update_conflicts=True,
            update_fields=["name"],
        )
    assert Author.objects.get().name == "new"


def test_rows_without_a_value_are_inserted() -> None:
    """A row that leaves everything to the database is one, on each of them."""
    made = Leaf.objects.bulk_create([Leaf(), Leaf(id=7), Leaf()])
    assert len({leaf.pk for leaf in made}) == Leaf.objects.count() == 3
