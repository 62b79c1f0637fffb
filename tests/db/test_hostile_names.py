"""Names and options that strangers may have chosen: never SQL, never more than they say.

Of the classes of advisories these touch the data layer: injection through names of fields, aliases
and aggregates; through orders; through operators and options (`_connector`, kinds of moments, paths
in JSON, delimiters, plans); format signs in literals; hostile Unicode and numbers (`test_queryset`
and `test_text` have the values); validators (`test_validators`); exhaustion by depth, width, length
and number. Which fields a stranger may name at all is for the caller to say.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.db.island_models import City, Region
from tests.db.test_text import Note
from undercroft.db.lane import MAX_COMPILED, get_lane
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError, FieldValueError, ImproperlyConfigured, UndercroftError
from undercroft.models import (
    Case,
    Cast,
    Collate,
    Concat,
    Count,
    Exists,
    Extract,
    F,
    Func,
    JSONObject,
    OuterRef,
    Prefetch,
    Q,
    StringAgg,
    Trunc,
    Upper,
    Value,
    When,
)

pytestmark = pytest.mark.usefixtures("database")

HOSTILE = [
    "",
    'na"me',
    "na'me",
    "na`me",
    "name; DROP TABLE island_city; --",
    "name)--",
    "name/**/",
    "island_city.name",
    "name AS x",
    "name\\",
    "name%s",
    "name%(x)s",
    ":name",
    "name\n",
    "name\x00",
    "ｎame",
    "name__",
    "__class__",
    "__dict__",
    "_sa_instance_state",
    "_connector",
    "x" * 100_000,
    "region__" * 20_000,
]

#: Where a name from outside may end up; what is called with one, and is to refuse it.
PLACES: dict[str, Callable[[str], Any]] = {
    "filter": lambda name: City.objects.filter(**{name: 1}),
    "exclude": lambda name: City.objects.exclude(**{name: 1}),
    "get": lambda name: City.objects.get(**{name: 1}),
    "Q": lambda name: City.objects.filter(Q((name, 1))),
    "When": lambda name: City.objects.annotate(x=Case(When(**{name: 1}, then=Value(1)))),
    "lookup": lambda name: City.objects.filter(**{f"name__{name}": "x"}),
    "annotated": lambda name: City.objects.annotate(x=Upper("name")).filter(**{f"x__{name}": "x"}),
    "order_by": lambda name: City.objects.order_by(f"-{name}"),
    "latest": City.objects.latest,
    "values": City.objects.values,
    "values_list": lambda name: City.objects.values_list(name, flat=True),
    "only": City.objects.only,
    "defer": City.objects.defer,
    "distinct": City.objects.distinct,
    "select_related": City.objects.select_related,
    "prefetch_related": City.objects.prefetch_related,
    "lock": lambda name: City.objects.select_for_update(of=[name]),
    "F": lambda name: City.objects.filter(rank=F(name)),
    "function": lambda name: City.objects.annotate(x=Upper(name)),
    "aggregate": lambda name: City.objects.aggregate(x=Count(name, distinct=True)),
    "OuterRef": lambda name: City.objects.filter(
        Exists(Region.objects.filter(name=OuterRef(name)))
    ).count(),
    "in_bulk": lambda name: City.objects.in_bulk([1], field_name=name),
    "dates": lambda name: Note.objects.dates(name, "year"),
    "dates kind": lambda name: Note.objects.dates("moment", name),
    "datetimes kind": lambda name: Note.objects.datetimes("moment", name),
    "Trunc": lambda name: Trunc("moment", name),
    "Extract": lambda name: Note.objects.annotate(x=Extract("moment", name)),
    "Cast": lambda name: City.objects.annotate(x=Cast("name", name)),
    "create": lambda name: City.objects.create(**{name: 1}),
    "get_or_create": lambda name: City.objects.get_or_create(**{name: 1}),
    "update_or_create": lambda name: City.objects.update_or_create(id=1, defaults={name: 1}),
    "update": lambda name: City.objects.update(**{name: 1}),
    "update_fields": lambda name: City.objects.bulk_create(
        [City(name="x", rank=1)], update_conflicts=True, update_fields=[name]
    ),
    "unique_fields": lambda name: City.objects.bulk_create(
        [City(name="x", rank=1)],
        update_conflicts=True,
        update_fields=["rank"],
        unique_fields=[name],
    ),
    "bulk_update": lambda name: City.objects.bulk_update([City.objects.get()], [name]),
    "using": lambda name: City.objects.using(name).count(),
    "explain": lambda name: City.objects.explain(**{name: True}),
    "explain format": lambda name: City.objects.explain(format=f"json {name}"),
}

#: Where a name is given to something.
NAMING: dict[str, Callable[[str], Any]] = {
    "annotate": lambda name: City.objects.annotate(**{name: Value(1)}),
    "alias": lambda name: City.objects.alias(**{name: Value(1)}),
    "values": lambda name: City.objects.values("name", **{name: Value(1)}),
    "groups": lambda name: City.objects.values("name").annotate(**{name: Count("*")}),
    "to_attr": lambda name: Region.objects.prefetch_related(Prefetch("cities", to_attr=name)),
    "named": lambda name: City.objects.values_list("name", name, named=True),
}

#: Of the names above, those that are names of Python, and as good as any other.
PLAIN = ("_connector", "name__", "ｎame")


def refuse(place: Callable[[str], Any], name: str) -> UndercroftError:
    """Call a place with a name; give its error, which is ours and short."""
    with pytest.raises((FieldError, FieldValueError, ImproperlyConfigured)) as caught:
        place(name)
    assert len(str(caught.value)) < 1_000
    assert caught.value.code.startswith("db.")
    return caught.value


@pytest.mark.parametrize("place", PLACES)
def test_a_name_that_is_none_is_refused(place: str, asked: list[Call]) -> None:
    """Before anything is written or read with it, by a short error with a code."""
    City.objects.create(name="a", rank=1)
    for name in HOSTILE:
        asked.clear()
        refuse(PLACES[place], name)
        if place != "OuterRef":
            # Its name is looked for when the query around is known, and so is the whole.
            assert all(len(name) < 7 or name not in str(call.shape) for call in asked)
    assert City.objects.get().name == "a"


@pytest.mark.parametrize("place", NAMING)
def test_a_name_given_is_a_plain_one(place: str) -> None:
    """No sign that SQL would mind, nothing of Python's own, no method of the model."""
    methods = ("save", "delete", "refresh_from_db", "full_clean")
    for name in (*HOSTILE, *methods, *({"pk", "id"} if place != "named" else ())):
        if name == "" and place == "to_attr":
            continue
        if place in ("values", "annotate", "alias", "groups", "to_attr") and name in PLAIN:
            continue
        refuse(NAMING[place], name)


@pytest.mark.parametrize("name", ["é", "имя", "名", "select", "x" * 200])
def test_a_name_of_another_language_is_one(name: str) -> None:
    """In annotations, groups, aggregates and unions, words of SQL among them."""
    City.objects.create(name="a", rank=7)
    named = City.objects.annotate(**{name: F("rank") + 1})
    assert getattr(named.filter(**{name: 8}).order_by(name).get(), name) == 8
    assert City.objects.values("name").annotate(**{name: Count("*")}).get() == {
        "name": "a",
        name: 1,
    }
    assert City.objects.aggregate(**{name: Count("*")}) == {name: 1}
    shown = named.values("name", name)
    assert list(shown.union(shown).order_by(name)) == [{"name": "a", name: 8}]


def test_keywords_that_are_options_elsewhere_are_names() -> None:
    """A dict from outside cannot turn a condition around, or join it otherwise."""
    City.objects.create(name="a", rank=1)
    for method in (City.objects.filter, City.objects.exclude, City.objects.get):
        for extra in ({"_connector": "or"}, {"_negated": True}):
            with pytest.raises(FieldError, match="does not exist on City"):
                method(**{"name": "b", **extra})
    with pytest.raises(FieldError, match="joins no conditions"):
        Q(name="a", _connector="OR 1=1")


@pytest.mark.parametrize("name", [None, 5, ["name"], {"a": 1}, b"name", True])
def test_what_is_no_name_does_not_mean_everything(name: Any) -> None:
    """`values(None)`, as JSON may ask for it, shows no other columns instead."""
    for place in (City.objects.values, City.objects.values_list, City.objects.only):
        with pytest.raises(FieldError):
            place(name)
    with pytest.raises(FieldError):
        City.objects.order_by(name)


# ------------------------------------------------------------------ names that may be anything

KEYS = [
    "plain",
    "a'b",
    'a"b',
    "a\\b",
    'a\\"b',
    "a%b",
    "%s",
    "%(x)s",
    ":x",
    "$",
    "$.a",
    "*",
    "**",
    "@",
    "#-1",
    "last",
    "[0]",
    "a]b",
    "a.b",
    "a b",
    "a--b",
    "';--",
    "\n\t",
    "é",
    "²",
    "٣",
    "😀",
    "-1",
    "9" * 30,
    "\\u0041",
    "A" * 400,
]


def test_keys_of_json_are_only_what_they_are(database: str) -> None:
    """Each finds its own value, alone, whatever it means in a path; a missing one finds none."""
    # MariaDB's paths lead to no key that begins with a minus.
    keys = [key for key in KEYS if not (database == "mariadb" and key[0] == "-")]
    rows = {key: Note.objects.create(key=str(n), data={key: n}) for n, key in enumerate(keys)}
    for number, (key, row) in enumerate(rows.items()):
        path = f"data__{key}"
        assert list(Note.objects.filter(**{path: number})) == [row], key
        assert Note.objects.get(**{f"{path}__isnull": False}) == row
        assert Note.objects.get(data__has_key=key) == row
        assert Note.objects.exclude(**{path: number}).count() == len(keys) - 1
        assert Note.objects.order_by(F(path).asc(nulls_last=True)).first() == row
        assert [one for one in Note.objects.values_list(path, flat=True) if one is not None] == [
            number
        ]
    assert Note.objects.filter(data__nowhere=0).count() == 0
    assert Note.objects.exclude(data__nowhere=0).count() == len(keys)
    with pytest.raises(FieldError, match="does not exist"):
        Note.objects.filter(**{"data__a\x00b": 1})
    with pytest.raises(FieldError, match="does not exist"):
        Note.objects.annotate(x=F("data")).filter(**{"x__" + "a__" * 50_000: 1})


def test_a_missing_key_equals_nothing() -> None:
    """Not even where the database says so of two documents of which one is NULL."""
    Note.objects.create(key="a", data={"x": 1})
    Note.objects.create(key="b", data=None)
    assert Note.objects.filter(data__y=5).count() == 0
    assert Note.objects.filter(data={"y": 5}).count() == 0
    assert Note.objects.filter(data__x=1).count() == 1
    assert Note.objects.exclude(data__y=5).count() == 2
    assert Note.objects.filter(~Q(data__x=2)).count() == 2


@pytest.mark.parametrize("text", [*KEYS, "\\", "\\'", "''", "%%"])
def test_literals_are_text(text: str) -> None:
    """Delimiters, keys of new JSON and values of every kind come out as they went in."""
    City.objects.create(name="a", rank=1)
    City.objects.create(name="b", rank=1)
    joined = City.objects.aggregate(x=StringAgg("name", text, order_by="name"))
    assert joined == {"x": f"a{text}b"}
    row = City.objects.annotate(
        made=JSONObject(**{text: "name"}),
        said=Concat("name", Value(text)),
        chosen=Case(When(name="a", then=Value(text)), default=Value("")),
    ).get(name="a")
    assert (row.made, row.said, row.chosen) == ({text: "a"}, f"a{text}", text)
    assert City.objects.aggregate(**{text: Count("*")}) == {text: 2}


DATABASE_NAMES: dict[str, Callable[[str], Any]] = {
    "collation": lambda name: Collate("name", name),
    "function": lambda name: Func("name", function=name),
}


@pytest.mark.parametrize("kind", DATABASE_NAMES)
def test_names_of_the_database_are_names(kind: str) -> None:
    """Of collations and functions; what is none never reaches a statement."""
    make = DATABASE_NAMES[kind]
    for name in ("a; DROP TABLE x", "a(", "a'b", 'a"b', "a b", "", "\n", "x" * 100_000, "ａ"):
        with pytest.raises(UndercroftError) as caught:
            City.objects.annotate(x=make(name))
        assert len(str(caught.value)) < 1_000


def test_backslashes_and_colons_in_raw_sql_are_themselves(database: str) -> None:
    """A query of one's own reaches the database as it was written."""
    City.objects.create(name="a", rank=1)
    text = r"SELECT id, name, rank, 'a\:b::c %% \\ \x' AS said FROM island_city WHERE name = %s"
    if database == "mariadb":
        text = text.replace("\\", "\\\\").replace("rank", "`rank`")
    [row] = City.objects.raw(text, ["a"])
    assert row.said == r"a\:b::c % \\ \x"  # type: ignore[attr-defined]  # a column of the query


@pytest.mark.parametrize("name", ["_sa_instance_state", "__class__", "save", "pk"])
def test_a_raw_column_hides_nothing(name: str) -> None:
    """A column may be called anything but what an instance needs."""
    City.objects.create(name="a", rank=1)
    with pytest.raises(FieldError, match="would hide City"):
        list(City.objects.raw(f"SELECT id, name, 1 AS {name} FROM island_city"))


# ------------------------------------------------------------------ exhaustion


def nest(levels: int) -> Q:
    q = Q(name="a")
    for _ in range(levels):
        q = ~Q(q, rank=1)
    return q


def test_nesting_has_an_end() -> None:
    """Deep conditions and expressions are an error with a code, not the end of the stack."""
    City.objects.create(name="a", rank=1)
    assert City.objects.filter(nest(38)).count() == 1
    total: Any = F("rank")
    for _ in range(5_000):
        total = total + 1
    for wrong in (
        lambda: City.objects.filter(nest(5_000)),
        lambda: City.objects.exclude(nest(5_000)),
        lambda: City.objects.annotate(x=total),
        lambda: City.objects.order_by(total),
        lambda: City.objects.update(rank=total),
        lambda: City.objects.aggregate(n=Count("*", filter=nest(5_000))),
    ):
        with pytest.raises(FieldError) as caught:
            wrong()
        assert caught.value.code == "db.too-deep"
    shallow = Q(*(Q(rank=n) for n in range(900)), _connector=Q.OR)
    assert City.objects.filter(shallow).count() == 1


@pytest.mark.parametrize("count", [16_384, 16_385, 33_000, 70_000])
def test_a_list_of_any_length(count: int, run: Callable[[Any], Any]) -> None:
    """Beyond what a protocol can number, in sync and in async code, kept and left out."""
    City.objects.bulk_create(City(name=f"c{n}", rank=n) for n in range(10))
    within = City.objects.filter(rank__in=range(5, count))
    assert (within.count(), run(within.acount())) == (5, 5)
    assert City.objects.exclude(rank__in=range(5, count)).count() == 5
    assert City.objects.filter(name__in=[f"c{n}" for n in range(9, count)]).get().rank == 9


def test_what_is_kept_of_names_has_an_end() -> None:
    """Strangers who send new names all the time make no cache grow without end."""
    lane = get_lane("default")
    for number in range(5_000):
        Note.objects.filter(**{f"data__k{number}": 1})
        Note.objects.order_by(f"data__o{number}")
    for number in range(300):
        names = [("region", "region")[digit == "1"] for digit in f"{number:b}"]
        City.objects.select_related(*names, *names)
    assert len(Note.__options__.lookups) <= 2_000
    assert len(City.__options__.lookups) <= 2_000
    assert MAX_COMPILED <= 4_000
    assert len(lane._compiled) <= MAX_COMPILED


def test_errors_are_short() -> None:
    """A mistake is shown by its first letters, whatever it is a mistake in."""
    long: Any = "x" * 100_000
    for wrong in (
        lambda: City.objects.filter(long),
        lambda: City.objects.annotate(x=long),
        lambda: City.objects.aggregate(x=long),
        lambda: City.objects.aggregate(**{long: Value(1)}),
        lambda: City.objects.dates("name", "year", long),
        lambda: City.objects.filter(rank__in=[long]),
        lambda: City.objects.filter(rank__range=long),
        lambda: City.objects.get(name=long),
        lambda: City.objects.raw("SELECT %s", {long: 1}),
        lambda: StringAgg("name", [long]),
        lambda: Collate("name", long),
        lambda: City.objects.order_by([long]),
    ):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - DoesNotExist among them
            wrong()
        assert isinstance(caught.value, UndercroftError)
        assert len(str(caught.value)) < 1_000
