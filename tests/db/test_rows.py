"""Columns instead of instances: dicts, tuples, single values, named tuples, dates."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Chair, Genre, Track, fill, names
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError
from undercroft.models import Count, F, Length, Lower, Sum, TruncMonth, Upper, Value

pytestmark = pytest.mark.usefixtures("database")


def test_values_are_dicts() -> None:
    """Named columns, columns of relations, keys, and all columns when none is named."""
    rows = fill()
    albums = Album.objects.order_by("id")
    assert list(albums.values("title", "artist__name")[:2]) == [
        {"title": "First", "artist__name": "Ann"},
        {"title": "Second", "artist__name": "Ann"},
    ]
    assert albums.values("pk")[0] == {"pk": rows["first"].pk}
    assert albums.values("artist")[0] == albums.values("artist")[0] == {"artist": rows["ann"].pk}
    assert albums.values("artist_id")[0] == {"artist_id": rows["ann"].pk}
    assert albums.values("artist__id", "artist__pk")[0] == {
        "artist__id": rows["ann"].pk,
        "artist__pk": rows["ann"].pk,
    }
    (track,) = Track.objects.filter(title="Blue 1").values()
    assert track == {
        "id": rows["blue"].track_set.get(is_live=True).pk,
        "title": "Blue 1",
        "seconds": 50,
        "plays": 1,
        "is_live": True,
        "album_id": rows["blue"].pk,
    }


def test_values_follow_relations_to_many_rows() -> None:
    """A row comes once for each of the many, and with None where there is none."""
    fill()
    pairs = Artist.objects.order_by("id", "albums__id").values_list("name", "albums__title")
    assert list(pairs) == [
        ("Ann", "First"),
        ("Ann", "Second"),
        ("Bob", "Blue"),
        ("Bob", "Empty"),
        ("Çyd", None),
    ]
    genres = Album.objects.order_by("id", "genres__name").values_list("title", "genres__name")
    assert list(genres) == [
        ("First", "Punk"),
        ("First", "Rock"),
        ("Second", "Jazz"),
        ("Blue", "Jazz"),
        ("Blue", "Rock"),
        ("Empty", None),
    ]
    assert list(Genre.objects.values_list("name", "parent__name")) == [
        ("Jazz", None),
        ("Punk", "Rock"),
        ("Rock", None),
    ]
    assert list(Album.objects.order_by("id").values_list("sleeve__text", flat=True)) == [
        "gold",
        None,
        None,
        None,
    ]


def test_values_after_a_filter_on_many_rows_show_the_rows_it_found() -> None:
    """Columns named behind a condition are those of the rows that fulfil it."""
    fill()
    found = Artist.objects.filter(albums__price__gt=9).order_by("id")
    assert list(found.values_list("name", "albums__title")) == [("Ann", "Second"), ("Bob", "Blue")]


def test_values_list_has_three_forms() -> None:
    """Tuples, the one column by itself, and named tuples."""
    fill()
    albums = Album.objects.order_by("id")
    assert list(albums.values_list("title", "price")[:1]) == [("First", Decimal("8.50"))]
    assert list(albums.values_list("title")[:1]) == [("First",)]
    assert list(albums.values_list("title", flat=True)) == ["First", "Second", "Blue", "Empty"]
    named = albums.values_list("title", "artist__name", named=True)[2]
    assert (named.title, named.artist__name) == ("Blue", "Bob")
    assert named == ("Blue", "Bob")
    assert type(named).__name__ == "Row"
    assert albums.values_list(named=True)[0].title == "First"
    assert len(albums.values_list()[0]) == 7
    for wrong in (
        lambda: albums.values_list("title", "price", flat=True),
        lambda: albums.values_list(flat=True),
        lambda: albums.values_list("title", flat=True, named=True),
    ):
        with pytest.raises(FieldError, match="flat=True goes with one field"):
            wrong()
    with pytest.raises(FieldError, match="named twice"):
        albums.values_list("title", "title", named=True)


def test_a_column_named_twice_comes_twice() -> None:
    """In tuples each name has its place; in dicts it is one key."""
    fill()
    albums = Album.objects.filter(title="Blue")
    assert list(albums.values_list("title", "title")) == [("Blue", "Blue")]
    assert list(albums.values("title", "title")) == [{"title": "Blue"}]


def test_values_take_expressions() -> None:
    """Expressions are columns, with a name of their own or the caller's."""
    fill()
    albums = Album.objects.order_by("id")
    assert albums.values("title", low=Lower("title"))[0] == {"title": "First", "low": "first"}
    assert albums.values(n=Value(1), double=F("price") * 2)[1] == {"n": 1, "double": Decimal(24)}
    assert list(albums.values_list(Upper("title"), "price", Length("title"))[:1]) == [
        ("FIRST", Decimal("8.50"), 5)
    ]
    assert list(albums.values_list(F("price") + 1, flat=True)[:2]) == [Decimal("9.50"), Decimal(13)]
    assert list(albums.values_list("released__year", flat=True)) == [2001, 2003, 2003, None]
    assert list(Artist.objects.order_by("id").values(Count("albums"))) == [
        {"albums__count": 2},
        {"albums__count": 2},
        {"albums__count": 0},
    ]
    assert albums.values_list(Lower("title"), named=True)[0].lower1 == "first"


def test_values_show_annotations() -> None:
    """Annotations come along when nothing is named, aliases never do."""
    fill()
    albums = Album.objects.annotate(low=Lower("title")).alias(up=Upper("title")).order_by("id")
    row = albums.values()[0]
    assert row["low"] == "first"
    assert "up" not in row
    assert albums.values("low")[0] == {"low": "first"}
    assert albums.values("title").annotate(n=F("price") + 1)[0] == {
        "title": "First",
        "n": Decimal("9.50"),
    }
    assert list(albums.filter(up="BLUE").values_list("low", flat=True)) == ["blue"]


def test_rows_are_fetched_when_they_are_needed(asked: list[Call]) -> None:
    """Rows in any form are a queryset: narrowed further, kept once fetched, never fetched early."""
    fill()
    asked.clear()
    rows = Album.objects.values("title").filter(price__gt=9).order_by("-price")
    assert asked == []
    assert list(rows) == [{"title": "Second"}, {"title": "Blue"}]
    assert list(rows) == [{"title": "Second"}, {"title": "Blue"}]
    assert len(asked) == 1
    assert rows.first() == {"title": "Second"}
    assert rows.last() == {"title": "Blue"}
    assert rows.get(price=10) == {"title": "Blue"}
    assert rows.count() == 2
    assert rows[1:] == [{"title": "Blue"}]
    assert rows.all()[1:].exists()
    assert {"title": "Blue"} in rows
    assert repr(rows.filter(title="Blue")) == "<AlbumQuerySet of Album: [{'title': 'Blue'}]>"


def test_distinct_rows() -> None:
    """`distinct` is about the columns that are shown, and the order if it is by others."""
    fill()
    names_of = Album.objects.order_by("artist__name").values_list("artist__name", flat=True)
    assert list(names_of.distinct()) == ["Ann", "Bob"]
    assert names_of.distinct().count() == 2
    assert Album.objects.values("artist").distinct().count() == 2
    by_year = Album.objects.filter(released__isnull=False).values_list("released__year", flat=True)
    assert list(by_year.distinct().order_by("released__year")) == [2001, 2003]
    # As in Django, a column that is only ordered by makes rows distinct, too.
    by_price = Album.objects.order_by("price").values_list("artist__name", flat=True).distinct()
    assert list(by_price) == ["Bob", "Ann", "Bob", "Ann"]
    assert list(
        Album.objects.values_list(Length("title"), flat=True).distinct().order_by("length1")
    ) == [
        4,
        5,
        6,
    ]


def test_distinct_instances_under_any_order() -> None:
    """Joined rows are made distinct whatever they are ordered by."""
    fill()
    artists = Artist.objects.filter(albums__price__gt=0)
    assert names(artists.distinct().order_by("name")) == ["Ann", "Bob"]
    assert names(artists.distinct().order_by(Lower("name").desc())) == ["Bob", "Ann"]
    assert names(artists.order_by("albums__price").distinct()) == ["Bob", "Ann", "Bob", "Ann"]
    assert artists.distinct().order_by("name")[1:].count() == 1
    assert artists.distinct()[1:].exists()
    assert not artists.distinct()[2:].exists()
    first = artists.distinct().order_by("-name").first()
    assert first is not None
    assert first.name == "Bob"


def test_the_first_of_each_is_postgresqls(database: str) -> None:
    """`distinct` on columns keeps the first row of each, and is refused by name elsewhere."""
    fill()
    dearest = Album.objects.order_by("artist", "-price").distinct("artist")
    if database == "postgresql":
        assert names(dearest) == ["Second", "Blue"]
        assert dearest.count() == 2
    else:
        with pytest.raises(FieldError, match="expected PostgreSQL"):
            names(dearest)


def test_rows_keep_their_types(database: str) -> None:
    """Values read as columns are those that instances have."""
    fill()
    album = Album.objects.get(title="First")
    Album.objects.filter(pk=album.pk).update(data={"a": [1, {"b": None}]})
    (row,) = Album.objects.filter(pk=album.pk).values()
    assert row == {
        "id": album.pk,
        "title": "First",
        "artist_id": album.artist_id,
        "price": Decimal("8.50"),
        "rating": 4.0,
        "released": dt.datetime(2001, 3, 4, 12, 30, 59, 700_000, dt.UTC),
        "data": {"a": [1, {"b": None}]},
    }
    assert Album.objects.values_list("data__a__0", flat=True).get(pk=album.pk) == 1


def test_dates_and_moments() -> None:
    """The different years, months and days there are, in either order."""
    fill()
    albums = Album.objects.all()
    assert list(albums.dates("released", "year")) == [dt.date(2001, 1, 1), dt.date(2003, 1, 1)]
    assert list(albums.dates("released", "month", order="DESC")) == [
        dt.date(2003, 3, 1),
        dt.date(2001, 3, 1),
    ]
    assert list(Artist.objects.dates("born", "day")) == [dt.date(1970, 5, 17), dt.date(1980, 1, 1)]
    assert list(albums.datetimes("released", "hour")) == [
        dt.datetime(2001, 3, 4, 12, tzinfo=dt.UTC),
        dt.datetime(2003, 3, 4, 12, tzinfo=dt.UTC),
    ]
    assert list(albums.filter(price__gt=9).dates("released", "week")) == [dt.date(2003, 3, 3)]
    assert albums.dates("released", "year").count() == 2
    months = albums.annotate(month=TruncMonth("released")).values_list("month", flat=True)
    assert next(iter(months.order_by("id"))) == dt.datetime(2001, 3, 1, tzinfo=dt.UTC)
    with pytest.raises(FieldError, match="cannot be cut off at 'decade'"):
        albums.dates("released", "decade")
    with pytest.raises(FieldError, match="is no order"):
        albums.dates("released", "year", order="up")  # type: ignore[arg-type]
    with pytest.raises(FieldError, match="Did you mean 'released'"):
        albums.dates("relased", "year")


def test_keys_of_several_columns_are_columns() -> None:
    """A composite key is shown by its columns."""
    Chair.objects.create(hall="A", number=1)
    assert list(Chair.objects.values_list("hall", "number")) == [("A", 1)]
    with pytest.raises(FieldError, match="Name its columns one by one"):
        Chair.objects.values("pk")


def test_in_bulk_gives_rows_by_key() -> None:
    """Instances by their key, or by another unique field."""
    rows = fill()
    keys = [rows["first"].pk, rows["blue"].pk, -1]
    assert Album.objects.in_bulk(keys) == {
        rows["first"].pk: rows["first"],
        rows["blue"].pk: rows["blue"],
    }
    assert len(Album.objects.in_bulk()) == 4
    assert Album.objects.in_bulk([]) == {}
    assert list(Genre.objects.in_bulk(["Rock"], field_name="name")) == ["Rock"]
    assert set(Album.objects.filter(price__gt=9).in_bulk(keys)) == {rows["blue"].pk}
    with pytest.raises(FieldError, match="needs a unique field"):
        Album.objects.in_bulk(["x"], field_name="title")


def test_earliest_and_latest() -> None:
    """By `Meta.get_latest_by`, or by fields that are named."""
    fill()
    dated = Album.objects.filter(released__isnull=False)
    assert dated.earliest().title == "First"
    assert dated.latest("released", "-id").title == "Second"
    assert Album.objects.latest("price").title == "Second"
    assert Album.objects.earliest("-price").title == "Second"
    with pytest.raises(Album.DoesNotExist, match="There is no Album"):
        Album.objects.filter(pk=-1).latest()
    with pytest.raises(FieldError, match=r'Write latest\("pub_date"\)'):
        Track.objects.latest()


def test_rows_in_async_code(run: Run) -> None:
    """Every form comes through the drivers of async code."""
    fill()

    async def main() -> None:
        albums = Album.objects.order_by("id")
        assert await albums.values("title", "price")[:1] == [
            {"title": "First", "price": Decimal("8.50")}
        ]
        assert [each async for each in albums.values_list("title", flat=True)] == [
            "First",
            "Second",
            "Blue",
            "Empty",
        ]
        named: Any = await albums.values_list("title", named=True).afirst()
        assert named.title == "First"
        assert await Album.objects.dates("released", "year") == [
            dt.date(2001, 1, 1),
            dt.date(2003, 1, 1),
        ]
        totals = albums.order_by().values("artist__name").annotate(s=Sum("price"))
        assert await totals.values_list("s", flat=True).order_by("s") == [15, Decimal("20.50")]
        assert (await Album.objects.aearliest("price")).title == "Empty"
        assert len(await Album.objects.ain_bulk()) == 4

    run(main())
