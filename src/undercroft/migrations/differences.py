"""From two sets of tables to the operations that lead from one to the other."""

from collections.abc import Iterable, Set
from dataclasses import replace

import sqlalchemy as sa
from alembic.operations import ops

from undercroft.db.connections.search_indexes import Search
from undercroft.errors import MigrationError
from undercroft.migrations.filling import find_fill, find_filling
from undercroft.migrations.schema import (
    build_column,
    build_constraint,
    build_default,
    build_index,
    build_table,
)
from undercroft.migrations.search_indexes import CreateSearchIndexOp, DropSearchIndexOp
from undercroft.migrations.state import ColumnState, ConstraintState, Tables, TableState


def build_operations(old: Tables, new: Tables) -> list[ops.MigrateOperation]:
    """Build the operations that turn the old tables into the new ones.

    Raises:
        MigrationError: A change cannot be made without a decision, such as what a new column
            holds in existing rows.
    """
    created = {name: table for name, table in new.items() if name not in old}
    dropped = {name: table for name, table in old.items() if name not in new}
    made: list[ops.MigrateOperation] = []
    deferred: list[ops.MigrateOperation] = []
    for table, later in sort_tables(created):
        made += create_table(table, later)
        deferred += [
            ops.ModifyTableOps(
                table.name, [ops.AddConstraintOp.from_constraint(build_constraint(table, each))]
            )
            for each in later
        ]
    altered = [
        operation
        for name in sorted(old.keys() & new.keys())
        for operation in alter_table(old[name], new[name])
    ]
    released: list[ops.MigrateOperation] = []
    gone: list[ops.MigrateOperation] = []
    for table, later in sort_tables(dropped):
        released += [
            ops.ModifyTableOps(
                table.name, [ops.DropConstraintOp.from_constraint(build_constraint(table, each))]
            )
            for each in later
        ]
        gone.insert(0, ops.DropTableOp.from_table(build_table(table)))
    return [*made, *deferred, *altered, *released, *gone]


def sort_tables(tables: Tables) -> list[tuple[TableState, list[ConstraintState]]]:
    """Sort tables so that each comes after those it refers to.

    In a circle no order is right: the table that opens it comes with the foreign keys that must
    be added once the others are there.
    """
    left = dict(sorted(tables.items()))
    ordered: list[tuple[TableState, list[ConstraintState]]] = []
    while left:
        free = [table for table in left.values() if not table.list_targets() & left.keys()]
        chosen = free[0] if free else next(iter(left.values()))
        later = [
            each
            for each in chosen.constraints.values()
            if each.kind == "foreign" and each.target in left and each.target != chosen.name
        ]
        ordered.append((chosen, later))
        del left[chosen.name]
    return ordered


def create_table(
    table: TableState, later: Iterable[ConstraintState] = ()
) -> list[ops.MigrateOperation]:
    """Build the operations that create a table with its indexes."""
    skipped = {each.name for each in later}
    kept = {name: each for name, each in table.constraints.items() if name not in skipped}
    built = build_table(replace(table, constraints=kept))
    indexes = [build_index(built, each) for each in table.indexes.values()]
    return [
        ops.CreateTableOp.from_table(built),
        *(ops.CreateIndexOp.from_index(index) for index in indexes),
        *map(CreateSearchIndexOp, table.searches.values()),
    ]


def alter_table(old: TableState, new: TableState) -> list[ops.MigrateOperation]:
    """Build the operations that change one table: first what stands on columns, then columns."""
    made_anew = find_made_anew(old, new)
    before, after = build_table(old), build_table(new)
    # Indexes stay outside of the groups: no database makes a table anew for one.
    indexes_dropped = [
        ops.DropIndexOp.from_index(build_index(before, each))
        for name, each in old.indexes.items()
        if new.indexes.get(name) != each or made_anew & set(each.expressions)
    ]
    indexes_created = [
        ops.CreateIndexOp.from_index(build_index(after, each))
        for name, each in new.indexes.items()
        if old.indexes.get(name) != each or made_anew & set(each.expressions)
    ]
    searches_dropped = find_other_searches(old, new, made_anew)
    searches_created = find_other_searches(new, old, made_anew)
    released = [
        ops.DropConstraintOp.from_constraint(build_constraint(old, each))
        for each in find_other_constraints(old, new, made_anew)
    ]
    added = [
        ops.AddConstraintOp.from_constraint(build_constraint(new, each))
        for each in find_other_constraints(new, old, made_anew)
    ]
    columns, unfilled = change_columns(old, new, made_anew)
    filled = [
        operation
        for name, column in new.columns.items()
        if name in old.columns
        for operation in find_fill(new.name, old.columns[name], column)
    ]
    renewed = [drop_column(old, name) for name in made_anew]
    # SQLite makes the table anew in each group, so they are as few as can be.
    groups: list[list[ops.MigrateOperation]] = [[*released, *columns], [*unfilled, *added]]
    if renewed:
        groups = [[*released, *renewed], columns, [*unfilled, *added]]
    elif not unfilled:
        groups = [[*released, *columns, *added]]
    changed = [ops.ModifyTableOps(new.name, group) for group in groups if group]
    return [
        *(DropSearchIndexOp(each.name, each.table) for each in searches_dropped),
        *indexes_dropped,
        *filled,
        *changed,
        *indexes_created,
        *map(CreateSearchIndexOp, searches_created),
        *change_comment(old, new),
    ]


def find_other_searches(table: TableState, other: TableState, made_anew: Set[str]) -> list[Search]:
    """Find the search indexes of one version of a table that the other has not, or not so."""
    return [
        each
        for name, each in table.searches.items()
        if other.searches.get(name) != each or made_anew & set(each.columns)
    ]


def find_made_anew(old: TableState, new: TableState) -> set[str]:
    """Find the generated columns whose expression has changed: no database alters those."""
    return {
        name
        for name, column in new.columns.items()
        if name in old.columns
        and (old.columns[name].computed, old.columns[name].is_stored)
        != (column.computed, column.is_stored)
    }


def change_comment(old: TableState, new: TableState) -> list[ops.MigrateOperation]:
    """Build what changes the comment of a table."""
    if old.comment == new.comment:
        return []
    if new.comment is None:
        return [ops.DropTableCommentOp(new.name, existing_comment=old.comment)]
    return [ops.CreateTableCommentOp(new.name, new.comment, existing_comment=old.comment)]


def find_other_constraints(
    table: TableState, other: TableState, made_anew: Set[str]
) -> list[ConstraintState]:
    """Find the constraints of one version of a table that the other has not, or not so.

    Args:
        table: The one.
        other: The other.
        made_anew: Columns whose constraints go and come with them.
    """
    # The key of a renamed table keeps the name it was made with, which nothing depends on.
    keys = [each.columns for each in other.constraints.values() if each.kind == "primary"]
    found = [
        each
        for name, each in table.constraints.items()
        if (other.constraints.get(name) != each or made_anew & set(each.columns))
        and not (each.kind == "primary" and each.columns in keys)
    ]
    for constraint in found:
        check_changeable(table, constraint)
    return found


def check_changeable(table: TableState, constraint: ConstraintState) -> None:
    """Refuse to change a primary key, which other tables' rows hang on.

    Raises:
        MigrationError: It is one.
    """
    if constraint.kind == "primary":
        raise MigrationError(
            f"The primary key of {table.name!r} has changed, which cannot be written by itself.",
            hint="Write the steps into a migration made by `undercroft makemigrations --empty`.",
            code="migrations.primary-key",
        )


def change_columns(
    old: TableState, new: TableState, made_anew: Set[str]
) -> tuple[list[ops.MigrateOperation], list[ops.MigrateOperation]]:
    """Build the operations on columns, and those that must follow in a step of their own.

    What is computed goes before the columns it is computed from, and comes after them.
    """
    gone = [name for name in old.columns if name not in new.columns]
    gone.sort(key=lambda name: old.columns[name].computed is None)
    changes = [drop_column(old, name) for name in gone]
    afterwards: list[ops.MigrateOperation] = []
    for column in sorted(new.columns.values(), key=lambda each: each.computed is not None):
        if column.name not in old.columns or column.name in made_anew:
            add, clean_up = add_column(new, column)
            changes.append(add)
            afterwards += clean_up
        elif old.columns[column.name] != column:
            changes.append(alter_column(new, old.columns[column.name], column))
    return changes, afterwards


def drop_column(table: TableState, name: str) -> ops.MigrateOperation:
    """Build what drops a column."""
    column = build_column(table.columns[name])
    return ops.DropColumnOp.from_column_and_tablename(None, table.name, column)


def add_column(
    table: TableState, column: ColumnState
) -> tuple[ops.MigrateOperation, list[ops.MigrateOperation]]:
    """Build what adds a column; rows that are there get the model's default, once.

    Raises:
        MigrationError: The column may not be NULL and nothing says what existing rows hold.
    """
    filled = column
    if not column.nullable and column.default is None and column.computed is None:
        filled = find_filling(table.name, column)
    add = ops.AddColumnOp.from_column_and_tablename(None, table.name, build_column(filled))
    if filled == column:
        return add, []
    forget = ops.AlterColumnOp(
        table.name,
        column.name,
        existing_type=column.column_type,
        existing_nullable=column.nullable,
        existing_server_default=build_default(filled),
        existing_comment=column.comment,
        modify_server_default=None,
    )
    return add, [forget]


def alter_column(table: TableState, old: ColumnState, new: ColumnState) -> ops.MigrateOperation:
    """Build what changes a column."""
    operation = ops.AlterColumnOp(
        table.name,
        new.name,
        existing_type=old.column_type,
        existing_nullable=old.nullable,
        existing_server_default=build_default(old),
        existing_comment=old.comment,
    )
    if old.type_text != new.type_text:
        operation.modify_type = new.column_type
    if old.nullable != new.nullable:
        operation.modify_nullable = new.nullable
    if (old.default, old.is_expression) != (new.default, new.is_expression):
        default = build_default(new)
        # Alembic writes an expression rightly only so.
        is_sql = isinstance(default, sa.ClauseElement)
        operation.modify_server_default = sa.DefaultClause(default) if is_sql else default
    if old.comment != new.comment:
        operation.modify_comment = new.comment
    return operation
