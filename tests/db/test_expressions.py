"""Expressions: columns, values, choices, arithmetic, casts, and columns of the query around."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Track, fill, names
from undercroft import models
from undercroft.errors import FieldError, FieldValueError
from undercroft.models import (
    Abs,
    Case,
    Cast,
    Coalesce,
    Concat,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Greatest,
    Least,
    Length,
    Lower,
    NullIf,
    OuterRef,
    Q,
    Round,
    Subquery,
    Upper,
    Value,
    When,
)

pytestmark = pytest.mark.usefixtures("database")


def of_first(**expressions: Any) -> dict[str, Any]:
    """Work expressions out for the album First."""
    (row,) = Album.objects.filter(title="First").values(**expressions)
    return row


def of_track(expression: Any) -> Any:
    """Work an expression out for the track First 1: 200 seconds, played once."""
    (value,) = Track.objects.filter(title="First 1").annotate(x=expression).values_list("x")
    return value[0]


# ------------------------------------------------------------------ columns and values


def test_f_stands_for_a_column() -> None:
    """`F` compares columns with each other, through relations and with parts of dates."""
    fill()
    albums = Album.objects.order_by("id")
    assert names(albums.filter(price__gt=F("rating") * 3)) == ["Blue"]
    assert names(Track.objects.filter(seconds__gt=F("plays") * 100 + 150).order_by("id")) == [
        "Blue 0"
    ]
    assert names(albums.filter(released__year__gt=F("artist__born__year") + 25)) == [
        "First",
        "Second",
    ]
    assert names(Genre.objects.filter(name__gt=F("parent__name"))) == []
    assert of_first(who=F("artist__name")) == {"who": "Ann"}


def test_f_sees_annotations() -> None:
    """An annotation is a name like any other from then on."""
    fill()
    tracks = Track.objects.annotate(twice=F("seconds") * 2).annotate(more=F("twice") + 1)
    assert list(tracks.filter(more__gt=500).order_by("more").values_list("twice", "more")) == [
        (500, 501),
        (600, 601),
    ]
    assert names(tracks.filter(twice=F("more") - 1).order_by("-more")[:2]) == ["First 2", "Blue 0"]


class Mood(enum.Enum):
    CALM = "calm"


@pytest.mark.parametrize(
    "value",
    [
        True,
        7,
        1 << 40,
        -3,
        2.5,
        Decimal("3.25"),
        "text with ' and \" and % and :name",
        "",
        dt.date(2024, 2, 29),
        dt.datetime(2024, 2, 29, 12, 30, 15, 123456, dt.UTC),
        dt.time(23, 59, 59, 5),
        uuid.UUID(int=5),
        b"\x00\xff",
        {"a": [1, None, "x"]},
        [1, 2],
        None,
    ],
    ids=repr,
)
def test_values_come_back_as_they_are(value: Any) -> None:
    """A Python value goes through the database and is the same afterwards."""
    fill()
    found = of_first(x=Value(value))["x"]
    assert found == value
    assert type(found) is type(value)


def test_a_value_may_be_given_its_type() -> None:
    """`output_field` takes a field, a field function, or a type of SQLAlchemy."""
    fill()
    for output in (models.FloatField(), models.FloatField, sa.Double(), sa.Double):
        assert of_first(x=Value(3, output_field=output))["x"] == 3.0
    assert of_first(x=Value(Mood.CALM)) == {"x": "calm"}
    with pytest.raises(FieldError, match="output_field='float' is no type"):
        of_first(x=Value(3, output_field="float"))
    with pytest.raises(FieldError, match="no value that a database knows"):
        of_first(x=Value(object()))


# ------------------------------------------------------------------ arithmetic


@pytest.mark.parametrize(
    "expression, expected",
    [
        (F("seconds") + 1, 201),
        (1 + F("seconds"), 201),
        (F("seconds") - F("plays"), 199),
        (1000 - F("seconds"), 800),
        (F("seconds") * 3, 600),
        (F("seconds") / 8, 25.0),
        (F("seconds") / 7, 200 / 7),
        (7 / F("seconds"), 0.035),
        (F("seconds") / Decimal(8), Decimal(25)),
        (F("seconds") % 7, 4),
        (1007 % F("seconds"), 7),
        (F("plays") ** 3 + 1, 2.0),
        (2 ** (F("plays") + 2), 8.0),
        (-F("seconds"), -200),
        (F("seconds") * 1.5, 300.0),
        (F("seconds") * Decimal("0.5"), Decimal(100)),
        ((F("seconds") + 1) * 2, 402),
        (F("seconds") + 1 * 2, 202),
        (F("seconds") - (F("plays") - 1), 200),
        (F("seconds") * 10_000_000_000, 2_000_000_000_000),
        (F("seconds").bitand(12), 8),
        (F("seconds").bitor(7), 207),
        (F("seconds").bitxor(15), 199),
    ],
    ids=repr,
)
def test_numbers_are_calculated_as_in_python(expression: Any, expected: Any) -> None:
    """Every operator gives the number that Python would, on every database."""
    fill()
    found = of_track(expression)
    assert found == pytest.approx(expected)
    assert type(found) is type(expected)


def test_what_is_null_stays_null_in_arithmetic() -> None:
    """NULL plus anything is NULL."""
    fill()
    rows = Album.objects.order_by("id").annotate(x=F("rating") + 1).values_list("x", flat=True)
    assert list(rows) == [5.0, None, 4.0, 3.5]


def test_moments_move_and_are_measured() -> None:
    """A moment plus a span is a moment, and the difference of two is a span."""
    fill()
    moment = dt.datetime(2001, 3, 4, 12, 30, 59, 700_000, dt.UTC)
    day, hour = dt.timedelta(days=1), dt.timedelta(hours=1, microseconds=5)
    found = of_first(
        later=F("released") + day,
        earlier=F("released") - hour,
        first=Value(day) + F("released"),
        since=F("released") - Value(moment - hour),
        until=Value(moment - hour) - F("released"),
        span=Value(day) + hour,
        half=Value(day) / 2,
        back=-(Value(day) * 2),
    )
    assert found == {
        "later": moment + day,
        "earlier": moment - hour,
        "first": moment + day,
        "since": hour,
        "until": -hour,
        "span": day + hour,
        "half": day / 2,
        "back": -2 * day,
    }
    born = Artist.objects.filter(name="Ann").values_list(F("born") + day, flat=True)
    assert list(born) == [dt.datetime(1970, 5, 18, tzinfo=dt.UTC)]
    age = F("born") - Value(dt.date(1970, 5, 7))
    assert list(Artist.objects.filter(name="Ann").values_list(age, flat=True)) == [10 * day]


def test_spans_of_time_are_compared() -> None:
    """A condition on the difference of two moments takes a `timedelta`."""
    fill()
    years = dt.timedelta(days=365 * 2)
    epoch = Value(dt.datetime(2001, 1, 1, tzinfo=dt.UTC))
    albums = Album.objects.annotate(age=F("released") - epoch).order_by("id")
    assert names(albums.filter(age__gt=years)) == ["Second", "Blue"]
    assert names(albums.filter(age__lt=years)) == ["First"]
    assert names(albums.filter(released__gt=epoch + years)) == ["Second", "Blue"]


# ------------------------------------------------------------------ choices


def test_case_takes_the_first_branch_that_holds() -> None:
    """Branches are looked at in their order; without one, the default or NULL."""
    fill()
    kind = Case(
        When(price__lt=6, then=Value("gift")),
        When(Q(price__lt=9) & Q(rating__gt=1), then=Value("cheap")),
        When(rating__isnull=True, then=F("artist__name")),
        default=Value("dear"),
    )
    found = Album.objects.annotate(kind=kind).order_by("id").values_list("title", "kind")
    assert list(found) == [
        ("First", "cheap"),
        ("Second", "Ann"),
        ("Blue", "dear"),
        ("Empty", "gift"),
    ]
    bare = Case(When(price__gt=100, then=Value(1)))
    assert set(Album.objects.values_list(bare, flat=True)) == {None}
    assert names(Album.objects.annotate(k=kind).filter(k="dear")) == ["Blue"]
    assert names(Album.objects.order_by(kind.desc(), "id")) == ["Empty", "Blue", "First", "Second"]


def test_a_branch_may_look_at_many_rows_and_at_queries() -> None:
    """Conditions within a branch are the same as those of `filter`."""
    fill()
    loud = Exists(Track.objects.filter(album=OuterRef("pk"), is_live=True))
    kind = Case(When(loud, then=Value("live")), default=Value("studio"))
    assert list(Album.objects.order_by("id").values_list(kind, flat=True)) == [
        "live",
        "studio",
        "live",
        "studio",
    ]
    size = Case(When(n=0, then=Value("none")), When(n__gte=2, then=Value("some")))
    artists = Artist.objects.annotate(n=Count("albums")).annotate(size=size).order_by("id")
    assert list(artists.values_list("size", flat=True)) == ["some", "some", "none"]
    with pytest.raises(FieldError, match="no condition"):
        When(then=Value(1))


# ------------------------------------------------------------------ functions and casts


def test_functions_of_text() -> None:
    """Letters, lengths and joined text, NULL as empty in the last."""
    fill()
    artists = Artist.objects.order_by("id")
    found = artists.values_list(Upper("name"), Lower("name"), Length("name"))
    assert list(found) == [("ANN", "ann", 3), ("BOB", "bob", 3), ("ÇYD", "çyd", 3)]
    genres = Genre.objects.order_by("id").values_list(Concat("parent__name", Value("/"), "name"))
    assert list(genres) == [("/Rock",), ("Rock/Punk",), ("/Jazz",)]


def test_functions_that_compare() -> None:
    """The first value there is, the greatest, the least, and NULL for what is equal."""
    fill()
    albums = Album.objects.order_by("id")
    assert list(albums.values_list(Coalesce("rating", Value(0.0)), flat=True)) == [4, 0, 3, 2.5]
    assert list(albums.values_list(NullIf("rating", Value(3.0)), flat=True)) == [4, None, None, 2.5]
    tracks = Track.objects.filter(album__title="First").order_by("id")
    assert list(tracks.values_list(Greatest("seconds", Value(150)), flat=True)) == [150, 200, 300]
    assert list(tracks.values_list(Least("seconds", Value(150)), flat=True)) == [100, 150, 150]
    nothing = albums.filter(title="Second")
    assert list(nothing.values_list(Greatest("rating", Value(1.0)), flat=True)) == [None]
    assert list(nothing.values_list(Least("rating", Value(1.0)), flat=True)) == [None]
    assert list(nothing.values_list(Coalesce("rating", "rating"), flat=True)) == [None]


def test_functions_of_numbers() -> None:
    """Amounts without their sign, and rounded ones."""
    fill()
    found = of_first(
        far=Abs(F("price") - 10),
        whole=Round("price"),
        short=Round(F("rating") / 3, 2),
        exact=Round("price", 1),
    )
    assert found["far"] == Decimal("1.50")
    assert found["whole"] in (8, 9)
    assert found["short"] == pytest.approx(1.33)
    assert found["exact"] == Decimal("8.5")


def test_functions_nest_and_are_conditions_and_order() -> None:
    """What is worked out goes wherever a column goes."""
    fill()
    shout = Concat(Upper(F("title")), Value("!"))
    albums = Album.objects.annotate(shout=shout)
    assert names(albums.filter(shout__startswith="BL", shout__contains="!")) == ["Blue"]
    assert names(Album.objects.order_by(Length("title"), Lower("title").desc())) == [
        "Blue",
        "First",
        "Empty",
        "Second",
    ]
    assert names(Album.objects.filter(title=Concat(Value("Bl"), Value("ue")))) == ["Blue"]
    dear = Album.objects.filter(price__gt=Coalesce("rating", Value(0.0)) * 3)
    assert names(dear.order_by("id")) == ["Second", "Blue"]


def test_casts() -> None:
    """Values are turned into other types by the database."""
    fill()
    assert of_track(Cast("seconds", models.CharField(max_length=10))) == "200"
    assert of_track(Cast("seconds", models.FloatField())) == 200.0
    assert of_track(Cast(Value("12"), models.IntegerField())) == 12
    assert of_track(Cast("seconds", models.BooleanField())) is True
    assert of_track(Cast(F("seconds") - 200, models.BooleanField())) is False
    assert of_track(Cast("seconds", models.DecimalField(max_digits=8, decimal_places=2))) == 200
    assert of_first(x=Cast("released", models.DateField()))["x"] == dt.date(2001, 3, 4)
    assert of_first(x=Cast("rating", models.IntegerField()))["x"] == 4
    text = Value("2024-02-29 10:20:30.500000")
    moment = dt.datetime(2024, 2, 29, 10, 20, 30, 500_000, dt.UTC)
    assert of_first(x=Cast(text, models.DateTimeField()))["x"] == moment
    assert of_first(x=Cast(text, models.TimeField()))["x"] == moment.time()
    found = Track.objects.annotate(text=Cast("seconds", models.TextField()))
    assert names(found.filter(text__startswith="2").order_by("id")) == ["First 1", "Blue 0"]


def test_expressions_may_be_told_their_type() -> None:
    """`ExpressionWrapper` says what comes out; conditions become true or false."""
    fill()
    assert of_track(ExpressionWrapper(F("seconds") * 2, models.FloatField())) == 400.0
    found = Album.objects.order_by("id").annotate(
        good=ExpressionWrapper(Q(rating__gt=2.75), models.BooleanField())
    )
    assert [bool(each.good) for each in found] == [True, False, True, False]
    assert names(found.filter(good=True)) == ["First", "Blue"]


def test_sqlalchemy_expressions_are_expressions() -> None:
    """SQLAlchemy's own go into annotations, arithmetic and updates."""
    fill()
    loud = Album.objects.annotate(loud=sa.func.upper(Album.title)).order_by("id")
    assert [each.loud for each in loud] == ["FIRST", "SECOND", "BLUE", "EMPTY"]
    twice = Album.objects.annotate(twice=F("rating") + Album.rating * 2).order_by("id")
    assert list(twice.values_list("twice", flat=True)) == [12.0, None, 9.0, 7.5]
    Track.objects.filter(title="First 0").update(title=sa.func.upper(Track.title))
    assert Track.objects.filter(title="FIRST 0").exists()
    with pytest.raises(FieldError, match=r"F\('rating'\) .* Write F"):
        Album.objects.annotate(twice=Album.rating * 2 + F("rating"))


# ------------------------------------------------------------------ the query around


def test_outer_ref_reaches_the_query_around() -> None:
    """A subquery compares with the columns of each row around it, through relations too."""
    fill()
    longer = Track.objects.filter(seconds__gt=F("plays"), album=OuterRef("pk"))
    assert names(Album.objects.filter(Exists(longer)).order_by("id")) == ["First", "Second", "Blue"]
    same = Artist.objects.filter(name=OuterRef("artist__name"))
    assert Album.objects.filter(Exists(same)).count() == 4
    rival = Album.objects.filter(price__gt=OuterRef("price")).exclude(artist=OuterRef("artist"))
    assert names(Album.objects.filter(~Exists(rival))) == ["Second"]


def test_outer_ref_reaches_two_levels() -> None:
    """`OuterRef(OuterRef(...))` is about the query around the query around."""
    fill()
    live = Track.objects.filter(
        album=OuterRef("pk"),
        title__startswith=OuterRef("title"),
        seconds__gt=OuterRef(OuterRef("id")),
        is_live=True,
    )
    albums = Album.objects.filter(Exists(live), artist=OuterRef("pk"))
    assert names(Artist.objects.filter(Exists(albums)).order_by("id")) == ["Ann", "Bob"]
    count = (
        Track.objects.filter(album__artist=OuterRef(OuterRef("pk")), seconds__gt=OuterRef("price"))
        .order_by()
        .values("album__artist")
        .annotate(n=Count("*"))
        .values("n")
    )
    best = (
        Album.objects.filter(artist=OuterRef("pk")).order_by("-price").annotate(n=Subquery(count))
    )
    found = Artist.objects.order_by("id").annotate(n=Subquery(best.values("n")[:1]))
    assert list(found.values_list("n", flat=True)) == [4, 2, None]


def test_outer_ref_takes_part_in_arithmetic() -> None:
    """A column of the query around is an expression like any other."""
    fill()
    near = Album.objects.filter(
        price__range=(OuterRef("price") - 2, OuterRef("price") + 2)
    ).exclude(pk=OuterRef("pk"))
    assert names(Album.objects.filter(Exists(near)).order_by("id")) == ["First", "Second", "Blue"]


def test_outer_ref_needs_a_query_around() -> None:
    """Used in a query of its own, it says where it belongs."""
    with pytest.raises(FieldError, match=r"OuterRef\('pk'\) is not within a subquery"):
        list(Album.objects.filter(artist=OuterRef("pk")))


# ------------------------------------------------------------------ order


def test_nulls_come_first_or_last() -> None:
    """The place of NULLs is said with the direction, and turned by `reverse`."""
    fill()
    last = Album.objects.order_by(F("rating").desc(nulls_last=True), "id")
    assert names(last) == ["First", "Blue", "Empty", "Second"]
    assert names(last.reverse()) == ["Second", "Empty", "Blue", "First"]
    first = Album.objects.order_by(F("rating").asc(nulls_first=True), "id")
    assert names(first) == ["Second", "Empty", "Blue", "First"]
    assert names(Album.objects.order_by(F("artist__name").desc(), F("price").asc())) == [
        "Empty",
        "Blue",
        "First",
        "Second",
    ]
    with pytest.raises(FieldError, match="first or last, not both"):
        F("rating").asc(nulls_first=True, nulls_last=True)


def test_the_order_follows_values_and_conditions() -> None:
    """Expressions that have values of their own order rows as well, before and after slices."""
    fill()
    pinned = Case(When(title="Empty", then=Value(0)), default=Value(1))
    assert names(Album.objects.order_by(pinned, "title")) == ["Empty", "Blue", "First", "Second"]
    assert names(Album.objects.order_by(pinned, "title")[1:3]) == ["Blue", "First"]
    assert names(Album.objects.filter(price__gt=6).order_by(pinned, "-title")) == [
        "Second",
        "First",
        "Blue",
    ]
    assert len(Album.objects.order_by("?")) == 4


def test_expressions_in_async_code(run: Run) -> None:
    """The same expressions go through the drivers of async code."""
    fill()

    async def main() -> None:
        albums = Album.objects.filter(title="First")
        found = await albums.values(
            a=F("price") * 2,
            b=Value("x"),
            c=Concat("title", Value("-"), "artist__name"),
            d=Case(When(price__lt=9, then=Value(1)), default=Value(2)),
            e=Value(2.5),
            f=Value(Decimal("1.5")),
            g=Value(dt.date(2024, 1, 1)),
            h=Cast("rating", models.IntegerField()),
            i=Value({"k": 1}),
            j=F("rating") / 3,
            k=Value(True),
        )
        assert found == [
            {
                "a": Decimal("17.00"),
                "b": "x",
                "c": "First-Ann",
                "d": 1,
                "e": 2.5,
                "f": Decimal("1.5"),
                "g": dt.date(2024, 1, 1),
                "h": 4,
                "i": {"k": 1},
                "j": pytest.approx(4 / 3),
                "k": True,
            }
        ]

    run(main())


def test_a_name_may_mean_something_else_in_another_query() -> None:
    """Values compared with an annotation are checked against that one, not one of its name."""
    fill()
    for expression, value in ((F("seconds"), 200), (F("title"), "One"), (Value(1.5), 1.5)):
        Track.objects.annotate(x=expression).filter(x=value).count()
        with pytest.raises(FieldValueError):
            Track.objects.annotate(x=F("seconds")).filter(x="text")
