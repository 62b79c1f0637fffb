"""The SELECT of a queryset: its operations in order, grouped, cut, counted."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.expressions import resolve_own_order
from undercroft.db.queries.shape import Call, Node, Operation, Operations, OrderTerm, Shape
from undercroft.db.queries.terms import ROW, Term
from undercroft.db.rows.siblings import Run
from undercroft.db.sql.builder import Bindings, Builder
from undercroft.db.sql.columns import Columns, has_binds
from undercroft.db.sql.conditions import CONDITIONS
from undercroft.db.sql.expressions import ExpressionBuilder
from undercroft.db.sql.grouping import list_further
from undercroft.db.sql.ordering import order_by, turn_all
from undercroft.errors import FieldError

#: What stands before the numbers of annotations where queries are combined.
ANNOTATION = "a_"

#: Turns the driver's rows, or its count of rows, into what the call answers.
Finish = Callable[[Any], Any]


class Ordered(NamedTuple):
    """A term of the order, with its expression if that had to be built at once."""

    term: OrderTerm
    element: Any = None


class SelectBuilder(ExpressionBuilder):
    """Builds one SELECT.

    Args:
        call: What to build.
        dialect: Of the database.
        run: Runs the queries that load relations later.
        outer: The builder of the query around.
        bindings: The values of the whole statement, where this is a part of one.

    Attributes:
        terms: The annotations by name, as far as names refer to them.
        related: The paths of relations to load along.
        deferred: Columns that instances do without.
    """

    def __init__(
        self,
        call: Call,
        dialect: Dialect,
        run: Run,
        outer: Builder | None = None,
        bindings: Bindings | None = None,
    ) -> None:
        super().__init__(call, dialect, outer, bindings)
        self.run = run
        self.alias = call.alias
        self.annotated: dict[str, Any] = {}
        self.terms: dict[str, Term] = {}
        #: The annotations that rows show; others serve conditions and order only.
        self.selected: set[str] = set()
        self.related: list[tuple[str, ...]] = []
        self.deferred: frozenset[tuple[tuple[str, ...], str]] = frozenset()
        self.window: dict[str, Any] = {}
        self.distinct: tuple[Node, ...] | None = None
        self._where: list[Any] = []
        self._having: list[Any] = []
        self._tested: list[Operation] = []
        self._qualified: list[Any] = []
        self._group: tuple[Node, ...] | None = None
        self.is_grouped = False
        self._order: list[Ordered] | None = None
        self._reversed = False
        self._lock: dict[str, Any] | None = None
        self._rank: Node | None = None
        self._built: dict[Node, Any] = {}
        self.is_combined = False

    # -------------------------------------------------------------- operations

    def apply(self, operations: Operations) -> None:
        """Take in the operations, in order."""
        for operation in operations:
            kind = operation[0]
            if kind in CONDITIONS:
                self._apply_condition(operation)
            else:
                self._steps[kind](self, *operation[1:])

    def _apply_condition(self, operation: Operation) -> None:
        kind = operation[0]
        if kind == "together":
            with self.sharing_joins():
                for part in operation[1]:
                    self._apply_condition(part)
        elif kind == "having":
            self._having.append(self.build_condition(operation[1]))
            self._tested.append(operation[1])
        elif kind == "qualify":
            self._qualified.append(self.build_condition(operation[1]))
        else:
            self._where.extend(self.build_top((operation,)))

    def _annotate(self, name: str, node: Node, level: int) -> None:
        self.annotated[name] = self.build(node)
        self.terms[name] = Term(("ref", name), self.annotated[name].type, level)
        self.selected.add(name)

    def _alias(self, name: str, node: Node, level: int) -> None:
        self._annotate(name, node, level)
        self.selected.discard(name)

    def _group_by(self, nodes: tuple[Node, ...] | None) -> None:
        self.is_grouped = True
        self._group = nodes

    def _forget_order(self, _nothing: tuple[()]) -> None:
        self._order = []

    def _add_order(self, terms: Sequence[OrderTerm]) -> None:
        # Values are taken in the order in which they were given; what has none is built last, for
        # it may refer to joins that are still to come.
        added = [
            Ordered(term, self.build(term.node) if has_values(term.node) else None)
            for term in terms
        ]
        self._order = [*(self._order or ()), *added]

    def _reverse(self) -> None:
        self._reversed = not self._reversed

    def _relate(self, paths: Sequence[tuple[str, ...]]) -> None:
        self.related.extend(path for path in paths if path not in self.related)

    def _defer(self, keys: frozenset[tuple[tuple[str, ...], str]]) -> None:
        self.deferred = keys

    def _make_distinct(self, nodes: tuple[Node, ...]) -> None:
        self.distinct = nodes

    def _lock_rows(self, options: Sequence[tuple[str, Any]]) -> None:
        self._lock = dict(options)

    def _rank_rows(self, node: Node) -> None:
        self._rank = node

    def _offset(self) -> None:
        self.window["offset"] = self.bind(sa.BigInteger())

    def _limit(self) -> None:
        self.window["limit"] = self.bind(sa.BigInteger())

    @property
    def is_plain(self) -> bool:
        """Whether conditions on the table itself are all there is."""
        return not (
            self.has_joins
            or self.window
            or self.is_grouped
            or self.is_combined
            or self._qualified
            or self.distinct is not None
        )

    @property
    def conditions(self) -> list[Any]:
        """The conditions of WHERE."""
        return self._where

    # -------------------------------------------------------------- several queries

    def _combine(self, name: str, is_all: bool, shapes: Sequence[Shape]) -> None:
        """Put the rows of several queries in the table's place."""
        self.is_combined = True
        builders = [self._build_part(shape) for shape in shapes]
        selects = [builder.select_combined() for builder in builders]
        widths = {len(select.selected_columns) for select in selects}
        if len(widths) != 1:
            raise FieldError(
                f"{name}() of queries with {sorted(widths)} columns: expected equally many.",
                hint="Name the same number of columns in values() of each.",
                code="db.combined",
            )
        function = getattr(sa, f"{name}_all" if is_all else name)
        self.base = self._tables[()] = self._aliases[self.options.table] = compound = function(
            *selects
        ).subquery()
        for label, column in zip(builders[0].list_labels(), compound.c, strict=True):
            self.annotated[label] = column
            self.terms[label] = Term(("ref", label), column.type)
            if builders[0].shape.kind == "instances" and label not in self.options.keys:
                self.selected.add(label)

    def _build_part(self, shape: Shape) -> "SelectBuilder":
        call = Call(shape, (), self.alias)
        return type(self)(call, self.dialect, self.run, self.outer, self.bindings)

    def select_combined(self) -> Any:
        """Build this query as one of several that are combined."""
        self.apply(self.shape.operations)
        is_ordered = bool(self.window or self.distinct)
        statement = self.finish(self.list_combined(), ordered=is_ordered)
        if is_ordered:
            # SQLite takes neither order nor limit within a union.
            statement = sa.select(statement.subquery())
        return statement

    def list_combined(self) -> list[Any]:
        """List the columns under the names by which the whole is asked for them."""
        _, nodes = self._list_parts()
        return [
            self.build(node).label(self._label(index, node)) for index, node in enumerate(nodes)
        ]

    def list_labels(self) -> tuple[str, ...]:
        """List what the columns are called in Python."""
        return self._list_parts()[0]

    def _list_parts(self) -> tuple[tuple[str, ...], tuple[Node, ...]]:
        if self.shape.kind == "rows":
            columns: Any = self.shape.columns
            return columns[1], columns[2]
        shown = tuple(name for name in self.annotated if name in self.selected)
        nodes = [("column", (), key) for key in self.options.keys]
        return (*self.options.keys, *shown), (*nodes, *(("ref", name) for name in shown))

    def _label(self, index: int, node: Node) -> str:
        """Name a column: as the table does where it is the table's own."""
        if node[0] == "column" and not node[1]:
            return str(self.options.columns[node[2]].key)
        return f"{ANNOTATION}{index}"

    # -------------------------------------------------------------- the statement

    def finish(self, columns: Iterable[Any], *, ordered: bool = True) -> Any:
        """Build the SELECT of columns from all that was applied."""
        columns = list(columns)
        self.join_related()
        # First, because order may join further tables.
        terms = self._list_order() if ordered or self.window or self._rank else []
        order = [Ordered(term, self._get_ordered(each)) for each in terms for term in (each.term,)]
        elements = [part for each in order for part in order_by(self, each.term, each.element)]
        # Likewise.
        groups = self._list_groups(order) if self.is_grouped else []
        if self._must_wrap(columns, groups, elements):
            return self._wrap(columns, groups, elements)
        shown = Columns(columns)
        groups = [shown.count(each) for each in groups]
        elements = [like(each, shown.refer(strip(each))) for each in elements]
        return self._cut(self._assemble(shown.elements, groups, elements))

    def _get_ordered(self, each: Ordered) -> Any:
        return self.build(each.term.node) if each.element is None else each.element

    def _must_wrap(self, columns: list[Any], groups: list[Any], elements: list[Any]) -> bool:
        """Tell whether more has to be worked out of the rows than is shown of them."""
        if self._qualified or self._rank is not None:
            return True
        shown = Columns(columns)
        hidden = [each for each in groups if has_binds(each)]
        if self.distinct == ():
            hidden += [strip(each) for each in elements]
        return any(shown.find(each) is None for each in hidden)

    def _assemble(self, columns: list[Any], groups: list[Any], elements: list[Any]) -> Any:
        self.check_froms()
        statement = sa.select(*columns).select_from(self.build_source())
        if self.outer is not None:
            # By itself SQLAlchemy refers to the query around only, not to those around that.
            statement = statement.correlate_except(*self.list_tables())
        if self._where:
            statement = statement.where(*self._where)
        if groups:
            statement = statement.group_by(*groups)
        if self._having:
            statement = statement.having(*self._having)
        if self.distinct is not None:
            statement = self._add_distinct(statement)
        if elements:
            statement = statement.order_by(*elements)
        if self._lock is not None and self.outer is None and self.shape.kind in _LOCKED:
            statement = statement.with_for_update(**self._build_lock(self._lock))
        return statement

    def _cut(self, statement: Any) -> Any:
        if "limit" in self.window:
            statement = statement.limit(self.window["limit"])
        if "offset" in self.window:
            statement = statement.offset(self.window["offset"])
        return statement

    def _wrap(self, columns: list[Any], groups: list[Any], elements: list[Any]) -> Any:
        """Filter, order and show what can be told only of the finished result."""
        within = Columns()
        shown = [within.add(each) for each in columns]
        conditions = [within.add(each) for each in self._qualified]
        keys = [within.add(strip(each)) for each in elements]
        for each in filter(has_binds, groups):
            within.add(each)
        by = [within.count(each) for each in groups]
        ranks = [] if self._rank is None else [self._number(self._rank, elements)]
        inner = self._assemble([*within.elements, *ranks], by, []).subquery()
        found = [inner.c[within.name(index)] for index in shown]
        statement = sa.select(*map(_name_alike, columns, found))
        statement = statement.where(*(inner.c[within.name(index)] for index in conditions))
        if ranks:
            return statement.where(*self._bound(inner.c["rank"])).order_by(inner.c["rank"])
        ordered = [inner.c[within.name(index)] for index in keys]
        return self._cut(statement.order_by(*map(like, elements, ordered)))

    def _number(self, node: Node, order: list[Any]) -> Any:
        """Number the rows within each group, in their order."""
        number = sa.func.row_number()
        return number.over(partition_by=self.build(node), order_by=order or self.find_keys()).label(
            "rank"
        )

    def _bound(self, rank: Any) -> list[Any]:
        low, size = self.window.get("offset"), self.window.get("limit")
        bounds: list[Any] = [] if low is None else [rank > low]
        if size is not None:
            bounds.append(rank <= (size if low is None else low + size))
        return bounds

    def join_related(self) -> None:
        """Join what is to be loaded along also where nothing is loaded: expressions count on it."""
        if self._adopted:
            for path in self.related:
                self.find_table(path)

    def _list_order(self) -> list[Ordered]:
        """List what is ordered by: what was asked for, else the model's own order."""
        order = self._order
        if order is None:
            order = [Ordered(term) for term in self._list_own_order()]
        if not self._reversed:
            return order
        if not order:
            keys = self.options.primary_keys
            order = [Ordered(OrderTerm(("column", (), key), descending=False)) for key in keys]
        turned = turn_all(each.term for each in order)
        return [Ordered(term, each.element) for term, each in zip(turned, order, strict=True)]

    def _list_own_order(self) -> Sequence[OrderTerm]:
        if self.is_combined or self._group is not None:
            # Those of a union have no order, and groups would be split by it.
            return ()
        return resolve_own_order(self.options, self.terms)

    def _list_groups(self, order: list[Ordered]) -> list[Any]:
        if self._group is None:
            groups = [key for path in ((), *self.related) for key in self.find_keys(path)]
        else:
            groups = [self.build_once(node) for node in self._group]
        further = list_further(self.shape, self._group, self._tested)
        groups += [self.build_once(node) for node in further]
        for name, element in self.annotated.items():
            if self.terms[name].level == ROW and name in self.selected:
                groups.append(element)
        for each in order:
            if not self._is_aggregate(each.term.node):
                groups.append(strip(each.element))
        return groups

    def build_once(self, node: Node) -> Any:
        """Build what is selected; the same thing again where rows are grouped by it."""
        if has_values(node):
            return self.build(node)
        if node not in self._built:
            self._built[node] = self.build(node)
        return self._built[node]

    def _is_aggregate(self, node: Any) -> bool:
        """Tell whether a node can be told only of a group."""
        parts: tuple[Any, ...] = node if issubclass(node.__class__, tuple) else ()
        if not parts:
            return False
        if parts[0] in ("aggregate", "window"):
            return True
        if parts[0] in ("exists", "subquery"):
            return False
        if parts[0] == "ref":
            return self.terms[parts[1]].level != ROW
        return any(map(self._is_aggregate, parts))

    def _add_distinct(self, statement: Any) -> Any:
        nodes = self.distinct or ()
        if not nodes:
            return statement.distinct()
        if self.vendor != "postgresql":
            raise FieldError(
                f"distinct() on columns does not exist on {self.vendor}: expected PostgreSQL.",
                hint="Use values(...).distinct(), or a Window(RowNumber(), partition_by=...).",
                code="db.distinct",
            )
        return statement.ext(postgresql.distinct_on(*(self.build(node) for node in nodes)))

    def _build_lock(self, options: dict[str, Any]) -> dict[str, Any]:
        paths = options.pop("of", ())
        if paths and self.vendor == "mariadb":
            raise FieldError(
                "select_for_update(of=...) does not exist on mariadb: expected PostgreSQL.",
                hint="Leave it out: all rows that are read are locked.",
                code="db.lock",
            )
        if paths:
            options["of"] = [self.find_table(path) for path in paths]
        elif self.has_joins and self.vendor == "postgresql":
            # The far side of an outer join cannot be locked.
            options["of"] = [self.base]
        return options

    def build_inner(self, shape: Shape) -> Any:
        """Build the SELECT of a query within this one."""
        inner = type(self)(Call(shape, (), self.alias), self.dialect, self.run, self)
        return inner.select_inner()

    def select_inner(self) -> Any:
        """Build this query as one within another."""
        raise NotImplementedError

    def list_deferred(self, path: tuple[str, ...], options: ModelOptions) -> tuple[str, ...]:
        """List the columns that instances at the end of a path are loaded with."""
        if not self.deferred:
            return options.keys
        return tuple(key for key in options.keys if (path, key) not in self.deferred)

    #: What takes in an operation, by its kind.
    _steps: ClassVar[dict[str, Callable[..., None]]] = {
        "alias": _alias,
        "annotate": _annotate,
        "combine": _combine,
        "defer": _defer,
        "distinct": _make_distinct,
        "group": _group_by,
        "limit": _limit,
        "lock": _lock_rows,
        "offset": _offset,
        "order": _forget_order,
        "order-add": _add_order,
        "rank": _rank_rows,
        "related": _relate,
        "reverse": _reverse,
    }


#: The kinds of statements that give rows, which can be locked; a count cannot.
_LOCKED = frozenset({"dicts", "instances", "rows"})

#: What makes a node have values of the call.
_VALUED = frozenset({"adopted", "bind", "exists", "subquery"})
#: Conditions have values, too.
_VALUED_CONDITIONS = frozenset({"where", "in", "range", "json-keys"})


def has_values(node: Any) -> bool:
    """Tell whether a node, or one within it, has values of the call."""
    parts: tuple[Any, ...] = node if issubclass(node.__class__, tuple) else ()
    if not parts:
        return False
    first = parts[0]
    if isinstance(first, str) and (first in _VALUED or first in _VALUED_CONDITIONS):
        return True
    return any(map(has_values, parts))


def _name_alike(column: Any, found: Any) -> Any:
    """Give what was found of a column the name the column was given."""
    return found.label(column.name) if isinstance(column, sa.Label) else found


def strip(term: Any) -> Any:
    """Take the direction off what is ordered by."""
    while getattr(term, "modifier", None) is not None:
        term = term.element
    return term


def like(term: Any, column: Any) -> Any:
    """Order by a column in the direction of another ordering."""
    modifiers: list[Any] = []
    while getattr(term, "modifier", None) is not None:
        modifiers.append(term.modifier)
        term = term.element
    for modifier in reversed(modifiers):
        column = modifier(column)
    return column
