"""What is worked out fits its column, or is refused, on every database alike."""

from decimal import Decimal
from typing import Any

import pytest

from tests.db.specimen_models import Specimen, ask
from undercroft import models
from undercroft.errors import FieldValueError, UndercroftError
from undercroft.models import Concat, F, Length, Max, Min, Sum, Value

pytestmark = pytest.mark.usefixtures("database")

LARGEST = 2**63 - 1


class Parcel(models.Model):
    class Rank(models.IntegerChoices):
        LOW = 1
        HIGH = 7

    body = models.BinaryField(null=True)
    short = models.CharField(max_length=5, default="")
    small = models.SmallIntegerField(default=0)
    rank = models.IntegerField(choices=Rank, default=Rank.LOW)


def put(row: Any, **values: Any) -> Any:
    """Set a column to an expression; tell what it holds then."""
    found = type(row).objects.filter(pk=row.pk)
    assert found.update(**values) == 1
    return found.values_list(*values).get()[0]


@pytest.mark.parametrize(
    "name, expression",
    [
        ("short", Concat(Value("abc"), Value("def"))),
        ("small", F("small") + 32767 + 1),
        ("small", F("small") - 40000),
    ],
)
def test_a_result_too_large_for_its_column_is_refused(name: str, expression: Any) -> None:
    """A number of too many bits, a text of too many characters: an error, and nothing changes."""
    row = Parcel.objects.create()
    before = getattr(row, name)
    with pytest.raises(FieldValueError):
        put(row, **{name: expression})
    assert getattr(Parcel.objects.get(), name) == before


@pytest.mark.parametrize("name", ["whole", "big"])
def test_whole_numbers_beyond_their_bits_are_refused(name: str) -> None:
    """SQLite would make a floating-point number of one beyond 64 bits."""
    row = Specimen.objects.create(whole=2**31 - 1, big=LARGEST)
    with pytest.raises(FieldValueError):
        put(row, **{name: F(name) + 1})
    assert put(row, **{name: F(name) - 1}) == getattr(row, name) - 1


def test_an_error_names_the_field(database: str) -> None:
    """SQLite's error, which is ours, says which field it is about."""
    if database != "sqlite":
        return
    row = Parcel.objects.create()
    with pytest.raises(FieldValueError, match=r"Parcel\.small: expected a whole number of 16 bits"):
        put(row, small=F("small") + 40000)
    with pytest.raises(FieldValueError, match=r"Parcel\.short: expected at most 5 characters"):
        put(row, short=Concat("short", Value("abcdef")))


def test_a_whole_column_gets_whole_numbers() -> None:
    """Fractions are rounded: halves of decimals away from zero, those of floats to even."""
    row = Specimen.objects.create(whole=5, exact=Decimal("2.5"))
    assert put(row, whole=F("whole") / 2) == 2
    assert put(row, whole=F("exact") * 1) == 3
    assert put(row, whole=F("exact") * -1) == -3
    assert put(row, whole=Value(3.75)) == 4


def test_plain_results_are_stored_as_they_are() -> None:
    """What fits is stored, NULL and texts of just the length included."""
    row = Parcel.objects.create(short="ab", small=7)
    assert put(row, short=Concat("short", Value("cde"))) == "abcde"
    assert put(row, small=F("small") * 2) == 14
    specimen = Specimen.objects.create(whole=1)
    assert put(specimen, whole=F("big")) is None
    assert put(specimen, exact=F("exact") + 1) is None


def test_whole_numbers_are_worked_out_in_64_bits() -> None:
    """The product of two numbers of 32 bits has room."""
    assert ask(F("whole") * F("whole"), whole=2**31 - 1) == (2**31 - 1) ** 2
    assert ask(F("whole") + F("big"), whole=2, big=2**40) == 2**40 + 2


def test_a_sum_beyond_64_bits_is_refused() -> None:
    """Rather than cut off, or made a floating-point number."""
    Specimen.objects.bulk_create([Specimen(big=LARGEST), Specimen(big=LARGEST)])
    with pytest.raises(FieldValueError):
        Specimen.objects.aggregate(total=Sum("big"))
    Specimen.objects.filter(pk=Specimen.objects.all()[0].pk).update(big=-1)
    assert Specimen.objects.aggregate(total=Sum("big")) == {"total": LARGEST - 1}


def test_truths_count_as_one_and_nothing() -> None:
    """In arithmetic, and in sums."""
    Specimen.objects.bulk_create([Specimen(flag=flag) for flag in (True, True, False, None)])
    found = Specimen.objects.aggregate(total=Sum("flag"), kinds=Sum("flag", distinct=True))
    assert found == {"total": 2, "kinds": 1}
    assert ask(F("flag") + F("whole"), flag=True, whole=4) == 5
    assert ask(F("flag") + F("flag"), flag=True) == 2
    assert ask(F("flag") * Decimal("0.5"), flag=True) == Decimal("0.5")


def test_choices_of_whole_numbers_are_added_up() -> None:
    """A sum of them is a number, and no choice any more."""
    Parcel.objects.bulk_create([Parcel(rank=Parcel.Rank.HIGH), Parcel(rank=Parcel.Rank.HIGH)])
    assert Parcel.objects.aggregate(total=Sum("rank")) == {"total": 14}


def test_bytes_are_ordered_and_measured() -> None:
    """The least and the greatest bytes, and how many there are."""
    Parcel.objects.bulk_create([Parcel(body=each) for each in (b"\xff", b"a\x00b", b"ab")])
    found = Parcel.objects.aggregate(
        least=Min("body"), most=Max("body"), longest=Max(Length("body"))
    )
    assert found == {"least": b"a\x00b", "most": b"\xff", "longest": 3}
    assert Parcel.objects.aggregate(least=Min("body", distinct=True)) == {"least": b"a\x00b"}


@pytest.mark.parametrize("function", [models.Exp("whole"), models.Chr("whole")])
def test_a_function_without_an_answer_is_an_error_of_ours(function: Any) -> None:
    """A number too large, a character that does not exist: no error of a driver comes through."""
    try:
        found = ask(function, whole=2_000_000_000)
    except UndercroftError:
        return
    assert found is None
