"""The statements that write: rows inserted one by one or many at once, changed, deleted."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from undercroft.db.connections.violations import GUARD
from undercroft.db.sql import casts, fitting
from undercroft.errors import FieldError

#: Dialects that know ON CONFLICT.
_UPSERTS = {"postgresql": postgresql, "sqlite": sqlite}


def _insert(builder: Any) -> Any:
    """Insert a row; answer the columns the database filled in."""
    return _build_insert(builder, sa.insert(builder.options.table))


def _insert_new(builder: Any) -> Any:
    """Insert a row unless another is in its way; answer None when one is."""
    dialect: Any = _UPSERTS.get(builder.dialect.name)
    if dialect is None:
        return _insert(builder)
    statement = dialect.insert(builder.options.table).on_conflict_do_nothing()
    statement = _build_insert(builder, statement)
    finish = builder.answer

    def answer(rows: Any) -> Any:
        return finish(rows) if rows else None

    builder.answer = answer
    return statement


def _build_insert(builder: Any, statement: Any) -> Any:
    names, nodes, returned = builder.shape.columns
    columns = builder.options.columns
    values = {
        columns[name].key: _build_value(builder, columns[name], node)
        for name, node in zip(names, nodes or (None,) * len(names), strict=True)
    }
    # Without `inline`, SQLAlchemy would add its own defaults; ours are in place already.
    statement = statement.values(values).inline()
    if returned:
        statement = statement.returning(*(columns[name] for name in returned))

    def answer(rows: Any) -> dict[str, Any]:
        return dict(zip(returned, rows[0], strict=True)) if returned else {}

    builder.answer = answer
    return statement


def _build_value(builder: Any, column: Any, node: Any) -> Any:
    """Build what a column is set to: the next value of the call, or an expression."""
    if node is None:
        return builder.bind(column.type)
    element = casts.fit(builder, builder.build(node), column.type)
    return fitting.fit(builder, element, column)


def _insert_many(builder: Any) -> Any:
    """Insert several rows; answer the columns the database filled in, row by row."""
    names, count, conflict, returned = builder.shape.columns
    columns = builder.options.columns
    statement = _choose_insert(builder, conflict)
    rows = [
        {columns[name].key: builder.bind(columns[name].type) for name in names}
        for _ in range(count)
    ]
    statement = statement.values(rows if names else {}).inline()
    if returned:
        statement = statement.returning(*(columns[name] for name in returned))

    def answer(found: Any) -> list[dict[str, Any]]:
        return [dict(zip(returned, row, strict=True)) for row in found]

    builder.answer = answer
    return statement


def _choose_insert(builder: Any, conflict: Any) -> Any:
    """Begin the INSERT with what happens to rows that are in the way of others."""
    table = builder.options.table
    if conflict is None:
        return sa.insert(table)
    dialect: Any = _UPSERTS.get(builder.dialect.name)
    if dialect is None:
        return _begin_mariadb(builder, conflict)
    statement = dialect.insert(table)
    updated, unique = conflict
    if not updated:
        return statement.on_conflict_do_nothing()
    columns = builder.options.columns
    return statement.on_conflict_do_update(
        index_elements=[columns[name] for name in unique],
        set_={columns[name].key: statement.excluded[columns[name].key] for name in updated},
    )


def _begin_mariadb(builder: Any, conflict: Any) -> Any:
    """Begin an INSERT on MariaDB, which finds out by itself which row is in the way."""
    statement = mysql.insert(builder.options.table)
    updated, unique = conflict
    columns = builder.options.columns
    if not updated:
        # INSERT IGNORE would hide other errors as well; this changes nothing.
        unchanged = [columns[name] for name in builder.options.primary_keys]
        return statement.on_duplicate_key_update([(each.key, each) for each in unchanged])
    # SQLAlchemy's own `inserted` doubles percent signs in names twice.
    changes = [(columns[name].key, sa.func.VALUES(columns[name])) for name in updated]
    key, value = changes[0]
    matches = (columns[name] == sa.func.VALUES(columns[name]) for name in unique)
    # A row that is in the way by other columns is not the one that was meant. The first change
    # is worked out before any other, and fails then.
    guard = sa.or_(sa.and_(*matches), sa.literal_column(f"({GUARD})"))
    changes[0] = key, sa.func.IF(guard, value, sa.null())
    return statement.on_duplicate_key_update(changes)


def _update(builder: Any) -> Any:
    """Update rows; answer how many."""
    columns = builder.options.columns
    conditions = _list_conditions(builder)
    tables = builder.count_tables()
    values = {
        columns[name].key: _build_value(builder, columns[name], node)
        for name, node in builder.shape.columns
    }
    if builder.count_tables() != tables:
        raise FieldError(
            "update() cannot set a column from another table.",
            hint="Use Subquery(...) with OuterRef.",
            code="db.update",
        )
    return sa.update(builder.options.table).values(values).where(*conditions).inline()


def _update_many(builder: Any) -> Any:
    """Update rows, each with values of its own; answer how many."""
    columns = builder.options.columns
    names, count = builder.shape.columns
    keys = [columns[key] for key in builder.options.primary_keys]
    wanted = [[builder.bind(key.type) for key in keys] for _ in range(count)]
    values: dict[str, Any] = {}
    for name in names:
        column = columns[name]
        branches = [
            (_match_key(keys, [builder.bind(key.type) for key in keys]), builder.bind(column.type))
            for _ in range(count)
        ]
        chosen = sa.case(*branches)
        is_typed = builder.vendor == "postgresql"
        # PostgreSQL cannot tell the type of a choice among parameters.
        values[column.key] = sa.cast(chosen, column.type) if is_typed else chosen
    left = keys[0] if len(keys) == 1 else sa.tuple_(*keys)
    among = left.in_([key[0] if len(key) == 1 else sa.tuple_(*key) for key in wanted])
    return sa.update(builder.options.table).values(values).where(among).inline()


def _match_key(keys: list[Any], values: list[Any]) -> Any:
    return sa.and_(*(key == value for key, value in zip(keys, values, strict=True)))


def _delete(builder: Any) -> Any:
    """Delete rows; answer how many."""
    return sa.delete(builder.options.table).where(*_list_conditions(builder))


def _list_conditions(builder: Any) -> list[Any]:
    """List the conditions of an UPDATE or DELETE, which cannot join or be cut."""
    builder.apply(builder.shape.operations)
    builder.join_related()
    if builder.is_plain:
        builder.check_froms()
        return builder.conditions  # type: ignore[no-any-return]  # a builder is any
    keys = builder.find_keys()
    inner = builder.finish(keys, ordered=False)
    if builder.window or builder.vendor == "mariadb":
        # MariaDB refuses LIMIT in a subquery of IN, and the table that is written, unless the
        # subquery is nested once more.
        nested = inner.subquery()
        inner = sa.select(*nested.c)
    left = keys[0] if len(keys) == 1 else sa.tuple_(*keys)
    return [left.in_(inner)]


WRITES: dict[str, Callable[[Any], Any]] = {
    "delete": _delete,
    "insert": _insert,
    "insert-many": _insert_many,
    "insert-new": _insert_new,
    "update": _update,
    "update-many": _update_many,
}
