"""JSON is compared by kind and value, wherever it lies and however it is written."""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.db.conftest import Run
from tests.db.specimen_models import FEW, Specimen
from undercroft import models
from undercroft.errors import FieldError, FieldValueError
from undercroft.models import (
    Avg,
    Case,
    Cast,
    Coalesce,
    Count,
    Exists,
    F,
    JSONArray,
    JSONObject,
    Max,
    OuterRef,
    Subquery,
    Sum,
    Value,
    When,
)

pytestmark = pytest.mark.usefixtures("database")

#: Values that are easily taken for each other.
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    1.0,
    -1.5,
    9,
    10,
    2**53,
    2**53 + 1,
    2**63 + 1,
    2**63 + 2,
    "",
    "0",
    "1",
    "9",
    "10",
    "true",
    "null",
    "a",
    "A",
    "é",
    "😀",
    'say "hi"\\n\n',
    [],
    [1, 2],
    [2, 1],
    [1.0, 2],
    [[1]],
    ["x", "y"],
    [{"x": 1, "y": 2}],
    {},
    {"x": 1, "y": [True, None]},
    {"y": [True, None], "x": 1.0},
    {"x": {"y": [{"z": 5}]}},
]


def store(values: list[Any]) -> None:
    """Store each value under a key of a row of its own, in order; the last row is NULL."""
    Specimen.objects.all().delete()
    rows = [Specimen(whole=index, data={"v": value}) for index, value in enumerate(values)]
    rows += [Specimen(whole=len(values), data={}), Specimen(whole=len(values) + 1)]
    Specimen.objects.bulk_create(rows)


def find(**conditions: Any) -> list[int]:
    """Find the numbers of the rows that fulfil conditions."""
    rows = Specimen.objects.filter(**conditions).order_by("whole")
    return [number for (number,) in rows.values_list("whole")]


def mark(value: Any) -> Any:
    """Mark a value by its kind, so that Python compares it as JSON does."""
    if isinstance(value, list):
        return ("list", *map(mark, value))
    if isinstance(value, dict):
        return ("object", frozenset((key, mark(each)) for key, each in value.items()))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return ("number", Decimal(repr(value)))
    return (type(value).__name__, value)


def is_same(left: Any, right: Any) -> bool:
    """Tell whether two values are the same to JSON."""
    return bool(mark(left) == mark(right))


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
NUMBERS = st.integers() | st.floats(-1e15, 1e15).filter(lambda number: abs(number) > 1e-9)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
KEYS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=4
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@FEW
@given(others=st.lists(JSON, max_size=8))
@example(others=VALUES)
def test_values_are_equal_by_kind_and_value(others: list[Any]) -> None:
    """A number equals no truth and no text; objects have no order; null is not nothing."""
    store(others)
    for value in others[:40]:
        expected = [index for index, other in enumerate(others) if is_same(value, other)]
        assert find(data__v=value) == expected
        assert find(data={"v": value}) == expected
        assert find(data__v__in=[value, "never stored"]) == expected
        rest = [index for index in range(len(others) + 2) if index not in expected]
        left = Specimen.objects.exclude(data__v=value).order_by("whole")
        assert list(left.values_list("whole", flat=True)) == rest
    assert find(data__v__isnull=True) == [len(others), len(others) + 1]
    assert find(data__isnull=True) == find(data=None) == [len(others) + 1]


@FEW
@given(others=st.lists(SCALARS, min_size=1, max_size=8), value=NUMBERS | TEXTS)
@example(others=VALUES, value=1)
@example(others=VALUES, value=2**63 + 1)
@example(others=VALUES, value=2**53)
@example(others=VALUES, value="9")
@example(others=VALUES, value="é")
def test_less_and_greater_are_within_a_kind(others: list[Any], value: Any) -> None:
    """Numbers are compared with numbers, texts with texts by code points; nothing else is."""
    store(others)
    kind, wanted = mark(value)
    comparisons: dict[str, Callable[[Any, Any], bool]] = {
        "gt": operator.gt,
        "gte": operator.ge,
        "lt": operator.lt,
        "lte": operator.le,
    }
    marked = {index: mark(other) for index, other in enumerate(others)}
    alike = {index: found[1] for index, found in marked.items() if found[0] == kind}
    for name, holds in comparisons.items():
        expected = [index for index, other in alike.items() if holds(other, wanted)]
        assert find(**{f"data__v__{name}": value}) == expected
    assert find(data__v__range=(value, value)) == find(data__v=value)


def test_what_is_neither_number_nor_text_is_not_less_or_greater() -> None:
    """Truths, lists and null have no order in conditions."""
    store(VALUES)
    for value in (True, None, [1], {"x": 1}):
        if value is not None:
            assert find(data__v__gte=value) == []
    assert find(data__v__in=[]) == []
    assert len(find(data__v__in=[None, 1])) == 3


def test_texts_are_searched_and_nothing_else() -> None:
    """Text look-ups find texts; the number 10 does not begin with 1."""
    store(["a", "A", "10", 10, True, None, ["a"], {"a": "a"}, 'say "hi"\\n', "éÉ", "😀", "%_"])
    found = {
        ("startswith", "a"): [0],
        ("istartswith", "A"): [0, 1],
        ("startswith", "1"): [2],
        ("startswith", "t"): [],
        ("endswith", "0"): [2],
        ("iendswith", "É"): [9],
        ("icontains", '"HI"'): [8],
        ("icontains", "ÉÉ"): [9],
        ("icontains", "😀"): [10],
        ("icontains", "_"): [11],
        ("iexact", "a"): [0, 1],
        ("regex", "^[0-9]+$"): [2],
        ("iregex", "^a$"): [0, 1],
    }
    for (lookup, text), expected in found.items():
        assert find(**{f"data__v__{lookup}": text}) == expected, (lookup, text)


def test_members_are_found(database: str) -> None:
    """Parts of objects and lists are found as PostgreSQL finds them; MariaDB finds more."""
    store([1, [1, 2], {"x": 1.0, "y": [1]}, [{"x": 1, "y": 2}], ["x"], "x", {"v": {"x": [1, 2]}}])
    assert find(data__contains={}) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert find(data__v__contains={"x": 1}) == [2]
    assert find(data__v__contains=[2]) == [1]
    assert find(data__v__contains=[{"x": 1}]) == [3]
    assert find(data__v__contains="x") == [4, 5]
    assert find(data__v__contains=1) == [0, 1]
    assert find(data__v__contained_by={"x": 1, "y": [1, 3], "z": 0}) == [2]
    nested = find(data__v__contains={"v": {"x": 1}})
    # A list within an object contains the value there, to MariaDB.
    assert nested == ([6] if database == "mariadb" else [])
    assert find(data__v__has_key="x") == [2, 4, 5]
    assert find(data__v__has_keys=["x", "y"]) == [2]
    assert find(data__v__has_any_keys=["y", "v"]) == [2, 6]
    assert len(find(data__has_key="v")) == 7


#: Keys that mean something to a path, to SQL or to a driver.
ODD = [
    "a.b",
    'q"uote',
    "0",
    "007",
    "",
    "é",
    "😀",
    "sp ace",
    "back\\slash",
    "$",
    "[0]",
    "*",
    "%s",
    ":name",
    "'",
    "?",
    "tab\t",
    "{x}",
    "#",
    "@",
    "UP",
]


def test_any_key_can_be_named() -> None:
    """Dots, quotes, digits, nothing and other alphabets are part of a key."""
    document = {key: [{"in": number}] for number, key in enumerate(ODD)}
    Specimen.objects.create(data=document)
    Specimen.objects.create(data={"up": [{"in": 20}]})
    for number, key in enumerate(ODD):
        assert Specimen.objects.filter(**{f"data__{key}__0__in__exact": number}).count() == 1, key
        assert Specimen.objects.filter(data__has_key=key).count() == 1, key
        shown = Specimen.objects.values_list(f"data__{key}", flat=True).order_by("pk")
        assert list(shown) == [[{"in": number}], None], key


def test_positions_are_those_of_lists() -> None:
    """A number is a position of a list, or a key of an object, and nothing of a plain value."""
    Specimen.objects.create(whole=1, data=["zero", {"k": "v", "0": "inner"}, [10, 20]])
    assert find(data__0="zero", data__1__k="v", data__1__0="inner", data__2__1=20) == [1]
    assert find(**{"data__2__-1": 20, "data__-1__-2": 10}) == [1]
    for path in (
        "data__0__0",
        "data__1__k__0",
        "data__3",
        "data__9999999999999999999999",
        "data__x",
    ):
        assert find(**{f"{path}__isnull": False}) == [], path


def test_json_is_compared_with_columns() -> None:
    """Other types stand for the JSON they would be, on either side."""
    rows = [(1, "a", True, 1), (1.0, "b", False, 1), ("a", "a", True, 2), (True, "b", True, 3)]
    rows += [("1", "c", None, 1), (2.5, "x", True, None), (None, None, None, None)]
    for number, (value, text, flag, big) in enumerate(rows):
        Specimen.objects.create(
            whole=number,
            data={"v": value, "w": value},
            text=text or "",
            flag=flag,
            big=big,
            exact=Decimal("2.5"),
        )
    assert find(data__v=F("big")) == find(big=F("data__v")) == [0, 1]
    assert find(data__v=F("text")) == [2]
    assert find(data__v=F("flag")) == [3]
    assert find(data__v=F("exact")) == find(exact__lte=F("data__v")) == [5]
    assert find(data__v__lt=F("exact")) == [0, 1]
    assert find(data__v=F("data__w")) == list(range(7))
    assert find(data__v__in=[F("big"), "a"]) == [0, 1, 2]
    some = Specimen.objects.filter(whole__lt=1)
    assert find(data__v__in=some.values("data__w")) == [0, 1]
    twin = Specimen.objects.filter(whole=2, data__w=OuterRef("data__v"))
    assert [each.whole for each in Specimen.objects.filter(Exists(twin))] == [2]


def test_values_within_are_shown_ordered_and_grouped(database: str) -> None:
    """What lies at a path is a value like others: in rows, orders, groups and conditions."""
    values = [10, 9, -1.5, "b", "a", True, None, [1], {"x": 1}, "a"]
    store(values)
    rows = Specimen.objects.order_by("whole")
    assert list(rows.values_list("data__v", flat=True)) == [*values, None, None]
    named = Specimen.objects.annotate(v=F("data__v")).order_by("whole")
    assert [each.v for each in named] == [*values, None, None]
    assert [each.whole for each in named.filter(v__gt=9)] == [0]
    assert [each.whole for each in named.filter(v=None)] == [6]
    assert [each.whole for each in named.filter(v__isnull=True)] == [10, 11]
    assert [each.whole for each in named.filter(v__startswith="a")] == [4, 9]
    assert [each.whole for each in named.filter(v__x=1)] == [8]
    there = Specimen.objects.filter(data__v__isnull=False)
    assert list(there.order_by("data__v", "whole").values_list("whole", flat=True)) == [
        *(6, 4, 9, 3, 2, 1, 0, 5, 7, 8)
    ]
    assert list(there.order_by("-data__v", "whole").values_list("whole", flat=True)) == [
        *(8, 7, 5, 0, 1, 2, 3, 4, 9, 6)
    ]
    last = Specimen.objects.order_by(F("data__v").desc(nulls_last=True), "whole")
    assert [each.whole for each in last][-2:] == [10, 11]
    texts = there.filter(data__v__gte="")
    groups = texts.values("data__v").annotate(n=Count("*")).order_by("data__v")
    assert list(groups.values_list("data__v", "n")) == [("a", 2), ("b", 1)]
    distinct = texts.order_by("-data__v").values_list("data__v", flat=True).distinct()
    assert list(distinct) == ["b", "a"]
    assert there.aggregate(n=Count("data__v")) == {"n": len(values)}


def test_values_within_are_cast() -> None:
    """Arithmetic and aggregates need to be told what a value is; without that they are refused."""
    store([10, 9, 2])
    number = Cast("data__v", models.IntegerField())
    there = Specimen.objects.filter(data__v__isnull=False)
    assert there.aggregate(s=Sum(number), m=Max(number), a=Avg(number)) == {
        "s": 21,
        "m": 10,
        "a": 7.0,
    }
    assert [each.n for each in there.annotate(n=number + 1).order_by("n")] == [3, 10, 11]
    store(["text", True, False, None, -1.5])
    texts = Specimen.objects.order_by("whole").values_list(Cast("data__v", models.TextField()))
    assert [text for (text,) in texts][:5] == ["text", "true", "false", None, "-1.5"]
    truths = Specimen.objects.order_by("whole").values_list(Cast("data__v", models.BooleanField()))
    assert [truth for (truth,) in truths][:4] == [None, True, False, None]
    exact = Cast("data__v", models.DecimalField(max_digits=5, decimal_places=2))
    assert Specimen.objects.filter(whole=4).values_list(exact).get() == (Decimal("-1.50"),)
    made = Cast(Value('{"x": [1]}'), models.JSONField())
    assert Specimen.objects.filter(whole=0).values_list(made).get() == ({"x": [1]},)
    for ask in (
        lambda: Specimen.objects.aggregate(Sum("data__v")),
        lambda: Specimen.objects.aggregate(Max("data")),
        lambda: Specimen.objects.annotate(x=F("data__v") + 1),
        lambda: Specimen.objects.update(whole=F("data__v")),
    ):
        with pytest.raises(FieldError, match="may be of any kind") as caught:
            ask()
        assert caught.value.code == "db.cast"


def test_json_is_made_of_expressions() -> None:
    """Objects, choices and other columns become the document, and are compared as documents."""
    store(["é", 10])
    rows = Specimen.objects.order_by("whole")
    made = rows.annotate(x=JSONObject(v="data__v", é=JSONArray("whole")))
    assert [each.whole for each in made.filter(x={"é": [1.0], "v": 10})] == [1]
    assert [each.whole for each in made.filter(x__v="é", x__é__0=0)] == [0]
    assert [each.whole for each in made.filter(x__v=F("data__v"))] == [0, 1]
    chosen = Case(When(data__v=10, then=Value([1])), default=F("data__v"))
    default = Coalesce("data__v", Value({"no": "value"}))
    assert list(rows.values_list(chosen, default)) == [
        ("é", "é"),
        ([1], 10),
        (None, {"no": "value"}),
        (None, {"no": "value"}),
    ]
    for value, expected in (
        (F("data__v"), ["é", 10, None, None]),
        (F("whole"), [0, 1, 2, 3]),
        (Value("text"), ["text"] * 4),
        (JSONObject(w="whole"), [{"w": number} for number in range(4)]),
        (Case(When(whole=0, then=Value([True]))), [[True], None, None, None]),
        ({"a": 1, "b": "c"}, [{"a": 1, "b": "c"}] * 4),
        (True, [True] * 4),
        (None, [None] * 4),
    ):
        store(["é", 10])
        Specimen.objects.update(data=value)
        assert list(rows.values_list("data", flat=True)) == expected
    store(["é", 10])
    first = Specimen.objects.filter(whole=0).values("data__v")
    Specimen.objects.update(data=Subquery(first))
    assert find(data="é") == [0, 1, 2, 3]


def test_what_no_json_says_is_refused() -> None:
    """Not a number, half a character: the error is ours and names the field."""
    for wrong in (float("nan"), {"x": float("inf")}, "\0", object()):
        with pytest.raises(FieldValueError, match=r"Specimen\.data"):
            Specimen.objects.filter(data__v=wrong)
    with pytest.raises(FieldValueError):
        Specimen.objects.create(data={"x": "\ud800"})


def test_json_in_async_code(run: Run) -> None:
    """The other drivers compare the same."""
    store(VALUES)

    async def main() -> list[int]:
        return [
            await Specimen.objects.filter(**conditions).acount()
            for conditions in (
                {"data__v": 1},
                {"data__v__in": [1, "1", None]},
                {"data__v": {"x": 1, "y": [True, None]}},
                {"data__v__gt": 2**63 + 1},
                {"data__v__icontains": "HI"},
                {"data__v__0": "x"},
            )
        ]

    assert run(main()) == [2, 4, 2, 1, 1, 1]
