"""Reads tables by SQLAlchemy's inspector."""

import re
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.engine import Inspector

from undercroft.db.connections.search_indexes import Search
from undercroft.db.connections.sqlite_search import find_searches
from undercroft.db.inspection.declared import Declared, read_declared
from undercroft.db.inspection.schema import (
    CheckSchema,
    ColumnSchema,
    Expression,
    ForeignKeySchema,
    IndexSchema,
    TableSchema,
    UniqueSchema,
)

T = TypeVar("T")

#: What comes of the inspector where it loses its way in SQL: names may be anything.
_LOST = (AttributeError, LookupError, TypeError, ValueError)

#: The inspector's words for a type it does not know, which `declared` has read.
_UNKNOWN_TYPE = re.compile(r"Did not recognize type")

_SQLITE_HIDDEN = sa.text("SELECT name FROM pragma_table_list WHERE type IN ('virtual', 'shadow')")

#: A default that says nothing.
_NULL = re.compile(r"NULL(::.*)?", re.IGNORECASE)

#: How an index orders a column.
_SORTING = {
    "asc": "ASC",
    "desc": "DESC",
    "nulls_first": "NULLS FIRST",
    "nulls_last": "NULLS LAST",
    "nullsfirst": "NULLS FIRST",
    "nullslast": "NULLS LAST",
}


def list_tables(inspector: Inspector, *, include_views: bool) -> dict[str, bool]:
    """List the tables, and views when asked for, by name; tell which are views."""
    hidden = _list_hidden(inspector)
    names = sorted(name for name in inspector.get_table_names() if name not in hidden)
    found = dict.fromkeys(names, False)
    if include_views:
        views = inspector.get_view_names()
        if inspector.dialect.name == "postgresql":
            views += cast("Any", inspector).get_materialized_view_names()
        found.update(dict.fromkeys(sorted(views), True))
    return found


def _list_hidden(inspector: Inspector) -> set[str]:
    """List the tables of SQLite that a module keeps, such as FTS5: indexes rather than tables."""
    if inspector.dialect.name != "sqlite":
        return set()
    return set(cast("sa.Connection", inspector.bind).scalars(_SQLITE_HIDDEN))


def read_table(connection: sa.Connection, name: str, *, is_view: bool) -> TableSchema:
    """Read one table or view."""
    inspector = sa.inspect(connection)
    declared = read_declared(connection, name)
    with collect_notes() as notes:
        key = () if is_view else tuple(inspector.get_pk_constraint(name)["constrained_columns"])
        table = _read_view(inspector, name, key, declared)
        if not is_view:
            table = _complete(inspector, table, declared, notes)
    notes += list_excluded(inspector, table)
    if len(table.checks) < declared.check_count:
        notes.append(f"Of {declared.check_count} checks, {len(table.checks)} could be read.")
    notes += [
        f"SQL of the generated column {column.name!r} cannot be read."
        for column in table.columns
        if column.computed is not None and not column.computed[0]
    ]
    return replace(table, notes=tuple(dict.fromkeys(notes)))


@contextmanager
def collect_notes() -> Generator[list[str]]:
    """Collect what the inspector warns of."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    messages = (str(each.message) for each in caught)
    notes.extend(message for message in messages if not _UNKNOWN_TYPE.search(message))


def _read_view(
    inspector: Inspector, name: str, primary_key: tuple[str, ...], declared: Declared
) -> TableSchema:
    """Read what views have as well."""
    reported = inspector.get_columns(name)
    return TableSchema(
        name=name,
        is_view=True,
        columns=tuple(read_column(each, primary_key, declared) for each in reported),
        primary_key=primary_key,
        foreign_keys=(),
        uniques=(),
        indexes=(),
        checks=(),
        comment=read_comment(inspector, name),
    )


def _complete(
    inspector: Inspector, table: TableSchema, declared: Declared, notes: list[str]
) -> TableSchema:
    """Add what only tables have."""
    name = table.name

    def take(what: str, found: Iterator[T]) -> tuple[T, ...]:
        try:
            return tuple(found)
        except _LOST as error:
            notes.append(f"{what} cannot be read: {type(error).__name__} in SQLAlchemy.")
            return ()

    uniques = take("Unique constraints", read_uniques(inspector, name, declared))
    table = replace(
        table,
        is_view=False,
        foreign_keys=take("Foreign keys", read_foreign_keys(inspector, name, declared)),
        uniques=uniques,
        indexes=take("Indexes", read_indexes(inspector, name, uniques)),
        checks=take("Checks", read_checks(inspector, name, declared)),
        options=dict(inspector.get_table_options(name)),
    )
    if inspector.dialect.name == "sqlite":
        columns = tuple(_complete_sqlite(table, column) for column in table.columns)
        table = replace(table, columns=columns, searches=read_searches(inspector, name))
    return table


def read_searches(inspector: Inspector, name: str) -> tuple[Search, ...]:
    """Read the search indexes of a table."""
    found = find_searches(cast("sa.Connection", inspector.bind))
    return tuple(each for each in found if each.table == name)


def read_comment(inspector: Inspector, name: str) -> str:
    """Read what is said of a table, where the database keeps such things."""
    try:
        return inspector.get_table_comment(name)["text"] or ""
    except NotImplementedError:
        return ""


# ------------------------------------------------------------------ columns


def read_column(
    reported: Mapping[str, Any], primary_key: Sequence[str], declared: Declared
) -> ColumnSchema:
    """Read a column out of what the inspector reports."""
    name, default = reported["name"], reported["default"]
    identity, computed = reported.get("identity"), reported.get("computed")
    is_counted = name in primary_key and reported.get("autoincrement") is True
    if default is not None and (_NULL.fullmatch(default) or is_counted):
        default = None
    return ColumnSchema(
        name=name,
        type=reported["type"],
        declared=declared.types.get(name, ""),
        nullable=reported["nullable"],
        default=default,
        is_counted=is_counted,
        identity=identity,
        computed=None if computed is None else read_computed(computed),
        comment=reported.get("comment") or "",
    )


def read_computed(computed: Mapping[str, Any]) -> tuple[str, bool | None]:
    """Read the SQL of a generated column; none where the inspector has lost its way in it."""
    sql: str = computed["sqltext"]
    depth = 0
    for character in re.sub(r"'[^']*'", "", sql):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return "", computed.get("persisted")
    return (sql if depth == 0 else ""), computed.get("persisted")


def _complete_sqlite(table: TableSchema, column: ColumnSchema) -> ColumnSchema:
    """Tell of SQLite's keys that they are never NULL, and which of them count."""
    if column.name not in table.primary_key:
        return column
    is_alone = len(table.primary_key) == 1
    has_numbers = table.options.get("sqlite_with_rowid", True)
    is_given = any(key.columns == (column.name,) for key in table.foreign_keys)
    is_number = bool(has_numbers) and column.declared.upper() == "INTEGER"
    is_counted = is_alone and is_number and not is_given
    return replace(column, nullable=False, is_counted=is_counted)


# ------------------------------------------------------------------ constraints


def read_foreign_keys(
    inspector: Inspector, name: str, declared: Declared
) -> Iterator[ForeignKeySchema]:
    """Read the foreign keys of a table."""
    for reported in inspector.get_foreign_keys(name):
        columns = tuple(reported["constrained_columns"])
        options: dict[str, Any] = {**reported.get("options", {})}
        if columns in declared.deeds:
            options["ondelete"], options["onupdate"] = declared.deeds[columns]
        yield ForeignKeySchema(
            name=reported["name"],
            columns=columns,
            schema=reported["referred_schema"],
            table=reported["referred_table"],
            referred=tuple(reported["referred_columns"]),
            options={
                key: value
                for key, value in sorted(options.items())
                if value and not (key in ("ondelete", "onupdate") and value == "NO ACTION")
            },
        )


def read_uniques(inspector: Inspector, name: str, declared: Declared) -> Iterator[UniqueSchema]:
    """Read the unique constraints of a table, those without a name last."""
    found: Sequence[Any] = inspector.get_unique_constraints(name)
    known = [tuple(reported["column_names"]) for reported in found]
    for reported in sorted(found, key=lambda each: (each["name"] is None, each["name"] or "")):
        options = {k: v for k, v in reported.get("dialect_options", {}).items() if v}
        yield UniqueSchema(reported["name"], tuple(reported["column_names"]), options)
    for columns in declared.uniques:
        if columns not in known:
            yield UniqueSchema(None, columns, {})


def read_indexes(
    inspector: Inspector, name: str, uniques: Sequence[UniqueSchema]
) -> Iterator[IndexSchema]:
    """Read the indexes of a table, but for those that a constraint has made."""
    known = {each.name for each in uniques}
    found: Sequence[Any] = inspector.get_indexes(name)
    for reported in sorted(found, key=lambda each: each["name"] or ""):
        if "duplicates_constraint" not in reported and reported["name"] not in known:
            yield read_index(inspector, reported)


def read_index(inspector: Inspector, reported: Mapping[str, Any]) -> IndexSchema:
    """Read an index out of what the inspector reports."""
    quote = inspector.dialect.identifier_preparer.quote
    sorting: Mapping[str, Sequence[str]] = reported.get("column_sorting", {})
    names: Sequence[str | None] = reported["column_names"]
    texts: Sequence[str] = reported.get("expressions") or [name or "" for name in names]
    parts: list[str | Expression] = []
    for name, text in zip(names, texts, strict=True):
        if name is not None and name not in sorting:
            parts.append(name)
            continue
        sql = text if name is None else quote(name)
        words = [_SORTING[each] for each in sorting.get(name or text, ())]
        parts.append(Expression(" ".join([sql, *words])))
    options: dict[str, Any] = reported.get("dialect_options", {})
    return IndexSchema(
        name=reported["name"],
        parts=tuple(parts),
        is_unique=bool(reported["unique"]),
        options={key: value for key, value in sorted(options.items()) if _says_something(value)},
    )


def _says_something(value: Any) -> bool:
    return value is not None and value is not False and value not in ([], {})


def list_excluded(inspector: Inspector, table: TableSchema) -> list[str]:
    """List constraints of which the inspector tells no more than the index they have."""
    if table.is_view:
        return []
    known = {each.name for each in table.uniques}
    found: Sequence[Any] = inspector.get_indexes(table.name)
    return [
        f"The constraint {each['name']!r} cannot be read."
        for each in found
        if "duplicates_constraint" in each and each["duplicates_constraint"] not in known
    ]


def read_checks(inspector: Inspector, name: str, declared: Declared) -> Iterator[CheckSchema]:
    """Read the check constraints of a table."""
    found: Sequence[Any] = inspector.get_check_constraints(name)
    for reported in found:
        yield CheckSchema(reported["name"], reported["sqltext"])
    for column, sql in declared.checks.items():
        yield CheckSchema(f"ck_{name}_{column}", sql)
