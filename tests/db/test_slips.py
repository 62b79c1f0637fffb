"""Slips in a class body: each is an error where it stands, with its place and its repair."""

from datetime import datetime
from typing import Any
from unittest.mock import patch

import pytest

from tests.db.shop_models import Author
from undercroft import models
from undercroft.db.schema import check_orderings
from undercroft.errors import FieldError, ImproperlyConfigured


def declare(name: str, value: Any, **others: Any) -> None:
    """Declare a model with one attribute or several, of an app of its own."""

    class Meta:
        app_label = "slips"

    body = {"__module__": __name__, "Meta": Meta, "__qualname__": "Slip"}
    type("Slip", (models.Model,), {**body, name: value, **others})


def text(**options: Any) -> Any:
    return models.CharField(max_length=5, **options)


@pytest.mark.parametrize("name", ["save", "delete", "objects", "pk", "metadata", "a__b"])
def test_no_field_hides_what_every_model_has(name: str) -> None:
    """A column of that name is kept by `db_column`; the attribute needs another."""
    with pytest.raises(
        ImproperlyConfigured, match=f'Slip.{name} is: .*db_column="{name}"'
    ) as caught:
        declare(name, text())
    assert caught.value.code == "db.field-name"


def test_a_comma_behind_a_field_is_seen() -> None:
    """Python makes a tuple of it, and the column would be missing."""
    with pytest.raises(ImproperlyConfigured, match=r"Slip\.name is a tuple.*comma"):
        declare("name", (text(),))


@pytest.mark.parametrize(
    "function", [models.CharField, models.JSONField, models.ForeignKey, models.ManyToManyField]
)
def test_a_field_that_was_not_called_is_seen(function: Any) -> None:
    """Without its brackets a field declares nothing."""
    with pytest.raises(ImproperlyConfigured, match=r"Slip\.name .* not called"):
        declare("name", function)


def test_wrong_options_say_what_is_expected() -> None:
    """A choice that is no pair, a way to delete that is none."""
    with pytest.raises(ImproperlyConfigured, match=r"'a' is no choice.*pair"):
        text(choices=["a", "b"])
    wrong: Any = "CASCADE"
    with pytest.raises(ImproperlyConfigured, match=r"on_delete='CASCADE'.*models\.CASCADE"):
        models.ForeignKey("self", on_delete=wrong)


@pytest.mark.parametrize(
    "option,message",
    [
        ("null", "has no option 'null'. There is no column"),
        ("on_delete", "has no option 'on_delete'. The rows between"),
        ("relatd_name", "Did you mean 'related_name'"),
        ("colour", "Known: related_name"),
    ],
)
def test_wrong_options_of_many_to_many_are_told(option: str, message: str) -> None:
    """The text is ours, with what to write or what there is instead."""
    wrong: Any = {option: None}
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        models.ManyToManyField("self", **wrong)
    assert (caught.value.code, caught.value.__cause__) == ("db.field-option", None)


@pytest.mark.parametrize(
    "field,default,expected",
    [
        (models.IntegerField, "x", "a whole number of 32 bits"),
        (models.PositiveIntegerField, -1, "at least 0"),
        (models.BooleanField, "yes", "True or False"),
        (models.DateTimeField, datetime(2026, 1, 1), "an aware datetime"),  # noqa: DTZ001 - wrong
        (models.TextField, 3, "text"),
        (models.JSONField, 1j, "what JSON can say"),
    ],
)
def test_a_default_must_fit_its_field(field: Any, default: Any, expected: str) -> None:
    """A default of a wrong type would be found with the first row that is saved."""
    with pytest.raises(ImproperlyConfigured, match=f"default=.*expected {expected}") as caught:
        field(default=default)
    assert caught.value.code == "db.field-option"
    with pytest.raises(ImproperlyConfigured, match="at most 5 characters"):
        text(default="longer")


def test_two_primary_keys_are_refused() -> None:
    """Two fields that are the key say nothing of their order; a key of several is another thing."""
    message = r"Slip has 2 .*: a, b\..*CompositePrimaryKey\(\"a\", \"b\"\)"
    keys = [models.IntegerField(primary_key=True) for _ in range(2)]
    with pytest.raises(ImproperlyConfigured, match=message) as caught:
        declare("a", keys[0], b=keys[1])
    assert caught.value.code == "db.primary-key"
    user = models.OneToOneField("self", on_delete=models.CASCADE, primary_key=True)
    with pytest.raises(ImproperlyConfigured, match="a, b"):
        declare("a", keys[0], b=user)


def test_a_model_is_declared_once() -> None:
    """A second class of the same name or table is told before SQLAlchemy meets it."""

    def build_meta(**options: str) -> type[Any]:
        return type("Meta", (), {"app_label": "db", **options})

    body = {"__module__": "elsewhere", "__qualname__": "Author"}
    with pytest.raises(
        ImproperlyConfigured,
        match=r"Model db\.Author is declared twice: in tests\.db\..* elsewhere",
    ) as caught:
        type("Author", (models.Model,), {**body, "Meta": build_meta()})
    assert caught.value.code == "db.duplicate-model"
    with pytest.raises(ImproperlyConfigured, match=r"table 'db_author', which is that of Author"):
        type("Writer9", (models.Model,), {**body, "Meta": build_meta(db_table="db_author")})
    assert Author.__options__.mapper.class_ is Author


def test_an_ordering_is_a_list_of_fields() -> None:
    """Text in its place would be its letters, and an unknown name is told with its model."""
    with pytest.raises(ImproperlyConfigured, match=r"ordering is text, 'name'.*\['name'\]"):
        declare("Meta", type("Meta", (), {"app_label": "slips", "ordering": "name"}))
    options = Author.__options__
    with patch.dict(vars(options), {"ordering": ("-nmae",)}):
        message = r"db\.Author has a wrong Meta\.ordering: Field 'nmae'.*Did you mean 'name'"
        for ask in (check_orderings, lambda: str(Author.objects.all()[0])):
            with pytest.raises(FieldError, match=message):
                ask()
