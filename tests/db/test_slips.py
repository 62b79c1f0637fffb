"""Slips in a class body: each is an error where it stands, with its place and its repair."""

from typing import Any

import pytest

from undercroft import models
from undercroft.errors import ImproperlyConfigured


def declare(name: str, value: Any) -> None:
    """Declare a model with one attribute, of an app of its own."""

    class Meta:
        app_label = "slips"

    body = {"__module__": __name__, "Meta": Meta, "__qualname__": "Slip"}
    type("Slip", (models.Model,), {**body, name: value})


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
