"""Fields: what each holds comes back as it was; what it cannot hold is refused."""

import datetime as dt
import enum
import json
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.conftest import Run
from tests.db.gallery_models import (
    TAGGED,
    Exact,
    Floor,
    Grade,
    Size,
    Tagged,
    Thing,
    Tone,
    Ware,
    forget,
)
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.fields import uuids
from undercroft.db.schema import check_types
from undercroft.db.sessions import session
from undercroft.errors import FieldError, FieldValueError, ImproperlyConfigured


class Mixed(enum.Enum):
    ONE = 1
    TWO = "2"


class Bits(enum.Flag):
    ONE = 1
    TWO = 2


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
#: SQLite's text of a moment begins with a year of four digits, as SQLAlchemy writes it.
MOMENTS = st.datetimes(timezones=st.just(dt.UTC))
LENGTHS = st.timedeltas(dt.timedelta(days=-106_000_000), dt.timedelta(days=106_000_000))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def integers(bits: int, *, positive: bool = False) -> st.SearchStrategy[int]:
    limit = 1 << (bits - 1)
    return st.integers(0 if positive else -limit, limit - 1)


#: The versions in use; MariaDB refuses what no RFC describes.
UUIDS = st.sampled_from([1, 3, 4, 5]).flatmap(
    lambda version: st.uuids(version=version)
) | st.builds(models.uuid7)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "line": TEXT,
    "text": TEXT,
    "small": integers(16),
    "number": integers(32),
    "big": integers(64),
    "small_count": integers(16, positive=True),
    "count": integers(32, positive=True),
    "big_count": integers(64, positive=True),
    "ratio": st.floats(allow_nan=False, allow_infinity=False),
    "price": st.decimals(-99_999_999, 99_999_999, places=4),
    "flag": st.booleans(),
    "day": st.none() | st.dates(),
    "hour": st.none() | st.times(),
    "moment": st.none() | MOMENTS,
    "length": LENGTHS,
    "token": UUIDS,
    "data": JSON,
    "raw": st.binary(max_size=30),
    "ip": st.none() | st.ip_addresses().map(str),
    "tone": st.sampled_from(Tone),
    "grade": st.none() | st.sampled_from(Grade),
}

#: Each example makes rows in the test's one database, which is what is wanted.
EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.usefixtures("database")
@EXAMPLES
@given(values=st.fixed_dictionaries(VALUES))
def test_every_value_comes_back_as_it_was(values: dict[str, Any]) -> None:
    """An insert, a query by the value, and an update keep it exactly, with its type."""
    made = Thing.objects.create(**values)
    read = Thing.objects.get(pk=made.pk)
    for key in Thing._meta.keys:
        assert getattr(read, key) == getattr(made, key)
        assert type(getattr(read, key)) is type(getattr(made, key))
    asked = {key: value for key, value in values.items() if value is not None and key != "data"}
    assert Thing.objects.filter(pk=made.pk, **asked).exists()
    changed = Thing.objects.create()
    for key, value in values.items():
        setattr(changed, key, value)
    changed.save()
    read = Thing.objects.get(pk=changed.pk)
    assert {key: getattr(read, key) for key in values} == {
        key: getattr(made, key) for key in values
    }


@pytest.mark.usefixtures("database")
@EXAMPLES
@given(values=st.lists(st.tuples(MOMENTS, LENGTHS), min_size=2, max_size=4))
def test_time_is_compared_by_the_database_as_by_python(
    values: list[tuple[dt.datetime, dt.timedelta]],
) -> None:
    """Order of moments and of lengths of time is the same here and there."""
    Thing.objects.delete()
    for moment, length in values:
        Thing.objects.create(moment=moment, length=length)
    moment, length = values[0]
    assert Thing.objects.filter(moment__lt=moment).count() == sum(m < moment for m, _ in values)
    assert Thing.objects.filter(length__gte=length).count() == sum(x >= length for _, x in values)
    ordered = Thing.objects.order_by("length")
    assert [each.length for each in ordered] == sorted(x for _, x in values)


#: Sums that stay within the years 1 to 9999.
NEAR = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(3000, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001 - the strategy adds the zone
SHORT = st.timedeltas(dt.timedelta(days=-300_000), dt.timedelta(days=300_000))


@pytest.mark.usefixtures("database")
@EXAMPLES
@given(one=NEAR, other=NEAR, length=SHORT)
def test_time_adds_up_in_the_database_as_in_python(
    one: dt.datetime, other: dt.datetime, length: dt.timedelta
) -> None:
    """Moments and lengths of time are added and subtracted to the microsecond."""
    thing = Thing.objects.create(moment=one, length=length)
    terms = {
        Thing.moment + Thing.length: one + length,
        Thing.length + Thing.moment: one + length,
        Thing.moment - Thing.length: one - length,
        Thing.moment + length: one + length,
        Thing.moment - length: one - length,
        other + Thing.length: other + length,
        other - Thing.length: other - length,
        Thing.moment - other: one - other,
        other - Thing.moment: other - one,
        Thing.moment - Thing.moment: dt.timedelta(),
        Thing.length + length: length * 2,
        Thing.length - length: dt.timedelta(),
        length - Thing.length: dt.timedelta(),
        Thing.length * 3: length * 3,
        -Thing.length: -length,
    }
    with session() as opened:
        row = opened.execute(sa.select(*terms).where(Thing.id == thing.id)).one()
        halved = opened.scalar(sa.select(Thing.length / 2).where(Thing.id == thing.id))
    assert list(row) == list(terms.values())
    assert abs(halved - length / 2) <= dt.timedelta(microseconds=1)
    assert Thing.objects.filter(Thing.moment - other <= one - other, pk=thing.pk).exists()
    assert not Thing.objects.filter(Thing.moment + Thing.length > one + length, pk=thing.pk)


@pytest.mark.parametrize(
    "values",
    [
        {"line": "x" * 21},
        {"line": "a\x00b"},
        {"text": "\ud800"},
        {"small": 2**15},
        {"number": -(2**31) - 1},
        {"big": 2**63},
        {"small_count": -1},
        {"small_count": 2**15},
        {"count": -1},
        {"big_count": -1},
        {"price": Decimal(100000000)},
        {"day": "yesterday"},
        {"hour": "25:00"},
        {"moment": dt.datetime(2026, 1, 1)},  # noqa: DTZ001 - what is refused
        {"length": 5},
        {"length": dt.timedelta.max},
        {"token": "x"},
        {"raw": "text"},
        {"ip": "192.168.01.1"},
        {"ip": "::1%eth0"},
        {"ip": "192.0.2.1\n"},
        {"ip": "192.0.2.0/24"},
        {"ip": 5},
        {"tone": "hot"},
        {"grade": 3},
        {"grade": []},
    ],
)
@pytest.mark.usefixtures("database")
def test_what_does_not_fit_is_refused(values: dict[str, Any]) -> None:
    """The error names the field, or the driver's reason, before or instead of a wrong row."""
    (name,) = values
    with pytest.raises(FieldValueError) as caught:
        Thing.objects.create(**values)
    assert name in str(caught.value) or "surrogates" in str(caught.value)
    assert Thing.objects.count() == 0


@pytest.mark.parametrize(
    "assignment",
    ["small_count = -1", "count = -1", "big_count = -1", "tone = 'hot'", "grade = 3"],
)
@pytest.mark.usefixtures("database")
def test_the_database_itself_refuses_what_a_field_excludes(assignment: str) -> None:
    """Other programs that write to the table meet the same limits."""
    Thing.objects.create()
    engine = databases["default"].sync_engine
    with (
        pytest.raises(sa.exc.DBAPIError, match=r"(?i)check|constraint"),
        engine.begin() as connection,
    ):
        connection.execute(sa.text(f"UPDATE db_thing SET {assignment}"))


@pytest.mark.parametrize(
    "given, stored",
    [
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("::FFFF:C000:0201", "::ffff:192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
@pytest.mark.usefixtures("database")
def test_an_address_has_one_form(given: str, stored: str) -> None:
    """It is written, compared and found in its shortest form (RFC 5952)."""
    thing = Thing.objects.create(ip=given)
    assert thing.ip == Thing.objects.get().ip == stored
    assert Thing.objects.filter(ip=given).exists()
    assert Thing.objects.filter(ip__in=[given]).exists()
    assert Thing.objects.filter(ip__startswith=stored[:4]).exists()
    with session() as opened:
        assert opened.scalar(sa.select(Thing.ip).where(Thing.ip == given)) == stored


@pytest.mark.usefixtures("database")
def test_addresses_are_ordered_alike_everywhere() -> None:
    """Order is that of the characters, whatever language the database speaks."""
    given = ["9.0.0.1", "10.0.0.1", "100.0.0.1", "::1", "a::1", "1.1.1.1", "1.1.1.10"]
    for each in given:
        Thing.objects.create(ip=each)
    found = Thing.objects.order_by("ip")
    assert [each.ip for each in found] == sorted(given)


def test_the_protocol_of_an_address_is_kept_to() -> None:
    """A field of one protocol refuses the other; mapped addresses are unpacked on request."""
    from undercroft.db.fields.addresses import IPAddress

    assert IPAddress("both", unpack_ipv4=True).convert("::ffff:192.0.2.1") == "192.0.2.1"
    assert IPAddress("ipv4").convert("192.0.2.1") == "192.0.2.1"
    with pytest.raises(ValueError, match="ipv4"):
        IPAddress("ipv4").convert("::1")
    with pytest.raises(ValueError, match="ipv6"):
        IPAddress("ipv6").convert("192.0.2.1")


@pytest.mark.parametrize(
    "declare, message",
    [
        (lambda: models.GenericIPAddressField(protocol="ipv5"), "ipv5"),  # type: ignore[call-overload]
        (lambda: models.GenericIPAddressField(protocol="ipv4", unpack_ipv4=True), "both only"),
        (lambda: models.GenericIPAddressField(blank=True), "null=True"),
        (lambda: models.EnumField(Mixed), "all text"),
        (lambda: models.EnumField(Bits), "IntegerField"),
        (lambda: models.EnumField(Tone, max_length=3), "4 characters"),
        (lambda: models.IntegerField(db_default=object()), "written otherwise"),
        (lambda: models.DurationField(db_default=dt.timedelta(1)), "DurationField.*otherwise"),
        (lambda: models.CharField(max_length=5, indx=True), "no option 'indx'"),  # type: ignore[call-overload]
    ],
)
def test_options_that_mean_nothing_are_refused(declare: Callable[[], object], message: str) -> None:
    """The mistake is found where the field is declared."""
    with pytest.raises(ImproperlyConfigured, match=message):
        declare()


# ------------------------------------------------------------------ choices and enums


def test_choices_know_their_values_labels_and_names() -> None:
    """`TextChoices` and `IntegerChoices` are Django's: enums whose members have labels."""
    assert Size.choices == [("s", "Small"), ("l", "As large as it gets")]
    assert Floor.choices == [(0, "Ground"), (1, "First floor")]
    assert Size.values == ["s", "l"]
    assert Floor.labels == ["Ground", "First floor"]
    assert Floor.names == ["GROUND", "FIRST"]
    assert (Size.LARGE.label, Floor.FIRST.label) == ("As large as it gets", "First floor")
    assert Size("s") is Size.SMALL
    assert str(Size.SMALL) == f"{Size.SMALL}" == "s"
    assert str(Floor.FIRST) == "1"
    assert "s" in Size
    assert Size.SMALL in Size
    assert "x" not in Size
    assert json.dumps([Size.SMALL, Floor.FIRST]) == '["s", 1]'


def test_choices_may_name_what_nothing_chosen_is() -> None:
    """`__empty__` labels None, and `auto()` gives a member its name."""

    class Colour(models.TextChoices):
        RED = enum.auto()
        DARK_BLUE = enum.auto(), "Navy"
        __empty__ = "(none)"

    assert Colour.choices == [(None, "(none)"), ("RED", "Red"), ("DARK_BLUE", "Navy")]
    assert Colour.names[0] == "__empty__"


def test_choices_may_be_grouped() -> None:
    """Pairs, groups of pairs, mappings and enums all become pairs of value and label."""
    from undercroft.db.fields.options import FieldKind, build_info

    def list_choices(choices: Any) -> Any:
        info = build_info(FieldKind("CharField", sa.String(9), None, False), {"choices": choices})
        return info.choices, [heading for heading, _ in info.choice_groups]

    grouped = [("Sound", [("mp3", "MP3"), ("ogg", "Ogg")]), ("txt", "Text")]
    pairs = (("mp3", "MP3"), ("ogg", "Ogg"), ("txt", "Text"))
    assert list_choices(grouped) == (pairs, ["Sound", ""])
    assert list_choices({"Sound": {"mp3": "MP3", "ogg": "Ogg"}, "txt": "Text"}) == (
        pairs,
        ["Sound", ""],
    )
    assert list_choices(dict(pairs)) == (pairs, [""])
    assert list_choices(Tone)[0] == (("warm", "Warm"), ("cold", "Cold"))


def test_the_label_of_what_was_chosen_is_at_hand() -> None:
    """`get_FOO_display()` gives it; a value that is no choice is shown as it is."""
    thing: Any = Thing(size="l", floor=1, grade=Grade.HIGH)
    assert thing.get_size_display() == "As large as it gets"
    assert thing.get_floor_display() == "First floor"
    assert thing.get_tone_display() == "Warm"
    assert thing.get_grade_display() == "High"
    thing.size, thing.grade = "?", None
    assert thing.get_size_display() == "?"
    assert thing.get_grade_display() == ""
    assert not hasattr(thing, "get_line_display")


def test_a_label_method_of_ones_own_is_kept() -> None:
    """A model that defines `get_FOO_display` itself is left alone."""

    class Spoken(models.Model):
        size = models.CharField(max_length=1, choices=Size)

        def get_size_display(self) -> str:
            return f"very {self.size}"

    assert Spoken(size="s").get_size_display() == "very s"
    forget(Spoken)


@pytest.mark.usefixtures("database")
def test_a_member_is_stored_by_its_value() -> None:
    """Members and values are accepted; members come back, also to plain SQLAlchemy."""
    thing = Thing.objects.create(tone="cold", grade=1, floor=Floor.FIRST)
    assert (thing.tone, thing.grade) == (Tone.COLD, Grade.LOW)
    assert Thing.objects.filter(tone=Tone.COLD, grade__in=[1, Grade.HIGH]).count() == 1
    assert Thing.objects.get().floor == 1
    with session() as opened:
        assert opened.scalars(sa.select(Thing.tone)).all() == [Tone.COLD]
        assert opened.scalar(sa.text("SELECT tone FROM db_thing")) == "cold"


# ------------------------------------------------------------------ defaults and generated values


def test_text_that_may_be_blank_is_empty_by_itself() -> None:
    """As Django's users expect; where NULL or the database's default may stand, they do."""
    assert Thing().size == ""
    info = Thing._meta.get_field("size")
    assert info.get_default() == ""
    assert Ware().shelf is None
    assert not Thing._meta.get_field("moment").has_default


@pytest.mark.usefixtures("database")
def test_the_database_fills_in_what_it_computes() -> None:
    """Defaults of the database and generated columns are there after a save, and follow changes."""
    ware = Ware.objects.create(name="cup", price=Decimal("2.50"))
    assert (ware.number, ware.total, ware.doubled) == (7, Decimal("17.50"), 14)
    ware.number = 3
    ware.save()
    assert (ware.total, ware.doubled) == (Decimal("7.50"), 6)
    assert Ware.objects.filter(total__lt=8, doubled=6).exists()
    copy = Ware.objects.get()
    copy.pk, copy.sold, copy.price = None, True, Decimal(1)
    copy.save()
    assert copy.total == Decimal("3.00")


@pytest.mark.usefixtures("database")
def test_nobody_sets_what_the_database_computes() -> None:
    """A generated field that is set is an error that names it."""
    ware = Ware.objects.create(name="cup", price=1)
    ware.total = Decimal(5)
    with pytest.raises(FieldValueError, match=r"Ware\.total: expected no value"):
        ware.save()
    with pytest.raises(FieldValueError, match=r"Ware\.doubled"):
        Ware.objects.update(doubled=5)


def test_what_the_database_says_of_a_column_is_kept() -> None:
    """`db_comment` and `db_table_comment` reach the table, `db_index` is an index."""
    table = Ware.__table__
    assert isinstance(table, sa.Table)
    assert table.c.name.comment == "As on the shelf."
    assert table.comment == "What is for sale."
    assert "ix_db_ware_name" in {str(index.name) for index in table.indexes}


# ------------------------------------------------------------------ single kinds


def test_a_decimal_of_more_digits_than_sqlite_keeps_is_refused(database: str) -> None:
    """Rather than another number, SQLite is given none."""
    for text in ("123456789012345", "12345.6789012345", "1234567890000000000"):
        made = Exact.objects.create(number=Decimal(text))
        assert Exact.objects.get(pk=made.pk).number == Decimal(text)
    long = Decimal("1234567890123456.5")
    if database == "sqlite":
        with pytest.raises(FieldValueError, match="SQLite keeps 15 digits"):
            Exact.objects.create(number=long)
    else:
        made = Exact.objects.create(number=long)
        assert Exact.objects.get(pk=made.pk).number == long


on_postgresql = pytest.mark.parametrize(
    "database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def tagged(database: str) -> Iterator[type[Tagged]]:
    """The model with arrays, with its table."""
    assert database == "postgresql"
    TAGGED.create(databases["default"].sync_engine)
    yield Tagged
    TAGGED.drop(databases["default"].sync_engine)


@pytest.mark.parametrize("vendor", ["sqlite", "mariadb", "mysql"])
def test_arrays_are_refused_where_there_are_none(vendor: str) -> None:
    """Tables with arrays are made on PostgreSQL only, and the error says so."""
    check_types([TAGGED], "postgresql")
    with pytest.raises(ImproperlyConfigured, match=f"ArrayField, which {vendor} does not know"):
        check_types([TAGGED], vendor)


@on_postgresql
def test_arrays_hold_what_their_base_field_does(tagged: type[Tagged], run: Run) -> None:
    """Lists, lists of lists and their values come back, by either driver, changes included."""
    values: dict[str, Any] = {
        "tags": ["a", 'b,{}"'],
        "counts": [1, None, 3],
        "grid": [[1, 2], [3, 4]],
        "moments": [dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC)],
        "prices": [Decimal("1.50")],
        "tones": [Tone.COLD],
    }
    made = tagged.objects.create(**values)
    for read in (tagged.objects.get(), run(tagged.objects.aget())):
        assert {key: getattr(read, key) for key in values} == values
    read = tagged.objects.get()
    read.tags.append("c")
    read.save()
    assert tagged.objects.get().tags == ["a", 'b,{}"', "c"]
    assert run(tagged.objects.acreate(**values)).tones == [Tone.COLD]
    assert tagged.objects.filter(tags=made.tags).count() == 1
    tagged.objects.update(prices=["2.005"], tones=["warm"])
    assert tagged.objects.filter(prices=[Decimal("2.01")], tones=[Tone.WARM]).count() == 2


@on_postgresql
@pytest.mark.parametrize(
    "values",
    [
        {"tags": "abc"},
        {"tags": ["too long"]},
        {"tags": [None]},
        {"tags": [5]},
        {"counts": [-1]},
        {"counts": [1, 2, 3, 4]},
        {"grid": [["x"]]},
        {"moments": [1]},
        {"tones": ["hot"]},
    ],
)
def test_an_array_refuses_what_its_base_field_refuses(
    tagged: type[Tagged], values: dict[str, Any]
) -> None:
    """Each value is checked, and the length of the list."""
    (name,) = values
    with pytest.raises(FieldValueError, match=name):
        tagged.objects.create(**values)


@EXAMPLES
@given(batch=st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=5))
def test_async_code_reads_and_writes_the_same(
    database: str, run: Run, batch: list[dict[str, Any]]
) -> None:
    """The other driver stores and gives back each value as well."""

    async def main() -> list[tuple[Thing, Thing]]:
        made = [await Thing.objects.acreate(**values) for values in batch]
        return [(each, await Thing.objects.aget(pk=each.pk)) for each in made]

    for made, read in run(main()):
        for key in Thing._meta.keys:
            assert getattr(read, key) == getattr(made, key)
            # asyncpg has a UUID of its own, which is one of Python's.
            assert isinstance(getattr(read, key), type(getattr(made, key)))


def test_uuids_of_version_7_are_in_order() -> None:
    """They sort as they were made, hold the time, and are of the right version (RFC 9562)."""
    before = dt.datetime.now(dt.UTC).timestamp()
    made = [models.uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert {each.version for each in made} == {7}
    assert {each.variant for each in made} == {uuid.RFC_4122}
    assert abs((made[0].int >> 80) / 1000 - before) < 5


def test_uuids_stay_in_order_when_the_clock_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is set back, and a counter that runs over, make no smaller one."""
    first = models.uuid7()
    monkeypatch.setattr(uuids.time, "time_ns", lambda: 1_000_000)
    second = models.uuid7()
    assert first < second
    uuids._clock.counter = (1 << 42) - 1
    third, fourth = models.uuid7(), models.uuid7()
    assert second < third < fourth
    assert third.int >> 80 == (second.int >> 80) + 1
    uuids._forget()


def test_uuids_of_threads_and_processes_differ() -> None:
    """Threads share one counter; a forked child begins one of its own."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: [models.uuid7() for _ in range(500)], range(8)))
    assert len({each for batch in made for each in batch}) == 4000
    if not hasattr(os, "fork"):
        return
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, models.uuid7().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    theirs, ours = uuid.UUID(bytes=os.read(read, 16)), models.uuid7()
    os.close(read)
    os.close(write)
    assert theirs.int & (2**74 - 1) != ours.int & (2**74 - 1)


def test_a_model_describes_its_fields_under_djangos_name() -> None:
    """`_meta` is what `__options__` is, with Django's names."""
    meta = Ware._meta
    assert meta is Ware.__options__
    assert (meta.model_name, meta.object_name, meta.label_lower) == ("ware", "Ware", "db.ware")
    assert meta.get_field("even").help_text == "No odd ones."
    assert meta.get_field("even").name == "even"
    assert meta.get_field("pk") is meta.pk is meta.get_field("id")
    assert meta.get_latest_by == ("made",)
    assert Thing._meta.get_field("big_count").label == "big count"
    assert Thing._meta.get_field("big_count").range == (0, 2**63 - 1)
    assert Thing._meta.get_field("line").range is None
    with pytest.raises(FieldError, match="Did you mean 'number'"):
        meta.get_field("numbr")
