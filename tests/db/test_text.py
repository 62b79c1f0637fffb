"""Text and bytes that others may have chosen: stored as they are, compared alike, never SQL."""

import datetime as dt
import math
import uuid
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from tests.db.conftest import Run
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.errors import IntegrityError

pytestmark = pytest.mark.usefixtures("database")


class Note(models.Model):
    key = models.CharField(max_length=80, unique=True)
    text = models.TextField(default="", index=True)
    blob: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    ratio = models.FloatField(null=True)
    moment = models.DateTimeField(null=True)
    data = models.JSONField(null=True)

    class Meta:
        db_table = "text_note"


HOSTILE = [
    "' OR 1=1 -- ",
    "\\' OR 1=1 -- ",
    "\\\\' OR 1=1 -- ",
    '" OR 1=1 -- ',
    "'; DROP TABLE text_note; -- ",
    "x\\",
    "\\",
    "''",
    "\\'\\\"\\`",
    "%",
    "%s %(x)s %% %d",
    "? $1 :name {0} @x",
    "_",
    "[a-z]*?",
    "\n\r\t\b\x1a\x7f",
    "/*! SLEEP(9) */ # x",
    "\u00bf\u0027 OR 1=1 -- ",
    "\uff07 \u2019 \u02bc OR 1=1",
    "¥' ₩' 日本語'",
    "😀' 🏴󠁧󠁢󠁷󠁬󠁳󠁿\\'",
    "\ufeff\u200b\u202e",
    "Zalgo e\u0301\u0323",
]
BYTES = [
    b"",
    b"\x00",
    b"'\\\"\x00\n\x1a",
    bytes(range(256)),
    b"\xbf' OR 1=1 -- ",
    b"\xf0\x9f\x98' \xe5'",
    b"\\" * 33 + b"'",
    b"%s %%",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str, run: Run) -> None:
    """In every place a value can stand it comes back as it was, and finds itself alone."""
    Note.objects.create(key="other", text="other")
    note = Note.objects.create(key=text, text=text, data={text: [text]})
    assert Note.objects.get(key=text) == note
    found = Note.objects.get(id=note.id)
    assert (found.key, found.text, found.data) == (text, text, {text: [text]})
    for count in (
        Note.objects.filter(text=text).count(),
        Note.objects.filter(text__in=[text, "no"]).count(),
        Note.objects.filter(text__contains=text).count(),
        Note.objects.filter(text__startswith=text, text__endswith=text).count(),
        Note.objects.filter(text__icontains=text).count(),
        Note.objects.filter(text__iexact=text).count(),
        Note.objects.filter(Note.text == text).count(),
        Note.objects.exclude(text=text).count(),
        Note.objects.filter(text__gte=text, text__lte=text).count(),
        Note.objects.filter(id=note.id).update(text=text + "!"),
        Note.objects.filter(text=text + "!").update(text=text),
    ):
        assert count == 1
    with Session(databases["default"].sync_engine) as session:
        assert session.scalars(sa.select(Note.id).where(Note.text == text)).all() == [note.id]

    async def main() -> None:
        assert await Note.objects.aget(key=text, text=text) == note
        assert await Note.objects.filter(text__contains=text).acount() == 1
        assert await Note.objects.filter(id=note.id).aupdate(text=text * 2) == 1
        again = await Note.objects.acreate(key="b" + text, text=text, data=[text])
        await again.arefresh_from_db()
        assert (again.text, again.data) == (text, [text])
        assert await Note.objects.filter(key="b" + text).adelete() == (1, {"db.Note": 1})

    run(main())
    assert Note.objects.get(id=note.id).text == text * 2
    assert Note.objects.filter(key=text).delete().total == 1
    assert Note.objects.count() == 1


@pytest.mark.parametrize("value", BYTES, ids=range(len(BYTES)))
def test_bytes_are_bytes(value: bytes, run: Run) -> None:
    """Whatever they would mean as text."""
    note = Note.objects.create(key="x", blob=value)
    assert Note.objects.get(blob=value) == note
    assert Note.objects.values_list("blob", flat=True)[0] == value

    async def main() -> None:
        assert (await Note.objects.aget(blob=value)).blob == value
        assert await Note.objects.aupdate(blob=value * 2) == 1

    run(main())
    assert Note.objects.get().blob == value * 2


def test_percent_signs_in_the_statement_are_no_places() -> None:
    """Operators and literals with a percent sign stand beside values."""
    for number in range(4):
        Note.objects.create(key=f"{number}%")
    odd = Note.objects.filter(Note.id % 2 == 1)
    assert odd.count() == 2
    literal = sa.literal_column("'1%'", sa.String())
    assert Note.objects.filter(Note.key == literal, key__contains="%").count() == 1


def test_equal_is_the_same() -> None:
    """Case, accents and blanks at the end tell texts apart, in look-ups and in constraints."""
    alike = ["abc", "ABC", "abç", "abc ", " abc", "ábc", "a\u0301bc", "abc\t"]
    for text in alike:
        Note.objects.create(key=text, text=text)
    for text in alike:
        assert list(Note.objects.filter(key=text).values_list("key", flat=True)) == [text]
        assert Note.objects.filter(key__in=[text]).count() == 1
        assert Note.objects.filter(text=text).count() == 1
    for part, count in (("b", 7), ("B", 1), ("abc", 4), ("c ", 1)):
        assert Note.objects.filter(key__contains=part).count() == count
    assert Note.objects.filter(key__startswith="A").count() == 1
    assert Note.objects.filter(key__iexact="aBC").count() == 2
    with pytest.raises(IntegrityError):
        Note.objects.create(key="abc")
    if databases["default"].vendor == "mariadb":
        as_people_do = Note.objects.order_by(models.Collate("key", "utf8mb4_unicode_ci"), "id")
        some = as_people_do.filter(key__in=["abc", "ABC", "abç"])
        assert list(some.values_list("key", flat=True)) == ["abc", "ABC", "abç"]
    with Session(databases["default"].sync_engine) as session:
        # Without a column, too.
        assert not session.scalar(sa.select(sa.literal("a") == sa.literal("A")))


def test_text_and_documents_of_any_length(run: Run) -> None:
    """What is longer than 64 kB, or than a key may be, is stored as a whole and can be found."""
    text = "ab😀" * 70_000
    note = Note.objects.create(key="long", text=text[:2_600], data={"x": text})
    assert Note.objects.get(text=text[:2_600]) == note
    Note.objects.create(key="longer", blob=text.encode(), data=[text])

    async def main() -> None:
        found = await Note.objects.aget(key="longer")
        assert (found.blob, found.data) == (text.encode(), [text])

    run(main())
    if databases["default"].vendor != "postgresql":  # whose index takes 2,704 bytes
        Note.objects.filter(key="longer").update(text=text)
        assert Note.objects.get(text=text).key == "longer"


@pytest.mark.parametrize(
    "number",
    [0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1e-7, 1e15 + 0.3],
)
def test_floats_keep_every_bit(number: float, run: Run) -> None:
    """What is read is what was written, and is found by it."""
    Note.objects.create(key="x", ratio=number)
    assert Note.objects.get(ratio=number).ratio == number

    async def main() -> None:
        found = await Note.objects.aget(ratio=number)
        assert found.ratio is not None
        assert math.copysign(1, found.ratio) == math.copysign(1, number)
        assert found.ratio == number
        await Note.objects.aupdate(ratio=-number)

    run(main())
    assert Note.objects.get().ratio == -number


@pytest.mark.parametrize(
    "moment",
    [
        # asyncpg means "infinity" by the very first and the very last one.
        dt.datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC),
        dt.datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=dt.UTC),
        dt.datetime(2038, 1, 19, 3, 14, 8, tzinfo=dt.UTC),
        dt.datetime(9999, 12, 31, 23, 59, 59, 999_998, tzinfo=dt.UTC),
    ],
)
def test_moments_keep_their_microseconds(moment: dt.datetime, run: Run) -> None:
    """At both ends of time as well, and where a clock is put forward."""
    Note.objects.create(key="x", moment=moment)
    assert Note.objects.get(moment=moment).moment == moment

    async def main() -> None:
        assert (await Note.objects.aget(moment=moment)).moment == moment

    run(main())


def test_values_of_their_own_kind_are_values() -> None:
    """Subclasses of text and numbers, as enums are, are what they are a kind of."""

    class Shout(str):
        __slots__ = ()

        def __str__(self) -> str:
            return "' OR 1=1 -- "

    Note.objects.create(key="a", text="x", ratio=2.0)
    assert Note.objects.filter(key=Shout("a")).count() == 1
    assert Note.objects.filter(key=Shout("b")).count() == 0
    assert Note.objects.filter(ratio=Decimal(2)).count() == 1
    assert Note.objects.filter(text__in=[Shout("x"), str(uuid.UUID(int=0))]).count() == 1
