"""Dumping rows to files and loading them: nothing is lost, nothing is half-loaded."""

import datetime as dt
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.fixture_models import (
    SAMPLES,
    Chapter,
    City,
    Club,
    Country,
    Guide,
    Member,
    Sample,
    Seat,
    Ticket,
)
from undercroft.db import atomic
from undercroft.db.connections.databases import databases
from undercroft.db.fixtures import (
    DumpOptions,
    LoadOptions,
    adump_data,
    aload_data,
    dump_data,
    load_data,
)
from undercroft.db.sessions import session
from undercroft.errors import FixtureError, ForeignKeyViolation

pytestmark = pytest.mark.usefixtures("database")

FORMATS = ["rows.json", "rows.jsonl", "rows.json.gz", "rows.ndjson.gz"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for files; the database has another one."""
    path = tmp_path / "files"
    path.mkdir()
    return path


def make_samples() -> None:
    """Insert rows that have every sample of every column."""
    for n in range(max(map(len, SAMPLES.values()))):
        values = {name: values[n] for name, values in SAMPLES.items() if n < len(values)}
        Sample.objects.create(**values)


def read_rows(*all_models: type[Any]) -> list[list[dict[str, Any]]]:
    return [
        [{key: getattr(row, key) for key in model.__options__.keys} for row in rows]
        for model in all_models
        for rows in [list(model.objects.order_by("pk"))]
    ]


def write(path: Path, *records: object) -> Path:
    """Write a fixture by hand."""
    path.write_text(json.dumps(records), "utf-8")
    return path


def record(model: type[Any], pk: object = None, **fields: object) -> dict[str, Any]:
    label = f"{model.__options__.app_label}.{model.__name__.lower()}"
    return {"model": label, "pk": pk, "fields": fields}


@pytest.mark.parametrize("name", FORMATS)
def test_every_value_comes_back_as_it_was(folder: Path, name: str) -> None:
    """Values of all types survive a dump and a load, in each format."""
    make_samples()
    before = read_rows(Sample)
    assert dump_data(folder / name, DumpOptions(labels=["db.Sample"])) == {"db.sample": 6}
    Sample.objects.delete()
    assert load_data(folder / name) == {"db.sample": 6}
    after = read_rows(Sample)
    assert after == before
    types = [[type(value) for value in row.values()] for row in after[0]]
    assert types == [[type(value) for value in row.values()] for row in before[0]]
    assert [path.name for path in folder.iterdir()] == [name]


def test_a_file_is_what_django_writes(folder: Path) -> None:
    """Records have Django's names, order and form of values."""
    moment = dt.datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=dt.UTC)
    Sample.objects.create(
        moment=moment, raw=b"\x00\xff", length=dt.timedelta(days=1, seconds=5), touched=moment
    )
    path = folder / "rows.json"
    dump_data(path, DumpOptions(labels=["db.sample"], indent=2))
    (found,) = json.loads(path.read_text("utf-8"))
    assert list(found) == ["model", "pk", "fields"]
    assert (found["model"], found["pk"]) == ("db.sample", 1)
    assert found["fields"]["moment"] == "2026-02-03T04:05:06.789000Z"
    assert found["fields"]["raw"] == "AP8="
    assert found["fields"]["length"] == "1 00:00:05"
    assert found["fields"]["renamed"] == 3
    assert "id" not in found["fields"]


def test_a_fixture_of_django_is_loaded(folder: Path) -> None:
    """What Django's `dumpdata` writes, its short times and text of numbers, is understood."""
    fields = {
        "moment": "2026-02-03T04:05:06.789Z",
        "hour": "04:05:06.789",
        "price": "1.5000000000",
        "ratio": 2,
        "length": "P1DT02H00M05S",
        "token": "80000000-0000-0000-0000-000000000005",
    }
    load_data(write(folder / "initial.json", record(Sample, 7, **fields)))
    sample = Sample.objects.get(id=7)
    assert sample.moment == dt.datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=dt.UTC)
    assert sample.hour == dt.time(4, 5, 6, 789000)
    assert sample.length == dt.timedelta(days=1, hours=2, seconds=5)
    assert (sample.ratio, str(sample.token)) == (2.0, fields["token"])
    assert (sample.stock, sample.renamed) == (7, 3)


def test_rows_that_are_there_are_changed(folder: Path) -> None:
    """Loading twice is loading once; only what a record names is changed."""
    Ticket.objects.create(code="a", seat=1)
    Seat.objects.create(row="A", number=1, note="old")
    path = write(
        folder / "rows.json",
        record(Ticket, "a", seat=5),
        record(Ticket, "b", seat=6),
        record(Ticket, "b", seat=7),
        record(Seat, ["A", 1], note="new"),
        record(Seat, ["A", 2]),
        {"model": "fixtures.SEAT", "fields": {"row": "B", "number": 3}},
    )
    for _ in range(2):
        load_data(path)
        assert list(Ticket.objects.order_by("code").values_list("code", "seat")) == [
            ("a", 5),
            ("b", 7),
        ]
        assert read_seats() == [("A", 1, "new"), ("A", 2, ""), ("B", 3, "")]


def read_seats() -> list[tuple[str, int, str]]:
    return list(Seat.objects.order_by("row", "number").values_list("row", "number", "note"))


def test_keys_of_several_columns_are_lists(folder: Path) -> None:
    """A dump reads rows with such keys in several steps, and a load finds them again."""
    with session() as opened:
        opened.add_all([Seat(row=f"r{n % 7}", number=n, note=str(n)) for n in range(2_345)])
        opened.commit()
    before = read_seats()
    dump_data(folder / "rows.jsonl", DumpOptions(labels=["fixtures.seat"]))
    first = json.loads((folder / "rows.jsonl").read_text("utf-8").partition("\n")[0])
    assert first["pk"] == ["r0", 0]
    Seat.objects.delete()
    assert load_data(folder / "rows.jsonl") == {"fixtures.seat": 2_345}
    assert read_seats() == before


def make_cycle() -> None:
    """Insert clubs and members that refer to each other, forward and backward."""
    first = Member.objects.create(name="Ada")
    second = Member.objects.create(name="Bob", parent=first)
    club = Club.objects.create(name="Bridge", head=second)
    Member.objects.update(club=club)
    third = Member.objects.create(name="Cem", parent=second, club=club)
    Member.objects.filter(id=first.id).update(parent=third)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_rows_may_refer_to_each_other_in_any_order(folder: Path, is_reversed: bool) -> None:
    """Cycles, trees and references to later records are loaded on every database."""
    make_cycle()
    before = read_rows(Member, Club)
    path = folder / "rows.json"
    dump_data(path, DumpOptions(labels=["fixtures.club", "fixtures.member"]))
    records = json.loads(path.read_text("utf-8"))
    empty_cycle()
    if is_reversed:
        write(path, *reversed(records))
    assert load_data(path) == {"fixtures.member": 3, "fixtures.club": 1}
    assert read_rows(Member, Club) == before


def empty_cycle() -> None:
    Member.objects.update(club=None, parent=None)
    Club.objects.delete()
    Member.objects.delete()


def test_files_may_be_in_any_order(folder: Path) -> None:
    """What one file refers to may come in the next."""
    cities = write(folder / "cities.json", record(City, 1, country=1, name="Rome"))
    countries = write(folder / "countries.json", record(Country, 1, code="IT", name="Italy"))
    load_data(cities, countries)
    assert City.objects.get(country__code="IT").name == "Rome"


@pytest.mark.parametrize("natural_primary", [False, True])
def test_natural_keys_stand_for_numbers(folder: Path, natural_primary: bool) -> None:
    """Rows find each other by natural keys where the numbers are others, or none."""
    italy = Country.objects.create(code="IT", name="Italy")
    rome = City.objects.create(country=italy, name="Rome")
    paris = City.objects.create(
        country=Country.objects.create(code="FR", name="France"), name="Paris", twin=rome
    )
    City.objects.filter(id=rome.id).update(twin=paris)
    path = folder / "rows.json"
    dump_data(
        path,
        DumpOptions(
            labels=["fixtures.city", "fixtures.country"],
            natural_foreign=True,
            natural_primary=natural_primary,
        ),
    )
    records = json.loads(path.read_text("utf-8"))
    assert [each["model"] for each in records] == ["fixtures.country"] * 2 + ["fixtures.city"] * 2
    assert records[2]["fields"] == {"country": ["IT"], "name": "Rome", "twin": ["FR", "Paris"]}
    assert ("pk" in records[2]) is not natural_primary
    City.objects.delete()
    Country.objects.delete()
    if natural_primary:
        # Other numbers than before, and one row that is there already.
        Country.objects.create(id=77, code="FR", name="old")
    for _ in range(2):
        load_data(path)
        assert City.objects.count() == 2
        assert City.objects.get(name="Rome").twin.name == "Paris"
        assert City.objects.get(name="Paris").country.name == "France"
        assert City.objects.get(name="Paris").twin.country.code == "IT"


def make_guides() -> None:
    """Insert guides with relations of every kind."""
    italy = Country.objects.create(code="IT", name="Italy")
    france = Country.objects.create(code="FR", name="France")
    rome = City.objects.create(country=italy, name="Rome")
    first, second, third = (Guide.objects.create(title=title) for title in ("A", "B", "C"))
    first.countries.add(france, italy)
    second.countries.add(italy)
    first.friends.add(second, third)
    Chapter.objects.create(guide=first, city=rome, page=7)


def read_guides() -> list[Any]:
    return [
        (
            guide.title,
            sorted(country.code for country in guide.countries.all()),
            sorted(friend.title for friend in guide.friends.all()),
            [city.name for city in guide.cities.all()],
        )
        for guide in Guide.objects.order_by("title")
    ]


@pytest.mark.parametrize("is_natural", [False, True])
def test_relations_of_many_to_many_are_lists(folder: Path, is_natural: bool) -> None:
    """A record lists them among its fields, before their rows or after; a load leaves no others."""
    make_guides()
    before = read_guides()
    path = folder / "rows.json"
    dump_data(path, DumpOptions(labels=["fixtures"], natural_foreign=is_natural))
    records = json.loads(path.read_text("utf-8"))
    models = [each["model"] for each in records]
    assert "fixtures.chapter" in models
    assert not [label for label in models if "guide_" in label]
    guide = next(each for each in records if each["fields"].get("title") == "A")
    listed = [["FR"], ["IT"]] if is_natural else [1, 2]
    assert sorted(guide["fields"]["countries"]) == listed
    assert "cities" not in guide["fields"]
    write(path, *reversed(records))
    for change in (lambda: None, empty_guides, change_guides):
        change()
        load_data(path)
        assert read_guides() == before


def empty_guides() -> None:
    for model in (Chapter, Guide, City, Country):
        model.objects.all().delete()


def change_guides() -> None:
    Guide.objects.get(title="A").countries.set([])
    Guide.objects.get(title="C").countries.set(Country.objects.all())


@pytest.mark.parametrize(
    "listed, message",
    [
        ([99], r"'countries' lists 99, which is no Country"),
        (5, "expected a list"),
        (["x"], "whole"),
    ],
)
def test_a_wrong_list_is_named(folder: Path, listed: object, message: str) -> None:
    """What is listed must be there, and a list."""
    path = write(folder / "bad.json", record(Guide, 1, title="A", countries=listed))
    with pytest.raises(FixtureError, match=rf"bad.json, record 1 .*{message}"):
        load_data(path)
    assert Guide.objects.count() == 0


def test_a_manager_of_ones_own_hides_nothing(folder: Path) -> None:
    """A dump has all rows, and a load changes those that queries leave out."""
    load_data(write(folder / "rows.json", record(Country, 1, code="XX", name="hidden")))
    assert Country.objects.count() == 0
    path = folder / "dump.json"
    dump_data(path, DumpOptions(labels=["fixtures.country"], natural_foreign=True))
    assert json.loads(path.read_text("utf-8"))[0]["fields"]["code"] == "XX"
    load_data(write(folder / "rows.json", record(Country, 1, code="YY", name="shown")))
    assert Country.objects.get(pk=1).code == "YY"


def test_counters_go_on_behind_loaded_keys(folder: Path) -> None:
    """A row inserted after a load gets a key of its own."""
    load_data(write(folder / "rows.json", record(Country, 500, code="IT", name="Italy")))
    assert Country.objects.create(code="FR", name="France").id == 501
    load_data(write(folder / "rows.json", record(Country, 3, code="ES", name="Spain")))
    assert Country.objects.create(code="DE", name="Germany").id == 502


BAD = [
    (
        [record(Ticket, "b", seat="many")],
        r"record 2 \(fixtures.ticket, pk 'b'\).*'many'.*seat.*16|32",
    ),
    ([record(Ticket, "b", seat=None)], "value None does not fit Ticket.seat: expected a value"),
    ([record(Ticket, "b", seat=1, seet=2)], "'seet' does not exist on Ticket. Did you mean 'seat'"),
    ([record(Ticket, "x" * 30, seat=1)], "Ticket.pk: expected at most 20 characters"),
    ([record(Sample, 1, raw="%%%")], "Sample.raw: expected bytes in Base64"),
    ([record(Sample, 1, length="soon")], "Sample.length: expected a length of time"),
    ([record(Sample, 1, moment="2026-01-01T00:00:00")], "Sample.moment: expected an aware"),
    ([record(Sample, 1, number=1e30)], "Sample.number: expected a whole number"),
    ([record(City, 1, country=["XX"], name="?")], "natural key of a Country that is there"),
    ([record(City, 1, country=["X", "Y"], name="?")], "expected a natural key"),
    ([record(Seat, "A", note="x")], "Seat.pk: expected a list of 2 values"),
    ([{"model": "fixtures.tiket"}], "'fixtures.tiket' is no model. Did you mean 'fixtures.ticket'"),
    ([{"model": 5}], "record 2 is .* expected an object"),
    (["text"], "behind record 1"),
    ([record(Ticket, "b", seat=2), record(Ticket, "c")], r"record 3 .*refuses the row"),
]


@pytest.mark.parametrize("records, message", BAD)
def test_a_bad_record_is_named_and_nothing_is_loaded(
    folder: Path, records: list[Any], message: str
) -> None:
    """The error has file, record, model, field and value; the database stays as it was."""
    path = write(folder / "bad.json", record(Ticket, "good", seat=1), *records)
    with pytest.raises(FixtureError, match=message) as caught:
        load_data(path)
    assert "bad.json" in str(caught.value)
    assert Ticket.objects.count() == 0


def test_the_database_names_the_row_it_refuses(folder: Path) -> None:
    """Of many rows sent together, the one that breaks a constraint is named."""
    rows = [record(Country, n, code=f"{n:02}", name="x") for n in range(50)]
    rows[31] = record(Country, 31, code="07", name="twice")
    with pytest.raises(FixtureError, match=r"record 32 \(fixtures.country, pk 31\).*Country.code"):
        load_data(write(folder / "bad.json", *rows))
    assert Country.objects.count() == 0


def test_a_row_that_refers_to_none_is_named(folder: Path) -> None:
    """A foreign key without its target is an error, also where the database looks later."""
    path = write(
        folder / "bad.json",
        record(Country, 1, code="IT", name="Italy"),
        record(City, 1, country=99, name="Rome"),
    )
    with pytest.raises(FixtureError, match=r"record 2 \(fixtures.city, pk 1\)"):
        load_data(path)
    assert Country.objects.count() == 0
    with pytest.raises(ForeignKeyViolation):
        City.objects.create(country_id=99, name="Rome")


DEEP = '[{"model": "fixtures.ticket", "fields": ' + '{"a":' * 50_000
BROKEN = ["", "{}", "[", "[1]", '[{"model": "x"', "[{}", "[NaN]", "[{},]", "\xff", DEEP]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_files_are_refused(folder: Path, text: str) -> None:
    """Whatever a file holds, the answer is an error that names it, and no memory is spent."""
    for name in ("broken.json", "broken.jsonl"):
        content = text or "{" if name.endswith("l") else text
        (folder / name).write_bytes(content.encode("latin-1"))
        with pytest.raises(FixtureError, match=r"broken\.json"):
            load_data(folder / name)
    (folder / "broken.json.gz").write_bytes(gzip.compress(b"[" * 1000)[:-9])
    with pytest.raises(FixtureError, match=r"broken\.json\.gz"):
        load_data(folder / "broken.json.gz")


def test_files_that_cannot_be_read_or_written(folder: Path) -> None:
    """Missing files, folders and unknown endings are errors of ours."""
    for name, code in [("none.json", "fixtures.file"), ("rows.xml", "fixtures.format")]:
        with pytest.raises(FixtureError) as caught:
            load_data(folder / name)
        assert caught.value.code == code
    with pytest.raises(FixtureError, match="cannot be written"):
        dump_data(folder / "no" / "rows.json")
    with pytest.raises(FixtureError, match=r"'fixtures\.nobody' is no model"):
        dump_data(io.BytesIO(), DumpOptions(labels=["fixtures.nobody"]))


def test_a_dump_that_fails_leaves_the_old_file(folder: Path) -> None:
    """A file is replaced only by a complete one."""
    path = folder / "rows.json"
    path.write_text("old", "utf-8")
    Ticket.objects.create(code="a", seat=1)

    def fail(_label: str, _count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dump_data(path, DumpOptions(labels=["fixtures.ticket"], on_rows=fail))
    assert [each.read_text("utf-8") for each in folder.iterdir()] == ["old"]


def test_unknown_names_can_be_passed_over(folder: Path) -> None:
    """`ignore_unknown` leaves out models and fields that are gone since."""
    path = write(
        folder / "rows.json",
        {"model": "gone.model", "pk": 1, "fields": {}},
        record(Ticket, "a", seat=1, gone=True),
    )
    assert load_data(path, options=LoadOptions(ignore_unknown=True)) == {"fixtures.ticket": 1}


def test_a_dump_can_be_narrowed() -> None:
    """Apps, models, exclusions and keys choose what is dumped."""
    for n in range(3):
        Ticket.objects.create(code=f"t{n}", seat=n)
    assert dump({"labels": ["fixtures"], "exclude": ["fixtures.Ticket"]}) == []
    assert dump({"exclude": ["db"]}) == dump({"labels": ["fixtures.ticket"]})
    assert dump({"labels": ["fixtures.ticket"], "pks": ["t0", "t2"]}) == ["t0", "t2"]
    with pytest.raises(FixtureError, match="expected one"):
        dump({"pks": ["t0"]})


def dump(options: dict[str, Any]) -> list[Any]:
    stream = io.BytesIO()
    dump_data(stream, DumpOptions(**options))
    return [each["pk"] for each in json.loads(stream.getvalue())]


def write_something() -> None:
    Ticket.objects.filter(seat__gt=1_200).delete()
    Ticket.objects.create(code="99999", seat=0)
    Country.objects.create(code="ZZ", name="x")


def test_a_dump_sees_one_moment(folder: Path) -> None:
    """What others write while a dump runs is not in it, and they need not wait."""
    with session() as opened:
        opened.add_all([Ticket(code=f"{n:05}", seat=n) for n in range(1_500)])
        opened.commit()
    written: list[int] = []

    def interfere(_label: str, count: int) -> None:
        if not written:
            # In another thread, which has no part in the dump's transaction.
            thread = Thread(target=write_something)
            thread.start()
            thread.join(timeout=10)
        written.append(count)

    labels = ["fixtures.ticket", "fixtures.country"]
    counts = dump_data(folder / "a.jsonl", DumpOptions(labels=labels, on_rows=interfere))
    assert counts == {"fixtures.ticket": 1_500, "fixtures.country": 0}
    assert (Ticket.objects.count(), Country.objects.count()) == (1_202, 1)


def test_both_take_part_in_an_open_transaction(folder: Path) -> None:
    """A dump sees what its transaction wrote; a load is rolled back with it."""

    def work() -> None:
        Ticket.objects.create(code="a", seat=1)
        assert dump_data(folder / "a.json")["fixtures.ticket"] == 1
        load_data(write(folder / "b.json", record(Ticket, "b", seat=1)))
        with pytest.raises(FixtureError):
            load_data(write(folder / "c.json", record(Ticket, "c", seat=None)))
        assert Ticket.objects.count() == 2
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        atomic()(work)()
    assert Ticket.objects.count() == 0


def test_async_code_dumps_and_loads(folder: Path, run: Run) -> None:
    """The twins work on the loop, within a transaction of async code as well."""

    async def main() -> None:
        await Ticket.objects.acreate(code="a", seat=1)
        await adump_data(folder / "a.json", DumpOptions(labels=["fixtures.ticket"]))
        await Ticket.objects.adelete()
        await aload_data(folder / "a.json")
        async with atomic():
            await Ticket.objects.acreate(code="b", seat=1)
            counts = await adump_data(folder / "b.json", DumpOptions(labels=["fixtures.ticket"]))
            assert counts == {"fixtures.ticket": 2}
            await Ticket.objects.adelete()
            await aload_data(folder / "b.json")
            assert await Ticket.objects.acount() == 2
        assert await Ticket.objects.acount() == 2

    run(main())


def test_blocking_calls_are_refused_on_the_loop(run: Run) -> None:
    """The error names the twin."""

    async def main() -> None:
        for call in (dump_data, load_data):
            with pytest.raises(Exception, match=f"await a{call.__name__}"):
                call(Path("x.json"))

    run(main())


@pytest.fixture
def replica(database: str, tmp_path: Path) -> Iterator[None]:
    """A second database."""
    urls = {alias: known.url for alias, known in databases.items()}
    databases.configure({**urls, "other": f"sqlite:///{tmp_path / 'other.sqlite3'}"})
    from undercroft import models

    models.create_all("other")
    yield
    databases["other"].dispose()


@pytest.mark.usefixtures("replica")
def test_rows_move_between_databases(folder: Path) -> None:
    """What one database dumps another one loads, whatever kind it is."""
    make_samples()
    path = folder / "rows.jsonl"
    dump_data(path, DumpOptions(labels=["db.sample"]))
    load_data(path, options=LoadOptions(using="other"))
    here, there = (
        [[getattr(row, key) for key in Sample.__options__.keys] for row in rows]
        for rows in (Sample.objects.order_by("id"), Sample.objects.using("other").order_by("id"))
    )
    assert here == there
