"""Conditions on years are ranges of the column, which an index serves."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.db.gallery_models import forget
from tests.db.specimen_models import FEW, Specimen
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.errors import FieldValueError
from undercroft.models import Count, ExtractYear, F, Max


class Diary(models.Model):
    """Its columns of time have indexes; its table is made by the test here only."""

    day = models.DateField(db_index=True)
    moment = models.DateTimeField(db_index=True)
    text = models.TextField(default="")


DIARIES = forget(Diary)

pytestmark = pytest.mark.usefixtures("database")

NOON = dt.time(12)

#: The first and the last moments of years, and what is next to them.
DAYS = [
    dt.date(1, 1, 1),
    dt.date(1, 12, 31),
    dt.date(2, 1, 1),
    dt.date(1969, 12, 31),
    dt.date(1970, 1, 1),
    dt.date(2020, 12, 31),
    dt.date(2021, 1, 1),
    dt.date(2021, 1, 3),
    dt.date(2021, 1, 4),
    dt.date(9998, 12, 31),
    dt.date(9999, 1, 1),
    dt.date(9999, 12, 31),
]
MOMENTS = [
    dt.datetime.combine(day, time, dt.UTC)
    for day in DAYS
    for time in (dt.time.min, NOON, dt.time.max)
]

COMPARISONS: dict[str, Any] = {
    "": lambda found, year: found == year,
    "__gt": lambda found, year: found > year,
    "__gte": lambda found, year: found >= year,
    "__lt": lambda found, year: found < year,
    "__lte": lambda found, year: found <= year,
    "__in": lambda found, years: found in years,
    "__range": lambda found, years: years[0] <= found <= years[1],
}

YEARS = st.sampled_from([1, 2, 1969, 1970, 2020, 2021, 9998, 9999]) | st.integers(-5, 12_000)


def find(values: list[Any], kind: str, comparison: str, wanted: Any) -> list[Any]:
    """Find the values whose year compares so, in plain Python."""
    holds = COMPARISONS[comparison]
    years = {"year": lambda value: value.year, "iso_year": lambda value: value.isocalendar().year}
    return [value for value in values if holds(years[kind](value), wanted)]


@FEW
@given(
    comparison=st.sampled_from(list(COMPARISONS)),
    kind=st.sampled_from(["year", "iso_year"]),
    years=st.lists(YEARS, min_size=2, max_size=3),
)
@example(comparison="__gt", kind="iso_year", years=[2020, 0])
@example(comparison="__lte", kind="year", years=[9999, 0])
@example(comparison="__gte", kind="year", years=[1, 0])
@example(comparison="__in", kind="year", years=[1, 9999, 10_000])
def test_years_are_compared_as_in_python(comparison: str, kind: str, years: list[int]) -> None:
    """Dates and moments at the ends of years are found by their year, and left out by it."""
    if not Specimen.objects.exists():
        rows = [Specimen(day=day) for day in DAYS] + [Specimen(moment=each) for each in MOMENTS]
        Specimen.objects.bulk_create([*rows, Specimen()])
    wanted = {"__in": years, "__range": years[:2]}.get(comparison, years[0])
    for name, values in (("day", DAYS), ("moment", MOMENTS)):
        expected = find(values, kind, comparison, wanted)
        condition = {f"{name}__{kind}{comparison}": wanted}
        there = Specimen.objects.filter(**{f"{name}__isnull": False}).order_by(name)
        assert list(there.filter(**condition).values_list(name, flat=True)) == expected
        rest = [value for value in values if value not in expected]
        assert list(there.exclude(**condition).values_list(name, flat=True)) == rest
        nothing = Specimen.objects.filter(**{f"{name}__isnull": True})
        assert nothing.exclude(**condition).count() == nothing.count()


def test_other_years_than_numbers_are_still_compared() -> None:
    """Expressions, generators, None and wrong values do what they do elsewhere."""
    moment = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
    for whole, day in ((2021, moment.date()), (2020, moment.date()), (2020, None)):
        Specimen.objects.create(whole=whole, moment=moment, day=day)
    specimens = Specimen.objects.all()
    assert specimens.filter(moment__year=F("whole")).count() == 1
    assert specimens.filter(moment__iso_year__lte=F("whole")).count() == 3
    assert specimens.filter(moment__year__in=[F("whole"), 2021]).count() == 3
    assert specimens.filter(moment__year__in=(year for year in (2021, 10_000))).count() == 3
    assert specimens.filter(moment__year__in=[None, 2021]).count() == 3
    assert specimens.filter(moment__year__in=[]).count() == 0
    assert specimens.filter(moment__year__in=specimens.values("whole")).count() == 3
    assert specimens.filter(day__year=None).count() == 1
    assert specimens.filter(day__year__isnull=False).count() == 2
    assert specimens.filter(day__year="2021").count() == 2
    assert specimens.annotate(year=ExtractYear("moment")).filter(year=2021).count() == 3
    latest = specimens.values("whole").annotate(last=Max("day"), n=Count("*"))
    assert [each["n"] for each in latest.filter(last__year=2021).order_by("whole")] == [2, 1]
    for wrong in ("x", 2021.5, {}):
        with pytest.raises(FieldValueError, match=r"Specimen\.moment"):
            specimens.filter(moment__year=wrong)
    with pytest.raises(FieldValueError, match="two values for range"):
        specimens.filter(moment__year__range=(1, 2, 3))


@pytest.fixture
def diaries() -> Iterator[type[Diary]]:
    """A table with so many rows that an index is worth it."""
    DIARIES.create(databases["default"].sync_engine)
    start = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(days=20 * number) for number in range(2_500)]
    Diary.objects.bulk_create(
        [Diary(day=each.date(), moment=each, text="x" * 50) for each in moments]
    )
    with databases["default"].sync_engine.connect() as connection:
        if databases["default"].vendor != "mariadb":
            connection.exec_driver_sql("ANALYZE").close()
            connection.commit()
    yield Diary
    DIARIES.drop(databases["default"].sync_engine)


def test_an_index_serves_years(database: str, diaries: type[Diary]) -> None:
    """The plan of the database looks the range up, and reads no other row."""
    sign = {
        "sqlite": "USING INDEX ix_db_diary_",
        "postgresql": "ix_db_diary_",
        "mariadb": "ix_db_diary_",
    }[database]
    for conditions in (
        {"moment__year": 1950},
        {"day__year": 1950},
        {"day__iso_year": 1950},
        {"moment__year__in": [1950, 1990]},
        {"moment__year__gt": 2030},
        {"day__year__lte": 1901},
        {"moment__year__range": (1950, 1951)},
    ):
        plan = diaries.objects.filter(**conditions).explain()
        assert sign in plan, (conditions, plan)
        if database == "mariadb":
            assert "range" in plan
