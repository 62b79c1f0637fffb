"""Build a SQLAlchemy statement from a shape; once per shape, for the result is kept."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.lookups import Lookup, resolve_order
from undercroft.db.queries.selection import Selection, build_dict_maker
from undercroft.db.queries.shape import Call, Operations, OrderTerm
from undercroft.db.rows.instances import Layout, build_hydrator
from undercroft.db.rows.siblings import Run
from undercroft.db.sql.builder import Builder
from undercroft.db.sql.conditions import CONDITIONS

#: Dialects that know ON CONFLICT.
_UPSERTS = {"postgresql": postgresql, "sqlite": sqlite}

#: Turns the driver's rows, or its count of rows, into what the call answers.
Finish = Callable[[Any], Any]


class Built(NamedTuple):
    """A statement, and what its caller must know of it.

    Attributes:
        statement: SQLAlchemy's.
        positions: The index of the value of each bound parameter.
        finish: Turns rows into the answer.
        keyed: Whether another call of the same shape may use it.
    """

    statement: Any
    positions: dict[Any, int]
    finish: Finish
    keyed: bool


class StatementBuilder(Builder):
    """Builds one statement.

    Args:
        call: What to build.
        dialect: Of the database.
        run: Runs the queries that load relations later.

    Attributes:
        finish: What turns rows into the answer.
    """

    def __init__(self, call: Call, dialect: Dialect, run: Run) -> None:
        super().__init__(call, dialect)
        self.run = run
        self.shape = call.shape
        self.alias = call.alias
        self.finish: Finish = _pass
        self._conditions: list[Any] = []
        self._order: list[Any] | None = None
        self._reversed = False
        self._related: list[tuple[str, ...]] = []
        self._window: dict[str, Any] = {}

    # -------------------------------------------------------------- operations

    def apply(self, operations: Operations) -> None:
        """Take in the operations, in order."""
        for operation in operations:
            kind = operation[0]
            if kind in CONDITIONS or kind == "exclude":
                self._conditions.append(self._build_condition(operation))
            elif kind == "order":
                self._order = [self._build_order(term) for term in operation[1]]
            elif kind == "order-add":
                added = [self._build_order(term) for term in operation[1]]
                self._order = [*(self._order or ()), *added]
            elif kind == "order-expression":
                self._order = [*(self._order or ()), self.adopt(operation[1])]
            elif kind == "reverse":
                self._reversed = not self._reversed
            elif kind == "related":
                self._related.extend(operation[1])
            else:
                self._window[kind] = self.bind(sa.BigInteger())

    def _build_condition(self, operation: Any, *, negated: bool = False) -> Any:
        if operation[0] == "exclude":
            inner = [self._build_condition(part, negated=True) for part in operation[1]]
            return sa.not_(sa.and_(*inner))
        condition = CONDITIONS[operation[0]](self, *operation[1:])
        if negated and operation[0] in ("where", "range", "in") and operation[1].null:
            # NOT (NULL = 1) is NULL: without this, excluded rows would take NULLs along.
            lookup: Lookup = operation[1]
            present = self.find_column(lookup.path, lookup.column).is_not(None)
            return sa.and_(condition, present)
        return condition

    def _build_order(self, term: OrderTerm) -> Any:
        column = self.find_column(term.path, term.column)
        return column.desc() if term.descending else column.asc()

    # -------------------------------------------------------------- statements

    def finish_select(self, columns: Iterable[Any], *, ordered: bool = True) -> Any:
        """Build the SELECT of the columns from all that was applied."""
        self._join_related()
        # First, because order may join further tables.
        order = self._list_order() if ordered or self._window else []
        self.check_froms()
        statement = sa.select(*columns).select_from(self._source)
        if self._conditions:
            statement = statement.where(*self._conditions)
        if order:
            statement = statement.order_by(*order)
        if "limit" in self._window:
            statement = statement.limit(self._window["limit"])
        if "offset" in self._window:
            statement = statement.offset(self._window["offset"])
        return statement

    def _join_related(self) -> None:
        """Join what is to be loaded along also where nothing is loaded: expressions count on it."""
        if self._adopted:
            for path in self._related:
                self.find_table(path)

    def _list_order(self) -> list[Any]:
        order = self._order
        if order is None:
            terms = resolve_order(self.options, self.options.ordering)
            order = [self._build_order(term) for term in terms]
        if not self._reversed:
            return order
        if not order:
            order = [self.find_column((), self.options.primary_key).asc()]
        return [_turn(term) for term in order]

    def select_instances(self) -> Any:
        """Select whole rows, with those of the relations to load along."""
        self.apply(self.shape.operations)
        layout, columns = self._lay_out(self.options, (), _build_tree(self._related), 0)
        self.finish = build_hydrator(layout, self.run, self.alias)
        return self.finish_select(columns)

    def _lay_out(
        self, options: ModelOptions, path: tuple[str, ...], tree: dict[str, Any], start: int
    ) -> tuple[Layout, list[Any]]:
        columns = [self.find_column(path, key) for key in options.keys]
        children: list[tuple[str, Layout]] = []
        for name, branch in tree.items():
            target: ModelOptions = options.relations[name].target.__options__
            child, more = self._lay_out(target, (*path, name), branch, start + len(columns))
            children.append((name, child))
            columns += more
        return Layout(options, start, tuple(children)), columns

    def select_dicts(self) -> Any:
        """Select what a load plan names."""
        self.apply(self.shape.operations)
        selection: Any = self.shape.columns
        columns: list[Any] = []
        self._collect(self.options, selection, (), columns)
        self.finish = build_dict_maker(self.options, selection)
        return self.finish_select(columns)

    def _collect(
        self, options: ModelOptions, selection: Selection, path: tuple[str, ...], columns: list[Any]
    ) -> None:
        columns.extend(self.find_column(path, key) for key in selection.columns)
        for name, inner in selection.relations:
            relation = options.relations[name]
            target: ModelOptions = relation.target.__options__
            if relation.null or self._walk(path)[1]:
                # Tells a missing row from one full of NULLs; the dict maker skips it.
                columns.append(self.find_column((*path, name), target.primary_key))
            self._collect(target, inner, (*path, name), columns)

    def select_tuples(self) -> Any:
        """Select columns as tuples."""
        self.apply(self.shape.operations)
        terms: Any = self.shape.columns
        columns = [self.find_column(term.path, term.column) for term in terms]
        self.finish = lambda rows: [tuple(row) for row in rows]
        return self.finish_select(columns)

    def select_count(self) -> Any:
        """Count the rows."""
        self.apply(self.shape.operations)
        self.finish = lambda rows: rows[0][0]
        if self._window:
            key = self.find_column((), self.options.primary_key)
            inner = self.finish_select([key]).subquery()
            return sa.select(sa.func.count()).select_from(inner)
        return self.finish_select([sa.func.count()], ordered=False)

    def select_exists(self) -> Any:
        """Ask whether there is a row."""
        self.apply(self.shape.operations)
        self.finish = bool
        one = sa.literal_column("1", sa.Integer())
        if not self._window:
            return self.finish_select([one], ordered=False).limit(1)
        # A slice has a limit of its own, which may be none at all.
        inner = self.finish_select([self.find_column((), self.options.primary_key)]).subquery()
        return sa.select(one).select_from(inner).limit(1)

    def insert(self) -> Any:
        """Insert a row; answer the columns the database filled in."""
        return self._build_insert(sa.insert(self.options.table))

    def insert_new(self) -> Any:
        """Insert a row unless another is in its way; answer None when one is."""
        dialect: Any = _UPSERTS.get(self.dialect.name)
        if dialect is None:
            return self.insert()
        statement = dialect.insert(self.options.table).on_conflict_do_nothing()
        statement = self._build_insert(statement)
        finish = self.finish
        self.finish = lambda rows: finish(rows) if rows else None
        return statement

    def _build_insert(self, statement: Any) -> Any:
        written: Any = self.shape.columns
        names, returned = written
        columns = self.options.columns
        values = {columns[name].key: self.bind(columns[name].type) for name in names}
        # Without `inline`, SQLAlchemy would add its own defaults; ours are in place already.
        statement = statement.values(values).inline()
        if returned:
            statement = statement.returning(*(columns[name] for name in returned))
        self.finish = lambda rows: dict(zip(returned, rows[0], strict=True)) if returned else {}
        return statement

    def update(self) -> Any:
        """Update rows; answer how many."""
        names: Any = self.shape.columns
        columns = self.options.columns
        values = {columns[name].key: self.bind(columns[name].type) for name in names}
        statement = sa.update(self.options.table).values(values)
        return statement.where(*self._list_conditions()).inline()

    def delete(self) -> Any:
        """Delete rows; answer how many."""
        return sa.delete(self.options.table).where(*self._list_conditions())

    def _list_conditions(self) -> list[Any]:
        """List the conditions of an UPDATE or DELETE, which cannot join or be cut."""
        self.apply(self.shape.operations)
        self._join_related()
        if len(self._tables) == 1 and not self._window:
            self.check_froms()
            return self._conditions
        key = self.find_column((), self.options.primary_key)
        inner = self.finish_select([key], ordered=False)
        if self._window:
            # MariaDB and MySQL refuse LIMIT in a subquery of IN unless it is nested once more.
            inner = sa.select(inner.subquery().c[0])
        return [key.in_(inner)]


def build_statement(call: Call, dialect: Dialect, run: Run) -> Built:
    """Build the statement of a call.

    Raises:
        FieldError: An expression is about a table that is not joined.
    """
    builder = StatementBuilder(call, dialect, run)
    statement = _STATEMENTS[call.shape.kind](builder)
    return Built(statement, builder.positions, builder.finish, builder.keyed)


def _pass(rows: Any) -> Any:
    return rows


def _turn(term: Any) -> Any:
    """Turn an ordering around."""
    modifier = getattr(term, "modifier", None)
    if modifier is operators.nulls_last_op:
        return _turn(term.element).nulls_first()
    if modifier is operators.nulls_first_op:
        return _turn(term.element).nulls_last()
    if modifier is operators.desc_op:
        return term.element.asc()
    return (term.element if modifier is operators.asc_op else term).desc()


def _build_tree(paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in paths:
        branch = tree
        for name in path:
            branch = branch.setdefault(name, {})
    return tree


_STATEMENTS: dict[str, Callable[[StatementBuilder], Any]] = {
    "instances": StatementBuilder.select_instances,
    "dicts": StatementBuilder.select_dicts,
    "tuples": StatementBuilder.select_tuples,
    "count": StatementBuilder.select_count,
    "exists": StatementBuilder.select_exists,
    "insert": StatementBuilder.insert,
    "insert-new": StatementBuilder.insert_new,
    "update": StatementBuilder.update,
    "delete": StatementBuilder.delete,
}
