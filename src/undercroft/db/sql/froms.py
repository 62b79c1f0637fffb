"""What to say of an expression on a table that is not joined: how its look-up is spelled."""

from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql import visitors

from undercroft.db.mapping.options import ModelOptions
from undercroft.errors import FieldError

#: Relations followed in search of a table.
_DEPTH = 3


def build_not_joined(options: ModelOptions, element: Any, table: Any) -> FieldError:
    """Build the error for an expression on a table that a query has not joined.

    Args:
        options: Of the model that is queried.
        element: The expression.
        table: The table.
    """
    name = getattr(table, "name", str(table))
    path = find_path(options, table)
    if path is None:
        hint = "Ask by a subquery of it: sa.exists().where(...)."
    else:
        lookup = "__".join((*path, find_column_key(options, path, element)))
        hint = f"Write it as a look-up, which joins it: {lookup}=..."
    return FieldError(
        f"An expression on the table {name!r} does not go with {options.name}.objects, whose query "
        "has not joined it.",
        hint=hint,
        code="db.condition",
    )


def find_path(options: ModelOptions, table: Any) -> tuple[str, ...] | None:
    """Find the shortest path of relations that leads to a table."""
    reached: list[tuple[tuple[str, ...], ModelOptions]] = [((), options)]
    for _ in range(_DEPTH):
        following: list[tuple[tuple[str, ...], ModelOptions]] = []
        for path, owner in reached:
            for relation in owner.relations.values():
                target: ModelOptions = relation.target.__options__
                if target.table == table:
                    return (*path, relation.name)
                following.append(((*path, relation.name), target))
        reached = following
    return None


def find_column_key(options: ModelOptions, path: tuple[str, ...], element: Any) -> str:
    """Find the attribute of the first column an expression has of the model at a path's end."""
    for name in path:
        options = options.relations[name].target.__options__
    used: list[Any] = [part for part in visitors.iterate(element) if isinstance(part, Column)]
    for key, column in options.columns.items():
        if any(part.name == column.name and part.table == options.table for part in used):
            return key
    return options.primary_key
