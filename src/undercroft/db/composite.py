"""Primary keys of several columns: `pk = CompositePrimaryKey("tenant", "number")`."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from undercroft.errors import ImproperlyConfigured


class CompositePrimaryKey:
    """A primary key of several fields, declared under the name `pk`.

    Args:
        names: The fields, in the key's order; of a foreign key the relation or its column.

    Raises:
        ImproperlyConfigured: It has fewer than two fields, or one of them twice.
    """

    def __init__(self, *names: str) -> None:
        if len(names) < 2 or len(set(names)) != len(names):
            raise ImproperlyConfigured(
                f"CompositePrimaryKey{names!r}: expected two or more different fields.",
                code="db.primary-key",
            )
        self.names = names


def take_composite(model: Any) -> tuple[str, ...]:
    """Take the declaration of a class about to be mapped, or of its parents; give the fields."""
    declared = _own(model).get("pk")
    if isinstance(declared, CompositePrimaryKey):
        # `pk` itself is a property of every model.
        type.__delattr__(model, "pk")
        model.__composite_key__ = declared.names
    names: tuple[str, ...] = getattr(model, "__composite_key__", ())
    return names


def mark_composite(model: Any, names: tuple[str, ...]) -> None:
    """Make the fields the primary key, in their order.

    Raises:
        ImproperlyConfigured: One is no field of the class.
    """
    columns: list[str] = []
    for name in names:
        mapped = getattr(model, f"{name}_id", None) or getattr(model, name, None)
        column = getattr(mapped, "column", None)
        if column is None:
            raise ImproperlyConfigured(
                f"{model.__name__} has no field {name!r} for its CompositePrimaryKey.",
                code="db.primary-key",
            )
        key = f"{name}_id" if getattr(model, f"{name}_id", None) is mapped else name
        column.nullable = False
        columns.append(column.name or key)
    present = _own(model).get("__table_args__", ())
    constraint = sa.PrimaryKeyConstraint(*columns)
    model.__table_args__ = (
        (constraint, present) if isinstance(present, dict) else (constraint, *present)
    )


def _own(model: type[Any]) -> Mapping[str, Any]:
    """Give what the class itself declares."""
    found: Mapping[str, Any] = vars(model)
    return found
