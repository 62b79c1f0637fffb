"""The SQL of expressions: each kind of node that `queries.shape` lists."""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from undercroft.db.queries.namespace import Namespace
from undercroft.db.queries.outputs import find_math_type
from undercroft.db.queries.shape import Node, OrderTerm, Shape
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql import aggregates, arithmetic, casts, json_paths, windows
from undercroft.db.sql.conditions import ConditionBuilder
from undercroft.db.sql.functions.catalog import FUNCTIONS
from undercroft.db.sql.functions.text import COUNTING, TEXT, narrow
from undercroft.db.sql.ordering import order_by
from undercroft.db.sql.transforms import transform
from undercroft.errors import FieldError


class ExpressionBuilder(ConditionBuilder):
    """Builds expressions and what they are ordered by.

    Attributes:
        annotated: The annotations built so far, by name.
    """

    annotated: dict[str, Any]

    def build(self, node: Node) -> Any:
        """Build an expression."""
        return _NODES[node[0]](self, *node[1:])

    def build_orders(self, terms: Iterable[OrderTerm]) -> list[Any]:
        """Build what is ordered by."""
        return [part for term in terms for part in order_by(self, term, self.build(term.node))]

    def build_inner(self, shape: Shape) -> Any:
        """Build the SELECT of a query within this one."""
        raise NotImplementedError


def _column(builder: ExpressionBuilder, path: tuple[str, ...], key: str) -> Any:
    return builder.find_column(path, key)


def _ref(builder: ExpressionBuilder, name: str) -> Any:
    return builder.annotated[name]


def _bind(builder: ExpressionBuilder, type_key: Any) -> Any:
    return casts.bind_value(builder, builder.find_type(type_key))


def _null(_builder: ExpressionBuilder) -> Any:
    return sa.null()


def _star(_builder: ExpressionBuilder) -> Any:
    return sa.literal_column("*", TYPES["any"])


def _math(builder: ExpressionBuilder, operator: str, left: Node, right: Node) -> Any:
    built = builder.build(left), builder.build(right)
    made = find_math_type(operator, built[0].type, built[1].type)
    return arithmetic.combine(builder, operator, built, made)


def _call(builder: ExpressionBuilder, name: str, nodes: tuple[Node, ...], option: Any) -> Any:
    arguments = [builder.build(node) for node in nodes]
    if name in TEXT:
        arguments = [_read_json(builder, each) for each in arguments]
    if name in COUNTING:
        arguments = [narrow(builder, each) for each in arguments]
    return FUNCTIONS[name](builder, arguments, option)


def _read_json(builder: ExpressionBuilder, element: Any) -> Any:
    """Build what JSON says, where text is expected."""
    is_json = isinstance(element.type, sa.JSON)
    return json_paths.as_text(builder, element) if is_json else element


def _transform(builder: ExpressionBuilder, name: str, node: Node) -> Any:
    return transform(builder, name, builder.build(node))


def _json(builder: ExpressionBuilder, node: Node, keys: tuple[str, ...]) -> Any:
    return json_paths.extract(builder, builder.build(node), keys)


def _cast(builder: ExpressionBuilder, node: Node, type_key: Any) -> Any:
    return casts.cast(builder, builder.build(node), type_key.type)


def _typed(builder: ExpressionBuilder, node: Node, type_key: Any) -> Any:
    return sa.type_coerce(builder.build(node), type_key.type)


def _case(builder: ExpressionBuilder, pairs: Any, otherwise: Node, type_key: Any) -> Any:
    branches = [(builder.build(condition), builder.build(then)) for condition, then in pairs]
    found = sa.case(*branches, else_=builder.build(otherwise))
    return sa.type_coerce(found, type_key.type)


def _conditions(builder: ExpressionBuilder, operations: Any) -> Any:
    return builder.build_joined(operations)


def _subquery(builder: ExpressionBuilder, shape: Shape) -> Any:
    return builder.build_inner(shape).scalar_subquery()


def _exists(builder: ExpressionBuilder, shape: Shape) -> Any:
    return builder.build_inner(shape).exists()


def _outer(builder: ExpressionBuilder, name: str, depth: int) -> Any:
    around: Any = builder
    for _ in range(depth):
        around = around.outer
        if around is None:
            raise FieldError(
                f"OuterRef({name!r}) is not within a subquery.",
                hint="Use it in a queryset given to Subquery(...) or Exists(...).",
                code="db.outer-ref",
            )
    term = Namespace(around.options, around.terms).find(name)
    return around.build(term.node)


def _adopted(builder: ExpressionBuilder, adopted: Any) -> Any:
    return builder.adopt(adopted)


def _aggregate(builder: ExpressionBuilder, *node: Any) -> Any:
    return aggregates.build_aggregate(builder, ("aggregate", *node))


def _window(builder: ExpressionBuilder, *node: Any) -> Any:
    return windows.build_window(builder, ("window", *node))


_NODES: dict[str, Callable[..., Any]] = {
    "adopted": _adopted,
    "aggregate": _aggregate,
    "bind": _bind,
    "call": _call,
    "case": _case,
    "cast": _cast,
    "column": _column,
    "conditions": _conditions,
    "exists": _exists,
    "json": _json,
    "math": _math,
    "null": _null,
    "outer": _outer,
    "ref": _ref,
    "star": _star,
    "subquery": _subquery,
    "transform": _transform,
    "typed": _typed,
    "window": _window,
}
