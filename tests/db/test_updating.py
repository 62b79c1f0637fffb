"""Columns set by expressions: of many rows by `update`, of one row by `save`."""

import datetime as dt
from decimal import Decimal

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Track, fill, names
from tests.db.shop_models import Book, Counter, make_author
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError, FieldValueError, IntegrityError
from undercroft.models import (
    Case,
    Coalesce,
    Concat,
    Count,
    F,
    Lower,
    Q,
    Upper,
    Value,
    When,
)

pytestmark = pytest.mark.usefixtures("database")


def test_columns_are_set_to_expressions() -> None:
    """One statement changes all rows by what each of them holds."""
    fill()
    assert Track.objects.update(plays=F("plays") + 10, seconds=F("seconds") * 2 - F("plays")) == 6
    assert list(Track.objects.order_by("id").values_list("plays", "seconds")) == [
        (10, 200),
        (11, 399),
        (12, 598),
        (10, 300),
        (10, 500),
        (11, 99),
    ]
    Album.objects.update(
        title=Concat(Upper("title"), Value("!")), rating=Coalesce("rating", Value(0.0))
    )
    assert list(Album.objects.order_by("id").values_list("title", "rating")) == [
        ("FIRST!", 4.0),
        ("SECOND!", 0.0),
        ("BLUE!", 3.0),
        ("EMPTY!", 2.5),
    ]
    kind = Case(When(price__gt=9, then=F("price") / 2), default=F("price") + 1)
    Album.objects.filter(Q(price__gt=9) | Q(price__lt=6)).update(price=kind)
    assert list(Album.objects.order_by("id").values_list("price", flat=True)) == [
        Decimal("8.50"),
        Decimal("6.00"),
        Decimal("5.00"),
        Decimal("6.00"),
    ]


def test_values_are_exchanged() -> None:
    """Both sides are read before either is written, except on MariaDB, which reads as it writes."""
    fill()
    Track.objects.filter(title="First 2").update(seconds=F("seconds") + 1, plays=7)
    assert Track.objects.values_list("seconds", "plays").get(title="First 2") == (301, 7)


def test_rows_are_found_through_relations_and_slices() -> None:
    """The rows of a join, a slice, a group and a window are changed, and no others."""
    rows = fill()
    assert Track.objects.filter(album__artist__name="Ann").update(seconds=1) == 4
    assert Track.objects.order_by("-seconds")[:1].update(plays=99) == 1
    assert Track.objects.get(plays=99).title == "Blue 0"
    assert Artist.objects.filter(albums__price__gt=0).update(born=dt.date(2000, 1, 1)) == 2
    busy = Album.objects.annotate(n=Count("track")).filter(n__gte=2)
    assert busy.update(rating=1.5) == 2
    assert names(Album.objects.filter(rating=1.5).order_by("id")) == ["First", "Blue"]
    assert Genre.objects.exclude(albums__title="First").update(parent=rows["rock"]) == 1
    assert Album.objects.filter(genres__isnull=True).update(title="Void") == 1
    assert Album.objects.none().update(title="x") == 0


def test_relations_and_nulls_are_set() -> None:
    """A relation takes an instance, a key or None."""
    rows = fill()
    assert Album.objects.filter(title="Blue").update(artist=rows["ann"], rating=None) == 1
    assert Album.objects.filter(title="Empty").update(artist=rows["ann"].pk) == 1
    assert Album.objects.filter(artist=rows["ann"]).count() == 4
    assert Genre.objects.update(parent=None) == 3
    assert Genre.objects.filter(name="Punk").update(parent=F("id")) == 1
    assert Genre.objects.get(name="Punk").parent == rows["punk"]
    with pytest.raises(IntegrityError):
        Album.objects.update(artist=-1)


def test_times_of_change_are_set() -> None:
    """`auto_now` fields of updated rows are set, unless they are given."""
    author = make_author()
    book = Book.objects.create(title="x", author=author)
    assert Book.objects.update(pages=F("pages") + 1) == 1
    fresh = Book.objects.get()
    assert fresh.changed > book.changed
    assert fresh.created == book.created
    moment = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    Book.objects.update(changed=moment)
    assert Book.objects.get().changed == moment


def test_save_writes_expressions_and_reads_back() -> None:
    """After saving, the instance has the value that the database worked out."""
    fill()
    track = Track.objects.get(title="First 1")
    Track.objects.filter(pk=track.pk).update(plays=41)
    track.plays = F("plays") + 1
    track.title = Lower("title")
    track.save()
    assert (track.plays, track.title) == (42, "first 1")
    track.save()
    assert Track.objects.values_list("plays", flat=True).get(pk=track.pk) == 42
    track.plays = F("plays") + 1
    track.save(update_fields=["plays"])
    assert track.plays == 43
    track.seconds = F("seconds") + F("plays")
    track.save()
    assert track.seconds == 243


def test_new_rows_take_expressions() -> None:
    """What does not look at the row itself may be worked out when it is inserted."""
    artist = Artist.objects.create(name=Upper(Value("ann")))
    assert artist.name == "ANN"
    assert Artist.objects.get(name="ANN") == artist
    album = Album(title=Concat(Value("a"), Value("b")), artist=artist, price=Value(3) + 1)
    album.save()
    assert (album.title, album.price) == ("ab", Decimal(4))
    with pytest.raises(FieldError, match=r"F\('name'\) looks at .* no row yet"):
        Artist.objects.create(name=F("name"))


def test_counters_lose_no_increment(run: Run) -> None:
    """Increments by expressions add up, whoever else increments meanwhile."""
    counter = Counter.objects.create()
    first, second = Counter.objects.get(), Counter.objects.get()
    for each in (first, second, first):
        each.value = F("value") + 1
        each.save()
    counter.refresh_from_db()
    assert counter.value == 3
    assert (first.value, second.value) == (3, 2)

    async def main() -> None:
        counter.value = F("value") + 10
        await counter.asave()
        assert counter.value == 13
        assert await Counter.objects.aupdate(value=F("value") * 2) == 1
        await counter.arefresh_from_db()
        assert counter.value == 26

    run(main())


def test_what_cannot_be_set_is_named() -> None:
    """Unknown fields, values that do not fit, other tables, and aggregates."""
    fill()
    with pytest.raises(FieldError, match="Did you mean 'title'"):
        Album.objects.update(titel="x")
    with pytest.raises(FieldError, match="Did you mean 'price'"):
        Album.objects.update(rating=F("prise"))
    with pytest.raises(FieldValueError, match="expected"):
        Album.objects.update(price="x")
    with pytest.raises(FieldError, match=r"Use Subquery\(...\) with OuterRef"):
        Album.objects.update(title=F("artist__name"))
    with pytest.raises(FieldError, match="no value of a single row"):
        Album.objects.update(rating=Count("track"))
    with pytest.raises(FieldError, match="does not exist"):
        Album.objects.update(genres=1)
    with pytest.raises(FieldError, match="is given beside it"):
        Album.objects.update(artist=1, artist_id=2)
    assert Album.objects.update() == 0


def test_one_statement_does(asked: list[Call]) -> None:
    """An update is one statement, whatever it is found by; saving an expression reads it back."""
    fill()
    asked.clear()
    Track.objects.filter(album__artist__name="Ann").update(plays=F("plays") + 1)
    assert [call.shape.kind for call in asked] == ["update"]
    track = Track.objects.first()
    assert track is not None
    track.plays = F("plays") + 1
    asked.clear()
    track.save()
    assert [call.shape.kind for call in asked] == ["update", "rows"]
