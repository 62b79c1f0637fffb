"""Build a SQLAlchemy statement from a shape; once per shape, for the result is kept."""

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from undercroft.db.mapping.options import ModelOptions
from undercroft.db.queries.selection import Selection, build_dict_maker
from undercroft.db.queries.shape import Call
from undercroft.db.rows.instances import Layout, build_hydrator
from undercroft.db.rows.siblings import Run
from undercroft.db.sql.evaluating import build_evaluation
from undercroft.db.sql.select import Finish, SelectBuilder
from undercroft.db.sql.writes import WRITES

_ONE = sa.literal_column("1", sa.Integer())


class Built(NamedTuple):
    """A statement, and what its caller must know of it.

    Attributes:
        statement: SQLAlchemy's.
        positions: The index of the value of each bound parameter.
        finish: Turns rows into the answer.
        keyed: Whether another call of the same shape may use it.
        prefix: What stands before its text.
    """

    statement: Any
    positions: dict[Any, int]
    finish: Finish
    keyed: bool
    prefix: str = ""


class StatementBuilder(SelectBuilder):
    """Builds one statement.

    Attributes:
        answer: What turns rows into the answer.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.answer: Finish = _pass
        self._lifted: list[Any] | None = None

    # -------------------------------------------------------------- rows

    def select_instances(self) -> Any:
        """Select whole rows, with those of the relations to load along."""
        self.apply(self.shape.operations)
        columns: list[Any] = []
        layout = self._lay_out(self.options, (), _build_tree(self.related), columns)
        shown = [name for name in self.annotated if name in self.selected]
        layout = layout._replace(annotations=tuple(shown), end=len(columns))
        columns += [self.annotated[name] for name in shown]
        self.answer = build_hydrator(layout, self.run, self.alias)
        return self.finish(columns)

    def _lay_out(
        self,
        options: ModelOptions,
        path: tuple[str, ...],
        tree: dict[str, Any],
        columns: list[Any],
    ) -> Layout:
        start, keys = len(columns), self.list_deferred(path, options)
        columns += [self.find_column(path, key) for key in keys]
        children: list[tuple[str, str, Layout]] = []
        for name, branch in tree.items():
            relation = options.joins[name]
            target: ModelOptions = relation.target.__options__
            child = self._lay_out(target, (*path, name), branch, columns)
            children.append((name, relation.accessor or name, child))
        return Layout(options, keys, start, tuple(children))

    def select_rows(self) -> Any:
        """Select columns as dicts, tuples or single values."""
        self.apply(self.shape.operations)
        described: Any = self.shape.columns
        form, names, nodes = described
        self.answer = _FORMS[form](names)
        return self.finish([self.build_once(node) for node in nodes])

    def select_dicts(self) -> Any:
        """Select what a load plan names."""
        self.apply(self.shape.operations)
        selection: Any = self.shape.columns
        columns: list[Any] = []
        self._collect(self.options, selection, (), columns, null=False)
        self.answer = build_dict_maker(self.options, selection)
        return self.finish(columns)

    def _collect(
        self,
        options: ModelOptions,
        selection: Selection,
        path: tuple[str, ...],
        columns: list[Any],
        *,
        null: bool,
    ) -> None:
        columns.extend(self.find_column(path, key) for key in selection.columns)
        for name, inner in selection.relations:
            relation = options.joins[name]
            target: ModelOptions = relation.target.__options__
            may_miss = null or relation.null
            if may_miss:
                # Tells a missing row from one full of NULLs; the dict maker skips it.
                columns.append(self.find_column((*path, name), target.primary_keys[0]))
            self._collect(target, inner, (*path, name), columns, null=may_miss)

    # -------------------------------------------------------------- one value

    @property
    def _is_shaped(self) -> bool:
        """Whether the rows are known only once the whole SELECT has been done."""
        return bool(
            self.window
            or self.is_grouped
            or self.distinct is not None
            or self._qualified
            or self.is_combined
        )

    def select_count(self) -> Any:
        """Count the rows."""
        self.apply(self.shape.operations)
        self.answer = _take_first
        if not self._is_shaped:
            return self.finish([sa.func.count()], ordered=False)
        inner = self.finish(self._list_counted(self.shape.columns), ordered=False).subquery()
        return sa.select(sa.func.count()).select_from(inner)

    def _list_counted(self, form: Any) -> list[Any]:
        """List the columns that make rows distinct, or one that every row has."""
        described: Any = form
        if described is not None:
            nodes = [self.build_once(node) for node in described[2]]
            return [node.label(f"c{index}") for index, node in enumerate(nodes)]
        if self.distinct is not None and not self.is_combined:
            keys = [self.find_column((), key) for key in self.options.keys]
            shown = [self.annotated[name] for name in self.annotated if name in self.selected]
            columns = keys + shown
            return [column.label(f"c{index}") for index, column in enumerate(columns)]
        return [_ONE]

    def select_exists(self) -> Any:
        """Ask whether there is a row."""
        self.apply(self.shape.operations)
        self.answer = bool
        if not self._is_shaped:
            return self.finish([_ONE], ordered=False).limit(1)
        # A slice has a limit of its own, which may be none at all.
        inner = self.finish(self._list_counted(self.shape.columns), ordered=False).subquery()
        return sa.select(_ONE).select_from(inner).limit(1)

    def evaluate(self) -> Any:
        """Ask whether a rule's condition is true, or false, of a row that is not stored."""
        asked: Any = self.shape.columns
        rule, negated = asked
        self.answer = bool
        return build_evaluation(self, rule, negated=negated)

    def select_aggregates(self) -> Any:
        """Select aggregates over all rows."""
        self.apply(self.shape.operations)
        described: Any = self.shape.columns
        named, form = described
        names = tuple(name for name, _ in named)
        self.answer = lambda rows: dict(zip(names, rows[0], strict=True))
        if not self._is_shaped:
            return self.finish([self.build(node) for _, node in named], ordered=False)
        self._lifted = []
        aggregates = [self.build(node) for _, node in named]
        counted = self._list_counted(form) if self.distinct is not None else []
        inner = self.finish([*counted, *self._lifted] or [_ONE], ordered=False).subquery()
        return sa.select(*aggregates).select_from(inner)

    def lift(self, element: Any) -> Any:
        """Let a value be worked out in the query within, and refer to it from around."""
        if self._lifted is None or issubclass(element.__class__, sa.BindParameter):
            return element
        if getattr(element, "name", None) == "*":
            return element
        label = f"x{len(self._lifted)}"
        self._lifted.append(element.label(label))
        return sa.column(label, element.type)

    # -------------------------------------------------------------- within another query

    def select_inner(self) -> Any:
        """Build this query as one within another."""
        self.apply(self.shape.operations)
        if self.shape.kind == "exists":
            return self.finish(self._list_counted(self.shape.columns), ordered=False)
        described: Any = self.shape.columns
        return self.finish(
            [self.build_once(node) for node in described[2]],
            ordered=bool(self.window),
        )

    # -------------------------------------------------------------- how it is done

    def explain(self) -> Any:
        """Ask how a query would be carried out."""
        described: Any = self.shape.columns
        kind, columns, _prefix = described
        self.shape = self.shape._replace(kind=kind, columns=columns)
        statement = _STATEMENTS[kind](self)
        self.answer = lambda rows: "\n".join(
            " ".join(_show(part) for part in tuple(row) if part is not None) for row in rows
        )
        return statement


def build_statement(call: Call, dialect: Dialect, run: Run) -> Built:
    """Build the statement of a call.

    Raises:
        FieldError: An expression is about a table that is not joined.
    """
    kind = call.shape.kind
    builder = StatementBuilder(call, dialect, run)
    columns: Any = call.shape.columns
    prefix = columns[2] if kind == "explain" else ""
    make = _STATEMENTS.get(kind) or WRITES[kind]
    statement = make(builder)
    bindings = builder.bindings
    return Built(statement, bindings.positions, builder.answer, bindings.keyed, prefix)


def _show(part: Any) -> str:
    """Show a part of an explanation; a driver may have read the JSON that was asked for."""
    return json.dumps(part) if isinstance(part, (dict, list)) else str(part)


def _pass(rows: Any) -> Any:
    return rows


def _take_first(rows: Any) -> Any:
    return rows[0][0]


def _build_tree(paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in paths:
        branch = tree
        for name in path:
            branch = branch.setdefault(name, {})
    return tree


def _as_dicts(names: Sequence[str]) -> Finish:
    return lambda rows: [dict(zip(names, row)) for row in rows]  # noqa: B905 - hot


def _as_tuples(_names: Sequence[str]) -> Finish:
    return lambda rows: [tuple(row) for row in rows]


def _as_values(_names: Sequence[str]) -> Finish:
    return lambda rows: [row[0] for row in rows]


def _as_named(names: Sequence[str]) -> Finish:
    row_class: Any = namedtuple("Row", names)  # type: ignore[misc]  # names of the query's own
    return lambda rows: [row_class(*row) for row in rows]


_FORMS: dict[str, Callable[[Sequence[str]], Finish]] = {
    "dict": _as_dicts,
    "flat": _as_values,
    "named": _as_named,
    "tuple": _as_tuples,
}

_STATEMENTS: dict[str, Callable[[StatementBuilder], Any]] = {
    "aggregate": StatementBuilder.select_aggregates,
    "count": StatementBuilder.select_count,
    "dicts": StatementBuilder.select_dicts,
    "evaluate": StatementBuilder.evaluate,
    "exists": StatementBuilder.select_exists,
    "explain": StatementBuilder.explain,
    "instances": StatementBuilder.select_instances,
    "rows": StatementBuilder.select_rows,
}
