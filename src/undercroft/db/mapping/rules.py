"""What `full_clean` holds an instance against beside its fields: the constraints of its table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from undercroft.db.mapping.constraints import DECLARED, CheckConstraint, UniqueConstraint


@dataclass(frozen=True, eq=False)
class Rule:
    """A constraint, ready to be asked about a row that is not stored; equal only to itself.

    Attributes:
        keys: The attributes of the columns it is about.
        condition: What must not be false, or which rows are compared; None for all.
        expressions: What must be unique, where that is more than the columns.
        is_unique: Whether it compares rows; else it is a check.
        nulls_distinct: Whether NULL is unlike NULL.
        declared: The declaration, where there is one of ours.
        is_exact: Whether it names its columns; SQL as text may be about any.
    """

    keys: tuple[str, ...]
    condition: Any = None
    expressions: tuple[Any, ...] = ()
    is_unique: bool = True
    nulls_distinct: bool = True
    declared: CheckConstraint | UniqueConstraint | None = None
    is_exact: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether it compares columns of all rows and nothing else."""
        return self.is_unique and self.condition is None and not self.expressions


def list_rules(table: sa.Table, names: dict[Any, str]) -> tuple[Rule, ...]:
    """List the rules of a table.

    Args:
        table: The table.
        names: The attributes of its columns, by column.
    """
    found = [*_list_of_constraints(table, names), *_list_of_indexes(table, names)]
    return tuple(sorted(found, key=lambda rule: (not rule.is_plain, rule.keys)))


def _list_of_constraints(table: sa.Table, names: dict[Any, str]) -> Iterator[Rule]:
    for constraint in table.constraints:
        declared: Any = constraint.info.get(DECLARED)
        if isinstance(constraint, sa.UniqueConstraint):
            keys = tuple(names[column] for column in constraint.columns)
            distinct = not constraint.dialect_kwargs.get("postgresql_nulls_not_distinct")
            yield Rule(keys, nulls_distinct=distinct, declared=declared)
        elif isinstance(constraint, sa.CheckConstraint) and declared is not None:
            keys, is_exact = list_keys([constraint.sqltext], table, names)
            yield Rule(
                keys,
                as_condition(constraint.sqltext),
                is_unique=False,
                declared=declared,
                is_exact=is_exact,
            )


def _list_of_indexes(table: sa.Table, names: dict[Any, str]) -> Iterator[Rule]:
    for index in table.indexes:
        declared: Any = index.info.get(DECLARED)
        if not index.unique or declared is None:
            continue
        parts: list[Any] = [getattr(part, "element", part) for part in index.expressions]
        condition = index.dialect_kwargs.get("postgresql_where")
        asked = parts if condition is None else [*parts, condition]
        keys, is_exact = list_keys(asked, table, names)
        yield Rule(
            keys,
            None if condition is None else as_condition(condition),
            tuple(parts) if declared.expressions else (),
            nulls_distinct=declared.nulls_distinct is not False,
            declared=declared,
            is_exact=is_exact,
        )


def as_condition(element: Any) -> Any:
    """Make of SQL as text what can be negated and asked for."""
    if isinstance(element, sa.TextClause):
        return sa.literal_column(f"({element.text})", sa.Boolean())
    return element


def list_keys(
    elements: Iterable[Any], table: sa.Table, names: dict[Any, str]
) -> tuple[tuple[str, ...], bool]:
    """List the attributes of the columns in expressions: all of them where text may name any.

    Returns:
        The attributes, and whether they are just those in use.
    """
    used: dict[str, None] = {}
    for element in elements:
        for part in visitors.iterate(element):
            if isinstance(part, sa.TextClause):
                return tuple(names.values()), False
            if isinstance(part, sa.Column):
                used[names[table.c[part.key]]] = None
    return tuple(used), True


def swap_columns(expression: Any, table: sa.Table, make: Callable[["sa.Column[Any]"], Any]) -> Any:
    """Put something in the place of each column of a table."""

    def replace(element: Any, **_options: Any) -> Any:
        is_column = isinstance(element, sa.Column) and element.key in table.c
        return make(table.c[element.key]) if is_column else None

    traverse: Any = visitors.replacement_traverse
    return traverse(expression, {}, replace)
