"""Arrays of PostgreSQL in every query: members, positions, slices, lengths, lists of rows."""

import datetime as dt
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.conftest import Run
from tests.db.gallery_models import Tone, forget
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.errors import FieldError, FieldValueError
from undercroft.models import (
    AnyValue,
    ArrayAgg,
    Case,
    Coalesce,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    Value,
    When,
)


class Parcel(models.Model):
    """Arrays of everything; its table is made by the tests here only."""

    name = models.CharField(max_length=20)
    tags = models.ArrayField(models.CharField(max_length=10), default=list)
    more = models.ArrayField(models.CharField(max_length=10), null=True)
    counts = models.ArrayField(models.IntegerField(null=True), default=list)
    grid = models.ArrayField(models.ArrayField(models.IntegerField()), default=list)
    prices = models.ArrayField(models.DecimalField(max_digits=6, decimal_places=2), default=list)
    keys = models.ArrayField(models.UUIDField(), default=list)
    tones = models.ArrayField(models.EnumField(Tone), default=list)
    moments = models.ArrayField(models.DateTimeField(), default=list)
    lengths = models.ArrayField(models.DurationField(), default=list)
    tag = models.CharField(max_length=10, null=True)
    tone = models.EnumField(Tone, null=True)
    number = models.IntegerField(default=0)


PARCELS = forget(Parcel)
KEY = uuid.UUID(int=1)
MOMENT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)

pytestmark = [
    pytest.mark.parametrize(
        "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
    ),
    pytest.mark.usefixtures("parcels"),
]


@pytest.fixture
def parcels(database: str) -> Iterator[None]:
    """Three rows: `a` with everything, `b` with some, and the empty `e`."""
    assert database == "postgresql"
    # A run that was cut off may have left it.
    PARCELS.drop(databases["default"].sync_engine, checkfirst=True)
    PARCELS.create(databases["default"].sync_engine)
    Parcel.objects.create(
        name="a",
        tags=["x", "y", "z"],
        more=["x"],
        counts=[1, None, 3],
        grid=[[1, 2], [3, 4]],
        prices=[Decimal("1.5"), Decimal("2.5")],
        keys=[KEY],
        tones=[Tone.COLD],
        moments=[MOMENT],
        lengths=[dt.timedelta(days=1)],
        tag="x",
        tone=Tone.COLD,
        number=1,
    )
    Parcel.objects.create(name="b", tags=["y", "x"], counts=[3], tag="y", tone=Tone.WARM, number=2)
    Parcel.objects.create(name="e")
    yield
    PARCELS.drop(databases["default"].sync_engine)


def names(queryset: Any) -> str:
    """Join the names of rows, in order."""
    return "".join(queryset.order_by("name").values_list("name", flat=True))


#: Conditions, and the names of the rows they find.
FOUND: list[tuple[dict[str, Any], str]] = [
    ({"tags": ["x", "y", "z"]}, "a"),
    ({"tags": ("y", "x")}, "b"),
    ({"tags": []}, "e"),
    ({"tags__in": [["y", "x"], []]}, "be"),
    ({"tags__in": [["y", "x"], ["x", "y", "z"], []]}, "abe"),
    ({"tags__in": []}, ""),
    ({"tags__gt": ["x", "z"]}, "b"),
    ({"tags__range": (["x"], ["xx"])}, "a"),
    ({"more__isnull": True}, "be"),
    ({"tags__contains": ["x", "y"]}, "ab"),
    ({"tags__contains": []}, "abe"),
    ({"tags__contains": F("more")}, "a"),
    ({"tags__contained_by": ["x", "y"]}, "be"),
    ({"tags__overlap": ["z", "q"]}, "a"),
    ({"tags__overlap": []}, ""),
    ({"tags__overlap": F("more")}, "a"),
    ({"tags__len": 2}, "b"),
    ({"tags__len": 0}, "e"),
    ({"tags__len__gt": 1}, "ab"),
    ({"more__len": 0}, ""),
    ({"grid__len": 2}, "a"),
    ({"tags__0": "x"}, "a"),
    ({"tags__0__in": ["x", "y"]}, "ab"),
    ({"tags__0__contains": "x"}, "a"),
    ({"tags__9": "x"}, ""),
    ({"tags__2__isnull": True}, "be"),
    ({"tags__0_2": ["x", "y"]}, "a"),
    ({"tags__1_3": ["y", "z"]}, "a"),
    ({"tags__0_1__contains": ["y"]}, "b"),
    ({"tags__0_2__len": 2}, "ab"),
    ({"tags__3_1": []}, "abe"),
    ({"grid": [[1, 2], [3, 4]]}, "a"),
    ({"grid__contains": [[1, 2]]}, "a"),
    ({"grid__0": [1, 2]}, "a"),
    ({"grid__1__0": 3}, "a"),
    ({"grid__5__0": 3}, ""),
    ({"grid__0__len": 2}, "a"),
    ({"grid__0__contains": [1]}, "a"),
    ({"counts": [1, None, 3]}, "a"),
    ({"counts__contains": [3]}, "ab"),
    ({"prices__contains": ["1.5"]}, "a"),
    ({"prices__0": Decimal("1.50")}, "a"),
    ({"keys__contains": [str(KEY)]}, "a"),
    ({"keys__0": KEY}, "a"),
    ({"tones__contains": ["cold"]}, "a"),
    ({"tones__0": Tone.COLD}, "a"),
    ({"moments__contains": [MOMENT]}, "a"),
    ({"moments__0__year": 2024}, "a"),
    ({"lengths__0__gt": dt.timedelta(0)}, "a"),
]


def test_arrays_are_looked_up() -> None:
    """Whole arrays, members, positions, slices and lengths; the rest is what exclude finds."""
    parcels = Parcel.objects
    found = [names(parcels.filter(**conditions)) for conditions, _ in FOUND]
    assert found == [expected for _, expected in FOUND]
    rest = [names(parcels.exclude(**conditions)) for conditions, _ in FOUND]
    assert rest == ["".join(sorted(set("abe") - set(expected))) for _, expected in FOUND]


def test_queries_are_lists_of_members() -> None:
    """The rows of a query of one column are compared as an array; arrays are one of many."""
    some = Parcel.objects.filter(number__gt=0)
    assert names(Parcel.objects.filter(tags__overlap=some.values("tag"))) == "ab"
    assert names(Parcel.objects.filter(tags__contains=some.values_list("tag"))) == "ab"
    assert names(Parcel.objects.filter(tags__in=some.filter(name="a").values("tags"))) == "a"
    inner = Parcel.objects.filter(tags__contains=OuterRef("more"), name="b")
    assert names(Parcel.objects.filter(Exists(inner))) == "a"


def test_parts_are_shown_with_their_types() -> None:
    """Positions and slices are values like others, of the type that the base field has."""
    rows = Parcel.objects.order_by("name").values_list(
        "tags__1", "tags__0_2", "grid__0", "grid__1__1", F("tags__len")
    )
    assert list(rows) == [
        ("y", ["x", "y"], [1, 2], 4, 3),
        ("x", ["y", "x"], None, None, 2),
        (None, [], None, None, 0),
    ]
    row = Parcel.objects.values_list("prices__0", "keys__0", "tones__0", "moments__0", "lengths__0")
    assert row.get(name="a") == (
        Decimal("1.50"),
        KEY,
        Tone.COLD,
        MOMENT,
        dt.timedelta(days=1),
    )
    sums = Parcel.objects.annotate(total=F("counts__0") + 1).order_by("name")
    assert [each.total for each in sums] == [2, 4, None]


def test_arrays_are_collected_from_rows() -> None:
    """ArrayAgg gives lists typed as their values, which are filtered and looked up in turn."""
    parcels = Parcel.objects.filter(number__gt=0)
    assert parcels.aggregate(
        names=ArrayAgg("name", order_by="-name"),
        some=ArrayAgg("tag", distinct=True, filter=Q(number=1)),
        tones=ArrayAgg("tone", order_by="number"),
        prices=ArrayAgg("prices__0", filter=Q(name="a")),
        lists=ArrayAgg("tags", filter=Q(name="a")),
        any=AnyValue("tags", filter=Q(name="b")),
    ) == {
        "names": ["b", "a"],
        "some": ["x"],
        "tones": [Tone.COLD, Tone.WARM],
        "prices": [Decimal("1.5")],
        "lists": [["x", "y", "z"]],
        "any": ["y", "x"],
    }
    nothing = Parcel.objects.filter(name="?")
    assert nothing.aggregate(x=ArrayAgg("name")) == {"x": None}
    assert nothing.aggregate(x=ArrayAgg("name", default=[])) == {"x": []}
    groups = Parcel.objects.values("number").annotate(all=ArrayAgg("tag")).order_by("number")
    assert list(groups.filter(all__contains=["x"]).values_list("number", flat=True)) == [1]
    assert list(groups.filter(all=["y"]).values_list("number", flat=True)) == [2]
    assert list(groups.filter(all__0="y").values_list("number", flat=True)) == [2]
    assert groups.filter(all__len=1).count() == 3


def test_arrays_order_group_and_are_chosen() -> None:
    """Arrays have an order and are equal by their values, in conditions and in choices."""
    parcels = Parcel.objects.order_by("tags")
    assert list(parcels.values_list("name", flat=True)) == ["e", "a", "b"]
    assert parcels.aggregate(Min("tags"), Max("counts"), n=Count("tags", distinct=True)) == {
        "tags__min": [],
        "counts__max": [3],
        "n": 3,
    }
    chosen = Parcel.objects.order_by("name").values_list(
        Coalesce("more", "tags"),
        Coalesce("more", ["q"]),
        Case(When(name="a", then=F("tags")), default=F("more")),
    )
    assert list(chosen) == [
        (["x"], ["x"], ["x", "y", "z"]),
        (["y", "x"], ["q"], None),
        ([], ["q"], None),
    ]
    Parcel.objects.filter(name="b").update(tags=Coalesce("more", "tags"), more=F("tags__0_1"))
    assert Parcel.objects.values_list("tags", "more").get(name="b") == (["y", "x"], ["y"])
    words = Value(["v"], output_field=models.ArrayField(models.CharField(max_length=10)))
    Parcel.objects.filter(name="b").update(tags=words)
    assert Parcel.objects.get(name="b").tags == ["v"]


#: Conditions, and what the error says of them.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"tags": "x"}, "Parcel.tags: expected a list"),
    ({"tags__in": ["x"]}, "Parcel.tags: expected a list"),
    ({"tags__contains": "x"}, "Parcel.tags: expected a list"),
    ({"counts__contains": ["x"]}, "Parcel.counts: expected a whole number"),
    ({"tones__contains": ["hot"]}, "expected a member of Tone"),
    ({"tags__len": "x"}, "expected a whole number"),
]


def test_wrong_members_are_refused() -> None:
    """What no array could hold is an error that says what was expected."""
    for conditions, message in REFUSED:
        with pytest.raises(FieldValueError, match=message):
            Parcel.objects.filter(**conditions)


def test_look_ups_of_text_are_not_those_of_arrays() -> None:
    """The error lists what arrays have."""
    with pytest.raises(FieldError, match=r"no look-up 'icontains'.*contained_by.*overlap"):
        Parcel.objects.filter(tags__icontains="x")


def test_arrays_in_async_code(run: Run) -> None:
    """The other driver asks and answers the same."""

    async def main() -> list[Any]:
        found = Parcel.objects.filter(
            tags__contains=["x"], prices__0="1.5", tones__overlap=["cold"]
        )
        return [
            await found.acount(),
            await found.values_list("tags__0_2", "grid__0", "lengths__0").aget(),
            await Parcel.objects.filter(name="a").aaggregate(x=ArrayAgg("tone")),
        ]

    assert run(main()) == [
        1,
        (["x", "y"], [1, 2], dt.timedelta(days=1)),
        {"x": [Tone.COLD]},
    ]


LISTS = st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=3))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(stored=LISTS, asked=LISTS, first=st.integers(0, 3), last=st.integers(0, 3))
def test_arrays_are_what_lists_are(
    stored: list[str], asked: list[str], first: int, last: int
) -> None:
    """Members, positions, slices and lengths are those that Python finds."""
    Parcel.objects.filter(name="e").update(tags=stored)
    parcel = Parcel.objects.filter(name="e")
    assert parcel.filter(tags=stored).exists()
    assert parcel.filter(tags__contains=asked).exists() == (set(asked) <= set(stored))
    assert parcel.filter(tags__contained_by=asked).exists() == (set(stored) <= set(asked))
    assert parcel.filter(tags__overlap=asked).exists() == bool(set(stored) & set(asked))
    found = parcel.values_list("tags", f"tags__{first}", f"tags__{first}_{last}", "tags__len").get()
    position = stored[first] if first < len(stored) else None
    assert found == (stored, position, stored[first:last], len(stored))
