"""What the models know of a violated constraint: the model, its fields, the constraint's name."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from undercroft.db.connections.violations import Names, Violation
from undercroft.db.mapping import registry
from undercroft.db.mapping.options import ModelOptions
from undercroft.errors import ForeignKeyViolation, ProtectedError, UniqueViolation

#: MariaDB's name for the primary key of every table.
_PRIMARY = "PRIMARY"

#: What lets a row go that others refer to, and has those go along.
_CASCADE = "CASCADE"
#: What does not let it go.
_REFUSALS = frozenset({None, "NO ACTION", "RESTRICT"})


def find_names(violation: Violation, model: type[Any] | None, sql: str) -> Names:
    """Find the names behind a violation.

    Args:
        violation: What the database said.
        model: What the statement is about, if it is about one model.
        sql: The statement.
    """
    if violation.kind is ProtectedError and not violation.table:
        violation = _complete_protected(violation, model)
        model = None
    options = _find_options(violation.table, model)
    if violation.kind is UniqueViolation and not violation.table:
        options = _find_unique(violation.constraint, options)
    if options is not None:
        violation = _complete(violation, options.table, sql)
        # A foreign key may be another table's than the one that was written to.
        options = _find_options(violation.table, options.model)
    if options is None:
        return Names(violation)
    named = Names(violation, options.model, *_name_fields(options, violation))
    if violation.kind is ForeignKeyViolation and not violation.columns:
        return named._replace(candidates=tuple(_list_candidates(options, sql)))
    return named


def _find_options(table: str, model: type[Any] | None) -> ModelOptions | None:
    """Find the model of a table; the statement's own where none is told."""
    options: ModelOptions | None = None if model is None else model.__options__
    if not table or (options is not None and options.table.name == table):
        return options
    every: list[ModelOptions] = [known.__options__ for known in registry.all_models()]
    return next((each for each in every if each.table.name == table), None)


def _find_unique(key: str, options: ModelOptions | None) -> ModelOptions | None:
    """Find the model that has a key, of which MariaDB tells no more than its name.

    Args:
        key: The name.
        options: Of the statement's model; a trigger may have written to another's table.
    """
    if key in ("", _PRIMARY):
        return options
    every: list[ModelOptions] = [known.__options__ for known in registry.all_models()]
    for each in ([options] if options else []) + every:
        if any(_get_name(known) == key for known in _list_constraints(each.table)):
            return each
    return None


def _name_fields(options: ModelOptions, violation: Violation) -> tuple[tuple[str, ...], str]:
    """Name the fields of a violation's columns, and the model a foreign key refers to."""
    by_column = {column.name: key for key, column in options.columns.items()}
    keys = [by_column[column] for column in violation.columns if column in by_column]
    fields = tuple(options.fields[key].relation or key for key in keys)
    target = ""
    if violation.kind is ForeignKeyViolation and keys:
        for foreign_key in options.columns[keys[0]].foreign_keys:
            other = _find_options(foreign_key.column.table.name, None)
            target = other.name if other else foreign_key.column.table.name
    return fields, target


# ------------------------------------------------------------------ constraints of a table


def _complete(violation: Violation, table: sa.Table, sql: str) -> Violation:
    """Add what the table's own constraints tell."""
    violation = replace(violation, table=table.name)
    if violation.constraint == _PRIMARY:
        violation = replace(
            violation, constraint="", columns=tuple(_list_columns(table.primary_key))
        )
    if violation.constraint:
        found = [each for each in _list_constraints(table) if each.name == violation.constraint]
        columns = tuple(_list_columns(found[0])) if found else violation.columns
        return replace(violation, columns=columns or violation.columns)
    if violation.kind is UniqueViolation and violation.columns:
        found = [each for each in _list_constraints(table) if _is_about(each, violation.columns)]
        return replace(violation, constraint=_get_name(found[0]) if found else "")
    if violation.kind is ForeignKeyViolation and not violation.columns:
        return _complete_foreign_key(violation, table, sql)
    return violation


def _complete_foreign_key(violation: Violation, table: sa.Table, sql: str) -> Violation:
    """Tell which foreign key it is where only one can be; SQLite does not say.

    It is one whose columns are written, or if there is none, one that refers to the key written.
    """
    candidates = _list_written(table, sql) or list(_list_references(table))
    return _point_at(violation, candidates[0]) if len(candidates) == 1 else violation


def _list_written(table: sa.Table, sql: str) -> list[sa.ForeignKeyConstraint]:
    """List the foreign keys whose columns a statement names."""
    words = set(re.findall(r"\w+", sql))
    return [each for each in table.foreign_key_constraints if words.issuperset(_list_columns(each))]


def _list_candidates(options: ModelOptions, sql: str) -> Iterator[str]:
    """List the relations that may lead nowhere, as `Book.author`, in the order of declaration."""
    written = {name for each in _list_written(options.table, sql) for name in _list_columns(each)}
    for key, column in options.columns.items():
        if column.name in written:
            yield f"{options.name}.{options.fields[key].relation or key}"


def _complete_protected(violation: Violation, model: type[Any] | None) -> Violation:
    """Tell who refers to a model's rows where only one can have objected; SQLite does not say."""
    if model is None:
        return violation
    refusing: set[sa.ForeignKeyConstraint] = set()
    going: list[sa.Table] = [model.__options__.table]
    for table in going:
        for constraint in _list_references(table):
            if constraint.ondelete in _REFUSALS:
                refusing.add(constraint)
            elif constraint.ondelete == _CASCADE and constraint.table not in going:
                going.append(constraint.table)
    return _point_at(violation, refusing.pop()) if len(refusing) == 1 else violation


def _list_references(table: sa.Table) -> Iterator[sa.ForeignKeyConstraint]:
    for other in table.metadata.tables.values():
        for constraint in other.foreign_key_constraints:
            if constraint.referred_table is table:
                yield constraint


def _point_at(violation: Violation, constraint: sa.ForeignKeyConstraint) -> Violation:
    columns = tuple(_list_columns(constraint))
    return replace(
        violation,
        table=constraint.table.name,
        columns=columns,
        constraint=_get_name(constraint),
    )


def _list_constraints(table: sa.Table) -> list[Any]:
    return [*table.constraints, *(index for index in table.indexes if index.unique)]


def _is_about(constraint: Any, columns: tuple[str, ...]) -> bool:
    is_unique = isinstance(constraint, sa.UniqueConstraint | sa.PrimaryKeyConstraint | sa.Index)
    return is_unique and set(_list_columns(constraint)) == set(columns)


def _list_columns(constraint: Any) -> list[str]:
    return [column.name for column in getattr(constraint, "columns", ())]


def _get_name(constraint: Any) -> str:
    return constraint.name if isinstance(constraint.name, str) else ""
