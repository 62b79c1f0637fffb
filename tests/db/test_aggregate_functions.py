"""Aggregates collect and combine alike on every database."""

import datetime as dt
import operator
import statistics
import uuid
from decimal import Decimal
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.db.conftest import Run
from tests.db.specimen_models import FEW, Specimen, is_close
from undercroft import models
from undercroft.errors import FieldError
from undercroft.models import F, Q

pytestmark = pytest.mark.usefixtures("database")


def fill(*wholes: int | None) -> None:
    """Make a row for each number, with its text beside it."""
    Specimen.objects.bulk_create([Specimen(whole=whole, text=str(whole)) for whole in wholes])


@FEW
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=8))
def test_aggregates_answer_as_python_does(numbers: list[int]) -> None:
    """Sums, means, extremes, spreads and bits of any numbers; NULLs count for nothing."""
    Specimen.objects.all().delete()
    fill(*numbers, None)
    found = Specimen.objects.aggregate(
        sum=models.Sum("whole"),
        avg=models.Avg("whole"),
        least=models.Min("whole"),
        greatest=models.Max("whole"),
        count=models.Count("whole"),
        distinct=models.Count("whole", distinct=True),
        deviation=models.StdDev("whole"),
        variance=models.Variance("whole"),
        all_bits=models.BitAnd("whole"),
        any_bits=models.BitOr("whole"),
        odd_bits=models.BitXor("whole"),
        joined=models.StringAgg("text", ";", order_by="pk", filter=Q(whole__isnull=False)),
    )
    assert found["sum"] == sum(numbers)
    assert is_close(found["avg"], statistics.mean(numbers))
    assert (found["least"], found["greatest"]) == (min(numbers), max(numbers))
    assert (found["count"], found["distinct"]) == (len(numbers), len(set(numbers)))
    assert is_close(found["deviation"], statistics.pstdev(numbers))
    assert is_close(found["variance"], statistics.pvariance(numbers))
    assert found["all_bits"] == reduce(operator.and_, numbers)
    assert found["any_bits"] == reduce(operator.or_, numbers)
    assert found["odd_bits"] == reduce(operator.xor, numbers)
    assert found["joined"] == ";".join(map(str, numbers))


def test_aggregates_of_no_rows_are_null() -> None:
    """Except for counts, and what has a default."""
    fill(None)
    found = Specimen.objects.aggregate(
        sum=models.Sum("whole"),
        bits=models.BitAnd("whole"),
        odd=models.BitXor("whole"),
        any=models.AnyValue("whole"),
        joined=models.StringAgg("text", ",", filter=Q(whole__gt=0)),
        sample=models.StdDev("whole", sample=True),
        count=models.Count("whole"),
        default=models.Sum("whole", default=7),
    )
    assert found.pop("count") == 0
    assert found.pop("default") == 7
    assert set(found.values()) == {None}


def test_texts_are_joined_in_an_order_once_each() -> None:
    """`order_by` has directions and places for NULLs; `distinct` takes equal texts once."""
    for text, other, whole in (("b", "x", 1), ("a", None, 2), ("b", "x", 3), ("c", "y", 4)):
        Specimen.objects.create(text=text, other=other, whole=whole)
    join = models.StringAgg
    found = Specimen.objects.aggregate(
        up=join("text", ",", order_by=["text", "pk"]),
        down=join("text", " 100%, ", order_by="-whole"),
        distinct=join("text", ",", distinct=True, order_by="text"),
        distinct_down=join("text", ",", distinct=True, order_by="-text"),
        nulls_last=join("text", "", order_by=[F("other").asc(nulls_last=True), "-whole"]),
        nulls_first=join("text", "", order_by=[F("other").desc(nulls_first=True), "whole"]),
        some=join("text", ",", order_by="pk", filter=Q(whole__gt=2)),
        expression=join(models.Upper("text"), "'", order_by=-F("whole")),
        numbers=join("whole", "-", order_by="whole"),
    )
    assert found == {
        "up": "a,b,b,c",
        "down": "c 100%, b 100%, a 100%, b",
        "distinct": "a,b,c",
        "distinct_down": "c,b,a",
        "nulls_last": "bbca",
        "nulls_first": "acbb",
        "some": "b,c",
        "expression": "C'B'A'B",
        "numbers": "1-2-3-4",
    }


def test_joined_texts_of_groups() -> None:
    """Each group is ordered by itself, in values() as in annotate()."""
    for other, text in (("x", "2"), ("y", "9"), ("x", "1")):
        Specimen.objects.create(other=other, text=text)
    rows = Specimen.objects.values("other").annotate(t=models.StringAgg("text", order_by="text"))
    assert sorted(rows.values_list("other", "t")) == [("x", "1,2"), ("y", "9")]
    cut = Specimen.objects.order_by("pk")[:2]
    assert cut.aggregate(t=models.StringAgg("text", order_by="-text")) == {"t": "9,2"}


def test_any_value_is_one_of_the_group() -> None:
    """Of every type, those without a least value included, and never NULL where another is."""
    code, moment = uuid.uuid4(), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    values = {"flag": True, "code": code, "data": {"a": 1}, "moment": moment, "exact": Decimal(1)}
    Specimen.objects.create()
    Specimen.objects.create(**values)
    for name, value in values.items():
        assert Specimen.objects.aggregate(one=models.AnyValue(name)) == {"one": value}, name
        nothing = models.AnyValue(name, filter=Q(text="no such"))
        assert Specimen.objects.aggregate(one=nothing) == {"one": None}, name


def test_a_delimiter_is_text() -> None:
    """A value of text is one as well; anything else is refused."""
    fill(1, 2)
    joined = models.StringAgg("text", models.Value("\\'"), order_by="text")
    assert Specimen.objects.aggregate(t=joined) == {"t": "1\\'2"}
    with pytest.raises(FieldError, match="expected text"):
        models.StringAgg("text", F("other"))


def test_aggregates_in_async_code(run: Run) -> None:
    """Drivers that prepare statements take them as well."""
    fill(6, 3)

    async def ask() -> object:
        return await Specimen.objects.aaggregate(
            bits=models.BitAnd("whole"),
            joined=models.StringAgg("text", ", ", order_by="text"),
            listed=models.JSONArrayAgg("whole", order_by="whole"),
            mean=models.Avg("whole"),
        )

    assert run(ask()) == {"bits": 2, "joined": "3, 6", "listed": [3, 6], "mean": 4.5}
