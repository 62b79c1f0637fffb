"""Decimal numbers are exact on every database: compared, worked out, added up, ordered."""

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.db.specimen_models import FEW, Specimen, ask, ask_all
from undercroft import models
from undercroft.errors import FieldValueError
from undercroft.models import Avg, Case, Cast, Coalesce, F, Max, Min, Q, Sum, Value, When, Window

pytestmark = pytest.mark.usefixtures("database")

exact = st.decimals(Decimal("-99999.9999"), Decimal("99999.9999"), places=4, allow_nan=False)
#: With more digits than a floating-point number keeps.
long = st.decimals(Decimal(-(10**9)), Decimal(10**9), places=20, allow_nan=False)

LONG = Decimal("1.499999999999999999999")


@pytest.fixture(autouse=True)
def exactly() -> Iterator[None]:
    """Let Python keep all the digits as well."""
    with localcontext() as context:
        context.prec = 100
        yield


def fill(values: list[Decimal]) -> None:
    """Make a row of each value, and no others."""
    Specimen.objects.all().delete()
    Specimen.objects.bulk_create([Specimen(exact=value) for value in values])


def find(*conditions: Any, **lookups: Any) -> list[Decimal | None]:
    """List the values of the rows found."""
    rows = Specimen.objects.filter(*conditions, **lookups).order_by("pk")
    return list(rows.values_list("exact", flat=True))


def test_arithmetic_is_exact() -> None:
    """A tenth and two tenths are three."""
    fill([Decimal("0.1")])
    found = Specimen.objects.annotate(total=F("exact") + Decimal("0.2"))
    assert found.filter(total=Decimal("0.3")).count() == 1
    assert found.get().total == Decimal("0.3")
    assert str(found.get().total) == "0.3000"
    assert Specimen.objects.filter(exact=Decimal("0.3") - F("exact") * 2).count() == 1


@FEW
@given(values=st.lists(exact, min_size=1, max_size=8), other=long)
def test_numbers_of_any_length_are_worked_out_as_python_does(
    values: list[Decimal], other: Decimal
) -> None:
    """Sums, differences and products have all their digits."""
    expressions = {
        "+": (F("exact") + other, lambda value: value + other),
        "-": (other - F("exact"), lambda value: other - value),
        "*": (F("exact") * F("exact"), lambda value: value * value),
        "**": (F("exact") * other, lambda value: value * other),
    }
    for expression, python in expressions.values():
        with_digits = [python(value) for value in values]
        assert ask_all(expression, "exact", list(values)) == with_digits


@FEW
@given(values=st.lists(exact, max_size=8), other=st.one_of(long, exact))
def test_a_column_is_compared_with_a_number_of_any_length(
    values: list[Decimal], other: Decimal
) -> None:
    """What a column cannot hold is still less or greater, and equal to nothing."""
    fill(values)
    assert find(exact=other) == [value for value in values if value == other]
    assert find(~Q(exact=other)) == [value for value in values if value != other]
    assert find(exact__in=[other]) == [value for value in values if value == other]
    assert find(exact__gt=other) == [value for value in values if value > other]
    assert find(exact__gte=other) == [value for value in values if value >= other]
    assert find(exact__lt=other) == [value for value in values if value < other]
    assert find(exact__lte=other) == [value for value in values if value <= other]
    assert find(exact__range=(other, other + 1)) == [
        value for value in values if other <= value <= other + 1
    ]


@FEW
@given(values=st.lists(exact, max_size=8), other=long)
def test_a_result_is_compared_and_ordered_with_all_its_digits(
    values: list[Decimal], other: Decimal
) -> None:
    """Results of more digits than a float has are in their order, not in that of their text."""
    fill(values)
    rows = Specimen.objects.annotate(total=F("exact") * F("exact") - other)
    totals = [value * value - other for value in values]
    assert list(rows.order_by("total").values_list("total", flat=True)) == sorted(totals)
    for total in totals:
        assert rows.filter(total=total).count() == totals.count(total)
        assert rows.filter(total__in=[total, other]).exists()
        assert rows.filter(total__lt=total).count() == sum(each < total for each in totals)
        assert rows.filter(total__range=(total, total)).count() == totals.count(total)
        assert rows.filter(total__gt=F("exact")).count() == sum(
            each > value for each, value in zip(totals, values, strict=True)
        )


@pytest.mark.parametrize("lookup", ["exact", "gt", "lt", "gte", "lte"])
def test_sqlalchemy_compares_a_column_with_a_number_of_any_length(lookup: str) -> None:
    """SQLAlchemy's own comparison of a column finds the same rows."""
    fill([Decimal("1.4999"), Decimal("1.5")])
    column: Any = Specimen.exact
    native = {
        "exact": column == LONG,
        "gt": column > LONG,
        "lt": column < LONG,
        "gte": column >= LONG,
        "lte": column <= LONG,
    }
    assert find(native[lookup]) == find(**{f"exact__{lookup}": LONG})


@FEW
@given(values=st.lists(exact, min_size=1, max_size=10))
def test_aggregates_are_exact(values: list[Decimal]) -> None:
    """Sums have every digit, and the least and greatest of results are theirs."""
    fill(values)
    square = F("exact") * F("exact") * F("exact")
    found = Specimen.objects.aggregate(
        total=Sum("exact"), least=Min(square), greatest=Max(square), cubes=Sum(square)
    )
    cubes = [value**3 for value in values]
    assert found == {
        "total": sum(values),
        "least": min(cubes),
        "greatest": max(cubes),
        "cubes": sum(cubes),
    }


def test_a_mean_has_the_digits_of_postgresql() -> None:
    """A mean that does not end has sixteen digits, or more."""
    fill([Decimal(1), Decimal(2), Decimal(2)])
    mean = Specimen.objects.aggregate(mean=Avg("exact"))["mean"]
    assert round(mean, 16) == Decimal("1.6666666666666667")


def test_a_running_sum_is_exact() -> None:
    """A sum over a window takes in and leaves out numbers without a trace."""
    fill([Decimal("0.1"), Decimal("0.2"), Decimal("0.3")])
    running = Window(Sum("exact"), order_by="pk")
    assert list(Specimen.objects.order_by("pk").values_list(running, flat=True)) == [
        Decimal("0.1"),
        Decimal("0.3"),
        Decimal("0.6"),
    ]


def test_functions_of_long_numbers_keep_their_digits() -> None:
    """Rounding, sizes, extremes and remainders are exact."""
    big = F("exact") + Decimal("12345678901234.5678901234")
    given = {"exact": Decimal("0.0001")}
    total = Decimal("12345678901234.5679901234")
    assert ask(models.Abs(-big), **given) == total
    assert ask(models.Round(big, 6), **given) == Decimal("12345678901234.567990")
    assert ask(models.Floor(big), **given) == 12345678901234
    assert ask(models.Ceil(-big), **given) == -12345678901234
    assert ask(models.Sign(-big), **given) == -1
    assert ask(models.Greatest("exact", big), **given) == total
    assert ask(models.Least(big, "exact"), **given) == Decimal("0.0001")
    assert ask(Coalesce(big, "exact"), **given) == total
    assert ask(big % 10, **given) == Decimal("4.5679901234")
    assert ask(models.Sqrt(F("exact") * 10000), **given) == 1.0


def test_branches_and_groups_know_equal_numbers() -> None:
    """Equal results are one group, whatever was added to make them."""
    fill([Decimal("0.1"), Decimal("0.2"), Decimal(5)])
    odd = Case(When(exact=Decimal("0.1"), then=F("exact") * 3), default=F("exact") + Decimal("0.1"))
    rows = Specimen.objects.annotate(odd=odd).values("odd").annotate(number=models.Count("*"))
    assert [(row["odd"], row["number"]) for row in rows.order_by("odd")] == [
        (Decimal("0.3"), 2),
        (Decimal("5.1"), 1),
    ]


def test_a_cast_rounds_to_the_places_asked_for() -> None:
    """Text and floats become decimals of the field they are cast to, halves rounded up."""
    field = models.DecimalField(max_digits=6, decimal_places=2)
    assert ask(Cast(F("exact") * 1, field), exact=Decimal("2.345")) == Decimal("2.35")
    assert ask(Cast("text", field), text="2.345") == Decimal("2.35")
    assert ask(Cast("whole", field), whole=7) == Decimal(7)


def test_a_result_is_rounded_to_its_column_and_refused_if_it_does_not_fit() -> None:
    """A column gets its own places; a number too large for it is an error, and nothing changes."""
    row = Specimen.objects.create(exact=Decimal("99999999.9999"), whole=1)
    with pytest.raises(FieldValueError):
        Specimen.objects.update(exact=F("exact") + Decimal("0.0001"))
    assert Specimen.objects.get(pk=row.pk).exact == Decimal("99999999.9999")
    Specimen.objects.update(exact=Value(Decimal(2)) / 3)
    assert Specimen.objects.get(pk=row.pk).exact == Decimal("0.6667")
