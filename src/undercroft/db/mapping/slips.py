"""Slips of the pen in a class body that Python takes without a word."""

from inspect import isfunction
from typing import Any

from sqlalchemy.orm import MappedColumn

from undercroft.db.fields.field import Field
from undercroft.db.mapping.foreign_keys import ForeignKeyDeclaration, RelationField
from undercroft.db.mapping.many_to_many import ManyToManyDeclaration
from undercroft.errors import ImproperlyConfigured

_DECLARED = (MappedColumn, ForeignKeyDeclaration, ManyToManyDeclaration)


def check_declarations(model: type[Any], ours: type[Any]) -> None:
    """Check what a class body declares, before anything is made of it.

    Args:
        model: The class.
        ours: The class of all models, whose attributes no field may hide.

    Raises:
        ImproperlyConfigured: A field is followed by a comma, was not called, or cannot be reached
            by its name.
    """
    taken = {name for parent in ours.__mro__ for name in vars(parent)}
    for name, value in vars(model).items():
        place = f"{model.__name__}.{name}"
        if has_comma(value):
            raise ImproperlyConfigured(
                f"{place} is a tuple: a comma stands behind its field.",
                hint="Remove the comma.",
                code="db.declaration",
            )
        if is_uncalled(value):
            raise ImproperlyConfigured(
                f"{place} is a field function that was not called, and declares nothing.",
                hint="Write brackets behind it, with its options.",
                code="db.declaration",
            )
        if is_declared(value) and (name in taken or "__" in name):
            reason = "look-ups are written with `__`" if "__" in name else "every model has that"
            raise ImproperlyConfigured(
                f"No field can be called {name!r}, as {place} is: {reason}.",
                hint=f'Give it another name, and `db_column="{name}"` if the column has this one.',
                code="db.field-name",
            )


def has_comma(value: Any) -> bool:
    """Tell whether a value is a tuple with one of our fields in it."""
    return isinstance(value, tuple) and any(map(is_declared, value))  # pyright: ignore[reportUnknownArgumentType] - of anything


def is_declared(value: object) -> bool:
    """Tell whether a value declares a field or a relation."""
    return isinstance(value, _DECLARED)


def is_uncalled(value: object) -> bool:
    """Tell whether a value is one of our field functions itself."""
    if isinstance(value, Field | RelationField):
        return True
    return (
        isfunction(value)
        and value.__module__.startswith("undercroft.db.")
        and value.__name__.endswith("Field")
    )
