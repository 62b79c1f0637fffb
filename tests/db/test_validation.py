"""`full_clean`: every mistake of an instance at once, by field, before the database is asked."""

import datetime as dt
from collections.abc import Collection
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.conftest import Run
from tests.db.gallery_models import Lot, Owner, Size, Tone, forget
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.errors import NON_FIELD_ERRORS as OTHERS
from undercroft.errors import (
    ImproperlyConfigured,
    IntegrityError,
    SynchronousOnlyOperation,
    ValidationError,
)

called: list[str] = []


class Stubborn(models.Model):
    name = models.CharField(max_length=5, unique=True)

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:  # type: ignore[override]
        called.append("clean_fields")

    def clean(self) -> None:
        called.append("clean")

    def validate_unique(self, exclude: Collection[str] | None = None) -> None:  # type: ignore[override]
        raise ValidationError({"name": "Never."})


class Nick(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        constraints = [
            models.UniqueConstraint(lambda nick: sa.func.lower(nick.name), name="any_case")
        ]


forget(Stubborn)
NICKS = forget(Nick)

pytestmark = pytest.mark.usefixtures("database")


def make_owner(email: str = "ada@example.org") -> Owner:
    return Owner.objects.create(email=email, name="Ada")


def build_lot(**values: Any) -> Lot:
    """A lot with nothing wrong in it, unless told otherwise."""
    owner = values.pop("owner", None) or Owner.objects.first() or make_owner()
    fine: dict[str, Any] = {"code": "a-1", "owner": owner, "title": "Vase", "tone": Tone.WARM}
    return Lot(**{**fine, **values})


def find_codes(lot: Any, **options: Any) -> dict[str, list[str]]:
    """The codes of what is wrong, by field."""
    try:
        lot.full_clean(**options)
    except ValidationError as error:
        return {name: [each.code for each in errors] for name, errors in error.error_dict.items()}
    return {}


def test_what_is_right_passes_and_is_converted() -> None:
    """Values become what they will be after a save; a second check, after it, finds nothing."""
    lot = build_lot(low="3", high=5.0, price="2.005", tone="cold")
    lot.full_clean()
    assert (lot.low, lot.high, lot.price, lot.tone) == (3, 5, Decimal("2.01"), Tone.COLD)
    lot.save()
    lot.full_clean()
    assert Lot.objects.get().area == 15


@pytest.mark.parametrize(
    "values, expected",
    [
        ({"title": "Va"}, {"title": ["min_length"]}),
        ({"title": "va"}, {"title": ["min_length", "capital"]}),
        ({"title": ""}, {"title": ["blank"]}),
        ({"title": None}, {"title": ["null"]}),
        ({"title": "V" * 21}, {"title": ["invalid"]}),
        ({"title": 5}, {"title": ["invalid"]}),
        ({"note": ""}, {}),
        ({"note": "a\x00"}, {"note": ["invalid"]}),
        ({"size": "x"}, {"size": ["invalid_choice"]}),
        ({"size": Size.LARGE}, {}),
        ({"tone": "hot"}, {"tone": ["invalid"]}),
        ({"tone": None}, {"tone": ["blank"]}),
        ({"low": "many"}, {"low": ["invalid"]}),
        ({"low": 1}, {OTHERS: ["constraint"]}),
        ({"price": 5000}, {OTHERS: ["dear"]}),
        ({"stock": -1}, {"stock": ["invalid"]}),
        ({"code": "a b"}, {"code": ["slug"]}),
        ({"code": None}, {"code": ["null"]}),
        ({"owner_id": None, "owner": None}, {"owner": ["null"]}),
        ({"note": "Vase"}, {"note": ["invalid"], "title": ["invalid"]}),
        ({"note": "bad"}, {OTHERS: ["bad"]}),
        (
            {"title": "", "low": 7, "size": "x", "note": "bad"},
            {"title": ["blank"], "size": ["invalid_choice"], OTHERS: ["bad", "constraint"]},
        ),
    ],
)  # fmt: skip
def test_each_mistake_is_named(values: dict[str, Any], expected: dict[str, list[str]]) -> None:
    """All of them at once, each under its field and with its code."""
    owner = make_owner()
    given = {"owner": owner, **values}
    lot = Lot(**{"code": "a-1", "title": "Vase", "tone": Tone.WARM, **given})
    assert find_codes(lot) == expected


def test_messages_may_be_ones_own() -> None:
    """A field's `error_messages`, a validator's and a constraint's texts take the place of ours."""
    with pytest.raises(ValidationError) as caught:
        build_lot(title="Va", price=5000, low=2).full_clean()
    messages = caught.value.message_dict
    assert messages["title"] == ["Too short: 2."]
    assert set(messages[OTHERS]) == {
        "Too dear (cheap).",
        "The constraint 'low_below_high' is violated.",
    }
    with pytest.raises(ValidationError, match="This address is taken"):
        Owner(email="ada@example.org", name="x").full_clean()


def test_fields_may_be_left_out() -> None:
    """`exclude` takes fields by name; what they are a part of is left out, too."""
    lot = build_lot(title="", size="x", low=5)
    lot.owner_id = None  # type: ignore[attr-defined]
    assert find_codes(lot, exclude=["title", "owner", "low"]) == {"size": ["invalid_choice"]}
    assert find_codes(lot, exclude=["title", "owner_id", "size"]) == {OTHERS: ["constraint"]}
    assert find_codes(build_lot(low=5), validate_constraints=False) == {}


def test_what_must_be_unique_is_looked_for() -> None:
    """Fields, fields together, keys; a row is never like itself, and NULL is like nothing."""
    ada, bo = make_owner(), make_owner("bo@example.org")
    first = build_lot(owner=ada)
    first.save()
    first.full_clean()
    assert find_codes(Owner(email=ada.email, name="x")) == {"email": ["unique"]}
    ada.email = bo.email
    assert find_codes(ada) == {"email": ["unique"]}
    assert find_codes(ada, validate_unique=False) == {}
    again = build_lot(owner=ada, code="a-1", low=-1)
    assert find_codes(again) == {"code": ["unique"], OTHERS: ["unique"]}
    with pytest.raises(ValidationError, match=r"Another lot has the same owner, title already\."):
        again.validate_unique(exclude=["code"])
    assert find_codes(build_lot(owner=bo, code="b-1", low=-1)) == {}


def test_unique_constraints_with_conditions_are_looked_for() -> None:
    """Only rows for which the condition is true are compared, this one among them."""
    sold = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    build_lot().save()
    assert find_codes(build_lot(code="b", title="Bowl")) == {OTHERS: ["unique"]}
    assert find_codes(build_lot(code="b", title="Bowl", sold_at=sold)) == {}
    build_lot(code="c", title="Cup", low=-5, high=9, size="l").save()
    large = build_lot(code="d", title="Dish", low=-6, high=9, size="l")
    assert find_codes(large) == {OTHERS: ["unique"]}
    with pytest.raises(ValidationError, match="the same high already"):
        large.validate_constraints()
    large.size = "s"
    assert find_codes(large) == {}


@pytest.mark.parametrize(
    "values, is_right",
    [
        ({"low": 1}, False),
        ({"low": -7, "price": 5000}, False),
        ({"low": -5, "high": 7}, False),
        ({"low": -6, "high": 9, "size": "l"}, False),
        ({"low": -6, "high": 9, "size": "s"}, True),
        ({"low": 10, "high": 12}, True),
    ],
)
def test_the_database_refuses_what_was_refused_before(
    values: dict[str, Any], is_right: bool
) -> None:
    """A constraint that `full_clean` finds violated is one the database enforces, and no other."""
    build_lot().save()
    build_lot(code="c", title="Cup", low=-5, high=9, size="l").save()
    lot = build_lot(code="z", title="Zither", **values)
    assert (find_codes(lot) == {}) is is_right
    if is_right:
        lot.save()
    else:
        with pytest.raises(IntegrityError):
            lot.save()


def test_a_foreign_key_must_lead_somewhere() -> None:
    """A key that was never a row's is a mistake; a row at hand is not asked for."""
    lot = build_lot(code="x")
    lot.owner_id = 999  # type: ignore[attr-defined]
    assert find_codes(lot) == {"owner": ["foreign"]}
    with pytest.raises(ValidationError, match=r"There is no owner with the key 999\."):
        lot.clean_fields()


def test_saving_checks_none_of_it() -> None:
    """As in Django, `choices`, `blank` and validators are asked for, not forced."""
    build_lot(title="", size="x").save()
    assert Lot.objects.get().title == ""


def test_the_database_fills_in_what_is_missing() -> None:
    """Keys that are counted, defaults of the database and generated columns are no mistakes."""
    build_lot().full_clean()
    Owner(email="new@example.org", name="Ada").full_clean()
    assert find_codes(Lot()).keys() == {"code", "owner", "title", "tone"}


def test_async_code_checks_as_well(run: Run) -> None:
    """Each check has its twin; the blocking one is refused on the event loop."""

    async def main() -> None:
        owner = await Owner.objects.acreate(email="ada@example.org", name="Ada")
        lot = Lot(code="a b", title="va", owner=owner, tone=Tone.WARM, low=5)
        with pytest.raises(ValidationError) as caught:
            await lot.afull_clean()
        assert caught.value.message_dict.keys() == {"code", "title", OTHERS}
        with pytest.raises(ValidationError):
            await lot.aclean_fields()
        with pytest.raises(ValidationError):
            await lot.avalidate_constraints()
        with pytest.raises(ValidationError, match="taken"):
            await Owner(email="ada@example.org", name="x").avalidate_unique()
        with pytest.raises(SynchronousOnlyOperation, match=r"await lot\.afull_clean"):
            lot.full_clean()

    run(main())


def test_checks_may_be_overridden() -> None:
    """A model's own `clean_fields`, `validate_unique` and `clean` are what `full_clean` calls."""
    called.clear()
    assert find_codes(Stubborn(name=""), validate_constraints=False) == {"name": ["invalid"]}
    assert called == ["clean_fields", "clean"]


def test_unique_expressions_are_compared(database: str) -> None:
    """What an expression makes of both rows is compared, where it is no text."""
    engine = databases["default"].sync_engine
    if database == "mariadb":
        with pytest.raises(ImproperlyConfigured, match="index that"):
            NICKS.create(engine)
        NICKS.drop(engine)
        return
    NICKS.create(engine)
    try:
        Nick.objects.create(name="Ada")
        assert find_codes(Nick(name="ADA")) == {OTHERS: ["unique"]}
        assert find_codes(Nick(name="Bo")) == {}
        with pytest.raises(Exception, match=r"(?i)unique"):
            Nick.objects.create(name="aDa")
    finally:
        NICKS.drop(engine)


def test_the_same_check_is_compiled_once() -> None:
    """Whatever is checked, the statements kept for it do not grow with the number of checks."""
    from undercroft.db.lane import get_lane

    build_lot(low=-9).save()
    for number in range(3):
        find_codes(build_lot(code=f"c{number}", title=f"Title {number}", low=number - 5))
    kept = len(get_lane("default")._compiled)
    for number in range(20):
        find_codes(build_lot(code=f"d{number}", title=f"Title {number}", low=number - 30))
    assert len(get_lane("default")._compiled) == kept


def test_what_the_database_works_out_is_not_checked_before() -> None:
    """Expressions and columns that were not loaded are left out."""
    build_lot().save()
    lot: Any = Lot.objects.get()
    lot.low = models.F("low") + 1
    lot.full_clean()
    partial: Any = Lot.objects.only("title").get()
    partial.title = "va"
    assert find_codes(partial) == {"title": ["min_length", "capital"]}
