"""Windows: ranks, running totals, neighbours, frames, and filters on them."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Track, fill, names
from undercroft.errors import FieldError
from undercroft.models import (
    Avg,
    Coalesce,
    Count,
    CumeDist,
    DenseRank,
    F,
    FirstValue,
    Lag,
    LastValue,
    Lead,
    NthValue,
    Ntile,
    PercentRank,
    Q,
    Rank,
    RowNumber,
    RowRange,
    Sum,
    Value,
    ValueRange,
    Window,
)

pytestmark = pytest.mark.usefixtures("database")

#: Seconds of the tracks, by key: 100, 200, 300 of First, 150 of Second, 250 and 50 of Blue.
WHOLE = RowRange(None, None)


def over(expression: Any, **window: Any) -> list[Any]:
    """Work a window out for the tracks, in the order of their keys."""
    tracks = Track.objects.annotate(w=Window(expression, **window)).order_by("id")
    return list(tracks.values_list("w", flat=True))


def test_rows_are_numbered_and_ranked() -> None:
    """Each window function counts within its partition, in its order."""
    fill()
    by_album = {"partition_by": "album", "order_by": "-seconds"}
    assert over(RowNumber(), **by_album) == [3, 2, 1, 1, 1, 2]
    assert over(RowNumber(), order_by="seconds") == [2, 4, 6, 3, 5, 1]
    assert over(Rank(), order_by="is_live") == [1, 5, 1, 1, 1, 5]
    assert over(DenseRank(), order_by="is_live") == [1, 2, 1, 1, 1, 2]
    assert over(Ntile(3), order_by="seconds") == [1, 2, 3, 2, 3, 1]
    assert over(PercentRank(), order_by="seconds") == pytest.approx([0.2, 0.6, 1, 0.4, 0.8, 0])
    assert over(CumeDist(), partition_by="album", order_by="seconds") == pytest.approx(
        [1 / 3, 2 / 3, 1, 1, 1, 0.5]
    )


def test_neighbours() -> None:
    """Rows before and behind, with a default where there is none."""
    fill()
    by_album = {"partition_by": "album", "order_by": "seconds"}
    assert over(Lag("seconds"), **by_album) == [None, 100, 200, None, 50, None]
    assert over(Lead("seconds"), **by_album) == [200, 300, None, None, None, 250]
    assert over(Lag("seconds", 2), order_by="id") == [None, None, 100, 200, 300, 150]
    assert over(Lag("seconds", 1, Value(0)), **by_album) == [0, 100, 200, 0, 50, 0]
    assert over(Lead("title", default=Value("none")), **by_album) == [
        "First 1",
        "First 2",
        "none",
        "none",
        "none",
        "Blue 0",
    ]
    assert over(FirstValue("title"), **by_album)[2] == "First 0"
    assert over(LastValue("seconds"), **by_album, frame=WHOLE) == [300, 300, 300, 150, 250, 250]
    assert over(NthValue("seconds", 2), **by_album, frame=WHOLE) == [200, 200, 200, None, 250, 250]


def test_aggregates_run() -> None:
    """Aggregates over a window run along its order, or say the same for all of it."""
    fill()
    assert over(Sum("seconds"), order_by="id") == [100, 300, 600, 750, 1000, 1050]
    assert over(Sum("seconds"), partition_by="album") == [600, 600, 600, 150, 300, 300]
    assert over(Count("*"), partition_by="is_live") == [4, 2, 4, 4, 4, 2]
    assert over(Avg("seconds"), partition_by="album") == [200, 200, 200, 150, 150, 150]
    assert over(Sum("seconds", filter=Q(is_live=True)), partition_by="album") == [
        200,
        200,
        200,
        None,
        50,
        50,
    ]
    none = Window(Sum("seconds", filter=Q(is_live=True), default=0), partition_by="album")
    assert list(Track.objects.filter(album__title="Second").values_list(none, flat=True)) == [0]
    totals = Album.objects.annotate(t=Window(Sum("price"), order_by="id")).order_by("id")
    assert list(totals.values_list("t", flat=True)) == [
        Decimal("8.50"),
        Decimal("20.50"),
        Decimal("30.50"),
        Decimal("35.50"),
    ]
    assert {type(each) for each in totals.values_list("t", flat=True)} == {Decimal}


def test_frames_say_how_far_a_window_reaches() -> None:
    """Rows before and behind, open ends, and values near the current one."""
    fill()
    assert over(Sum("seconds"), order_by="id", frame=RowRange(-1, 0)) == [
        100,
        300,
        500,
        450,
        400,
        300,
    ]
    assert over(Sum("seconds"), order_by="id", frame=RowRange(0, None)) == [
        1050,
        950,
        750,
        450,
        300,
        50,
    ]
    assert over(Count("*"), order_by="id", frame=RowRange(-1, 1)) == [2, 3, 3, 3, 3, 2]
    assert over(Sum("seconds"), order_by="id", frame=RowRange(1, 2)) == [
        500,
        450,
        400,
        300,
        50,
        None,
    ]
    assert over(Count("*"), order_by="is_live", frame=ValueRange(None, 0)) == [4, 6, 4, 4, 4, 6]
    assert over(Count("*"), order_by="seconds", frame=ValueRange(-50, 50)) == [3, 3, 2, 3, 3, 2]


def test_windows_look_through_relations_and_expressions() -> None:
    """Partition and order may be columns of other tables, or worked out."""
    fill()
    assert over(RowNumber(), partition_by="album__artist", order_by="-seconds") == [
        4,
        2,
        1,
        3,
        1,
        2,
    ]
    assert over(RowNumber(), partition_by=["album__artist", "is_live"], order_by=["seconds"]) == [
        1,
        1,
        3,
        2,
        1,
        1,
    ]
    assert over(Rank(), order_by=F("seconds") % 100) == [1, 1, 1, 4, 4, 4]
    assert over(RowNumber(), order_by=F("seconds").desc(nulls_last=True)) == [5, 3, 1, 4, 2, 6]
    years = Album.objects.annotate(
        n=Window(RowNumber(), partition_by="released__year", order_by="id")
    )
    assert list(years.order_by("id").values_list("n", flat=True)) == [1, 1, 2, 1]


def test_windows_are_filtered_by() -> None:
    """A condition on a window keeps rows of the finished result: the best of each group."""
    rows = fill()
    best = Album.objects.annotate(
        rank=Window(RowNumber(), partition_by="artist", order_by="-price")
    ).filter(rank=1)
    assert names(best.order_by("id")) == ["Second", "Blue"]
    assert names(best.order_by("-id")) == ["Blue", "Second"]
    assert best.count() == 2
    assert best.exists()
    assert best.get(artist=rows["bob"]) == rows["blue"]
    assert list(best.order_by("id").values_list("title", "rank")) == [("Second", 1), ("Blue", 1)]
    # Other conditions come first, as in Django: these are the best of those below 11.
    assert names(best.filter(price__lt=11).order_by("id")) == ["First", "Blue"]
    assert names(
        Album.objects.filter(price__lt=11)
        .annotate(rank=Window(RowNumber(), partition_by="artist", order_by="-price"))
        .filter(rank=1)
        .order_by("id")
    ) == ["First", "Blue"]
    assert names(best.order_by("id")[1:]) == ["Blue"]
    assert names(best.select_related("artist").order_by("artist__name")) == ["Second", "Blue"]
    assert [each.artist.name for each in best.select_related("artist").order_by("id")] == [
        "Ann",
        "Bob",
    ]


def test_conditions_on_windows_and_on_rows_join() -> None:
    """A window is compared with columns and negated, and filters follow one another."""
    fill()
    ranked = Track.objects.annotate(
        rank=Window(RowNumber(), partition_by="album", order_by="seconds"),
        total=Window(Sum("seconds"), partition_by="album"),
    ).order_by("id")
    assert names(ranked.filter(Q(rank=1) | Q(seconds__gte=300))) == [
        "First 0",
        "First 2",
        "Second 0",
        "Blue 1",
    ]
    assert names(ranked.exclude(rank=1)) == ["First 1", "First 2", "Blue 0"]
    assert names(ranked.filter(rank__gt=1).filter(rank__lt=3)) == ["First 1", "Blue 0"]
    assert names(ranked.filter(seconds=F("total"))) == ["Second 0"]
    assert names(ranked.filter(rank__in=[2, 3], total__gt=500)) == ["First 1", "First 2"]


def test_windows_over_groups() -> None:
    """A window may rank what was aggregated."""
    fill()
    artists = Artist.objects.annotate(n=Count("albums__track")).annotate(
        rank=Window(Rank(), order_by=F("n").desc())
    )
    assert list(artists.order_by("rank").values_list("name", "n", "rank")) == [
        ("Ann", 4, 1),
        ("Bob", 2, 2),
        ("Çyd", 0, 3),
    ]
    assert names(artists.filter(rank=2)) == ["Bob"]
    groups = (
        Album.objects.values("artist__name")
        .annotate(total=Sum("price"))
        .annotate(share=F("total") / Window(Sum("total")))
    )
    assert [
        (each["artist__name"], float(each["share"])) for each in groups.order_by("artist__name")
    ] == [("Ann", pytest.approx(20.5 / 35.5)), ("Bob", pytest.approx(15 / 35.5))]


def test_windows_take_part_in_arithmetic() -> None:
    """The difference to a neighbour and the share of a total are expressions."""
    fill()
    before = Window(Lag("seconds"), order_by="id")
    tracks = Track.objects.annotate(step=F("seconds") - Coalesce(before, Value(0))).order_by("id")
    assert list(tracks.values_list("step", flat=True)) == [100, 100, 100, -150, 100, -200]
    whole = Window(Sum("seconds"))
    share = Track.objects.annotate(share=F("seconds") * 100 / whole).order_by("id")
    assert [round(each, 2) for each in share.values_list("share", flat=True)] == [
        9.52,
        19.05,
        28.57,
        14.29,
        23.81,
        4.76,
    ]
    assert names(tracks.filter(step__lt=0)) == ["Second 0", "Blue 1"]


def test_windows_of_moments_and_texts_keep_their_types() -> None:
    """Values that a window moves are what they were."""
    fill()
    released = Album.objects.annotate(before=Window(Lag("released"), order_by="id")).order_by("id")
    assert list(released.values_list("before", flat=True)) == [
        None,
        dt.datetime(2001, 3, 4, 12, 30, 59, 700_000, dt.UTC),
        dt.datetime(2003, 3, 4, 12, 30, 59, 700_000, dt.UTC),
        dt.datetime(2003, 3, 4, 12, 30, 59, 700_000, dt.UTC),
    ]
    flags = Track.objects.annotate(first=Window(FirstValue("is_live"), order_by="-seconds"))
    assert set(flags.values_list("first", flat=True)) == {False}
    assert {type(each) for each in flags.values_list("first", flat=True)} == {bool}


def test_windows_order_without_being_shown() -> None:
    """A window is ordered by, or filtered by as an alias."""
    fill()
    ranked = Track.objects.alias(rank=Window(RowNumber(), order_by="seconds"))
    assert names(ranked.filter(rank__lte=2).order_by("rank")) == ["Blue 1", "First 0"]
    assert names(Track.objects.order_by(Window(RowNumber(), order_by="-seconds"))[:2]) == [
        "First 2",
        "Blue 0",
    ]


def test_mistakes_with_windows_are_named() -> None:
    """A window over a window, an update by one, and unknown names are refused."""
    inner = Window(RowNumber(), order_by="id")
    with pytest.raises(FieldError, match="expected an aggregate or a window function"):
        Track.objects.annotate(w=Window(inner))
    with pytest.raises(FieldError, match="expected an aggregate or a window function"):
        Track.objects.annotate(w=Window("seconds"))
    with pytest.raises(FieldError, match="cannot look at another window"):
        Track.objects.annotate(w=inner).annotate(v=Window(Lag("w"), order_by="id"))
    with pytest.raises(FieldError, match="aggregate of an aggregate"):
        Track.objects.annotate(w=inner).annotate(v=Window(Sum("w")))
    with pytest.raises(FieldError, match="no value of a single row"):
        Track.objects.update(plays=inner)
    with pytest.raises(FieldError, match="Did you mean 'seconds'"):
        Track.objects.annotate(w=Window(Sum("secends")))
    with pytest.raises(FieldError, match="takes 2 arguments"):
        NthValue("seconds")


def test_windows_in_async_code(run: Run) -> None:
    """The same windows run on the drivers of async code."""
    fill()

    async def main() -> None:
        best = Album.objects.annotate(
            rank=Window(RowNumber(), partition_by="artist", order_by="-price"),
            total=Window(Sum("price"), partition_by="artist"),
        ).filter(rank=1)
        assert [(each.title, each.rank, each.total) async for each in best.order_by("id")] == [
            ("Second", 1, Decimal("20.50")),
            ("Blue", 1, Decimal("15.00")),
        ]
        lagged = Track.objects.annotate(w=Window(Lag("seconds", 1, Value(0)), order_by="id"))
        assert await lagged.order_by("id").values_list("w", flat=True) == [
            0,
            100,
            200,
            300,
            150,
            250,
        ]

    run(main())
