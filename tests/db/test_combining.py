"""Several queries as one: union, intersection and difference, and what can be done with them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Chair, Genre, Track, fill, names
from undercroft.errors import FieldError
from undercroft.models import Count, F, Max, OuterRef, Q, RowNumber, Subquery, Upper, Value, Window

pytestmark = pytest.mark.usefixtures("database")


def by_title(queryset: Any) -> list[str]:
    """What the rows are called, in the order of the alphabet."""
    return sorted(names(queryset))


def test_queries_are_combined() -> None:
    """Rows of either, of both, or of the first and not the second."""
    fill()
    anns = Album.objects.filter(artist__name="Ann")
    dear = Album.objects.filter(price__gt=9)
    assert by_title(anns.union(dear)) == ["Blue", "First", "Second"]
    assert by_title(anns.union(dear, all=True)) == ["Blue", "First", "Second", "Second"]
    assert by_title(anns.intersection(dear)) == ["Second"]
    assert by_title(anns.difference(dear)) == ["First"]
    assert by_title(dear.difference(anns)) == ["Blue"]
    jazz = Album.objects.filter(genres__name="Jazz")
    assert by_title(anns.intersection(dear, jazz)) == ["Second"]
    assert by_title(Album.objects.difference(anns, dear)) == ["Empty"]
    assert by_title(anns.union(dear, Album.objects.filter(title="Empty"))) == [
        "Blue",
        "Empty",
        "First",
        "Second",
    ]
    assert by_title(anns.union()) == ["First", "Second"]


def test_combined_rows_are_whole_instances() -> None:
    """Instances of a union are like any others: they can be changed and follow relations."""
    fill()
    rows = list(
        Album.objects.filter(title="Blue").union(Album.objects.filter(title="First")).order_by("id")
    )
    assert [(each.title, each.price, each.artist.name) for each in rows] == [
        ("First", Decimal("8.50"), "Ann"),
        ("Blue", Decimal("10.00"), "Bob"),
    ]
    rows[0].title = "Changed"
    rows[0].save()
    assert Album.objects.filter(title="Changed").count() == 1
    assert sorted(each.title for each in rows[1].track_set.all()) == ["Blue 0", "Blue 1"]


def test_the_whole_is_ordered_and_cut() -> None:
    """`order_by`, slices, `first`, `last` and `reverse` are about the combined rows."""
    fill()
    either = Album.objects.filter(title="Blue").union(Album.objects.filter(artist__name="Ann"))
    assert names(either.order_by("-title")) == ["Second", "First", "Blue"]
    assert names(either.order_by("-title")[:2]) == ["Second", "First"]
    assert names(either.order_by("price").reverse()) == ["Second", "Blue", "First"]
    assert names(either.order_by("title")[1:]) == ["First", "Second"]
    assert either.order_by("title")[0].title == "Blue"
    first = either.order_by("-price").first()
    assert first is not None
    assert first.title == "Second"
    last = either.order_by("-price").last()
    assert last is not None
    assert last.title == "First"
    assert names(either.order_by(F("rating").asc(nulls_first=True))) == ["Second", "Blue", "First"]


def test_parts_are_ordered_and_cut() -> None:
    """A part may be a slice: the dearest and the cheapest."""
    fill()
    dearest = Album.objects.order_by("-price")[:1]
    cheapest = Album.objects.order_by("price")[:1]
    assert by_title(dearest.union(cheapest)) == ["Empty", "Second"]
    assert names(dearest.union(cheapest).order_by("price")) == ["Empty", "Second"]
    assert by_title(Album.objects.difference(Album.objects.order_by("price")[:3])) == ["Second"]
    ordered = Genre.objects.filter(name="Rock").union(Genre.objects.filter(name="Jazz"))
    assert by_title(ordered) == ["Jazz", "Rock"]


def test_combined_queries_are_counted_and_asked() -> None:
    """`count`, `exists`, `contains` and `len` see each row once."""
    rows = fill()
    either = Album.objects.filter(title="Blue").union(Album.objects.filter(price__gt=9))
    assert either.count() == 2
    assert len(either) == 2
    assert either.exists()
    assert not either.filter(title="x").exists()
    assert either.all().contains(rows["blue"])
    assert not either.all().contains(rows["empty"])
    assert either.order_by("title")[:1].count() == 1
    assert Album.objects.none().union(Album.objects.none()).count() == 0
    assert either.get(title="Blue") == rows["blue"]
    with pytest.raises(Album.MultipleObjectsReturned):
        either.get()


def test_combined_queries_are_filtered_afterwards() -> None:
    """A condition behind a union is about its rows, and their relations."""
    fill()
    anns = Album.objects.filter(artist__name="Ann")
    either = anns.union(Album.objects.filter(title="Blue"))
    assert by_title(either.filter(price__gt=9)) == ["Blue", "Second"]
    assert by_title(either.exclude(title="Blue")) == ["First", "Second"]
    assert by_title(either.filter(Q(title="Blue") | Q(rating__isnull=True))) == ["Blue", "Second"]
    assert by_title(either.filter(artist__name="Bob")) == ["Blue"]
    assert by_title(either.exclude(genres__name="Jazz")) == ["First"]
    assert by_title(either.filter(price__gt=9).union(anns)) == ["Blue", "First", "Second"]
    assert by_title(either.filter(price__gt=9).order_by("title")[:1]) == ["Blue"]


def test_values_are_combined() -> None:
    """Columns of different models go together by their position; the first names them."""
    fill()
    titles = Album.objects.values_list("title").union(Artist.objects.values_list("name"))
    assert sorted(titles) == [
        ("Ann",),
        ("Blue",),
        ("Bob",),
        ("Empty",),
        ("First",),
        ("Second",),
        ("Çyd",),
    ]
    assert list(titles.filter(title__startswith="B").order_by("-title")) == [("Bob",), ("Blue",)]
    flat = Album.objects.values_list("title", flat=True).union(
        Track.objects.values_list("title", flat=True)
    )
    assert list(flat.order_by("title")[:2]) == ["Blue", "Blue 0"]
    dicts = Album.objects.values("title", "price").intersection(
        Album.objects.filter(price__gt=11).values("title", "price")
    )
    assert list(dicts) == [{"title": "Second", "price": Decimal("12.00")}]
    assert titles.count() == 7
    across = Album.objects.values("artist__name").union(Artist.objects.values("name"))
    assert sorted(each["artist__name"] for each in across) == ["Ann", "Bob", "Çyd"]
    assert list(across.order_by("-artist__name")[1:2]) == [{"artist__name": "Bob"}]
    with pytest.raises(FieldError, match=r"union\(\) of queries with \[1, 2\] columns"):
        list(Album.objects.values("id").union(Album.objects.values("id", "title")))


def test_columns_are_chosen_afterwards() -> None:
    """`values` behind a union shows some of its columns."""
    fill()
    either = Album.objects.filter(title="Blue").union(Album.objects.filter(title="First"))
    assert list(either.order_by("title").values_list("title", flat=True)) == ["Blue", "First"]
    assert list(either.order_by("price").values("price", "title")) == [
        {"price": Decimal("8.50"), "title": "First"},
        {"price": Decimal("10.00"), "title": "Blue"},
    ]
    assert list(either.order_by("title").values_list("artist__name", flat=True)) == ["Bob", "Ann"]


def test_annotations_are_combined() -> None:
    """What parts have worked out comes along, and the whole is annotated again."""
    fill()
    loud = Album.objects.annotate(label=Upper("title")).filter(title="Blue")
    soft = Album.objects.annotate(label=F("title")).filter(title="First")
    both = loud.union(soft)
    assert [(each.title, each.label) for each in both.order_by("label")] == [
        ("Blue", "BLUE"),
        ("First", "First"),
    ]
    assert names(both.filter(label="First")) == ["First"]
    assert list(both.order_by("-label").values_list("label", flat=True)) == ["First", "BLUE"]
    kinds = Album.objects.values("title", kind=Value("album")).union(
        Artist.objects.values("name", kind=Value("artist"))
    )
    assert list(kinds.order_by("title")[:3]) == [
        {"title": "Ann", "kind": "artist"},
        {"title": "Blue", "kind": "album"},
        {"title": "Bob", "kind": "artist"},
    ]
    counted = Artist.objects.annotate(n=Count("albums"))
    grouped = counted.filter(n=0).union(counted.filter(n=2, name="Ann"))
    assert [(each.name, each.n) for each in grouped.order_by("n")] == [("Çyd", 0), ("Ann", 2)]
    again = Album.objects.filter(title="Blue").union(Album.objects.filter(title="First"))
    assert [each.twice for each in again.annotate(twice=F("price") * 2).order_by("id")] == [17, 20]
    assert again.aggregate(m=Max("price"), n=Count("*")) == {"m": Decimal("10.00"), "n": 2}


def test_parts_filtered_by_windows_are_combined() -> None:
    """The best of each artist, and the cheapest of all."""
    fill()
    best = Album.objects.alias(
        rank=Window(RowNumber(), partition_by="artist", order_by="-price")
    ).filter(rank=1)
    assert by_title(best.union(Album.objects.filter(title="Empty"))) == ["Blue", "Empty", "Second"]
    assert names(best.union(best).order_by("price")) == ["Blue", "Second"]


def test_combined_queries_nest() -> None:
    """A union of a difference and an intersection."""
    fill()
    anns, dear = Album.objects.filter(artist__name="Ann"), Album.objects.filter(price__gt=9)
    neither = Album.objects.difference(anns.union(dear))
    assert by_title(neither) == ["Empty"]
    assert by_title(neither.union(anns.intersection(dear))) == ["Empty", "Second"]
    assert by_title(Album.objects.filter(pk__in=neither.union(dear))) == ["Blue", "Empty", "Second"]
    assert names(Artist.objects.filter(albums__in=neither)) == ["Bob"]


def test_combined_queries_are_prefetched_and_loaded_along() -> None:
    """Rows of a union load their relations in a query for all."""
    fill()
    either = Album.objects.filter(title="Blue").union(Album.objects.filter(title="First"))
    loaded = either.prefetch_related("track_set", "genres").order_by("title")
    assert [
        (each.title, len(each.track_set.all()), names(each.genres.all())) for each in loaded
    ] == [
        ("Blue", 2, ["Jazz", "Rock"]),
        ("First", 3, ["Punk", "Rock"]),
    ]
    along = either.select_related("artist").order_by("title")
    assert [each.artist.name for each in along] == ["Bob", "Ann"]


def test_both_and_either_by_operators() -> None:
    """`&` and `|` of two querysets are querysets of the model, which can be written to."""
    fill()
    blue, ann = Album.objects.filter(title="Blue"), Album.objects.filter(artist__name="Ann")
    assert by_title(blue | ann) == ["Blue", "First", "Second"]
    assert by_title(ann & Album.objects.filter(rating__gt=1)) == ["First"]
    assert (blue | ann).count() == 3
    assert (blue | ann).filter(price__gt=9).update(rating=1) == 2
    assert by_title((blue & ann) | Album.objects.filter(title="Empty")) == ["Empty"]
    assert by_title(Album.objects.order_by("price")[:1] | blue) == ["Blue", "Empty"]
    chairs = Chair.objects.filter(number=1) | Chair.objects.filter(hall="A")
    assert list(chairs) == []
    Chair.objects.create(hall="A", number=2)
    Chair.objects.create(hall="B", number=1)
    Chair.objects.create(hall="B", number=2)
    assert sorted(each.pk for each in chairs.all()) == [("A", 2), ("B", 1)]
    assert [
        each.pk for each in Chair.objects.filter(hall="B") & Chair.objects.filter(number=2)
    ] == [("B", 2)]


def test_the_rows_of_a_union_are_not_written() -> None:
    """Changing or deleting the rows of a union is refused."""
    either = Album.objects.union(Album.objects.all())
    with pytest.raises(FieldError, match="cannot write the rows of a union"):
        either.update(title="x")
    with pytest.raises(FieldError, match="cannot write the rows of a union"):
        either.delete()


def test_subqueries_within_parts() -> None:
    """Parts keep the values of their subqueries in order."""
    fill()
    last = Track.objects.filter(album=OuterRef("pk"), seconds__gt=0).order_by("-id")
    tagged = Album.objects.annotate(final=Subquery(last.values("title")[:1]))
    both = tagged.filter(title="First").union(tagged.filter(title="Blue"))
    assert list(both.order_by("title").values_list("title", "final")) == [
        ("Blue", "Blue 1"),
        ("First", "First 2"),
    ]


def test_combined_queries_in_async_code(run: Run) -> None:
    """The same combinations run on the drivers of async code."""
    fill()

    async def main() -> None:
        anns = Album.objects.filter(artist__name="Ann")
        dear = Album.objects.filter(price__gt=9)
        assert names(await anns.union(dear).order_by("title")) == ["Blue", "First", "Second"]
        assert names(await anns.intersection(dear)) == ["Second"]
        assert names(await anns.difference(dear)) == ["First"]
        assert await anns.union(dear).acount() == 3
        assert await anns.union(dear).values_list("title", flat=True).order_by("title") == [
            "Blue",
            "First",
            "Second",
        ]

    run(main())
