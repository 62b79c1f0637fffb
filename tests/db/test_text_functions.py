"""Functions of text answer on every database as Python does."""

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.db.conftest import Run
from tests.db.specimen_models import FEW, Specimen, ask, ask_all, check_all
from undercroft import models
from undercroft.errors import FieldError
from undercroft.models import F, Value

pytestmark = pytest.mark.usefixtures("database")

#: Text that every database stores: without NUL and lone surrogates.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)

ODD = ["", " ", "a", "  two  words ", "naïve", "日本語", "😀 smile", "e\u0301", "ß", "%_\\'\"`$?:x"]

#: Each function with what Python says to it.
FUNCTIONS: dict[str, tuple[Any, Any]] = {
    "Chr": (models.Chr(models.Ord(models.Concat("text", Value("x")))), lambda t: (t + "x")[0]),
    "Left": (models.Left("text", 2), lambda t: t[:2]),
    "Left 0": (models.Left("text", 0), lambda t: ""),
    "Length": (models.Length("text"), len),
    "LPad": (models.LPad("text", 5, Value("ab")), lambda t: pad(t, 5, "ab") + t[:5]),
    "LPad nothing": (models.LPad("text", 5, Value("")), lambda t: t[:5]),
    "LTrim": (models.LTrim("text"), lambda t: t.lstrip(" ")),
    "MD5": (models.MD5("text"), lambda t: hashlib.md5(t.encode()).hexdigest()),
    "Ord": (models.Ord("text"), lambda t: ord(t[0]) if t else 0),
    "Repeat": (models.Repeat("text", 3), lambda t: t * 3),
    "Repeat 0": (models.Repeat("text", 0), lambda t: ""),
    "Replace": (models.Replace("text", Value("a"), Value("é")), lambda t: t.replace("a", "é")),
    "Replace by nothing": (models.Replace("text", Value(" ")), lambda t: t.replace(" ", "")),
    "Reverse": (models.Reverse("text"), lambda t: t[::-1]),
    "Right": (models.Right("text", 2), lambda t: t[-2:]),
    "Right 0": (models.Right("text", 0), lambda t: ""),
    "RPad": (models.RPad("text", 5, Value("ab")), lambda t: t[:5] + pad(t, 5, "ab")),
    "RTrim": (models.RTrim("text"), lambda t: t.rstrip(" ")),
    "SHA224": (models.SHA224("text"), lambda t: hashlib.sha224(t.encode()).hexdigest()),
    "SHA256": (models.SHA256("text"), lambda t: hashlib.sha256(t.encode()).hexdigest()),
    "SHA384": (models.SHA384("text"), lambda t: hashlib.sha384(t.encode()).hexdigest()),
    "SHA512": (models.SHA512("text"), lambda t: hashlib.sha512(t.encode()).hexdigest()),
    "StrIndex": (models.StrIndex("text", Value("a")), lambda t: t.find("a") + 1),
    "StrIndex nothing": (models.StrIndex("text", Value("")), lambda t: 1),
    "Substr": (models.Substr("text", 2, 3), lambda t: t[1:4]),
    "Substr to the end": (models.Substr("text", 2), lambda t: t[1:]),
    "Trim": (models.Trim("text"), lambda t: t.strip(" ")),
}


def pad(text: str, size: int, fill: str) -> str:
    """Give what fills a text up to a size."""
    missing = max(size - len(text), 0)
    return (fill * missing)[:missing]


@FEW
@given(texts=st.lists(TEXT, max_size=20))
def test_a_function_of_text_answers_as_python_does(texts: list[str]) -> None:
    """Odd Unicode, blanks, wildcards and nothing at all give what Python makes of them."""
    check_all(FUNCTIONS, "text", [*ODD, *texts])


@pytest.mark.parametrize("function, python", [(models.Lower, str.lower), (models.Upper, str.upper)])
def test_case_is_that_of_all_letters(function: Any, python: Any) -> None:
    """Letters beyond ASCII have a lower and an upper case, too."""
    values = ["", "ÉCOLE école", "ЖИЗНЬ жизнь", "Ωmega", "x1_"]
    assert ask_all(function("text"), "text", values) == [python(text) for text in values]


def test_nothing_of_nothing() -> None:
    """A function of NULL is NULL."""
    functions = [
        models.Chr("whole"),
        models.Left("other", 2),
        models.Length("other"),
        models.LPad("other", 5),
        models.Lower("other"),
        models.MD5("other"),
        models.Ord("other"),
        models.Repeat("other", 2),
        models.Replace("other", Value("a"), Value("b")),
        models.Reverse("other"),
        models.RPad("other", 5),
        models.SHA256("other"),
        models.StrIndex("other", Value("a")),
        models.Substr("other", 1, 2),
        models.Trim("other"),
    ]
    Specimen.objects.create()
    assert Specimen.objects.values_list(*functions).get() == (None,) * len(functions)


def test_arguments_may_be_fields_and_expressions() -> None:
    """Every argument is a name, a value or an expression."""
    values = {"text": "one two", "other": "two", "whole": 3}
    assert ask(models.Substr("text", models.StrIndex("text", "other")), **values) == "two"
    assert ask(models.Left("text", "whole"), **values) == "one"
    assert ask(models.Left("text", F("whole") + 1), **values) == "one "
    assert ask(models.Replace("text", "other", models.Upper("other")), **values) == "one TWO"


def test_functions_go_wherever_a_value_goes() -> None:
    """In conditions, orders, updates and groups."""
    Specimen.objects.bulk_create([Specimen(text=text) for text in ("bb", "a", "ccc", "dd")])
    assert Specimen.objects.filter(text__gt=models.Repeat(Value("b"), 2)).count() == 2
    by_length = Specimen.objects.order_by(models.Length("text").desc(), "-text")
    assert [row.text for row in by_length] == ["ccc", "dd", "bb", "a"]
    Specimen.objects.filter(text="a").update(text=models.RPad("text", 3, Value("!")))
    assert Specimen.objects.filter(text="a!!").exists()
    groups = Specimen.objects.values(size=models.Length("text")).annotate(n=models.Count("pk"))
    assert sorted((row["size"], row["n"]) for row in groups) == [(2, 2), (3, 2)]


def test_a_collation_decides_what_is_equal_and_in_which_order(database: str) -> None:
    """`Collate` compares and orders by a collation of the database's."""
    ignoring = {"sqlite": "NOCASE", "postgresql": "und-x-icu", "mariadb": "utf8mb4_general_ci"}
    Specimen.objects.bulk_create([Specimen(text=text) for text in ("b", "A", "a", "B")])
    ordered = Specimen.objects.order_by(models.Collate("text", ignoring[database]), "pk")
    assert [row.text.lower() for row in ordered] == ["a", "a", "b", "b"]
    exact = {"sqlite": "BINARY", "postgresql": "C", "mariadb": "utf8mb4_nopad_bin"}
    ordered = Specimen.objects.order_by(models.Collate("text", exact[database]))
    assert [row.text for row in ordered] == ["A", "B", "a", "b"]


@pytest.mark.parametrize("name", ['x" DESC; --', "a b", "", "x'", "a\n", "é"])
def test_a_collation_is_a_name(name: str) -> None:
    """What is no name never gets into a statement."""
    with pytest.raises(FieldError, match="no name of a collation"):
        models.Collate("text", name)


def test_arguments_are_checked_where_they_are_written() -> None:
    """Lengths below zero and positions below one are refused before any database is asked."""
    for make in (
        lambda: models.Substr("text", 0),
        lambda: models.Substr("text", 1, -1),
        lambda: models.Left("text", -1),
        lambda: models.Right("text", -1),
        lambda: models.Repeat("text", -1),
        lambda: models.LPad("text", -1),
    ):
        with pytest.raises(FieldError, match="expected at least"):
            make()
    with pytest.raises(FieldError, match="takes 1 arguments"):
        models.Trim("text", "other")


def test_functions_of_text_in_async_code(run: Run) -> None:
    """Drivers that prepare statements take every argument as well."""
    expressions = [expression for expression, _ in FUNCTIONS.values()]

    async def ask_for_all() -> Any:
        await Specimen.objects.acreate(text="été")
        return await Specimen.objects.values_list(*expressions).aget()

    assert run(ask_for_all()) == tuple(python("été") for _, python in FUNCTIONS.values())
