"""Functions undercroft has no class for are called by their names, which are checked."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.db.specimen_models import Specimen, ask
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.errors import FieldError
from undercroft.models import F, Func, Value


class Hex(Func):
    function = "hex"
    arity = 1
    output_field = models.TextField()


@pytest.mark.usefixtures("database")
def test_a_function_is_called_by_its_name() -> None:
    """With names, values and expressions, in columns, conditions and orders."""
    shout = Func("text", function="UPPER", output_field=models.TextField())
    assert ask(shout, text="abc") == "ABC"
    assert Specimen.objects.filter(text=Func(Value("ABC"), function="lower")).count() == 1
    assert Specimen.objects.order_by(Func("whole", 0, function="coalesce")).exists()
    assert ask(Func(F("whole") + 1, function="abs"), whole=-3) == 2


def test_a_function_of_ones_own(database: str) -> None:
    """What was made in the database, or for SQLite on each connection, is called as any other."""
    engine = databases["default"].sync_engine
    if database == "sqlite":

        def register(connection: Any, _record: object) -> None:
            connection.create_function("twice", 1, lambda number: number * 2)

        sa.event.listen(engine, "connect", register)
        engine.dispose()
        databases["default"].lane = None
    else:
        body = {
            "postgresql": "(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'",
            "mariadb": "(n int) RETURNS int DETERMINISTIC RETURN n * 2",
        }
        with engine.begin() as connection:
            connection.execute(sa.text("DROP FUNCTION IF EXISTS twice"))
            connection.execute(sa.text(f"CREATE FUNCTION twice{body[database]}"))
    twice = Func("whole", function="twice", output_field=models.IntegerField())
    assert ask(twice, whole=21) == 42


def test_a_class_says_name_arguments_and_result() -> None:
    """A subclass is used as those of undercroft are."""
    assert repr(Hex("text")) == "Hex('text')"
    assert Hex("text").name == "hex"
    assert Hex("text").output_field is Hex.output_type
    with pytest.raises(FieldError, match=r"Hex\(\) takes 1 arguments: 2 given"):
        Hex("text", "other")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_a_function_of_a_class_is_called() -> None:
    """As SQLite's own `hex`."""
    assert ask(Hex("text"), text="A") == "41"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "lower(",
        'a"b',
        "a'b",
        "a;b",
        "a--",
        "a.b.c",
        "1a",
        "é",
        "a\n",
        "x" * 64,
        "a.",
        "%s",
    ],
)
def test_what_is_no_name_is_refused(name: str) -> None:
    """A function's name is part of the statement, so it is nothing but a name."""
    with pytest.raises(FieldError, match="no name of a function"):
        Func("text", function=name)
    with pytest.raises(FieldError, match="no name of a function"):
        type("Bad", (models.Aggregate,), {"function": name})


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_an_aggregate_of_ones_own() -> None:
    """A subclass of `Aggregate` names the database's function, and has all options."""
    group = type("Total", (models.Aggregate,), {"function": "total", "output": "float"})
    Specimen.objects.bulk_create([Specimen(whole=1), Specimen(whole=2), Specimen(whole=2)])
    assert Specimen.objects.aggregate(group("whole")) == {"whole__total": 5.0}
    assert Specimen.objects.aggregate(n=group("whole", distinct=True)) == {"n": 3.0}
