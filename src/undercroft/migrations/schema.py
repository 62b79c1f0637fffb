"""From the plain values of `state` back to SQLAlchemy's tables, for Alembic to write down."""

from typing import Any

import sqlalchemy as sa

from undercroft.migrations.literals import VendorText
from undercroft.migrations.state import (
    ColumnState,
    ConstraintState,
    IndexState,
    TableState,
    build_text,
)


def build_table(table: TableState) -> sa.Table:
    """Build a table with columns and constraints, without indexes."""
    return sa.Table(
        table.name,
        sa.MetaData(),
        *(build_column(column) for column in table.columns.values()),
        *(build_bare_constraint(each) for each in table.constraints.values()),
        comment=table.comment,
    )


def build_column(column: ColumnState) -> "sa.Column[Any]":
    """Build a column."""
    extra: list[Any] = []
    if column.computed is not None:
        extra.append(sa.Computed(build_text(column.computed), persisted=column.is_stored))
    return sa.Column(
        column.name,
        column.column_type,
        *extra,
        nullable=column.nullable,
        server_default=build_default(column),
        comment=column.comment,
    )


def build_default(column: ColumnState) -> Any:
    """Build what the database fills in."""
    if column.default is None:
        return None
    if isinstance(column.default, VendorText):
        return column.default.to_clause()
    return build_text(column.default) if column.is_expression else column.default


def build_constraint(table: TableState, constraint: ConstraintState) -> sa.Constraint:
    """Build a constraint on its table."""
    built = build_table(TableState(table.name, table.columns))
    if constraint.kind == "foreign" and constraint.target != table.name:
        # Alembic looks the target up, so there must be something to find.
        keys: list[sa.Column[Any]] = [sa.Column(name) for name in constraint.target_columns]
        sa.Table(constraint.target, built.metadata, *keys)
    bare = build_bare_constraint(constraint)
    built.append_constraint(bare)
    return bare


def build_bare_constraint(constraint: ConstraintState) -> sa.Constraint:
    """Build a constraint that is on no table yet."""
    name, columns = constraint.name, constraint.columns
    match constraint.kind:
        case "primary":
            return sa.PrimaryKeyConstraint(*columns, name=name)
        case "unique":
            options: dict[str, Any] = dict(constraint.options)
            return sa.UniqueConstraint(
                *columns,
                name=name,
                deferrable=constraint.deferrable,
                initially=constraint.initially,
                **options,
            )
        case "check":
            return sa.CheckConstraint(build_text(constraint.condition), name=name)
        case "foreign":
            targets = [f"{constraint.target}.{column}" for column in constraint.target_columns]
            return sa.ForeignKeyConstraint(
                columns,
                targets,
                name=name,
                ondelete=constraint.on_delete,
                onupdate=constraint.on_update,
                deferrable=constraint.deferrable,
                initially=constraint.initially,
            )


def build_index(table: sa.Table, index: IndexState) -> sa.Index:
    """Build an index on its table."""
    expressions = [
        table.c[each] if each in table.c else build_text(each) for each in index.expressions
    ]
    built = sa.Index(index.name, *expressions, unique=index.unique, **index.options)
    if built.table is None:
        # Expressions alone do not say which table they are of.
        table.append_constraint(built)
    return built
