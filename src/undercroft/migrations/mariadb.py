"""How Alembic's operations are carried out on MariaDB."""

import re
from typing import Any

import sqlalchemy as sa
from alembic.ddl.mysql import MariaDBImpl


class MigratingImpl(MariaDBImpl):
    """Carries out operations, and asks the database for what they do not say."""

    def alter_column(
        self,
        table_name: str,
        column_name: str,
        *,
        name: str | None = None,
        schema: str | None = None,
        **changes: Any,
    ) -> None:
        """Rename a column where it is, then change the rest of it."""
        if name is not None:
            quote = self.dialect.identifier_preparer.quote
            table = ".".join(quote(part) for part in (schema, table_name) if part)
            rename = f"ALTER TABLE {table} RENAME COLUMN {quote(column_name)} TO {quote(name)}"
            self.execute(sa.text(rename.replace(":", "\\:")))
            column_name = str(name)
        if "server_default" in changes:
            changes["server_default"] = enclose(changes["server_default"])
        parent: Any = super()
        parent.alter_column(table_name, column_name, schema=schema, **changes)

    def create_index(self, index: sa.Index, **options: Any) -> None:
        """Create an index; its columns get their types, which decide what is indexed of them."""
        columns = [each for each in index.expressions if isinstance(each, sa.Column)]
        if any(isinstance(column.type, sa.types.NullType) for column in columns):
            table = Keys(self.connection, index.table)
            for column in columns:
                column.type = table.types.get(column.name, column.type)
        super().create_index(index, **options)
        # What has stood in for it is not needed any more.
        for name in Keys(self.connection, index.table).list_replaced(str(index.name)):
            super().drop_index(sa.Index(name, *columns))

    def drop_index(self, index: sa.Index, **options: Any) -> None:
        """Drop an index that a foreign key may need, which then gets another."""
        self._replace(index.table, str(index.name))
        super().drop_index(index, **options)

    def drop_constraint(self, const: Any, **options: Any) -> None:
        """Drop a constraint whose index a foreign key may need, which then gets another."""
        if isinstance(const, sa.UniqueConstraint):
            self._replace(const.table, str(const.name))
        super().drop_constraint(const, **options)

    def _replace(self, table: Any, name: str) -> None:
        for key, columns in Keys(self.connection, table).list_bereft(name):
            copy = sa.Table(
                table.name, sa.MetaData(), *map(sa.Column, columns), schema=table.schema
            )
            super().create_index(sa.Index(key, *copy.columns))


class Keys:
    """The indexes of a table, and the foreign keys that need one.

    Every foreign key of MariaDB's needs an index that begins with its columns.

    Args:
        connection: To the database.
        table: The table, of which the name is enough.
    """

    def __init__(self, connection: Any, table: Any) -> None:
        inspector = sa.inspect(connection)
        place = (table.name, table.schema)
        primary = inspector.get_pk_constraint(*place)["constrained_columns"]
        self.types = {each["name"]: each["type"] for each in inspector.get_columns(*place)}
        self.foreign = {
            str(each["name"]): each["constrained_columns"]
            for each in inspector.get_foreign_keys(*place)
        }
        self.indexes: dict[str, list[Any]] = {"PRIMARY": primary}
        for each in inspector.get_indexes(*place):
            self.indexes[str(each["name"])] = each["column_names"]

    def list_bereft(self, index: str) -> list[tuple[str, list[str]]]:
        """List the foreign keys, with their columns, that no index but one will do for."""
        others = [columns for name, columns in self.indexes.items() if name != index]
        return [
            (name, columns)
            for name, columns in self.foreign.items()
            if begins(self.indexes.get(index, []), columns)
            and not any(begins(other, columns) for other in others)
        ]

    def list_replaced(self, index: str) -> list[str]:
        """List the indexes made for a foreign key, called as it is, that an index does for."""
        return [
            name
            for name, columns in self.foreign.items()
            if name != index
            and self.indexes.get(name) == columns
            and begins(self.indexes.get(index, []), columns)
        ]


def begins(index: list[Any], columns: list[str]) -> bool:
    """Tell whether an index begins with columns."""
    return bool(columns) and index[: len(columns)] == columns


def enclose(default: Any) -> Any:
    """Put parentheses around an expression that a column is to be filled with."""
    clause = getattr(default, "arg", default)
    text = str(clause)
    is_bare = isinstance(clause, sa.TextClause) and re.fullmatch(r"[\w.]+|[('].*", text) is None
    return sa.text(f"({text})") if is_bare else default
