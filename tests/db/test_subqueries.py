"""Subqueries: as a value, as a condition, as what a column is set to."""

from decimal import Decimal

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Sleeve, Track, fill, names
from undercroft import models
from undercroft.errors import FieldError
from undercroft.models import Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Value

pytestmark = pytest.mark.usefixtures("database")


def test_a_subquery_is_a_value() -> None:
    """The one column of the first row, of its own type; NULL where there is no row."""
    fill()
    dearest = Album.objects.filter(artist=OuterRef("pk")).order_by("-price")
    artists = Artist.objects.annotate(
        title=Subquery(dearest.values("title")[:1]),
        price=Subquery(dearest.values_list("price")[:1]),
        released=Subquery(dearest.values("released")[:1]),
        key=Subquery(dearest[:1]),
    ).order_by("id")
    second, blue = Album.objects.get(title="Second"), Album.objects.get(title="Blue")
    assert list(artists.values_list("name", "title", "price", "released", "key")) == [
        ("Ann", "Second", Decimal("12.00"), second.released, second.pk),
        ("Bob", "Blue", Decimal("10.00"), blue.released, blue.pk),
        ("Çyd", None, None, None, None),
    ]


def test_a_subquery_is_compared_and_ordered_by() -> None:
    """It stands in conditions, arithmetic and order."""
    fill()
    top = Album.objects.filter(artist=OuterRef("pk")).order_by("-price").values("price")[:1]
    artists = Artist.objects.annotate(top=Subquery(top))
    assert names(artists.filter(top__gt=11)) == ["Ann"]
    assert names(artists.filter(top__isnull=True)) == ["Çyd"]
    assert names(artists.order_by(F("top").asc(nulls_first=True))) == ["Çyd", "Bob", "Ann"]
    assert names(Artist.objects.order_by(Subquery(top).desc(nulls_last=True), "id")) == [
        "Ann",
        "Bob",
        "Çyd",
    ]
    doubled = artists.annotate(double=F("top") * 2).order_by("id")
    assert list(doubled.values_list("double", flat=True)) == [Decimal(24), Decimal(20), None]
    own = Album.objects.filter(artist=OuterRef("artist")).order_by("-price").values("price")[:1]
    assert names(Album.objects.filter(price=Subquery(own)).order_by("id")) == ["Second", "Blue"]
    assert names(Album.objects.filter(price__lt=Subquery(own) - 4).order_by("id")) == ["Empty"]


def test_a_subquery_aggregates() -> None:
    """A group of one is how to aggregate in a subquery without joining."""
    fill()

    def total(column: str) -> Subquery:
        tracks = Track.objects.filter(album=OuterRef("pk")).order_by().values("album")
        return Subquery(tracks.annotate(t=Sum(column)).values("t"))

    albums = Album.objects.annotate(s=total("seconds"), p=total("plays"), g=Count("genres"))
    assert list(albums.order_by("id").values_list("title", "s", "p", "g")) == [
        ("First", 600, 3, 2),
        ("Second", 150, 0, 1),
        ("Blue", 300, 1, 2),
        ("Empty", None, None, 0),
    ]
    assert albums.aggregate(m=Max("s")) == {"m": 600}


def test_a_subquery_may_be_told_its_type() -> None:
    """`output_field` says how the column is read."""
    fill()
    inner = Track.objects.filter(album=OuterRef("pk")).order_by("id").values("seconds")[:1]
    found = Album.objects.annotate(s=Subquery(inner, output_field=models.FloatField()))
    assert list(found.filter(title="First").values_list("s", flat=True)) == [100.0]


def test_in_takes_queries_of_all_shapes() -> None:
    """Sliced, distinct, grouped, combined and filtered queries are lists of values."""
    fill()
    albums = Album.objects.order_by("id")
    cheap = Album.objects.order_by("price")[:2]
    assert names(albums.filter(pk__in=cheap)) == ["First", "Empty"]
    assert names(albums.filter(pk__in=cheap.values("pk"))) == ["First", "Empty"]
    assert names(albums.exclude(pk__in=cheap)) == ["Second", "Blue"]
    assert names(albums.filter(pk__in=Album.objects.order_by("price")[1:3])) == ["First", "Blue"]
    assert names(albums.filter(artist__in=Album.objects.values("artist").distinct())) == [
        "First",
        "Second",
        "Blue",
        "Empty",
    ]
    busy = Track.objects.values("album").annotate(n=Count("*")).filter(n__gt=1).values("album")
    assert names(albums.filter(pk__in=busy)) == ["First", "Blue"]
    either = Album.objects.filter(title="First").union(Album.objects.filter(title="Blue"))
    assert names(albums.filter(pk__in=either)) == ["First", "Blue"]
    assert names(Genre.objects.filter(albums__in=cheap)) == ["Punk", "Rock"]


def test_queries_nest() -> None:
    """A query within a query within a query keeps all its values in order."""
    fill()
    rock = Genre.objects.filter(name="Rock")
    rocking = Album.objects.filter(genres__in=rock, price__lt=9)
    artists = Artist.objects.filter(Q(albums__in=rocking) | Q(name=Value("Çyd")), id__gt=0)
    assert names(artists.order_by("id")) == ["Ann", "Çyd"]
    assert names(artists.exclude(albums__in=rocking)) == ["Çyd"]


def test_exists_takes_queries_of_all_shapes() -> None:
    """Joins, groups, slices and exclusions within, and use as a value."""
    fill()
    jazz = Album.objects.filter(artist=OuterRef("pk"), genres__name="Jazz")
    assert names(Artist.objects.filter(Exists(jazz)).order_by("id")) == ["Ann", "Bob"]
    unrated = Album.objects.filter(artist=OuterRef("pk")).exclude(rating__gt=0)
    assert names(Artist.objects.filter(Exists(unrated))) == ["Ann"]
    unsung = Album.objects.filter(artist=OuterRef("pk")).exclude(track__seconds__gt=0)
    assert names(Artist.objects.filter(Exists(unsung))) == ["Bob"]
    many = (
        Track.objects.filter(album=OuterRef("pk"))
        .values("album")
        .annotate(n=Count("*"))
        .filter(n__gt=2)
    )
    assert names(Album.objects.filter(Exists(many))) == ["First"]
    third = Track.objects.filter(album=OuterRef("pk")).order_by("id")[2:]
    assert names(Album.objects.filter(Exists(third))) == ["First"]
    flagged = Album.objects.annotate(live=Exists(Track.objects.filter(album=OuterRef("pk"))))
    assert list(flagged.order_by("id").values_list("live", flat=True)) == [True, True, True, False]
    assert {type(each) for each in flagged.values_list("live", flat=True)} == {bool}
    assert names(flagged.filter(live=False)) == ["Empty"]
    assert flagged.aggregate(n=Count("*", filter=Q(live=True))) == {"n": 3}


def test_columns_are_set_to_subqueries() -> None:
    """`update` reads from other tables by a subquery."""
    fill()
    title = Album.objects.filter(pk=OuterRef("album")).values("title")[:1]
    assert Track.objects.update(title=Subquery(title)) == 6
    assert set(Track.objects.values_list("title", flat=True)) == {"First", "Second", "Blue"}
    plays = (Track.objects.filter(album=OuterRef("pk")).order_by().values("album")).annotate(
        s=Sum("seconds")
    )
    Album.objects.filter(track__isnull=False).update(rating=Subquery(plays.values("s")))
    assert list(Album.objects.order_by("id").values_list("rating", flat=True)) == [
        600,
        150,
        300,
        2.5,
    ]
    with pytest.raises(FieldError, match=r"Use Subquery\(...\) with OuterRef"):
        Track.objects.update(title=F("album__title"))


def test_rows_of_a_subquery_are_deleted_and_changed() -> None:
    """Writes find their rows by queries on other tables, and on their own."""
    fill()
    anns = Album.objects.filter(artist__name="Ann")
    assert Track.objects.filter(album__in=anns).update(plays=9) == 4
    assert Track.objects.filter(plays=9).count() == 4
    longest = Track.objects.order_by("-seconds")[:2]
    assert Track.objects.filter(pk__in=longest).delete().total == 2
    assert Track.objects.count() == 4
    dear = Album.objects.filter(
        price__gte=Subquery(Album.objects.order_by("-price").values("price")[:1])
    )
    assert dear.update(title="Dearest") == 1
    assert Album.objects.get(title="Dearest").price == 12


def test_a_subquery_has_one_column() -> None:
    """Several columns are refused, with what to write."""
    with pytest.raises(FieldError, match=r"has 2 columns: expected one. Name it"):
        Artist.objects.annotate(x=Subquery(Album.objects.values("id", "title")))
    with pytest.raises(FieldError, match="has 2 columns"):
        Artist.objects.filter(pk__in=Album.objects.values_list("id", "title"))


def test_a_one_to_one_relation_is_looked_through() -> None:
    """A subquery on the other side of a one-to-one relation, by its key."""
    fill()
    text = Sleeve.objects.filter(album=OuterRef("pk")).values("text")
    found = Album.objects.annotate(text=Subquery(text)).order_by("id")
    assert list(found.values_list("text", flat=True)) == ["gold", None, None, None]


def test_subqueries_in_async_code(run: Run) -> None:
    """The same subqueries run on the drivers of async code."""
    fill()

    async def main() -> None:
        top = Album.objects.filter(artist=OuterRef("pk"), price__gt=0).order_by("-price")
        artists = Artist.objects.annotate(top=Subquery(top.values("title")[:1])).order_by("id")
        assert await artists.values_list("top", flat=True) == ["Second", "Blue", None]
        inner = Album.objects.filter(pk=OuterRef("album")).values("title")[:1]
        assert await Track.objects.aupdate(title=Subquery(inner)) == 6
        assert await Track.objects.filter(title="Blue").acount() == 2

    run(main())
