"""Completes a class that has just been mapped: what its fields and `Meta` say of the table."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import conv

from undercroft.db.fields.display import add_display
from undercroft.db.fields.expressions import build_sql
from undercroft.db.fields.info import INFO_KEY, FieldInfo
from undercroft.db.mapping.constraints import CheckConstraint, Index, UniqueConstraint
from undercroft.db.mapping.names import shorten_name
from undercroft.db.mapping.registry import find_mapper
from undercroft.db.mapping.search_indexes import SearchIndex
from undercroft.errors import ImproperlyConfigured

#: What `Meta` holds of ours.
_OWN = (CheckConstraint, UniqueConstraint, Index, SearchIndex)

#: Where a table says that its migrations are not ours.
UNMANAGED = "undercroft.unmanaged"


def complete_class(model: Any, meta: dict[str, Any]) -> None:
    """Give fields their names, and the table its checks, constraints, indexes and comment.

    Args:
        model: The mapped class; relations of its may not be resolved yet.
        meta: What its `Meta` says, inherited options included.
    """
    mapper = find_mapper(model)
    table: sa.Table = mapper.local_table
    for key, column in mapper.columns.items():
        info = column.info.get(INFO_KEY)
        if isinstance(info, FieldInfo):
            column.info[INFO_KEY] = info = replace(info, name=key)
            add_checks(table, column, info)
            if info.choices:
                add_display(model, info)
            if info.is_generated:
                column.computed.sqltext = build_sql(info.expression, model)
    for declared in list_declared(meta):
        declared.attach(model)
    if "db_table_comment" in meta:
        table.comment = meta["db_table_comment"]
    if not meta.get("managed", True):
        table.info[UNMANAGED] = True


def list_declared(
    meta: dict[str, Any],
) -> Iterator[CheckConstraint | UniqueConstraint | Index | SearchIndex]:
    """List the constraints and indexes of a `Meta` that are ours, not SQLAlchemy's."""
    together = meta.get("unique_together", ())
    if together and isinstance(together[0], str):
        together = (together,)
    for names in together:
        yield UniqueConstraint(fields=tuple(names))
    for each in (*meta.get("constraints", ()), *meta.get("indexes", ())):
        if isinstance(each, _OWN):
            yield each


def list_foreign_items(model: Any, meta: dict[str, Any]) -> list[Any]:
    """List the constraints and indexes of a `Meta` that are SQLAlchemy's own.

    Raises:
        ImproperlyConfigured: It is something else, or belongs to another model already.
    """
    found: list[Any] = []
    for each in (*meta.get("constraints", ()), *meta.get("indexes", ())):
        if isinstance(each, _OWN):
            continue
        if not isinstance(each, (sa.Constraint, sa.Index)):
            raise ImproperlyConfigured(
                f"{model.__name__}.Meta has {each!r} among its constraints and indexes.",
                hint="Write models.CheckConstraint, UniqueConstraint, Index, SearchIndex, or "
                "SQLAlchemy's.",
                code="db.constraint",
            )
        owner = each.table if isinstance(each, sa.Index) else getattr(each, "parent", None)
        if owner is not None:
            raise ImproperlyConfigured(
                f"{model.__name__} inherits {each!r}, which belongs to one table only.",
                hint="Write models.CheckConstraint, models.UniqueConstraint or models.Index, which "
                "each child gets anew.",
                code="db.constraint",
            )
        found.append(each)
    return found


def add_checks(table: sa.Table, column: "sa.Column[Any]", info: FieldInfo) -> None:
    """Let the database check what a field's values are.

    A type without a sign would do for numbers on MariaDB, where 1 - 2 is then an error.
    """
    if info.min_value is not None:
        add_check(table, column, "minimum", column >= info.min_value)
    if info.enum is not None:
        values = [member.value for member in info.enum]
        plain: Any = sa.type_coerce(
            column, sa.Integer() if info.max_length is None else sa.String()
        )
        add_check(table, column, "enum", plain.in_(values))


def add_check(table: sa.Table, column: "sa.Column[Any]", what: str, condition: Any) -> None:
    """Add a check constraint of one column."""
    name = shorten_name(f"ck_{table.name}_{column.name}_{what}")
    table.append_constraint(sa.CheckConstraint(condition, name=conv(name)))
