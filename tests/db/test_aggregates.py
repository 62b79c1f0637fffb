"""Aggregates: over everything, of each row, of groups, with conditions, over shaped queries."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Track, fill, names
from undercroft.errors import FieldError
from undercroft.models import (
    ArrayAgg,
    Avg,
    BoolAnd,
    BoolOr,
    Case,
    Coalesce,
    Count,
    Exists,
    F,
    JSONArrayAgg,
    Max,
    Min,
    OuterRef,
    Q,
    StdDev,
    StringAgg,
    Subquery,
    Sum,
    TruncYear,
    Upper,
    Value,
    Variance,
    When,
)

pytestmark = pytest.mark.usefixtures("database")

LAST = dt.datetime(2003, 3, 4, 12, 30, 59, 700_000, dt.UTC)


# ------------------------------------------------------------------ over all rows


def test_aggregates_over_all_rows() -> None:
    """One query answers several aggregates, named by the caller or by themselves."""
    fill()
    found = Album.objects.aggregate(
        Sum("price"),
        Avg("rating"),
        mean=Avg("price"),
        rows=Count("*"),
        rated=Count("rating"),
        artists=Count("artist", distinct=True),
        last=Max("released"),
        least=Min("title"),
    )
    assert found == {
        "price__sum": Decimal("35.50"),
        "rating__avg": pytest.approx(9.5 / 3),
        "mean": Decimal("8.875"),
        "rows": 4,
        "rated": 3,
        "artists": 2,
        "last": LAST,
        "least": "Blue",
    }
    assert type(found["mean"]) is Decimal
    assert Album.objects.aggregate() == {}


def test_aggregates_follow_relations() -> None:
    """Rows on the other side of a relation are aggregated, once for each way to them."""
    fill()
    assert Artist.objects.aggregate(n=Count("albums__track"), s=Sum("albums__track__seconds")) == {
        "n": 6,
        "s": 1050,
    }
    assert Genre.objects.filter(name="Jazz").aggregate(p=Sum("albums__price")) == {"p": 22}
    assert Track.objects.aggregate(p=Max("album__price"), a=Min("album__artist__name")) == {
        "p": Decimal("12.00"),
        "a": "Ann",
    }


def test_nothing_aggregated_is_null_or_the_default() -> None:
    """Over no rows a count is 0, everything else NULL, or what `default` says."""
    assert Album.objects.aggregate(
        n=Count("*"),
        c=Count("rating"),
        s=Sum("rating"),
        a=Avg("rating"),
        m=Max("released"),
        zero=Sum("rating", default=0.0),
        mean=Avg("price", default=Decimal(1)),
    ) == {"n": 0, "c": 0, "s": None, "a": None, "m": None, "zero": 0.0, "mean": Decimal(1)}
    fill()
    assert Album.objects.none().aggregate(n=Count("*"), s=Sum("price")) == {"n": 0, "s": None}
    assert Album.objects.filter(pk__in=[]).aggregate(s=Sum("price", default=0)) == {"s": 0}


def test_a_filter_says_which_rows_count() -> None:
    """`filter=` narrows one aggregate, not the query."""
    fill()
    assert Track.objects.aggregate(
        n=Count("*"),
        live=Count("*", filter=Q(is_live=True)),
        long=Sum("seconds", filter=Q(seconds__gt=100)),
        anns=Avg("seconds", filter=Q(album__artist__name="Ann")),
        none=Sum("seconds", filter=Q(seconds__gt=1000)),
        zero=Sum("seconds", filter=Q(seconds__gt=1000), default=0),
        both=Count("pk", filter=Q(is_live=True) | Q(seconds__lt=100)),
        no=Count("pk", filter=~Q(is_live=True)),
    ) == {
        "n": 6,
        "live": 2,
        "long": 900,
        "anns": 187.5,
        "none": None,
        "zero": 0,
        "both": 2,
        "no": 4,
    }


def test_a_filter_is_about_the_rows_that_are_joined() -> None:
    """Denied as well: it leaves out the rows themselves, not whoever has such a row."""
    fill()
    others = Count("albums", filter=~Q(albums__title="First"))
    rated = Sum("albums__price", filter=~Q(albums__rating__lt=3), default=0)
    artists = Artist.objects.annotate(n=others, s=rated).order_by("id")
    assert list(artists.values_list("n", "s")) == [(1, Decimal("20.50")), (2, 10), (0, 0)]
    live = Case(When(~Q(track__is_live=True), then=F("track__seconds")), default=Value(0))
    albums = Album.objects.annotate(s=Sum(live)).order_by("id")
    assert list(albums.values_list("s", flat=True)) == [400, 150, 250, None]


def test_aggregates_of_expressions_and_expressions_of_aggregates() -> None:
    """What goes in and what comes out may be calculated."""
    fill()
    found = Track.objects.aggregate(
        minutes=Sum(F("seconds") / 60),
        span=Max("seconds") - Min("seconds"),
        mean=Sum("seconds") / Count("*"),
        weight=Sum(Case(When(is_live=True, then=F("seconds") * 2), default=F("seconds"))),
        label=Upper(Max("title")),
        least=Coalesce(Min("plays"), Value(9)),
    )
    assert found == {
        "minutes": pytest.approx(17.5),
        "span": 250,
        "mean": pytest.approx(175),
        "weight": 1300,
        "label": "SECOND 0",
        "least": 0,
    }


def test_spread() -> None:
    """Deviation and variance, of a population and of a sample."""
    fill()
    found = Album.objects.aggregate(
        s=StdDev("price"),
        t=StdDev("price", sample=True),
        v=Variance("rating"),
        w=Variance("rating", sample=True),
    )
    assert found == {
        "s": pytest.approx(2.55868618630734),
        "t": pytest.approx(2.954516316),
        "v": pytest.approx(7 / 18),
        "w": pytest.approx(7 / 12),
    }
    assert Album.objects.filter(title="First").aggregate(w=Variance("rating", sample=True)) == {
        "w": None
    }


def test_texts_truths_and_lists() -> None:
    """Texts are joined in order, conditions are added up, values are listed."""
    fill()
    titles = StringAgg("albums__title", ", ", order_by="-albums__title")
    artists = Artist.objects.annotate(t=titles).order_by("id")
    assert list(artists.values_list("t", flat=True)) == ["Second, First", "Empty, Blue", None]
    assert Album.objects.aggregate(t=StringAgg("title", "'; --", filter=Q(price__gt=11))) == {
        "t": "Second"
    }
    assert Track.objects.aggregate(a=BoolAnd("is_live"), o=BoolOr("is_live")) == {
        "a": False,
        "o": True,
    }
    found = Track.objects.filter(album__title="First").aggregate(s=JSONArrayAgg("seconds"))
    assert sorted(found["s"]) == [100, 200, 300]


def test_arrays_are_postgresqls(database: str) -> None:
    """`ArrayAgg` gives a list on PostgreSQL and is refused by name elsewhere."""
    fill()
    tracks = Track.objects.filter(album__title="First")
    if database == "postgresql":
        assert tracks.aggregate(s=ArrayAgg("seconds", order_by="-seconds")) == {
            "s": [300, 200, 100]
        }
    else:
        with pytest.raises(FieldError, match="JSONArrayAgg"):
            tracks.aggregate(s=ArrayAgg("seconds"))


# ------------------------------------------------------------------ of each row


def test_annotations_are_of_each_row() -> None:
    """Rows get what was aggregated of theirs; rows without any count 0."""
    fill()
    artists = Artist.objects.annotate(n=Count("albums"), top=Max("albums__price")).order_by("id")
    assert [(each.name, each.n, each.top) for each in artists] == [
        ("Ann", 2, Decimal("12.00")),
        ("Bob", 2, Decimal("10.00")),
        ("Çyd", 0, None),
    ]
    named = Artist.objects.annotate(Count("albums")).order_by("id")
    assert [each.albums__count for each in named] == [2, 2, 0]
    albums = Album.objects.annotate(n=Count("genres"), t=Sum("track__seconds")).order_by("id")
    # Two relations at once multiply: Django says the same.
    assert [(each.n, each.t) for each in albums] == [(6, 1200), (1, 150), (4, 600), (0, None)]
    distinct = Album.objects.annotate(
        n=Count("genres", distinct=True), t=Count("track", distinct=True)
    )
    assert list(distinct.order_by("id").values_list("n", "t")) == [(2, 3), (1, 1), (2, 2), (0, 0)]


def test_groups_are_chosen_by_conditions_on_their_aggregates() -> None:
    """Conditions on annotations are those of HAVING, before and after other conditions."""
    fill()
    artists = Artist.objects.annotate(n=Count("albums__track"))
    assert list(artists.filter(n__gt=1).order_by("-n").values_list("name", "n")) == [
        ("Ann", 4),
        ("Bob", 2),
    ]
    assert names(artists.filter(n__gt=1, name__startswith="B")) == ["Bob"]
    assert names(artists.exclude(n=0).order_by("n")) == ["Bob", "Ann"]
    assert artists.filter(n=4).exists()
    assert not artists.filter(n=5).exists()
    assert artists.filter(n__gt=1).count() == 2
    assert artists.get(n=2).name == "Bob"
    assert names(Artist.objects.alias(n=Count("albums")).filter(n=0)) == ["Çyd"]
    assert not hasattr(Artist.objects.alias(n=Count("albums")).first(), "n")


def test_conditions_before_and_after_an_aggregate_differ() -> None:
    """A filter before the annotation narrows what is counted; one behind it joins anew."""
    fill()
    before = Artist.objects.filter(albums__price__gt=9).annotate(n=Count("albums")).order_by("id")
    assert list(before.values_list("name", "n")) == [("Ann", 1), ("Bob", 1)]
    after = Artist.objects.annotate(n=Count("albums", filter=Q(albums__price__gt=9)))
    assert list(after.order_by("id").values_list("name", "n")) == [
        ("Ann", 1),
        ("Bob", 1),
        ("Çyd", 0),
    ]


def test_annotations_order_and_cut_rows() -> None:
    """Rows are ordered by what was aggregated, sliced, and found again by it."""
    fill()
    artists = Artist.objects.annotate(n=Count("albums__track"))
    assert names(artists.order_by("-n", "name")) == ["Ann", "Bob", "Çyd"]
    assert names(artists.order_by(F("n").asc(), "name")[1:]) == ["Bob", "Ann"]
    assert names(artists.order_by(Min("albums__price").desc(nulls_last=True))) == [
        "Ann",
        "Bob",
        "Çyd",
    ]
    first = artists.order_by("-n").first()
    assert first is not None
    assert first.name == "Ann"


def test_annotated_rows_carry_their_relations() -> None:
    """Groups keep what is loaded along, and the annotation of a related row."""
    fill()
    albums = Album.objects.select_related("artist").annotate(n=Count("track")).order_by("id")
    assert [(each.artist.name, each.n) for each in albums] == [
        ("Ann", 3),
        ("Ann", 1),
        ("Bob", 2),
        ("Bob", 0),
    ]


# ------------------------------------------------------------------ of groups


def test_values_before_annotate_make_groups() -> None:
    """The columns named by `values` are what rows are grouped by."""
    fill()
    groups = Album.objects.values("artist__name").annotate(total=Sum("price"), mean=Avg("rating"))
    assert list(groups.order_by("artist__name")) == [
        {"artist__name": "Ann", "total": Decimal("20.50"), "mean": 4.0},
        {"artist__name": "Bob", "total": Decimal("15.00"), "mean": 2.75},
    ]
    assert groups.count() == 2
    assert list(groups.filter(total__gt=16).values_list("artist__name", flat=True)) == ["Ann"]
    assert list(groups.order_by("-total").values_list("total", flat=True)) == [
        Decimal("20.50"),
        Decimal("15.00"),
    ]


def test_the_order_of_the_model_does_not_split_groups() -> None:
    """`Meta.ordering` is left out where rows are grouped by something else."""
    fill()
    groups = Genre.objects.values("parent").annotate(n=Count("id")).order_by("n")
    assert list(groups.values_list("n", flat=True)) == [1, 2]
    assert sorted(each["n"] for each in Genre.objects.values("parent").annotate(n=Count("id"))) == [
        1,
        2,
    ]


def test_groups_by_expressions() -> None:
    """Rows are grouped by what is worked out of them: years, letters, choices."""
    fill()
    years = Album.objects.annotate(year=TruncYear("released")).values("year").annotate(n=Count("*"))
    assert list(years.order_by(F("year").asc(nulls_last=True)).values_list("year", "n")) == [
        (dt.datetime(2001, 1, 1, tzinfo=dt.UTC), 1),
        (dt.datetime(2003, 1, 1, tzinfo=dt.UTC), 2),
        (None, 1),
    ]
    parts = Album.objects.values("released__year").annotate(n=Count("*")).order_by("-n")
    assert next(iter(parts)) == {"released__year": 2003, "n": 2}
    size = Case(When(price__gt=9, then=Value("dear")), default=Value("cheap"))
    sizes = Album.objects.annotate(size=size).values("size").annotate(n=Count("*"), m=Max("price"))
    assert list(sizes.order_by("size")) == [
        {"size": "cheap", "n": 2, "m": Decimal("8.50")},
        {"size": "dear", "n": 2, "m": Decimal("12.00")},
    ]
    assert list(sizes.order_by("size").values_list("m", flat=True)) == [8.5, 12]
    made = Album.objects.values(letter=Upper("artist__name")).annotate(n=Count("id"))
    assert list(made.order_by("letter")) == [{"letter": "ANN", "n": 2}, {"letter": "BOB", "n": 2}]


def test_annotations_of_rows_beside_aggregates_belong_to_the_row() -> None:
    """A value of each row stands beside an aggregate of it."""
    fill()
    found = (
        Artist.objects.annotate(loud=Upper("name"))
        .annotate(n=Count("albums"))
        .annotate(more=F("n") + 1)
        .order_by("id")
    )
    assert list(found.values_list("loud", "n", "more")) == [
        ("ANN", 2, 3),
        ("BOB", 2, 3),
        ("ÇYD", 0, 1),
    ]
    assert names(found.filter(more__gt=1, loud__startswith="B")) == ["Bob"]


def test_a_subquery_beside_an_aggregate() -> None:
    """Scalar subqueries and `Exists` go along with groups."""
    fill()
    top = Album.objects.filter(artist=OuterRef("pk")).order_by("-price").values("title")[:1]
    has = Exists(Track.objects.filter(album__artist=OuterRef("pk"), is_live=True))
    found = Artist.objects.annotate(n=Count("albums"), top=Subquery(top), live=has).order_by("id")
    assert [(each.n, each.top, bool(each.live)) for each in found] == [
        (2, "Second", True),
        (2, "Blue", True),
        (0, None, False),
    ]
    assert names(found.filter(n=2, top="Blue")) == ["Bob"]


# ------------------------------------------------------------------ over shaped queries


def test_aggregates_over_annotations() -> None:
    """What was worked out of each row or group is aggregated in a second step."""
    fill()
    artists = Artist.objects.annotate(n=Count("albums"))
    found = artists.aggregate(Avg("n"), Max("n"), s=Sum("n"), few=Count("*", filter=Q(n__lt=2)))
    assert found == {"n__avg": pytest.approx(4 / 3), "n__max": 2, "s": 4, "few": 1}
    totals = Album.objects.values("artist").annotate(total=Sum("price"))
    assert totals.aggregate(m=Max("total"), a=Avg("total")) == {
        "m": Decimal("20.50"),
        "a": Decimal("17.75"),
    }
    doubled = Track.objects.annotate(twice=F("seconds") * 2).aggregate(s=Sum("twice"))
    assert doubled == {"s": 2100}
    assert artists.filter(n__gt=0).aggregate(n=Count("*"), names=Max("name")) == {
        "n": 2,
        "names": "Bob",
    }


def test_aggregates_over_slices_and_distinct_rows() -> None:
    """Only the rows of a slice, and each of distinct rows once, are aggregated."""
    fill()
    assert Track.objects.order_by("id")[:3].aggregate(s=Sum("seconds"), n=Count("*")) == {
        "s": 600,
        "n": 3,
    }
    assert Track.objects.order_by("-seconds")[1:3].aggregate(m=Min("seconds")) == {"m": 200}
    assert Album.objects.all()[4:].aggregate(n=Count("*"), s=Sum("price")) == {"n": 0, "s": None}
    joined = Artist.objects.filter(albums__price__gt=0)
    assert joined.aggregate(n=Count("*")) == {"n": 4}
    assert joined.distinct().aggregate(n=Count("*")) == {"n": 2}
    years = Album.objects.values("released__year").distinct()
    assert years.count() == 3


def test_aggregates_over_combined_queries() -> None:
    """The rows of a union are aggregated as one."""
    fill()
    anns = Album.objects.filter(artist__name="Ann")
    dear = Album.objects.filter(price__gt=9)
    assert anns.union(dear).aggregate(n=Count("*"), s=Sum("price")) == {
        "n": 3,
        "s": Decimal("30.50"),
    }
    assert anns.union(dear, all=True).aggregate(n=Count("*")) == {"n": 4}


# ------------------------------------------------------------------ mistakes


def test_what_is_no_aggregate_is_refused() -> None:
    """Values of single rows, nameless expressions and aggregates of aggregates are named."""
    with pytest.raises(FieldError, match="no aggregate"):
        Album.objects.aggregate(x=F("price"))
    with pytest.raises(FieldError, match="no aggregate"):
        Album.objects.aggregate(x="price")
    with pytest.raises(FieldError, match="needs a name"):
        Album.objects.aggregate(Max("price") - Min("price"))
    with pytest.raises(FieldError, match="aggregate of an aggregate"):
        Artist.objects.annotate(n=Count("albums")).annotate(m=Max("n"))
    for refuse in (
        lambda: Artist.objects.filter(id__gt=Count("albums")),
        lambda: Artist.objects.exclude(Q(id__gt=Count("albums"), name="x")),
        lambda: Artist.objects.order_by(Count("albums")),
        lambda: Artist.objects.order_by(Count("albums").desc()),
    ):
        with pytest.raises(FieldError, match=r"Name it by annotate\(...\)"):
            refuse()
    with pytest.raises(FieldError, match="no value of a single row"):
        Artist.objects.update(name=Max("albums__title"))
    with pytest.raises(FieldError, match="Did you mean 'price'"):
        Album.objects.aggregate(Sum("prise"))


def test_aggregates_in_async_code(run: Run) -> None:
    """The same numbers, of the same types, come through the drivers of async code."""
    fill()

    async def main() -> None:
        found: dict[str, Any] = await Album.objects.aaggregate(
            Sum("price"), n=Count("*"), a=Avg("rating"), m=Max("released"), d=StdDev("price")
        )
        assert found == {
            "price__sum": Decimal("35.50"),
            "n": 4,
            "a": pytest.approx(9.5 / 3),
            "m": LAST,
            "d": pytest.approx(2.55868618630734),
        }
        artists = Artist.objects.annotate(n=Count("albums")).order_by("-n", "name")
        assert [each.n async for each in artists] == [2, 2, 0]
        groups = Album.objects.values("artist__name").annotate(s=Sum("price")).order_by("s")
        assert await groups == [
            {"artist__name": "Bob", "s": Decimal("15.00")},
            {"artist__name": "Ann", "s": Decimal("20.50")},
        ]
        assert await Artist.objects.annotate(n=Count("albums")).aaggregate(Max("n")) == {
            "n__max": 2
        }

    run(main())
