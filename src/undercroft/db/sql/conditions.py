"""The SQL of conditions, with Django's answers where NULL or many rows are in play."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from undercroft.db.queries.lookups import Lookup
from undercroft.db.queries.shape import Operation, Operations
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql import comparisons
from undercroft.db.sql.builder import Builder, join_all

_ONE, _ZERO = sa.literal_column("1", sa.Integer()), sa.literal_column("0", sa.Integer())

#: What builds each kind of condition on a look-up.
_LEAVES: dict[str, Callable[..., Any]] = {
    "where": comparisons.compare,
    "where-to": comparisons.compare_to,
    "in": comparisons.is_in,
    "in-nodes": comparisons.is_in_nodes,
    "in-query": comparisons.is_in_query,
    "keys-in-query": comparisons.are_in_query,
    "null": comparisons.is_null,
    "range": comparisons.is_between,
    "range-to": comparisons.is_between_nodes,
    "json-null": comparisons.is_json_null,
    "json-keys": comparisons.has_json_keys,
}

#: Conditions that no NULL fulfils: of joined rows, they make the join an inner one.
_STRICT = frozenset(
    {"where", "where-to", "in", "in-nodes", "in-query", "keys-in-query", "range", "range-to"}
)

#: Of these, those in which only the left side may be NULL.
_PLAIN = frozenset({"where", "in", "range"})

#: The kinds of operations that are conditions.
CONDITIONS = frozenset(
    {*_LEAVES, "true", "and", "or", "not", "xor", "having", "qualify", "together"}
)


class ConditionBuilder(Builder):
    """Builds conditions.

    `_negated` says whether the present condition is denied an odd number of times, `_branched`
    whether it is denied at all, and `_splits` whether one denied on many rows means none of them.
    """

    _negated: bool = False
    _branched: bool = False
    _splits: bool = True

    def build_top(self, operations: Operations) -> list[Any]:
        """Build conditions that must all hold, so that their joins may be inner ones."""
        built: list[Any] = []
        for operation in operations:
            built.append(self.build_condition(operation))
            self._require(operation)
        return built

    def _require(self, operation: Operation) -> None:
        if operation[0] == "and":
            for part in operation[1]:
                self._require(part)
        elif operation[0] in _STRICT or (operation[0] == "null" and not operation[2]):
            self.require(operation[1].path)

    def build_condition(self, operation: Operation) -> Any:
        """Build one condition."""
        kind = operation[0]
        if kind == "and":
            return sa.and_(*map(self.build_condition, operation[1]))
        if kind == "or":
            return sa.or_(*map(self.build_condition, operation[1]))
        if kind == "not":
            return self._build_negated(operation[1])
        if kind == "true":
            return self._build_true(operation[1])
        if kind == "xor":
            return self._build_parity(operation[1])
        lookup: Lookup = operation[1]
        if self._branched and lookup.many and self._splits:
            return self._build_exists(operation)
        return self._build_leaf(operation)

    def build_joined(self, operations: Operations) -> Any:
        """Build the conditions of an expression, which are about the rows that are joined."""
        before = self._negated, self._branched, self._splits
        self._negated = self._branched = self._splits = False
        try:
            return sa.and_(sa.true(), *map(self.build_condition, operations))
        finally:
            self._negated, self._branched, self._splits = before

    def _build_parity(self, operations: Operations) -> Any:
        """Ask whether an odd number of conditions holds."""
        # CASE takes NULL for false, whether or not the whole is denied.
        before, self._negated = self._negated, False
        try:
            held = [sa.case((self.build_condition(part), _ONE), else_=_ZERO) for part in operations]
        finally:
            self._negated = before
        total: Any = held[0]
        for each in held[1:]:
            total = total + each
        return total % 2 == 1

    def _build_negated(self, operations: Operations) -> Any:
        before = self._negated, self._branched
        self._negated, self._branched = not self._negated, True
        try:
            inner = [self.build_condition(part) for part in operations]
        finally:
            self._negated, self._branched = before
        return sa.not_(sa.and_(*inner))

    def _build_true(self, node: Any) -> Any:
        built = self.build(node)
        if self._negated:
            # What is NULL is not true, so it is not left out.
            return sa.func.coalesce(built, sa.false(), type_=sa.Boolean())
        if node[0] in ("adopted", "exists", "conditions"):
            return built
        return built.is_(sa.true()) if self.vendor == "postgresql" else built == sa.true()

    def _build_leaf(self, operation: Operation) -> Any:
        lookup: Lookup = operation[1]
        built = _LEAVES[operation[0]](self, *operation[1:])
        if not self._negated or operation[0] == "null":
            return built
        # NOT (NULL = 1) is NULL: without what follows, excluded rows would take NULLs along.
        if operation[0] not in _PLAIN or lookup.left[0] != "column":
            return built.is_(sa.true())
        return sa.and_(built, self.build(lookup.left).is_not(None)) if lookup.null else built

    # -------------------------------------------------------------- denied, and of many rows

    def _build_exists(self, operation: Operation) -> Any:
        """Ask whether any of many rows fulfils a condition, apart from the query's own joins.

        A denied condition on many rows means that none fulfils it; joined, it would mean that one
        does not.
        """
        lookup: Lookup = operation[1]
        position = self._find_many(lookup.path)
        around = lookup.path[:position]
        before = self._negated, self._branched
        self._negated = self._branched = False
        try:
            if operation[0] == "null" and operation[2]:
                return self._exists_beside(operation)
            return self._exists_among(operation, around, lookup.path[: position + 1])
        finally:
            self._negated, self._branched = before

    def _find_many(self, path: tuple[str, ...]) -> int:
        options = self.options
        for position, name in enumerate(path):
            relation = options.joins[name]
            if relation.many:
                return position
            options = relation.target.__options__
        raise AssertionError(f"No step of {path!r} leads to many rows.")

    def _exists_among(
        self, operation: Operation, around: tuple[str, ...], path: tuple[str, ...]
    ) -> Any:
        owner, parent = self.walk(around), self.find_table(around)
        relation = owner.joins[path[-1]]
        table = relation.target.__options__.table.alias()
        with self.apart(path, table) as joins:
            condition = self._build_leaf(operation)
        on = self.match(owner, parent, relation, table)
        return _exists(table, joins, on, condition)

    def _exists_beside(self, operation: Operation) -> Any:
        """Ask again from the row itself, which also finds the row without any of the many."""
        table = self.options.table.alias()
        with self.apart((), table) as joins:
            condition = self._build_leaf(operation)
        names = [self.options.columns[key].key for key in self.options.primary_keys]
        same = sa.and_(*(table.c[name] == self.base.c[name] for name in names))
        return _exists(table, joins, same, condition)

    @property
    def vendor(self) -> str:
        """The kind of database: `sqlite`, `postgresql` or `mariadb`."""
        name = self.dialect.name
        return "mariadb" if name in ("mysql", "mariadb") else name


def _exists(table: Any, joins: list[Any], on: Any, condition: Any) -> Any:
    inner = sa.select(sa.literal_column("1", TYPES["int"])).select_from(join_all(table, joins))
    tables = [table, *(join.table for join in joins)]
    return inner.where(on, condition).correlate_except(*tables).exists()
