"""Values of each kind are read as others, and beside others, alike on every database."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from tests.db.specimen_models import Specimen, ask
from undercroft import models
from undercroft.errors import UndercroftError
from undercroft.models import Cast, Coalesce, Concat, F, Greatest, Least, Lower, Upper, Value

pytestmark = pytest.mark.usefixtures("database")

DAY = dt.date(2026, 1, 31)
MOMENT = dt.datetime(2026, 2, 1, 12, tzinfo=dt.UTC)
CODE = uuid.UUID("4f454fda-35e4-48f6-8e12-ce2765a88272")


@pytest.mark.parametrize(
    "name, value, written",
    [
        ("code", CODE, str(CODE)),
        ("flag", True, "true"),
        ("flag", False, "false"),
        ("flag", None, None),
        ("exact", Decimal("1.5"), "1.5000"),
        ("exact", Decimal("-0.0001"), "-0.0001"),
        ("whole", -7, "-7"),
        ("day", DAY, "2026-01-31"),
    ],
)
def test_a_value_is_written_as_text_in_one_way(name: str, value: Any, written: Any) -> None:
    """By a cast, within other text, and cut off at the length of its field."""
    assert ask(Cast(name, models.TextField()), **{name: value}) == written
    assert ask(Concat(Value("<"), name), **{name: value}) == f"<{written or ''}"
    short = Cast(name, models.CharField(max_length=3))
    assert ask(short, **{name: value}) == (written and written[:3])


def test_a_cast_to_a_whole_number_rounds() -> None:
    """Halves of decimals away from zero."""
    field = models.IntegerField()
    assert ask(Cast("exact", field), exact=Decimal("2.5")) == 3
    assert ask(Cast("exact", field), exact=Decimal("-2.5")) == -3
    assert ask(Cast("real", field), real=2.75) == 3
    assert ask(Cast("text", field), text="12") == 12


def test_dates_beside_moments_are_moments() -> None:
    """A date is the moment at which it begins."""
    begin = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    assert ask(Coalesce("day", "moment"), day=DAY) == begin
    assert ask(Coalesce("day", "moment"), moment=MOMENT) == MOMENT
    assert ask(Coalesce("moment", "day"), day=DAY) == begin
    assert ask(Greatest("day", "moment"), day=DAY, moment=MOMENT) == MOMENT
    assert ask(Least("moment", "day"), day=DAY, moment=MOMENT) == begin


def test_numbers_beside_wider_ones_are_of_their_kind() -> None:
    """A whole number beside a decimal is a decimal, beside a float a float."""
    found = ask(Coalesce("whole", "exact"), exact=Decimal("0.5"))
    assert found == Decimal("0.5")
    assert isinstance(found, Decimal)
    assert isinstance(ask(Coalesce("whole", "exact"), whole=2), Decimal)
    assert ask(Greatest("whole", "real"), whole=2, real=2.5) == 2.5


def test_functions_of_text_take_what_json_says() -> None:
    """Without the quotes around it."""
    data = {"name": "Ada", "year": 1815}
    assert ask(Lower("data__name"), data=data) == "ada"
    assert ask(Upper("data__name"), data=data) == "ADA"
    assert ask(models.Length("data__name"), data=data) == 3
    assert ask(Concat("data__name", Value(" "), "data__year"), data=data) == "Ada 1815"
    assert ask(Lower("data__nothing"), data=data) is None


def test_a_length_of_time_too_long_is_an_error_of_ours() -> None:
    """Longer than a timedelta, or than a database's."""
    with pytest.raises(UndercroftError):
        ask(Value(dt.timedelta(days=100_000_000)) * F("whole"), whole=1000)


@pytest.mark.parametrize("size", [10, 1_000, 60_000])
def test_long_text_is_found_in_text(size: int, database: str) -> None:
    """Texts of any size are looked for, and mean no wildcards."""
    # MariaDB takes minutes for a long pattern that is not found.
    size = min(size, 1_000) if database == "mariadb" else size
    text = "*a[" + "ä%" * size + "_?end"
    Specimen.objects.create(text=text)
    Specimen.objects.create(text=text.replace("*", "+").replace("_", "-"))
    for lookup, part in {
        "startswith": text[: size + 3],
        "contains": text[1:],
        "endswith": text[3:],
        "istartswith": text.upper(),
        "icontains": text[1:].upper(),
        "iendswith": text[3:].upper(),
    }.items():
        assert Specimen.objects.filter(**{f"text__{lookup}": part}).count() == 1
        assert Specimen.objects.filter(**{f"text__{lookup}": f"{part}!"}).count() == 0
        assert Specimen.objects.filter(**{f"text__{lookup}": ""}).count() == 2


@pytest.mark.parametrize("key", ["-a", "-", "--", "-1", "-a b", "-%", "-a_b", "-é"])
def test_keys_of_json_may_begin_with_a_dash(key: str) -> None:
    """MariaDB's paths cannot name them; they are found all the same."""
    row = Specimen.objects.create(data={"b": [1], key: {"c": 5}, "-xyz": 2, "-axb": 3})
    assert Specimen.objects.filter(**{f"data__{key}__c": 5}).get() == row
    assert Specimen.objects.values_list(f"data__{key}__c", flat=True).get() == 5
    assert not Specimen.objects.filter(**{f"data__{key}__d": 5}).exists()
    assert not Specimen.objects.filter(**{f"data__b__{key}x__c": 5}).exists()
