"""Moments, times of day and lengths of time in every query, the same as in Python."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.db.conftest import Run
from tests.db.gallery_models import Thing
from tests.db.specimen_models import FEW
from undercroft import models
from undercroft.errors import FieldError, FieldValueError
from undercroft.models import (
    Abs,
    Avg,
    Case,
    Cast,
    Coalesce,
    F,
    Greatest,
    Least,
    Max,
    Min,
    Now,
    OuterRef,
    StdDev,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)

pytestmark = pytest.mark.usefixtures("database")

td = dt.timedelta
TICK, HOUR, DAY = td(microseconds=1), td(hours=1), td(days=1)
MOMENT = dt.datetime(1955, 12, 31, 23, 59, 59, 999_999, dt.UTC)
LENGTH = td(days=2, hours=3, microseconds=7)


def ask(expression: Any) -> Any:
    """Work an expression out for the one row there is."""
    return Thing.objects.annotate(answer=expression).values_list("answer", flat=True).get()


def round_half_up(number: Fraction) -> td:
    """Round to whole microseconds, halves away from zero."""
    whole = int(abs(number) + Fraction(1, 2))
    return td(microseconds=whole if number >= 0 else -whole)


def scale(length: td, factor: Any) -> td:
    """Stretch a length of time, exactly."""
    return round_half_up(Fraction(length // TICK) * Fraction(factor))


MOMENTS = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(3000, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001 - the strategy adds the zone
LENGTHS = st.timedeltas(td(days=-20_000), td(days=20_000))
NUMBERS = st.integers(-1000, 1000)


@FEW
@given(one=MOMENTS, other=MOMENTS, length=LENGTHS, more=LENGTHS, number=NUMBERS)
@example(one=MOMENT, other=MOMENT + TICK, length=LENGTH, more=-LENGTH, number=-3)
@example(one=MOMENT, other=MOMENT, length=td(0), more=td(0), number=0)
@example(one=MOMENT, other=MOMENT, length=td(microseconds=-3), more=TICK, number=2)
def test_arithmetic_is_that_of_python(
    one: dt.datetime, other: dt.datetime, length: td, more: td, number: int
) -> None:
    """Sums, differences, multiples, parts and ratios are exact to the microsecond."""
    Thing.objects.all().delete()
    Thing.objects.create(moment=one, length=length, number=number)
    far = F("moment") - other
    expected: list[tuple[Any, Any]] = [
        (far, one - other),
        (other - F("moment"), other - one),
        (F("moment") + length, one + length),
        (F("moment") - F("length"), one - length),
        (F("length") + F("moment"), one + length),
        (other + F("length"), other + length),
        (other + far, one),
        (F("length") + more, length + more),
        (more - F("length"), more - length),
        (-F("length"), -length),
        (Abs("length"), abs(length)),
        (F("length") * 3, length * 3),
        (F("number") * F("length"), number * length),
        (td(seconds=1) * F("number"), td(seconds=number)),
        (F("length") / 3, scale(length, Fraction(1, 3))),
        (F("length") * Decimal("0.25"), scale(length, Fraction(1, 4))),
        (F("length") * 1.5, scale(length, Fraction(3, 2))),
        (F("length") / F("number"), scale(length, Fraction(1, number)) if number else None),
    ]
    answers = Thing.objects.values_list(*(expression for expression, _ in expected)).get()
    wrong = {
        repr(expression): (found, wanted)
        for (expression, wanted), found in zip(expected, answers, strict=True)
        if found != wanted
    }
    assert wrong == {}
    for expression, wanted in expected:
        if wanted is not None:
            assert Thing.objects.annotate(x=expression).filter(x=wanted).exists(), expression
    ratio = ask(F("length") / more) if more else ask(F("length") / F("length") * 0)
    assert ratio == (pytest.approx(length / more) if more else (0.0 if length else None))


@FEW
@given(clock=st.times(), other=st.times(), length=LENGTHS)
@example(clock=dt.time(23, 59, 59, 999_999), other=dt.time(0), length=TICK)
@example(clock=dt.time(0), other=dt.time(23, 59, 59, 999_999), length=-TICK)
def test_times_of_day_go_round_the_clock(clock: dt.time, other: dt.time, length: td) -> None:
    """A time of day is moved past midnight, and two have a length of time between them."""
    Thing.objects.all().delete()
    Thing.objects.create(hour=clock, length=length)
    start = dt.datetime.combine(dt.date(2000, 1, 1), clock)
    between = start - dt.datetime.combine(dt.date(2000, 1, 1), other)
    assert Thing.objects.values_list(
        F("hour") + length, F("hour") - F("length"), F("hour") - other, other - F("hour")
    ).get() == ((start + length).time(), (start - length).time(), between, -between)


def test_dates_move_as_moments() -> None:
    """As to Django, a date and a length of time make a moment; two dates have days between them."""
    Thing.objects.create(day=dt.date(2024, 2, 28), moment=dt.datetime(2024, 3, 1, 1, tzinfo=dt.UTC))
    assert ask(F("day") + td(days=2)) == dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
    assert ask(F("day") - HOUR) == dt.datetime(2024, 2, 27, 23, tzinfo=dt.UTC)
    assert ask(F("day") - dt.date(1969, 12, 31)) == td(days=19_782)
    assert ask(dt.date(2024, 3, 1) - F("day")) == td(days=2)
    assert ask(F("moment") - F("day")) == td(days=2, hours=1)
    for conditions in (
        {"day": F("moment") - td(days=2, hours=1)},
        {"day__lt": F("moment")},
        {"moment__gt": F("day")},
        {"moment": F("day") + td(days=2, hours=1)},
        {"moment__date": F("day") + td(days=2)},
    ):
        assert Thing.objects.filter(**conditions).count() == 1, conditions
    Thing.objects.update(day=F("day") + td(days=1, hours=5), moment=F("day"))
    assert Thing.objects.filter(day=dt.date(2024, 2, 29)).count() == 1
    assert Thing.objects.filter(moment=dt.datetime(2024, 2, 28, tzinfo=dt.UTC)).count() == 1


def fill() -> None:
    """Three rows: of which one has no moment, and one is before 1970."""
    Thing.objects.create(line="a", moment=MOMENT, length=LENGTH)
    Thing.objects.create(line="b", moment=MOMENT + DAY, length=-LENGTH)
    Thing.objects.create(line="c", length=TICK)


def test_lengths_are_added_up_and_averaged() -> None:
    """Sums, means and extremes of lengths and differences, of groups and windows, are exact."""
    fill()
    since = F("moment") - MOMENT
    things = Thing.objects.all()
    assert things.aggregate(
        a=Sum("length"),
        b=Avg("length"),
        c=Min("length"),
        d=Max(since),
        e=Avg(since),
        f=Sum(since * 2, default=td(0)),
        g=Avg("length", distinct=True),
    ) == {
        "a": TICK,
        "b": td(0),
        "c": -LENGTH,
        "d": DAY,
        "e": DAY / 2,
        "f": 2 * DAY,
        "g": td(0),
    }
    assert things.filter(line="?").aggregate(Sum("length"), Avg("length")) == {
        "length__sum": None,
        "length__avg": None,
    }
    groups = things.values("line").annotate(mean=Avg(F("length") + TICK)).order_by("mean")
    assert list(groups.filter(mean__gt=td(0)).values_list("line", "mean")) == [
        ("c", 2 * TICK),
        ("a", LENGTH + TICK),
    ]
    running = Window(Avg("length"), order_by="line")
    assert [each.x for each in things.annotate(x=running).order_by("line")] == [
        LENGTH,
        td(0),
        td(0),
    ]


def test_lengths_are_conditions_orders_and_choices() -> None:
    """A length of time goes wherever a value goes, and NULL stays NULL."""
    fill()
    since = F("moment") - MOMENT
    things = Thing.objects.annotate(since=since).order_by("line")
    lines: Callable[..., str] = lambda found: "".join(each.line for each in found)  # noqa: E731 - short
    assert lines(things.filter(since__gte=DAY)) == "b"
    assert lines(things.filter(since__in=[DAY, td(0)])) == "ab"
    assert lines(things.filter(since__range=(-DAY, td(0)))) == "a"
    assert lines(things.filter(since__isnull=True)) == "c"
    assert lines(things.exclude(since__gt=td(0))) == "ac"
    assert lines(things.filter(length__lt=F("since"))) == "b"
    assert lines(things.filter(moment__lt=MOMENT + F("length"))) == "a"
    assert lines(things.filter(since__isnull=False).order_by("-since")) == "ba"
    assert lines(things.order_by("length")) == "bca"
    assert list(things.values("line", far=since * 2).filter(line="b")) == [
        {"line": "b", "far": 2 * DAY}
    ]
    chosen = Case(When(line="a", then=F("since")), When(line="b", then=Value(HOUR)))
    rows = things.values_list(
        chosen,
        Coalesce("since", HOUR),
        Greatest("length", td(0)),
        Least(F("length"), Value(TICK)),
    )
    assert list(rows) == [
        (td(0), td(0), LENGTH, TICK),
        (HOUR, DAY, td(0), -LENGTH),
        (None, HOUR, TICK, TICK),
    ]
    same = Thing.objects.filter(pk=OuterRef("pk")).annotate(x=F("moment") - MOMENT).values("x")
    assert [each.x for each in things.annotate(x=Subquery(same))] == [td(0), DAY, None]
    late = Now() - dt.datetime.now(dt.UTC)
    assert abs(things.values_list(late, flat=True)[0]) < td(minutes=1)


def test_rows_are_moved_in_time() -> None:
    """An update stores what it worked out, to be found again by it."""
    fill()
    Thing.objects.filter(line="a").update(
        moment=F("moment") + DAY, length=F("length") / 7, hour=Value(dt.time(23)) + 2 * HOUR
    )
    found = Thing.objects.filter(
        moment=MOMENT + DAY, length=scale(LENGTH, Fraction(1, 7)), hour=dt.time(1)
    )
    assert found.count() == 1
    Thing.objects.filter(line="b").update(length=F("moment") - MOMENT)
    assert Thing.objects.filter(length=DAY).count() == 1
    made = Thing.objects.get(line="c")
    made.length = F("length") * 1.5
    made.save()
    assert made.length == 2 * TICK


def test_the_ends_of_time(database: str) -> None:
    """Years 1 to 9999 are known; beyond them is NULL, and an error on PostgreSQL."""
    Thing.objects.create()
    first = dt.datetime(1, 1, 1, tzinfo=dt.UTC)
    last = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, dt.UTC)
    assert ask(Value(first) + TICK) == first + TICK
    assert ask(Value(last) - TICK) == last - TICK
    assert ask(Value(last) - Value(first)) == last - first
    for beyond in (Value(last) + TICK, Value(first) - TICK):
        if database == "postgresql":
            with pytest.raises(FieldValueError):
                ask(beyond)
        else:
            assert ask(beyond) is None


def test_moments_are_cast() -> None:
    """A cast keeps every microsecond; lengths of time are cast to microseconds and from them."""
    Thing.objects.create(moment=MOMENT, length=LENGTH, number=5, day=MOMENT.date())
    assert ask(Cast("moment", models.DateTimeField())) == MOMENT
    assert ask(Cast("moment", models.DateField())) == MOMENT.date()
    assert ask(Cast("moment", models.TimeField())) == MOMENT.time()
    assert ask(Cast("day", models.DateTimeField())) == dt.datetime(1955, 12, 31, tzinfo=dt.UTC)
    text = Value("2024-01-02 03:04:05.678901")
    moment = dt.datetime(2024, 1, 2, 3, 4, 5, 678_901, dt.UTC)
    assert ask(Cast(text, models.DateTimeField())) == moment
    assert ask(Cast(text, models.DateField())) == moment.date()
    assert ask(Cast(Value("03:04:05.678901"), models.TimeField())) == moment.time()
    assert ask(Cast("length", models.BigIntegerField())) == LENGTH // TICK
    assert ask(Cast("number", models.DurationField())) == 5 * TICK
    with pytest.raises(FieldError, match="A length of time is cast to numbers"):
        ask(Cast("length", models.TextField()))


@pytest.mark.parametrize(
    "expression",
    [
        F("moment") + F("moment"),
        F("moment") * 2,
        F("moment") + 1,
        F("day") + 1,
        F("hour") + F("hour"),
        HOUR - F("moment"),
        F("length") + 1,
        F("length") % HOUR,
        F("length") ** 2,
        F("length") * F("length"),
        1 / F("length"),
        F("length") + F("line"),
        Sum("moment"),
        Avg("hour"),
        StdDev("length"),
    ],
    ids=repr,
)
def test_what_means_nothing_is_refused(expression: Any) -> None:
    """The error says so before any database is asked."""
    with pytest.raises(FieldError, match="means nothing") as caught:
        Thing.objects.annotate(x=expression)
    assert caught.value.code == "db.arithmetic"


def test_moments_without_a_zone_are_refused() -> None:
    """Nobody can tell which moment is meant."""
    naive = dt.datetime(2024, 1, 1)  # noqa: DTZ001 - what is refused
    for expression in (F("moment") - naive, Value(naive), Coalesce("moment", naive)):
        with pytest.raises(FieldValueError, match="an aware datetime"):
            Thing.objects.annotate(x=expression)


def test_sqlalchemys_expressions_are_the_same() -> None:
    """What stands between mapped columns is worked out as what `F` says."""
    fill()
    row = Thing.objects.filter(line="a").values_list(
        Thing.length / 7,
        Thing.length * 1.5,
        Thing.length / HOUR,
        Thing.moment - MOMENT,
        -Thing.length,
    )
    assert row.get() == (
        scale(LENGTH, Fraction(1, 7)),
        scale(LENGTH, Fraction(3, 2)),
        pytest.approx(LENGTH / HOUR),
        td(0),
        -LENGTH,
    )
    assert Thing.objects.filter(Thing.length / 2 == scale(LENGTH, 0.5)).count() == 1


def test_arithmetic_in_async_code(run: Run) -> None:
    """The other drivers work out the same."""
    fill()

    async def main() -> list[Any]:
        things = Thing.objects.filter(line="b")
        asked = things.values_list(F("moment") - MOMENT, F("length") / 7, F("length") * 0.5)
        return [
            await asked.aget(),
            await Thing.objects.aaggregate(x=Avg("length"), y=Sum(F("moment") - MOMENT)),
            await things.filter(moment__gte=MOMENT + td(hours=24) * 1).aupdate(
                moment=F("moment") - DAY
            ),
        ]

    assert run(main()) == [
        (DAY, scale(-LENGTH, Fraction(1, 7)), scale(-LENGTH, Fraction(1, 2))),
        {"x": td(0), "y": DAY},
        1,
    ]
