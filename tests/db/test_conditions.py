"""Conditions: on many rows in one and in several calls, denied, nested, and where NULL is."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Genre, Sleeve, Track, fill, names
from undercroft.errors import FieldValueError
from undercroft.models import Case, Count, Exists, F, Lower, OuterRef, Q, Value, When

pytestmark = pytest.mark.usefixtures("database")


# ------------------------------------------------------------------ relations to many rows


def test_conditions_of_one_call_are_about_the_same_row() -> None:
    """What stands in one `filter` must be true of one album; in two, of one album each."""
    fill()
    assert names(Artist.objects.filter(albums__title="First", albums__price__gt=10)) == []
    assert names(Artist.objects.filter(albums__title="First").filter(albums__price__gt=10)) == [
        "Ann"
    ]
    assert names(Artist.objects.filter(albums__title="First", albums__price__lt=10)) == ["Ann"]
    assert names(Artist.objects.filter(Q(albums__title="First"), Q(albums__price__gt=10))) == []
    assert names(Artist.objects.filter(Q(albums__title="First") & Q(albums__price__gt=10))) == []


def test_a_row_comes_once_for_each_of_the_many_it_is_found_by() -> None:
    """Joined rows are not made distinct unless `distinct` is asked for."""
    fill()
    found = Artist.objects.filter(albums__price__gt=0).order_by("name")
    assert names(found) == ["Ann", "Ann", "Bob", "Bob"]
    assert found.count() == 4
    assert names(found.distinct()) == ["Ann", "Bob"]
    assert found.distinct().count() == 2


def test_relations_to_many_rows_are_followed_in_both_directions() -> None:
    """Foreign keys, one-to-one and many-to-many relations are looked up from either side."""
    rows = fill()
    assert names(Artist.objects.filter(albums__track__title="Blue 1")) == ["Bob"]
    assert names(Artist.objects.filter(albums__genres__parent__name="Rock")) == ["Ann"]
    assert names(Artist.objects.filter(albums=rows["blue"])) == ["Bob"]
    assert names(Artist.objects.filter(albums=rows["blue"].pk)) == ["Bob"]
    assert names(Artist.objects.filter(albums__in=[rows["blue"], rows["empty"]]).distinct()) == [
        "Bob"
    ]
    assert names(Album.objects.filter(genres__name="Jazz").order_by("id")) == ["Second", "Blue"]
    assert names(Album.objects.filter(genres=rows["rock"]).order_by("id")) == ["First", "Blue"]
    assert names(Genre.objects.filter(albums__artist__name="Ann")) == ["Jazz", "Punk", "Rock"]
    assert names(Genre.objects.filter(children__name="Punk")) == ["Rock"]
    assert names(Album.objects.filter(sleeve__text="gold")) == ["First"]
    assert names(Artist.objects.filter(albums__sleeve__isnull=False)) == ["Ann"]
    assert Sleeve.objects.get(album__artist__name="Ann").text == "gold"


def test_two_joins_of_one_call_are_shared_along_their_path() -> None:
    """A condition on an album and one on its tracks are about that album's tracks."""
    fill()
    both = {"albums__title": "Second", "albums__track__seconds__gt": 200}
    assert names(Artist.objects.filter(**both)) == []
    assert names(
        Artist.objects.filter(albums__title="Second").filter(albums__track__seconds__gt=200)
    ) == ["Ann"]
    both["albums__track__seconds__gt"] = 100
    assert names(Artist.objects.filter(**both)) == ["Ann"]


def test_no_row_at_all_is_null() -> None:
    """`isnull` over a relation to many rows asks whether there are any."""
    fill()
    assert names(Artist.objects.filter(albums__isnull=True)) == ["Çyd"]
    assert names(Artist.objects.filter(albums__isnull=False).distinct().order_by("id")) == [
        "Ann",
        "Bob",
    ]
    assert names(Artist.objects.filter(albums=None)) == ["Çyd"]
    assert names(Album.objects.filter(genres__isnull=True)) == ["Empty"]
    assert names(Album.objects.filter(sleeve__isnull=True).order_by("id")) == [
        "Second",
        "Blue",
        "Empty",
    ]
    assert names(Artist.objects.filter(albums__rating__isnull=True).order_by("id")) == [
        "Ann",
        "Çyd",
    ]


# ------------------------------------------------------------------ exclude


def test_exclude_of_many_rows_means_none_of_them() -> None:
    """A row stays out when any of the many fulfils the condition."""
    fill()
    artists = Artist.objects.order_by("id")
    assert names(artists.exclude(albums__title="First")) == ["Bob", "Çyd"]
    assert names(artists.exclude(albums__rating__gt=3)) == ["Bob", "Çyd"]
    assert names(artists.exclude(albums__track__is_live=True)) == ["Çyd"]
    assert names(artists.exclude(albums__genres__name="Punk")) == ["Bob", "Çyd"]
    assert names(Album.objects.exclude(genres__name="Jazz").order_by("id")) == ["First", "Empty"]
    assert names(Genre.objects.exclude(albums__title="First")) == ["Jazz"]
    assert names(Genre.objects.exclude(children__name="Punk")) == ["Jazz", "Punk"]


def test_exclude_with_several_conditions_looks_at_any_rows() -> None:
    """As Django has it: each condition may be fulfilled by another of the many rows."""
    fill()
    artists = Artist.objects.order_by("id")
    assert names(artists.exclude(albums__title="First", albums__price__gt=11)) == ["Bob", "Çyd"]
    dear = Album.objects.filter(title="First", price__gt=11)
    assert names(artists.exclude(albums__in=dear)) == ["Ann", "Bob", "Çyd"]


def test_exclude_of_nulls_over_many_rows() -> None:
    """Rows without any of the many count as NULL, for `filter` and for `exclude`."""
    fill()
    artists = Artist.objects.order_by("id")
    assert names(artists.exclude(albums__isnull=True)) == ["Ann", "Bob"]
    assert names(artists.exclude(albums__isnull=False)) == ["Çyd"]
    assert names(artists.exclude(albums__rating__isnull=True)) == ["Bob"]
    assert names(artists.exclude(albums__rating=None)) == ["Bob"]
    assert names(Album.objects.exclude(sleeve__isnull=True)) == ["First"]


def test_exclude_keeps_what_is_null() -> None:
    """NULL is not equal to, greater or less than anything, so it is not left out."""
    fill()
    albums = Album.objects.order_by("id")
    assert names(albums.exclude(rating=4.0)) == ["Second", "Blue", "Empty"]
    assert names(albums.exclude(rating__gt=2.75)) == ["Second", "Empty"]
    assert names(albums.exclude(rating__in=[4.0, 3.0])) == ["Second", "Empty"]
    assert names(albums.exclude(rating__range=(3, 5))) == ["Second", "Empty"]
    assert names(albums.exclude(rating__isnull=True)) == ["First", "Blue", "Empty"]
    assert names(albums.exclude(released__year=2003)) == ["First", "Empty"]
    assert names(albums.exclude(sleeve__text="gold")) == ["Second", "Blue", "Empty"]
    assert names(Genre.objects.exclude(parent__name="Rock")) == ["Jazz", "Rock"]
    assert names(Genre.objects.exclude(parent__name__contains="o")) == ["Jazz", "Rock"]
    assert names(Artist.objects.exclude(born__lt=dt.date(1975, 1, 1)).order_by("id")) == [
        "Bob",
        "Çyd",
    ]


def test_exclude_keeps_what_is_compared_with_null() -> None:
    """A comparison with another column that is NULL is not true either."""
    fill()
    albums = Album.objects.order_by("id")
    assert names(albums.filter(price__gt=F("rating"))) == ["First", "Blue", "Empty"]
    assert names(albums.exclude(price__gt=F("rating"))) == ["Second"]
    assert names(albums.exclude(price__gt=F("rating") * 3)) == ["First", "Second", "Empty"]
    assert names(albums.exclude(price__in=[F("rating"), 12])) == ["First", "Blue", "Empty"]
    assert names(albums.exclude(price__range=(F("rating"), 100))) == ["Second"]
    assert names(Genre.objects.exclude(name__startswith=F("parent__name"))) == [
        "Jazz",
        "Punk",
        "Rock",
    ]


def test_exclude_is_the_rest_of_what_filter_finds() -> None:
    """Every row without joins is either found or left, whatever is NULL in it."""
    fill()
    everything = set(names(Album.objects))
    conditions: list[Any] = [
        Q(rating__gt=3),
        ~Q(rating__gt=3),
        Q(rating=F("price")),
        Q(rating__gt=3) | Q(released__year=2003),
        Q(rating__gt=3) & ~Q(released__year=2003),
        Q(rating__gt=3) ^ Q(released__year=2003),
        Exists(Sleeve.objects.filter(album=OuterRef("pk"))),
        Album.rating > 3,
        Q(Album.rating > 3, released__year=2001),
        Q(Case(When(rating__gt=3, then=True), When(rating__lt=3, then=False))),
        ~Q(Case(When(~Q(rating__gt=3), then=True), default=False)),
    ]
    for condition in conditions:
        found = names(Album.objects.filter(condition))
        rest = names(Album.objects.exclude(condition))
        assert sorted(found + rest) == sorted(everything)


def test_exclude_compares_columns_of_the_same_row_among_many() -> None:
    """A column of the many compared with another of the many is about one and the same row."""
    fill()
    artists = Artist.objects.order_by("id")
    assert names(artists.filter(albums__price__lt=F("albums__rating") * 3)) == ["Ann", "Bob"]
    assert names(artists.exclude(albums__price__lt=F("albums__rating") * 3)) == ["Çyd"]
    assert names(artists.exclude(albums__price__gt=F("albums__rating") * 3)) == ["Ann", "Çyd"]


# ------------------------------------------------------------------ Q


def test_q_objects_nest() -> None:
    """`&`, `|`, `~` and `^` mean what they mean in Python, at any depth."""
    fill()
    albums = Album.objects.order_by("id")
    blue, ann, rated = Q(title="Blue"), Q(artist__name="Ann"), Q(rating__isnull=False)
    assert names(albums.filter(blue | ann)) == ["First", "Second", "Blue"]
    assert names(albums.filter((blue | ann) & rated)) == ["First", "Blue"]
    assert names(albums.filter(blue | (ann & rated))) == ["First", "Blue"]
    assert names(albums.filter(~(blue | ann))) == ["Empty"]
    assert names(albums.filter(~blue & ~ann)) == ["Empty"]
    assert names(albums.filter(~(ann & rated))) == ["Second", "Blue", "Empty"]
    assert names(albums.filter(~~ann)) == ["First", "Second"]
    assert names(albums.filter(ann ^ rated)) == ["Second", "Blue", "Empty"]
    assert names(albums.filter(ann ^ rated ^ blue)) == ["Second", "Empty"]
    assert names(albums.filter(blue | ann, rated)) == ["First", "Blue"]
    assert names(albums.exclude(blue | ann)) == ["Empty"]
    assert names(albums.filter(Q(blue, ann, _connector=Q.OR))) == ["First", "Second", "Blue"]


def test_either_of_two_relations_is_found_by_one_of_them() -> None:
    """`or` across relations finds rows that lack the one or the other."""
    fill()
    artists = Artist.objects.order_by("id").distinct()
    assert names(artists.filter(Q(albums__title="Blue") | Q(born__isnull=True))) == ["Bob", "Çyd"]
    either = Q(sleeve__text="gold") | Q(genres__name="Jazz")
    assert names(Album.objects.filter(either).distinct().order_by("id")) == [
        "First",
        "Second",
        "Blue",
    ]
    assert names(Genre.objects.filter(Q(parent__name="Rock") | Q(name="Jazz"))) == ["Jazz", "Punk"]


def test_an_odd_number_of_conditions() -> None:
    """`^` finds rows of which an odd number of conditions holds, joined rows one by one."""
    fill()
    albums = Album.objects.order_by("id")
    three = Q(rating__gt=2) ^ Q(price__gt=9) ^ Q(title__contains="e")
    assert names(albums.filter(three)) == ["First", "Blue", "Empty"]
    assert names(albums.exclude(three)) == ["Second"]
    assert names(albums.filter(Q(rating__gt=3) ^ Q(rating__isnull=True))) == ["First", "Second"]
    either = Q(albums__title="First") ^ Q(albums__price__gt=10)
    assert names(Artist.objects.filter(either)) == ["Ann", "Ann"]
    assert names(Artist.objects.filter(~either).order_by("id")) == ["Ann", "Bob", "Çyd"]
    assert names(albums.filter(Q(title="Blue", price__gt=1, _connector=Q.XOR))) == [
        "First",
        "Second",
        "Empty",
    ]


def test_an_empty_q_changes_nothing() -> None:
    """Joining with an empty `Q` gives the other one, and filtering by it gives all rows."""
    fill()
    assert Album.objects.filter(Q()).count() == 4
    assert Album.objects.filter(~Q()).count() == 4
    assert Album.objects.exclude(Q()).count() == 4
    assert Album.objects.exclude().count() == 4
    assert Q() | Q(title="x") == Q(title="x")
    assert Q(title="x") & Q() == Q(title="x")
    built = Q()
    for title in ("First", "Blue"):
        built |= Q(title=title)
    assert names(Album.objects.filter(built).order_by("id")) == ["First", "Blue"]


def test_empty_lists_are_nothing_and_deny_everything() -> None:
    """`in` an empty list finds no row, and its denial every one, NULLs included."""
    fill()
    assert names(Album.objects.filter(rating__in=[])) == []
    assert Album.objects.exclude(rating__in=[]).count() == 4
    assert Album.objects.filter(~Q(rating__in=[])).count() == 4
    assert names(Album.objects.filter(Q(pk__in=[]) | Q(title="Blue"))) == ["Blue"]
    assert names(Album.objects.filter(rating__in=[None])) == []
    assert names(Album.objects.filter(rating__in=[None, 3.0])) == ["Blue"]
    assert Artist.objects.exclude(albums__in=[]).count() == 3
    assert Album.objects.none().filter(title="Blue").count() == 0
    assert Album.objects.exclude(pk__in=Album.objects.none()).count() == 4


# ------------------------------------------------------------------ comparisons of all kinds


def test_queries_are_conditions() -> None:
    """`in` takes a queryset: of instances by their key, or of one column."""
    fill()
    anns = Artist.objects.filter(name="Ann")
    albums = Album.objects.order_by("id")
    assert names(albums.filter(artist__in=anns)) == ["First", "Second"]
    assert names(albums.filter(artist__in=anns.values("id"))) == ["First", "Second"]
    assert names(albums.filter(artist__name__in=anns.values("name"))) == ["First", "Second"]
    assert names(albums.exclude(artist__in=anns)) == ["Blue", "Empty"]
    assert names(albums.filter(artist=anns[:1])) == ["First", "Second"]
    assert names(albums.filter(pk__in=albums.order_by("-price")[:2])) == ["Second", "Blue"]
    assert names(Artist.objects.filter(albums__in=Album.objects.filter(price__gt=11))) == ["Ann"]
    # NOT IN a query that has a NULL would be NULL for every row.
    assert names(albums.exclude(rating__in=albums.values("rating"))) == ["Second"]
    assert names(Genre.objects.exclude(pk__in=Genre.objects.values("parent"))) == ["Jazz", "Punk"]


def test_text_is_matched_against_other_columns() -> None:
    """`startswith` and its kin compare with columns, whose wildcards mean nothing."""
    fill()
    tracks = Track.objects.order_by("id")
    assert len(tracks.filter(title__startswith=F("album__title"))) == 6
    assert len(tracks.filter(title__istartswith=Lower("album__title"))) == 6
    assert names(tracks.filter(title__contains=F("album__artist__name"))) == []
    assert names(tracks.filter(title__endswith=Value("1"))) == ["First 1", "Blue 1"]
    Album.objects.filter(title="Blue").update(title="%")
    assert len(tracks.filter(title__startswith=F("album__title"))) == 4


def test_letters_beyond_ascii_have_cases() -> None:
    """Look-ups without regard to case know every letter's two forms."""
    fill()
    assert names(Artist.objects.filter(name__iexact="çYD")) == ["Çyd"]
    assert names(Artist.objects.filter(name__icontains="ç")) == ["Çyd"]
    assert names(Artist.objects.filter(name__istartswith="çy")) == ["Çyd"]
    assert names(Artist.objects.filter(name__iendswith="YD")) == ["Çyd"]
    assert names(Artist.objects.filter(name__contains="ç")) == []


def test_regular_expressions() -> None:
    """`regex` heeds the case of letters and `iregex` does not."""
    fill()
    assert names(Artist.objects.filter(name__regex="^A.n$")) == ["Ann"]
    assert names(Artist.objects.filter(name__regex="^a.n$")) == []
    assert names(Artist.objects.filter(name__iregex="^a.N$")) == ["Ann"]
    assert names(Artist.objects.exclude(name__iregex="^(a|b)").order_by("id")) == ["Çyd"]


def test_parts_of_moments() -> None:
    """Parts of dates and times are compared as numbers, through relations as well."""
    fill()
    albums = Album.objects.order_by("id")
    assert names(albums.filter(released__year=2003)) == ["Second", "Blue"]
    assert names(albums.filter(released__year__gt=2001)) == ["Second", "Blue"]
    assert names(albums.filter(released__quarter=1, released__week_day=1)) == ["First"]
    assert names(albums.filter(released__date=dt.date(2001, 3, 4))) == ["First"]
    assert names(albums.filter(released__hour=12, released__second__gte=59)) == [
        "First",
        "Second",
        "Blue",
    ]
    assert names(Artist.objects.filter(albums__released__year=2001)) == ["Ann"]
    assert names(Artist.objects.filter(born__month=F("born__day"))) == ["Bob"]


def test_conditions_on_annotations_mix_with_conditions_on_rows() -> None:
    """What is known of a row, of a group and by `or` of both is put where it belongs."""
    fill()
    artists = Artist.objects.annotate(n=Count("albums")).order_by("id")
    assert names(artists.filter(n=2)) == ["Ann", "Bob"]
    assert names(artists.filter(n=2, name="Bob")) == ["Bob"]
    assert names(artists.filter(Q(n=0) | Q(name="Bob"))) == ["Bob", "Çyd"]
    assert names(artists.exclude(n=2)) == ["Çyd"]
    assert names(artists.exclude(Q(n=0) | Q(name="Bob"))) == ["Ann"]
    assert names(artists.filter(n__gte=F("id") - 1)) == ["Ann", "Bob"]


def test_whether_there_is_a_row_is_a_condition() -> None:
    """`Exists` stands alone, is denied, and is joined with look-ups."""
    fill()
    dear = Exists(Album.objects.filter(artist=OuterRef("pk"), price__gt=11))
    live = Exists(Track.objects.filter(album__artist=OuterRef("pk"), title__startswith="Blue"))
    artists = Artist.objects.order_by("id")
    assert names(artists.filter(dear)) == ["Ann"]
    assert names(artists.filter(~dear)) == ["Bob", "Çyd"]
    assert names(artists.filter(dear | live)) == ["Ann", "Bob"]
    assert names(artists.filter(dear & live)) == []
    assert names(artists.filter(Q(dear) | Q(name="Çyd"))) == ["Ann", "Çyd"]
    assert names(artists.exclude(dear)) == ["Bob", "Çyd"]
    assert names(artists.filter(~dear & ~live)) == ["Çyd"]


def test_decimals_and_floats_are_compared_as_numbers() -> None:
    """A price is found by an equal number of any type, and by no other."""
    fill()
    for value in (Decimal("8.5"), Decimal("8.50"), "8.50", 8.5):
        assert names(Album.objects.filter(price=value)) == ["First"]
    assert names(Album.objects.filter(price__gt=Decimal("9.999")).order_by("id")) == [
        "Second",
        "Blue",
    ]
    assert names(Album.objects.filter(price__in=["5", "12.00"]).order_by("id")) == [
        "Second",
        "Empty",
    ]


def test_conditions_in_async_code(run: Run) -> None:
    """The same conditions hold on the drivers of async code."""
    fill()

    async def main() -> None:
        assert names(await Artist.objects.exclude(albums__title="First").order_by("id")) == [
            "Bob",
            "Çyd",
        ]
        found = Artist.objects.filter(albums__title="First").filter(albums__price__gt=10)
        assert names(await found) == ["Ann"]
        assert await Album.objects.filter(~Q(rating__gt=3) | Q(genres__name="Punk")).acount() == 5
        assert names(await Album.objects.exclude(price__gt=F("rating"))) == ["Second"]
        dear = Exists(Album.objects.filter(artist=OuterRef("pk"), price__gt=11))
        assert names(await Artist.objects.filter(~dear).order_by("id")) == ["Bob", "Çyd"]

    run(main())


def test_a_list_may_be_long(run: Run) -> None:
    """Tens of thousands of values are one condition, in sync and async code, denied as well."""
    fill()
    keys = [*Album.objects.values_list("pk", flat=True), *range(1_000_000, 1_034_000)]
    assert Album.objects.filter(pk__in=keys).count() == 4
    assert Album.objects.exclude(pk__in=keys[1:]).count() == 1
    assert len(Album.objects.in_bulk(keys)) == 4
    moments = [
        *Album.objects.filter(released__isnull=False).values_list("released", flat=True),
        *(dt.datetime(1900, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=n) for n in range(17_000)),
    ]

    async def main() -> None:
        assert await Album.objects.filter(pk__in=keys).acount() == 4
        assert await Album.objects.filter(released__in=moments).acount() == 3

    run(main())
    assert Album.objects.filter(released__in=moments).count() == 3
    prices = [*Album.objects.values_list("price", flat=True), *map(Decimal, range(100, 17_100))]
    assert Album.objects.filter(price__in=prices).count() == 4


def test_one_value_where_a_list_is_expected_is_told() -> None:
    """The value is shown as it was given, and as what to write."""
    for value in (3, "abc", b"abc"):
        with pytest.raises(FieldValueError) as caught:
            Album.objects.filter(id__in=value)
        assert f"Value {value!r} does not fit Album.id" in str(caught.value)
        assert f"a list of values, such as id__in=[{value!r}]" in str(caught.value)
    with pytest.raises(FieldValueError, match=r"such as \[\.\.\.\]"):
        Album.objects.filter(title__in="x" * 50)
