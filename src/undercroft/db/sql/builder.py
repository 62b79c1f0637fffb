"""What every statement is built on: bound parameters, the tables joined, their columns."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from undercroft.db.internals import list_froms
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.shape import Call, Expression
from undercroft.db.sql.joins import build_not_joined

#: Well below PostgreSQL's limit on names, 63 bytes.
_MAX_ALIAS = 40


class Builder:
    """Knows which bound parameter stands for which of the call's, and which table is joined how.

    Args:
        call: What to build.
        dialect: Of the database.

    Attributes:
        positions: For each bound parameter, the index of its value in `call.parameters`.
        keyed: Whether another call of the same shape would give the same statement.
    """

    def __init__(self, call: Call, dialect: Dialect) -> None:
        self.parameters = call.parameters
        self.dialect = dialect
        self.options: ModelOptions = call.shape.model.__options__
        self.positions: dict[Any, int] = {}
        self.keyed = True
        self._next = 0
        self._adopted: list[Expression] = []
        self._tables: dict[tuple[str, ...], Any] = {(): self.options.table}
        self._used = {self.options.table}
        self._source: Any = self.options.table

    # -------------------------------------------------------------- parameters and columns

    def bind(self, column_type: Any, *, many: bool = False) -> sa.BindParameter[Any]:
        """Make the bound parameter for the next value of the call."""
        value = self.parameters[self._next]
        bind: sa.BindParameter[Any] = sa.bindparam(
            None, list(value) if many else value, type_=column_type, unique=True, expanding=many
        )
        self.positions[bind] = self._next
        self._next += 1
        return bind

    def adopt(self, expression: Expression) -> Any:
        """Take in a SQLAlchemy expression with the parameters it brought."""
        self._adopted.append(expression)
        self.keyed = self.keyed and expression.key is not None
        for bind in expression.binds:
            self.positions[bind] = self._next
            self._next += 1
        return expression.element

    def check_froms(self) -> None:
        """Check that the expressions taken in are about tables that are joined.

        Any other table would be multiplied with ours, row by row.

        Raises:
            FieldError: One is not.
        """
        for expression in self._adopted:
            for table in list_froms(expression.element):
                if table not in self._used:
                    raise build_not_joined(self.options, expression.element, table)

    def find_table(self, path: tuple[str, ...]) -> Any:
        """Find the table a path of relations leads to, joining it when it is not joined yet."""
        if path in self._tables:
            return self._tables[path]
        parent = self.find_table(path[:-1])
        owner, null = self._walk(path[:-1])
        relation = owner.relations[path[-1]]
        target: ModelOptions = relation.target.__options__
        # A table's first use keeps its name, so that expressions on its model refer to it.
        table: Any = target.table
        if table in self._used:
            name = "__".join(path)
            # PostgreSQL would cut a longer name, and find another's.
            table = table.alias(
                name if len(name) <= _MAX_ALIAS else f"{path[-1]}_{len(self._used)}"
            )
        self._used.add(table)
        on = (
            parent.c[owner.columns[relation.column].key]
            == table.c[target.columns[relation.target_column].key]
        )
        self._source = self._source.join(table, on, isouter=null or relation.null)
        self._tables[path] = table
        return table

    def find_column(self, path: tuple[str, ...], key: str) -> Any:
        """Find a column by its attribute, at the end of a path of relations."""
        owner, _ = self._walk(path)
        return self.find_table(path).c[owner.columns[key].key]

    def _walk(self, path: tuple[str, ...]) -> tuple[ModelOptions, bool]:
        """Follow a path; tell the options at its end and whether it may lead nowhere."""
        options, null = self.options, False
        for name in path:
            relation = options.relations[name]
            options, null = relation.target.__options__, null or relation.null
        return options, null
