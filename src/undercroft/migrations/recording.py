"""Runs migrations without a database and records the tables they would have built.

`makemigrations` compares the models with this record, not with a database. It needs none, so it
works before the first `migrate`, on a branch the database knows nothing of, and in CI. It is
exact: types are compared as the migration files spell them, where a database would have to be
asked and answers in words of its own (a throw-away SQLite knows neither `timestamptz` nor
`jsonb`). And a database that somebody changed by hand cannot leak into a migration.
"""

from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.engine import Dialect

from undercroft.db.connections.search_indexes import Search
from undercroft.errors import MigrationError
from undercroft.migrations.graph import Graph
from undercroft.migrations.internals import OfflineImpl, build_offline_context
from undercroft.migrations.state import (
    ColumnState,
    ConstraintState,
    Tables,
    TableState,
    describe_column,
    describe_constraint,
    describe_default,
    describe_index,
    describe_table,
    find_plain_type,
)


def record_migrations(graph: Graph, dialect: Dialect) -> Tables:
    """Run every migration against a record and return the tables at the end.

    Args:
        graph: The migrations of all apps.
        dialect: What migrations that ask for the database's kind are told.

    Raises:
        MigrationError: A migration fails, or does what cannot be recorded.
    """
    recorder = Recorder(dialect)
    context = build_offline_context(dialect, recorder)
    with Operations.context(context):
        for migration in graph.in_order():
            recorder.label, recorder.revision = migration.label, migration.revision
            try:
                migration.script.module.upgrade()
            except Exception as error:
                raise MigrationError(
                    f"Migration {migration} cannot be replayed to learn what it builds.",
                    hint="Schema changes must be operations of `op`. Guard other work by "
                    "`if op.get_context().connection is not None:`.",
                    code="migrations.replay",
                ) from error
    return recorder.tables


class Recorder(OfflineImpl):
    """Alembic's operations, carried out on a record."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.tables: Tables = {}
        self.label = ""
        self.revision = ""

    @property
    def bind(self) -> Any:
        """What `op.get_bind()` gives: a connection to nothing."""
        return NoConnection()

    def execute(self, sql: Any, execution_options: Any = None) -> None:
        """Change no data, for there is none."""

    def _exec(self, *arguments: Any, **options: Any) -> Any:
        return None

    def bulk_insert(self, table: Any, rows: Any, multiinsert: bool = True) -> None:
        """Insert nothing."""

    def create_table(self, table: sa.Table, **options: Any) -> None:
        """Record a table with its indexes."""
        described = describe_table(table, self.label)
        described.changed_by = self.revision
        described.columns = {name: forget_source(each) for name, each in described.columns.items()}
        self.tables[table.name] = described

    def drop_table(self, table: sa.Table, **options: Any) -> None:
        """Forget a table."""
        del self.tables[table.name]

    def rename_table(
        self, old_table_name: str, new_table_name: str, schema: str | None = None
    ) -> None:
        """Rename a table, also where others refer to it."""
        moved = self._change(old_table_name)
        del self.tables[old_table_name]
        moved.name = str(new_table_name)
        moved.searches = {
            name: replace(each, table=moved.name) for name, each in moved.searches.items()
        }
        self.tables[moved.name] = moved
        for table in self.tables.values():
            for name, each in table.constraints.items():
                if each.target == old_table_name:
                    table.constraints[name] = replace(each, target=moved.name)

    def add_column(self, table_name: str, column: "sa.Column[Any]", **options: Any) -> None:
        """Record a column."""
        self._change(table_name).columns[column.name] = forget_source(describe_column(column))

    def drop_column(self, table_name: str, column: "sa.Column[Any]", **options: Any) -> None:
        """Forget a column, and what stood on it, as databases do."""
        table = self._change(table_name)
        del table.columns[column.name]
        for name, constraint in list(table.constraints.items()):
            if column.name in constraint.columns:
                del table.constraints[name]
        for name, index in list(table.indexes.items()):
            if column.name in map(strip_order, index.expressions):
                del table.indexes[name]
        for name, search in list(table.searches.items()):
            if column.name in search.columns:
                del table.searches[name]

    def alter_column(self, table_name: str, column_name: str, **changes: Any) -> None:
        """Record a change of a column."""
        table = self._change(table_name)
        column = table.columns[column_name]
        if changes.get("nullable") is not None:
            column = replace(column, nullable=changes["nullable"])
        if changes.get("server_default", False) is not False:
            default, is_expression = describe_default(changes["server_default"])
            column = replace(column, default=default, is_expression=is_expression)
        if changes.get("comment", False) is not False:
            column = replace(column, comment=changes["comment"])
        if changes.get("type_") is not None:
            described = describe_column(sa.Column("x", find_plain_type(as_type(changes["type_"]))))
            column = replace(
                column, type_text=described.type_text, column_type=described.column_type
            )
        new_name = str(changes.get("name") or column_name)
        column = replace(column, name=new_name)
        table.columns = {
            (new_name if name == column_name else name): (column if name == column_name else each)
            for name, each in table.columns.items()
        }
        if new_name != column_name:
            self._rename_column(table, column_name, new_name)

    def _rename_column(self, table: TableState, old: str, new: str) -> None:
        for other in self.tables.values():
            for name, each in other.constraints.items():
                columns, targets = each.columns, each.target_columns
                if other is table:
                    columns = tuple(new if column == old else column for column in columns)
                if each.target == table.name:
                    targets = tuple(new if column == old else column for column in targets)
                other.constraints[name] = replace(each, columns=columns, target_columns=targets)
        for name, index in table.indexes.items():
            expressions = tuple(new if each == old else each for each in index.expressions)
            table.indexes[name] = replace(index, expressions=expressions)
        for name, search in table.searches.items():
            table.searches[name] = search.rename_column(old, new)

    def create_table_comment(self, table: sa.Table) -> None:
        """Record what is said of a table."""
        self._change(table.name).comment = table.comment

    def drop_table_comment(self, table: sa.Table) -> None:
        """Forget what is said of a table."""
        self._change(table.name).comment = None

    def add_constraint(self, const: Any, **options: Any) -> None:
        """Record a constraint."""
        described: ConstraintState | None = describe_constraint(const)
        if described is not None:
            self._change(const.table.name).constraints[described.name] = described

    def drop_constraint(self, const: Any, **options: Any) -> None:
        """Forget a constraint."""
        del self._change(const.table.name).constraints[str(const.name)]

    def create_index(self, index: sa.Index, **options: Any) -> None:
        """Record an index."""
        described = describe_index(index)
        self._change(_get_table(index)).indexes[described.name] = described

    def drop_index(self, index: sa.Index, **options: Any) -> None:
        """Forget an index."""
        del self._change(_get_table(index)).indexes[str(index.name)]

    def create_search(self, search: Search) -> None:
        """Record a search index."""
        self._change(search.table).searches[search.name] = search

    def drop_search(self, search: Search) -> None:
        """Forget a search index."""
        del self._change(search.table).searches[search.name]

    def _change(self, name: str) -> TableState:
        """Get a table that is to be changed."""
        table = self.tables[name]
        table.changed_by = self.revision
        return table


def strip_order(expression: str) -> str:
    """Strip a column's name of its quotes, and of its direction in an index."""
    return expression.removesuffix(" DESC").strip('"')


def _get_table(index: sa.Index) -> str:
    if index.table is None:
        raise MigrationError(f"Index {index.name!r} names no table.", code="migrations.replay")
    return index.table.name


def forget_source(column: ColumnState) -> ColumnState:
    """Drop the link to the column as written: only a model's own says more than its value."""
    return replace(column, source=None)


def as_type(column_type: Any) -> Any:
    """Make an instance of a type given as a class."""
    return column_type() if isinstance(column_type, type) else column_type


class NoConnection:
    """Takes statements and answers that there are no rows."""

    def execute(self, *_statement: object, **_options: object) -> "NoRows":
        """Answer with nothing."""
        return NoRows()

    exec_driver_sql = scalars = execute

    def scalar(self, *_statement: object, **_options: object) -> None:
        """Answer with nothing."""


class NoRows:
    """An empty result."""

    rowcount = 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __enter__(self) -> "NoRows":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def all(self) -> list[Any]:
        """No rows."""
        return []

    fetchall = all

    def first(self) -> None:
        """No row."""

    scalar = fetchone = one_or_none = scalar_one_or_none = first

    def scalars(self) -> "NoRows":
        """No values."""
        return self

    mappings = scalars
