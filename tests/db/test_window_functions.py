"""Windows look at the rows around each row, alike on every database."""

import statistics
from typing import Any

import pytest

from tests.db.specimen_models import Specimen, is_close
from undercroft import models
from undercroft.models import F, Window

pytestmark = pytest.mark.usefixtures("database")

#: Text, which rows are grouped by, and numbers.
ROWS = [("a", 10), ("a", 20), ("a", 20), ("b", 5), ("b", None), ("a", 40)]


@pytest.fixture(autouse=True)
def _rows(database: str) -> None:
    """Six rows in two groups."""
    Specimen.objects.bulk_create([Specimen(text=text, whole=whole) for text, whole in ROWS])


def over(expression: Any, **options: Any) -> list[Any]:
    """Ask for an expression over windows of equal text, row by row."""
    window = Window(expression, **{"partition_by": "text", **options})
    return list(Specimen.objects.order_by("pk").values_list(window, flat=True))


@pytest.mark.parametrize(
    "expression, expected",
    [
        (models.RowNumber(), [1, 2, 3, 1, 2, 4]),
        (models.Rank(), [1, 2, 2, None, None, 4]),
        (models.DenseRank(), [1, 2, 2, None, None, 3]),
        (models.PercentRank(), [0, 1 / 3, 1 / 3, None, None, 1]),
        (models.CumeDist(), [0.25, 0.75, 0.75, None, None, 1]),
        (models.Ntile(2), [1, 1, 2, 1, 2, 2]),
    ],
    ids=repr,
)
def test_places_in_a_window(expression: Any, expected: list[Any]) -> None:
    """Rows are numbered and ranked within their group."""
    order = ["whole", "pk"] if expression.function in ("row_number", "ntile") else ["whole"]
    if expression.function in ("row_number", "ntile"):
        order = ["pk"]
    found = over(expression, order_by=order)
    assert all(
        other is None or is_close(one, other) for one, other in zip(found, expected, strict=True)
    )


def test_neighbours_in_a_window() -> None:
    """Lag and Lead look so far; where no row is, there is the default, and only there."""
    assert over(models.Lag("whole"), order_by="pk") == [None, 10, 20, None, 5, 20]
    assert over(models.Lag("whole", 2), order_by="pk") == [None, None, 10, None, None, 20]
    assert over(models.Lag("whole", default=0), order_by="pk") == [0, 10, 20, 0, 5, 20]
    assert over(models.Lead("whole", default=-1), order_by="pk") == [20, 20, 40, None, -1, -1]
    assert over(models.Lead("whole", 2, F("id") * 0), order_by="pk") == [20, 40, 0, 0, 0, 0]


def test_ends_of_a_window() -> None:
    """First, last and nth value of the frame."""
    whole = models.RowRange(None, None)
    assert over(models.FirstValue("whole"), order_by="pk") == [10, 10, 10, 5, 5, 10]
    assert over(models.LastValue("whole"), order_by="pk", frame=whole) == [40] * 3 + [None] * 2 + [
        40
    ]
    assert over(models.NthValue("whole", 2), order_by="pk") == [None, 20, 20, None, None, 20]


def test_aggregates_over_windows() -> None:
    """Running sums, means of neighbours, spreads, bits and conditions."""
    assert over(models.Sum("whole"), order_by="pk") == [10, 30, 50, 5, 5, 90]
    assert over(models.Sum("whole")) == [90, 90, 90, 5, 5, 90]
    near = models.RowRange(-1, 1)
    assert over(models.Avg("whole"), order_by="pk", frame=near) == [15, 50 / 3, 80 / 3, 5, 5, 30]
    values = models.ValueRange(-10, 0)
    found = over(models.Count("pk"), order_by="whole", frame=values)
    assert (found[0], found[1], found[2], found[5]) == (1, 3, 3, 1)
    running = over(models.StdDev("whole"), order_by="pk")
    assert is_close(running[-1], statistics.pstdev([10, 20, 20, 40]))
    pairs = over(models.Variance("whole"), order_by="pk", frame=models.RowRange(-1, 0))
    assert pairs == [0, 25, 0, 0, 0, 100]
    assert over(models.BitOr("whole"), order_by="pk") == [10, 30, 30, 5, 5, 62]
    assert over(models.BitAnd("whole"), order_by="pk", frame=models.RowRange(0, 0)) == [
        10,
        20,
        20,
        5,
        None,
        40,
    ]
    some = models.Sum("whole", filter=models.Q(whole__gt=10))
    assert over(some, order_by="pk") == [None, 20, 40, None, None, 80]


def test_windows_are_filtered_ordered_and_computed_with() -> None:
    """As any other expression."""
    rank = Window(models.RowNumber(), partition_by="text", order_by=[F("whole").desc(), "pk"])
    rows = Specimen.objects.exclude(whole=None).annotate(rank=rank)
    best = rows.filter(rank=1).order_by("text")
    assert [(row.text, row.whole) for row in best] == [("a", 40), ("b", 5)]
    share = rows.annotate(part=F("whole") * 100 / Window(models.Sum("whole"), partition_by="text"))
    assert is_close(share.order_by("-part").values_list("part", flat=True)[0], 100.0)
