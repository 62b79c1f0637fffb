"""What every statement is built on: bound parameters, the tables joined, their columns."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from undercroft.db.internals import adapt_to_aliases, list_froms
from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.names import is_optional
from undercroft.db.queries.shape import Adopted, Call, Node, Parameters, TypeKey
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql.froms import build_not_joined
from undercroft.errors import FieldError

#: Well below PostgreSQL's limit on names, 63 bytes.
_MAX_ALIAS = 40

Path = tuple[str, ...]


@dataclass(eq=False)
class Bindings:
    """The values of a call, handed out in the order in which its shape names them.

    Attributes:
        parameters: The values.
        positions: For each bound parameter, the index of its value.
        keyed: Whether another call of the same shape would give the same statement.
    """

    parameters: Parameters
    positions: dict[Any, int] = field(default_factory=dict[Any, int])
    keyed: bool = True
    next: int = 0

    def bind(self, column_type: Any, *, many: bool = False) -> sa.BindParameter[Any]:
        """Make the bound parameter for the next value."""
        value = self.parameters[self.next]
        bind: sa.BindParameter[Any] = sa.bindparam(
            None, list(value) if many else value, type_=column_type, unique=True, expanding=many
        )
        self.positions[bind] = self.next
        self.next += 1
        return bind


@dataclass(eq=False, slots=True)
class Join:
    """A table joined, and whether rows without a counterpart stay."""

    table: Any
    on: Any
    outer: bool


class Builder:
    """Knows which bound parameter stands for which value, and which table is joined how.

    Args:
        call: What to build.
        dialect: Of the database.
        outer: The builder of the query around.
        bindings: The values of the whole statement, where this is a part of one.
    """

    def __init__(
        self,
        call: Call,
        dialect: Dialect,
        outer: "Builder | None" = None,
        bindings: Bindings | None = None,
    ) -> None:
        self.dialect = dialect
        self.outer = outer
        self.shape = call.shape
        self.options: ModelOptions = call.shape.model.__options__
        shared = bindings or (None if outer is None else outer.bindings)
        self.bindings: Bindings = shared or Bindings(call.parameters)
        self.base: Any = self.options.table if outer is None else self.options.table.alias()
        self._tables: dict[Path, Any] = {(): self.base}
        self._joins: list[Join] = []
        self._used = {self.options.table}
        self._adopted: list[Adopted] = []
        #: The joins that one call of `filter` made to many rows, which only that call shares.
        self._own: dict[Path, Any] | None = None
        #: Where joins go that are not the query's own but a subquery's.
        self._apart: list[Join] | None = None
        #: Which of the tables stands for which, where a table itself must not be named.
        self._aliases: dict[Any, Any] = {}
        if outer is not None:
            self._aliases[self.options.table] = self.base

    # -------------------------------------------------------------- parameters

    def bind(self, column_type: Any, *, many: bool = False) -> sa.BindParameter[Any]:
        """Make the bound parameter for the next value of the call."""
        return self.bindings.bind(column_type, many=many)

    def find_type(self, key: Any) -> TypeEngine[Any]:
        """Find the type that a shape names."""
        return key.type if isinstance(key, TypeKey) else TYPES[key]

    def adopt(self, adopted: Adopted) -> Any:
        """Take in a SQLAlchemy expression with the parameters it brought."""
        self._adopted.append(adopted)
        bindings = self.bindings
        bindings.keyed = bindings.keyed and adopted.key is not None
        for bind in adopted.binds:
            bindings.positions[bind] = bindings.next
            bindings.next += 1
        if self._aliases:
            return adapt_to_aliases(adopted.element, self._aliases)
        return adopted.element

    def check_froms(self) -> None:
        """Check that the expressions taken in are about tables that are joined.

        Any other table would be multiplied with ours, row by row.

        Raises:
            FieldError: One is not.
        """
        for adopted in self._adopted:
            for table in list_froms(adopted.element):
                if not self._is_known(table):
                    raise build_not_joined(self.options, adopted.element, table)

    def _is_known(self, table: Any) -> bool:
        if table in self._used or table is self.base:
            return True
        return self.outer is not None and self.outer._is_known(table)

    # -------------------------------------------------------------- tables

    @contextmanager
    def sharing_joins(self) -> Generator[None]:
        """Let the conditions within share their joins to many rows, with nobody else."""
        before, self._own = self._own, {}
        try:
            yield
        finally:
            self._own = before

    @contextmanager
    def apart(self, path: Path, table: Any) -> Generator[list[Join]]:
        """Join apart from the query, beginning with a table that a path leads to."""
        before = self._own, self._apart
        self._own, self._apart = {path: table}, []
        try:
            yield self._apart
        finally:
            self._own, self._apart = before

    def find_table(self, path: Path) -> Any:
        """Find the table a path of relations leads to, joining it when it is not joined yet."""
        own = self._own
        if own is not None and path in own:
            return own[path]
        # Apart from the table itself, relations to one row are those of the query.
        is_own = own is not None and (() in own or self._is_many(path))
        if not is_own and path in self._tables:
            return self._tables[path]
        joins = self._apart if is_own and self._apart is not None else self._joins
        table = self._join(path, joins)
        if joins is self._apart and own is not None:
            own[path] = table
            return table
        # The latest join to many rows is what order and annotations refer to.
        self._tables[path] = table
        if is_own and own is not None:
            own[path] = table
        return table

    def _is_many(self, path: Path) -> bool:
        options = self.options
        for name in path:
            relation = options.joins[name]
            if relation.many:
                return True
            options = relation.target.__options__
        return False

    def _join(self, path: Path, joins: list[Join]) -> Any:
        parent = self.find_table(path[:-1])
        owner = self.walk(path[:-1])
        relation = owner.joins[path[-1]]
        target: ModelOptions = relation.target.__options__
        table = self._name_table(target.table, path)
        on = self.match(owner, parent, relation, table)
        joins.append(Join(table, on, is_optional(self.options, path)))
        return table

    def match(self, owner: ModelOptions, parent: Any, relation: Any, table: Any) -> Any:
        """Build the condition of a join."""
        target: ModelOptions = relation.target.__options__
        return (
            parent.c[owner.columns[relation.column].key]
            == table.c[target.columns[relation.target_column].key]
        )

    def _name_table(self, table: Any, path: Path) -> Any:
        """Give a joined table a name; its first use keeps its own, which expressions refer to."""
        if self.outer is not None:
            alias = table.alias()
            self._aliases.setdefault(table, alias)
            self._used.add(table)
            return alias
        if table not in self._used:
            self._used.add(table)
            return table
        name = "__".join(path)
        if len(name) > _MAX_ALIAS or not name.isidentifier() or name in self._list_names():
            # PostgreSQL would cut a longer name, and find another's.
            return table.alias()
        return table.alias(name)

    def _list_names(self) -> set[str]:
        return {join.table.name for join in self._joins}

    def require(self, path: Path) -> None:
        """Note that rows without a counterpart fail a condition anyway: an inner join will do."""
        for length in range(1, len(path) + 1):
            table = self.find_table(path[:length])
            for join in self._joins:
                if join.table is table:
                    join.outer = False

    def build_source(self) -> Any:
        """Build the FROM of everything joined."""
        return join_all(self.base, self._joins)

    @property
    def has_joins(self) -> bool:
        """Whether any other table is joined."""
        return bool(self._joins)

    def count_tables(self) -> int:
        """Count the tables joined so far."""
        return len(self._joins)

    def list_tables(self) -> list[Any]:
        """List the tables the query is about."""
        return [self.base, *(join.table for join in self._joins)]

    def find_column(self, path: Path, key: str) -> Any:
        """Find a column by its attribute, at the end of a path of relations.

        Raises:
            FieldError: The rows are of a union, which has no such column.
        """
        owner = self.walk(path)
        table = self.find_table(path)
        found = table.c.get(owner.columns[key].key)
        if found is None:
            raise FieldError(
                f"{owner.name}.{key} is none of the columns these rows have.",
                hint=f"Name it in values() as well; they have: {', '.join(table.c.keys())}.",
                code="db.combined",
            )
        return found

    def find_keys(self, path: Path = ()) -> list[Any]:
        """Find the columns of the primary key at the end of a path."""
        return [self.find_column(path, key) for key in self.walk(path).primary_keys]

    def walk(self, path: Path) -> ModelOptions:
        """Follow a path; give the options of the model at its end."""
        options = self.options
        for name in path:
            options = options.joins[name].target.__options__
        return options

    # -------------------------------------------------------------- expressions

    def build(self, node: Node) -> Any:
        """Build an expression."""
        raise NotImplementedError


def join_all(source: Any, joins: list[Join]) -> Any:
    """Join tables to a first one."""
    for join in joins:
        source = source.join(join.table, join.on, isouter=join.outer)
    return source
