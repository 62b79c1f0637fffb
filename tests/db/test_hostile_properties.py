"""Random names at every place a name can be given: refused by a short error, or meant as they are.

What is not refused is asked of the real database, which has to understand it.
`UNDERCROFT_TEST_EXAMPLES` is how many are tried.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.island_models import City, Region
from tests.db.test_hostile_names import NAMING, PLACES
from tests.db.test_text import Note
from undercroft.db.connections.transactions import atomic, set_rollback
from undercroft.errors import DatabaseError, IntegrityError, UndercroftError
from undercroft.models import Case, F, JSONObject, QuerySet, StringAgg, Value, When

pytestmark = pytest.mark.usefixtures("database")

EXAMPLES = int(os.environ.get("UNDERCROFT_TEST_EXAMPLES", "0"))

examples = settings(
    max_examples=EXAMPLES or 150,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TOKENS = [
    *("name", "rank", "region", "cities", "data", "moment", "pk", "id", "text", "people", "x"),
    *("exact", "in", "isnull", "range", "gt", "contains", "iexact", "year", "date", "has_key"),
    *("__", "__", "__", "_", "-", "+", "?", "'", '"', "`", "\\", "%", "%s", "%(a)s", ":a", ";"),
    *("--", "/*", "*/", "(", ")", "[", "]", "$", "$.", "*", "@", "#", ".", ",", " ", "\n", "\t"),
    *("0", "1", "-1", "²", "é", "名", "\x00", "\x1a", "NULL", "OR 1=1", "UNION SELECT 1", "_sa_"),
]

names = st.one_of(
    st.lists(st.sampled_from(TOKENS), max_size=6).map("".join),
    st.lists(st.sampled_from(TOKENS), min_size=1, max_size=4).map("__".join),
    st.text(max_size=30),
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=3),
)

#: Where a name, and what is compared with it, are both from outside.
COMPARING: dict[str, Any] = {
    "filter": lambda name, value: City.objects.filter(**{name: value}),
    "exclude": lambda name, value: City.objects.exclude(**{name: value}),
    "many": lambda name, value: Region.objects.filter(**{f"cities__{name}": value}),
    "json": lambda name, value: Note.objects.filter(**{f"data__{name}": value}),
    "without": lambda name, value: Note.objects.exclude(**{f"data__{name}": value}),
    "order": lambda name, _: Note.objects.order_by(f"data__{name}"),
    "values": lambda name, _: Note.objects.values(f"data__{name}", "key"),
    "F": lambda name, _: Note.objects.filter(data=F(f"data__{name}")),
    "moment": lambda name, value: Note.objects.filter(**{f"moment__{name}": value}),
    "object": lambda name, _: City.objects.annotate(made=JSONObject(**{name: "name"})),
    "delimiter": lambda name, _: City.objects.aggregate(x=StringAgg("name", name)),
    "text": lambda name, _: City.objects.annotate(
        x=Case(When(name=name, then=Value(name)), default=Value(f"{name}!"))
    ),
}


def answer(made: Any) -> Any:
    """Ask the database what was made, if it is a query."""
    return list(made) if isinstance(made, QuerySet) else made


def find_error(make: Any, *given_: Any) -> UndercroftError | None:
    """Ask with what was given; find the error it is answered by, if it is one."""
    try:
        answer(make(*given_))
    except UndercroftError as error:
        return error
    return None


def attempt(make: Any, *given_: Any) -> None:
    """Ask with what was given: it is answered, or refused before the database has to."""
    with atomic():
        error = find_error(make, *given_)
        set_rollback(True)
    is_refused = not isinstance(error, DatabaseError) or isinstance(error, IntegrityError)
    assert is_refused, str(error)
    assert len(str(error)) < 1_000
    assert (City.objects.count(), Note.objects.count()) == (2, 1)


def fill() -> None:
    region = Region.objects.create(name="r", size=1)
    City.objects.bulk_create(City(name=name, rank=1, region=region) for name in ("a", "b"))
    Note.objects.create(key="k", data={"x": {"name": [1, 2]}, "é": 1, "a'b": None})


@pytest.mark.slow
def test_names_are_refused_or_understood() -> None:
    """Whatever name stands wherever one can stand."""
    fill()
    # Whether columns are unique together is the database's to know.
    chosen = [make for place, make in PLACES.items() if place != "unique_fields"]
    places = st.sampled_from([*chosen, *NAMING.values()])

    @examples
    @given(place=places, name=names)
    def check(place: Any, name: str) -> None:
        attempt(place, name)

    check()


@pytest.mark.slow
def test_conditions_are_refused_or_understood() -> None:
    """Whatever name is compared with whatever value."""
    fill()

    @examples
    @given(place=st.sampled_from([*COMPARING.values()]), name=names, value=values)
    def check(place: Any, name: str, value: Any) -> None:
        attempt(place, name, value)

    check()
