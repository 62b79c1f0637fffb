"""Functions of numbers answer on every database as Python does, NULL where there is no answer."""

import math
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.db.conftest import Run
from tests.db.specimen_models import FEW, Specimen, ask, ask_all, check_all, is_close
from undercroft import models
from undercroft.models import F, Value

pytestmark = pytest.mark.usefixtures("database")

WHOLE = [0, 1, -1, 7, -7, 100, 2_000_000_000, -2_000_000_000]
REAL = [0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 1e-9, 3.75, 1e15, -8.0]
EXACT = [Decimal(text) for text in ("0", "0.0001", "-2.5000", "2.5000", "99999.9999", "10", "-10")]

#: Functions of one floating-point number with what Python says to it.
FLOATS: dict[str, tuple[Any, Any]] = {
    "ACos": (models.ACos, math.acos),
    "ASin": (models.ASin, math.asin),
    "ATan": (models.ATan, math.atan),
    "Cos": (models.Cos, math.cos),
    "Cot": (models.Cot, lambda x: 1 / math.tan(x)),
    "Degrees": (models.Degrees, math.degrees),
    "Ln": (models.Ln, math.log),
    "Log": (lambda x: models.Log(2, x), math.log2),
    "Radians": (models.Radians, math.radians),
    "Sin": (models.Sin, math.sin),
    "Sqrt": (models.Sqrt, math.sqrt),
    "Tan": (models.Tan, math.tan),
}


def answer(python: Any, *values: Any) -> Any:
    """Ask Python; None where it has no answer."""
    try:
        return python(*values)
    except (ValueError, ZeroDivisionError):
        return None


def round_up(number: Any, places: int) -> Any:
    """Round halves away from zero, as people write the number."""
    unit = Decimal(1).scaleb(-places)
    return (Decimal(repr(number)) / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit


@FEW
@given(numbers=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), max_size=20))
def test_a_function_of_a_float_answers_as_python_does(numbers: list[float]) -> None:
    """Logarithms, roots and angles, and NULL outside of where they are defined."""
    functions = {
        name: (function("real"), partial(answer, python))
        for name, (function, python) in FLOATS.items()
    }
    check_all(functions, "real", [*REAL, *numbers], is_close)


def test_whole_and_exact_numbers_are_taken_as_well() -> None:
    """A function of floats gives a float of any number."""
    for field, value in (("whole", 1), ("exact", Decimal(1))):
        row = Specimen.objects.create(**{field: value})
        functions = [function(field) for function, _ in FLOATS.values()]
        found = Specimen.objects.filter(pk=row.pk).values_list(*functions).get()
        expected = [answer(python, 1.0) for _, python in FLOATS.values()]
        assert {type(each) for each in found} == {float}, field
        assert all(map(is_close, found, expected)), field


@pytest.mark.parametrize("field, values", [("whole", WHOLE), ("real", REAL), ("exact", EXACT)])
def test_parts_of_a_number_have_its_type(field: str, values: list[Any]) -> None:
    """Abs, Ceil, Floor and Sign of whole, floating-point and exact numbers."""
    kind = type(values[0])
    for function, python in (
        (models.Abs, abs),
        (models.Ceil, math.ceil),
        (models.Floor, math.floor),
        (models.Sign, lambda x: (x > 0) - (x < 0)),
    ):
        found = ask_all(function(field), field, values)
        assert found == [python(value) for value in values], function
        assert field == "real" or {type(each) for each in found} == {kind}, function


@FEW
@given(
    numbers=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), max_size=5),
    places=st.integers(-2, 3),
)
def test_halves_are_rounded_away_from_zero(numbers: list[float], places: int) -> None:
    """Rounding goes by what a number is written as, to places before and behind the point."""
    reals = [2.5, -2.5, 3.5, 1.005, 0.125, 15.0, *(round(number, 4) for number in numbers)]
    found = ask_all(models.Round("real", places), "real", reals)
    assert all(map(is_close, found, [float(round_up(real, places)) for real in reals])), found
    exacts = [Decimal(repr(real)) for real in reals[:6]]
    assert ask_all(models.Round("exact", places), "exact", exacts) == [
        round_up(real, places) for real in reals[:6]
    ]
    wholes = [15, -15, 25, 149]
    assert ask_all(models.Round("whole", places), "whole", wholes) == [
        int(round_up(whole, places)) for whole in wholes
    ]


def test_rounding_is_to_whole_numbers_when_nothing_is_said() -> None:
    """`Round("real")` has no decimal places."""
    assert ask(models.Round("real"), real=0.5) == 1.0
    assert ask(models.Round("exact"), exact=Decimal("-0.5")) == Decimal(-1)


@FEW
@given(
    pairs=st.lists(
        st.tuples(st.integers(-1000, 1000), st.decimals(-1000, 1000, places=4)), max_size=5
    )
)
def test_what_is_left_of_a_division_has_the_sign_of_the_dividend(
    pairs: list[tuple[int, Decimal]],
) -> None:
    """`Mod` and `%` of whole, exact and floating-point numbers; by 0 it is NULL."""
    for whole, exact in [(7, Decimal("7.5")), (-7, Decimal("-7.5")), (0, Decimal(0)), *pairs]:
        row = Specimen.objects.create(whole=whole, exact=exact, real=float(exact))
        rows = Specimen.objects.filter(pk=row.pk)
        found = rows.values_list(
            models.Mod("whole", 3),
            models.Mod("exact", Value(Decimal("2.3"))),
            models.Mod("real", 2.5),
            models.Mod(7, "whole"),
            F("whole") % 3,
        ).get()
        assert found[0] == math.fmod(whole, 3) == found[4]
        assert found[1] == exact % Decimal("2.3")
        assert math.isclose(found[2], exact % Decimal("2.5"), abs_tol=1e-9)
        assert found[3] == (math.fmod(7, whole) if whole else None)


def test_powers() -> None:
    """`Power` and `**`; NULL where the result would be no real number."""
    for base, exponent, expected in (
        (2, 3, 8),
        (2, -1, 0.5),
        (-2, 3, -8),
        (-8, 0.5, None),
        (0, -1, None),
        (0, 0, 1),
    ):
        assert is_close(ask(models.Power("whole", exponent), whole=base), expected)
        assert is_close(ask(F("real") ** exponent, real=float(base)), expected)
    assert ask(models.Power("exact", 2), exact=Decimal("1.5")) == Decimal("2.25")


def test_division_is_that_of_python_and_null_by_zero() -> None:
    """Whole numbers and decimals without places divide exactly, on every database."""
    values = {"whole": 7, "exact": Decimal(10), "real": 1.0}
    assert ask(F("whole") / 2, **values) == 3.5
    assert ask(F("exact") / 4, **values) == Decimal("2.5")
    assert ask(F("exact") / Value(Decimal(4)), **values) == Decimal("2.5")
    assert ask(Value(1) / F("exact"), **values) == Decimal("0.1")
    for divisor in (F("whole") - 7, F("exact") - 10, F("real") - 1):
        assert ask(F("whole") / divisor, **values) is None
        assert ask(models.Mod("whole", divisor), **values) is None


def test_other_functions_of_two_numbers_and_of_none() -> None:
    """Atan2 knows the quarter; Exp and Pi are as exact as a float."""
    for y, x in ((1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (0.0, -1.0), (0.0, 0.0)):
        assert is_close(ask(models.ATan2("real", x), real=y), math.atan2(y, x))
    assert is_close(ask(models.Exp("real"), real=1.5), math.exp(1.5))
    assert ask(models.Pi()) == math.pi
    assert is_close(ask(models.Log(10, "whole"), whole=1000), 3.0)
    for base in (-1, 0, 1):
        assert ask(models.Log(base, "whole"), whole=1000) is None


def test_random_numbers_differ_from_row_to_row() -> None:
    """From 0 on and below 1."""
    found = ask_all(models.Random(), "whole", list(range(50)))
    assert all(0 <= number < 1 for number in found)
    assert len(set(found)) == 50


def test_nothing_of_nothing() -> None:
    """A function of NULL is NULL."""
    functions = [
        models.Abs("real"),
        models.ATan2("real", 1.0),
        models.Ceil("exact"),
        models.Log(2, "real"),
        models.Mod("whole", 2),
        models.Power("whole", 2),
        models.Round("real", 1),
        models.Sign("whole"),
        models.Sqrt("exact"),
    ]
    Specimen.objects.create()
    assert Specimen.objects.values_list(*functions).get() == (None,) * len(functions)


def test_bits_have_a_sign_on_every_database() -> None:
    """Bits of negative numbers are those of two's complement."""
    for whole in (5, -5, 0):
        assert ask(F("whole").bitand(6), whole=whole) == whole & 6
        assert ask(F("whole").bitor(-2), whole=whole) == whole | -2
        assert ask(F("whole").bitxor(3), whole=whole) == whole ^ 3


def test_functions_of_numbers_in_async_code(run: Run) -> None:
    """Drivers that prepare statements take every argument as well."""
    expressions = [function("real") for function, _ in FLOATS.values()]
    more = [models.Round("exact", 1), models.Mod("whole", 3), models.Power("whole", 2)]

    async def ask_for_all() -> Any:
        await Specimen.objects.acreate(real=0.5, exact=Decimal("1.25"), whole=-7)
        return await Specimen.objects.values_list(*expressions, *more).aget()

    found = run(ask_for_all())
    expected = [python(0.5) for _, python in FLOATS.values()]
    assert all(map(is_close, found[:-3], expected))
    assert found[-3:] == (Decimal("1.3"), -1, 49)
