"""Build a SQLAlchemy statement from a shape; once per shape, for the result is kept."""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import operators

from undercroft.db.instances import Layout, build_hydrator
from undercroft.db.lookups import Lookup, resolve_order
from undercroft.db.options import ModelOptions
from undercroft.db.relations import Run
from undercroft.db.selection import Selection, build_dict_maker
from undercroft.db.shape import Call, Expression, Operations, OrderTerm
from undercroft.db.types import Pattern

#: Turns the driver's rows, or its count of rows, into what the call answers.
Finish = Callable[[Any], Any]

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "exact": lambda column, value: column == value,
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "iexact": lambda column, value: sa.func.lower(column) == sa.func.lower(value),
}

#: Wildcards before and behind, by look-up without its `i`.
_WILDCARDS = {"contains": ("%", "%"), "startswith": ("", "%"), "endswith": ("%", "")}


class Builder:
    """Builds one statement; knows which bound parameter stands for which of the call's.

    Args:
        call: What to build.
        dialect: Of the database.
        run: Runs the queries that load relations later.

    Attributes:
        positions: For each bound parameter, the index of its value in `call.parameters`.
        finish: What turns rows into the answer.
    """

    def __init__(self, call: Call, dialect: Dialect, run: Run) -> None:
        self.run = run
        self.shape = call.shape
        self.parameters = call.parameters
        self.dialect = dialect
        self.options: ModelOptions = call.shape.model.__options__
        self.positions: dict[Any, int] = {}
        self.finish: Finish = _pass
        self._next = 0
        self._tables: dict[tuple[str, ...], Any] = {(): self.options.table}
        self._used = {self.options.table}
        self._source: Any = self.options.table
        self._conditions: list[Any] = []
        self._order: list[Any] | None = None
        self._reversed = False
        self._related: list[tuple[str, ...]] = []
        self._window: dict[str, Any] = {}

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
        for bind in expression.binds:
            self.positions[bind] = self._next
            self._next += 1
        return expression.element

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
            table = table.alias("__".join(path))
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

    # -------------------------------------------------------------- operations

    def apply(self, operations: Operations) -> None:
        """Take in the operations, in order."""
        for operation in operations:
            kind = operation[0]
            if kind in _CONDITIONS or kind == "exclude":
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
        condition = _CONDITIONS[operation[0]](self, *operation[1:])
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
        # First, because order may join further tables.
        order = self._list_order() if ordered or self._window else []
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
        self.finish = build_hydrator(layout, self.run)
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
        return self.finish_select([sa.literal_column("1")], ordered=False).limit(1)

    def insert(self) -> Any:
        """Insert a row; answer the columns the database filled in."""
        written: Any = self.shape.columns
        names, returned = written
        columns = self.options.columns
        values = {columns[name].key: self.bind(columns[name].type) for name in names}
        statement: Any = sa.insert(self.options.table)
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
        if len(self._tables) == 1 and not self._window:
            return self._conditions
        key = self.find_column((), self.options.primary_key)
        inner = self.finish_select([key], ordered=False)
        if self._window:
            # MariaDB and MySQL refuse LIMIT in a subquery of IN unless it is nested once more.
            inner = sa.select(inner.subquery().c[0])
        return [key.in_(inner)]


def build_statement(call: Call, dialect: Dialect, run: Run) -> tuple[Any, dict[Any, int], Finish]:
    """Build the statement of a call.

    Returns:
        The SQLAlchemy statement, the index of the value of each bound parameter, and what turns
        rows into the answer.
    """
    builder = Builder(call, dialect, run)
    statement = _STATEMENTS[call.shape.kind](builder)
    return statement, builder.positions, builder.finish


def _pass(rows: Any) -> Any:
    return rows


def _turn(term: Any) -> Any:
    """Turn an ordering around."""
    modifier = getattr(term, "modifier", None)
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


def _find_compared(builder: Builder, lookup: Lookup) -> Any:
    """Find what is compared: the column, or the part of its date or time."""
    column: Any = builder.find_column(lookup.path, lookup.column)
    if lookup.part is None:
        return column
    part: Any = sa.cast(sa.extract(lookup.part, column), sa.Integer)
    return part


def _compare(builder: Builder, lookup: Lookup) -> Any:
    column = _find_compared(builder, lookup)
    comparison = _COMPARISONS.get(lookup.operator)
    if comparison is not None:
        column_type = sa.Text() if lookup.operator == "iexact" else column.type
        return comparison(column, builder.bind(column_type))
    return _match(builder, column, lookup.operator)


def _match(builder: Builder, column: Any, operator: str) -> Any:
    ignore_case = operator.startswith("i")
    before, after = _WILDCARDS[operator.removeprefix("i")]
    value = builder.bind(Pattern(before, after, ignore_case=ignore_case))
    if ignore_case:
        return column.ilike(value, escape="\\")
    if builder.dialect.name == "sqlite":
        # SQLite's LIKE ignores the case of ASCII letters.
        return column.op("GLOB", is_comparison=True)(value)
    return column.like(value, escape="\\")


def _is_in(builder: Builder, lookup: Lookup, _length: int) -> Any:
    column = _find_compared(builder, lookup)
    return column.in_(builder.bind(column.type, many=True))


def _is_between(builder: Builder, lookup: Lookup) -> Any:
    column = _find_compared(builder, lookup)
    return column.between(builder.bind(column.type), builder.bind(column.type))


def _is_null(builder: Builder, lookup: Lookup, is_null: bool) -> Any:
    column = builder.find_column(lookup.path, lookup.column)
    return column.is_(None) if is_null else column.is_not(None)


def _adopt(builder: Builder, expression: Expression) -> Any:
    return builder.adopt(expression)


_CONDITIONS: dict[str, Callable[..., Any]] = {
    "where": _compare,
    "in": _is_in,
    "null": _is_null,
    "range": _is_between,
    "expression": _adopt,
}

_STATEMENTS: dict[str, Callable[[Builder], Any]] = {
    "instances": Builder.select_instances,
    "dicts": Builder.select_dicts,
    "tuples": Builder.select_tuples,
    "count": Builder.select_count,
    "exists": Builder.select_exists,
    "insert": Builder.insert,
    "update": Builder.update,
    "delete": Builder.delete,
}
