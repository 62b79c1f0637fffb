"""Random conditions over random rows: every database finds what plain Python finds.

`UNDERCROFT_TEST_EXAMPLES=2000` tries that many, and other ones each time.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.evaluator import Column, Leaf, Step, World
from tests.db.island_models import City, Person, Region, Tag
from undercroft.db.connections.transactions import atomic
from undercroft.models import Count, Exists, F, Max, Min, OuterRef, Q, Sum

pytestmark = pytest.mark.usefixtures("database")

EXAMPLES = int(os.environ.get("UNDERCROFT_TEST_EXAMPLES", "0"))

examples = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    # The database is emptied for each example, by a block that is rolled back.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

MODELS: dict[str, Any] = {"Region": Region, "Tag": Tag, "City": City, "Person": Person}

STEPS = {
    "Region": {"cities": Step("City", many=True, column="region_id")},
    "Tag": {"cities": Step("City", many=True, through="-tags")},
    "City": {
        "region": Step("Region", many=False, column="region_id"),
        "people": Step("Person", many=True, column="city_id"),
        "tags": Step("Tag", many=True, through="tags"),
    },
    "Person": {
        "city": Step("City", many=False, column="city_id"),
        "mentor": Step("Person", many=False, column="mentor_id"),
        "pupils": Step("Person", many=True, column="mentor_id"),
    },
}

NUMBERS = {
    "Region": ["size"],
    "Tag": ["weight"],
    "City": ["size", "rank"],
    "Person": ["age"],
}

numbers = st.integers(0, 3)
texts = st.sampled_from(["a", "b", "ab", "Ab", "%", "_", "a%"])
maybe = st.one_of(st.none(), numbers)


# ------------------------------------------------------------------ rows


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a few rows of every model, and what refers to what."""

    def make(count: int, **columns: st.SearchStrategy[Any]) -> list[Any]:
        return [
            {"id": key, **{name: draw(each) for name, each in columns.items()}}
            for key in range(1, count + 1)
        ]

    regions = make(draw(st.integers(0, 2)), name=texts, size=maybe)
    tags = make(draw(st.integers(0, 3)), name=texts, weight=maybe)
    region_keys = st.sampled_from([None, *(each["id"] for each in regions)])
    cities = make(
        draw(st.integers(0, 4)),
        name=texts,
        size=maybe,
        rank=numbers,
        is_open=st.sampled_from([None, True, False]),
        region_id=region_keys,
    )
    people: list[Any] = []
    if cities:
        count = draw(st.integers(0, 5))
        people = make(
            count,
            name=texts,
            age=maybe,
            city_id=st.sampled_from([each["id"] for each in cities]),
            mentor_id=st.one_of(st.none(), st.integers(1, max(count, 1))),
        )
    pairs = [(city["id"], tag["id"]) for city in cities for tag in tags if draw(st.booleans())]
    rows = {"Region": regions, "Tag": tags, "City": cities, "Person": people}
    return World(STEPS, rows, {"tags": pairs})


class RollbackError(Exception):
    """Ends an example."""


@contextmanager
def stored(world: World) -> Iterator[None]:
    """Store the rows of a world, for as long as the block lasts."""
    try:
        with atomic():
            for name in ("Region", "Tag", "City"):
                MODELS[name].objects.bulk_create([MODELS[name](**row) for row in world.rows[name]])
            people = world.rows["Person"]
            Person.objects.bulk_create([Person(**{**row, "mentor_id": None}) for row in people])
            for row in people:
                Person.objects.filter(pk=row["id"]).update(mentor=row["mentor_id"])
            between = City.tags.through
            between.objects.bulk_create(
                [between(city_id=city, tag_id=tag) for city, tag in world.pairs["tags"]]
            )
            yield
            raise RollbackError
    except RollbackError:
        pass


# ------------------------------------------------------------------ conditions


@st.composite
def leaves(draw: st.DrawFn, model: str, depth: int = 2) -> Leaf:
    """Draw a comparison of a column of the model, or of one up to so many relations away."""
    path: tuple[str, ...] = ()
    for _ in range(draw(st.integers(0, depth))):
        name = draw(st.sampled_from(sorted(STEPS[model])))
        path, model = (*path, name), STEPS[model][name].target
    kinds = ["number", "text", "key", "null"] + (["truth"] if model == "City" else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "text":
        lookup = draw(
            st.sampled_from(
                [
                    "exact",
                    "iexact",
                    "contains",
                    "icontains",
                    "startswith",
                    "istartswith",
                    "endswith",
                ]
            )
        )
        return Leaf(path, "name", lookup, draw(texts))
    if kind == "truth":
        return Leaf(path, "is_open", "exact", draw(st.sampled_from([True, False, None])))
    name = "id" if kind == "key" else draw(st.sampled_from(NUMBERS[model]))
    if kind == "null":
        return Leaf(path, draw(st.sampled_from(["id", name])), "isnull", draw(st.booleans()))
    return _draw_number(draw, path, name, model)


def _draw_number(draw: st.DrawFn, path: tuple[str, ...], name: str, model: str) -> Leaf:
    lookup = draw(st.sampled_from(["exact", "gt", "gte", "lt", "lte", "in", "range", "column"]))
    if lookup == "in":
        return Leaf(path, name, "in", draw(st.lists(maybe, max_size=3)))
    if lookup == "range":
        return Leaf(path, name, "range", (draw(numbers), draw(numbers)))
    if lookup == "column":
        other = Column(draw(st.sampled_from([*NUMBERS[model], "id"])))
        return Leaf(path, name, draw(st.sampled_from(["exact", "gt", "lte"])), other)
    return Leaf(path, name, lookup, draw(maybe) if lookup == "exact" else draw(numbers))


def conditions(model: str) -> st.SearchStrategy[Any]:
    """Draw a tree of comparisons."""
    return st.recursive(
        leaves(model),
        lambda inner: st.one_of(
            st.tuples(st.just("not"), inner),
            st.tuples(
                st.sampled_from(["and", "or", "xor"]), st.lists(inner, min_size=2, max_size=3)
            ),
        ),
        max_leaves=5,
    )


def to_q(condition: Any) -> Q:
    """Write a condition as a `Q`."""
    if isinstance(condition, Leaf):
        value = condition.value
        if isinstance(value, Column):
            value = F("__".join((*condition.path, value.name)))
        return Q(**{"__".join((*condition.path, condition.name, condition.lookup)): value})
    if condition[0] == "not":
        return ~to_q(condition[1])
    return Q(*map(to_q, condition[1]), _connector=condition[0])


bases = st.sampled_from(["City", "Person", "Region"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, str, list[tuple[str, Any]]]:
    """Draw rows, a model, and one or two calls of `filter` and `exclude`."""
    world, model = draw(worlds()), draw(bases)
    methods = st.sampled_from(["filter", "filter", "exclude"])
    calls = draw(
        st.lists(st.tuples(methods, conditions(model)), min_size=1, max_size=2), label="calls"
    )
    return world, model, calls


# ------------------------------------------------------------------ properties


@examples
@given(case=cases())
def test_rows_are_found_as_in_plain_python(case: tuple[World, str, list[Any]]) -> None:
    """Rows, their number, and whether there are any: as often as they are joined."""
    world, model, calls = case
    expected = world.find(model, calls)
    with stored(world):
        query = MODELS[model].objects.all()
        for method, condition in calls:
            query = getattr(query, method)(to_q(condition))
        assert sorted(row.pk for row in query) == expected
        assert query.count() == len(expected)
        assert query.exists() is bool(expected)
        assert sorted(query.values_list("pk", flat=True)) == expected
        assert sorted(row.pk for row in query.distinct()) == sorted(set(expected))


@examples
@given(case=cases())
def test_rows_are_found_within_queries_and_written(case: tuple[World, str, list[Any]]) -> None:
    """The same rows are found by a list, by `Exists`, in a union, and by an update."""
    world, model, calls = case
    found = sorted(set(world.find(model, calls)))
    rest = sorted({row["id"] for row in world.rows[model]} - set(found))
    manager = MODELS[model].objects
    with stored(world):
        query = manager.all()
        for method, condition in calls:
            query = getattr(query, method)(to_q(condition))
        inside = Exists(query.filter(pk=OuterRef("pk")))
        assert sorted(row.pk for row in manager.filter(pk__in=query)) == found
        assert sorted(row.pk for row in manager.exclude(pk__in=query)) == rest
        assert sorted(row.pk for row in manager.filter(inside)) == found
        assert sorted(row.pk for row in manager.filter(~inside)) == rest
        assert sorted(row.pk for row in query.union(query)) == found
        assert sorted(row.pk for row in manager.difference(query)) == rest
        assert query.update(name="x") == len(found)


@examples
@given(world=worlds(), condition=conditions("Person"), outer=conditions("City"))
def test_groups_are_aggregated_as_in_plain_python(world: World, condition: Any, outer: Any) -> None:
    """Of the people of each city, those count that fulfil a condition."""
    about = move(condition, "people")
    with stored(world):
        query = City.objects.annotate(
            n=Count("people", filter=to_q(about)), s=Sum("people__age", filter=to_q(about))
        )
        assert {row.pk: (row.n, row.s) for row in query} == {
            city["id"]: aggregate(world.list_counted("City", city, ("people",), about))
            for city in world.rows["City"]
        }
        kept = set(world.find("City", [("filter", outer)]))
        narrowed = City.objects.filter(pk__in=City.objects.filter(to_q(outer)))
        totals = narrowed.aggregate(n=Count("*"), a=Min("size"), z=Max("size"), s=Sum("size"))
        sizes = [
            row["size"]
            for row in world.rows["City"]
            if row["id"] in kept and row["size"] is not None
        ]
        assert totals == {
            "n": len(kept),
            "a": min(sizes, default=None),
            "z": max(sizes, default=None),
            "s": sum(sizes) if sizes else None,
        }


def move(condition: Any, name: str) -> Any:
    """Write a condition as seen from the other side of a relation."""
    if isinstance(condition, Leaf):
        return condition._replace(path=(name, *condition.path))
    kind, inner = condition
    return (kind, move(inner, name) if kind == "not" else [move(part, name) for part in inner])


def aggregate(people: list[Any]) -> tuple[int, int | None]:
    """Count people, and add up their ages."""
    ages = [each["age"] for each in people if each["age"] is not None]
    return len(people), sum(ages) if ages else None
