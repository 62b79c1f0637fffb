"""The SQL of each comparison: equal, in a list, between, like a pattern, NULL, within JSON."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from undercroft.db.queries.lookups import ARRAY_LOOKUPS, Lookup
from undercroft.db.queries.shape import Node, Shape
from undercroft.db.sql import json_paths, texts
from undercroft.db.sql.functions.text import lower

Compare = Callable[[Any, Any], Any]

_OPERATORS: dict[str, Compare] = {
    "exact": lambda left, right: left == right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}

#: PostgreSQL's operators of arrays.
_ARRAYS = {"contains": "@>", "contained_by": "<@", "overlap": "&&"}


def compare(builder: Any, lookup: Lookup) -> Any:
    """Compare with a value."""
    left, operator = builder.build(lookup.left), lookup.operator
    if _is_json(left):
        return json_paths.compare(builder, lookup, left, None)
    if operator in ARRAY_LOOKUPS and issubclass(left.type.__class__, sa.ARRAY):
        return _compare_array(left, operator, builder.bind(left.type))
    if operator in _OPERATORS:
        return _OPERATORS[operator](left, builder.bind(left.type))
    if operator == "iexact":
        return lower(builder, left) == lower(builder, builder.bind(sa.Text()))
    if operator.endswith("regex"):
        return texts.match_regex(builder, left, operator, builder.bind(sa.Text()))
    return texts.match_pattern(builder, left, operator)


def _compare_array(left: Any, operator: str, right: Any) -> Any:
    return left.op(_ARRAYS[operator], is_comparison=True)(right)


def compare_to(builder: Any, lookup: Lookup, node: Node) -> Any:
    """Compare with an expression."""
    left, right = builder.build(lookup.left), builder.build(node)
    operator = lookup.operator
    if _is_json(left) and operator in json_paths.LOOKUPS:
        return json_paths.compare(builder, lookup, left, right)
    if operator in ARRAY_LOOKUPS and issubclass(left.type.__class__, sa.ARRAY):
        return _compare_array(left, operator, right)
    if operator in _OPERATORS:
        return _OPERATORS[operator](left, right)
    if operator.endswith("regex"):
        return texts.match_regex(builder, left, operator, right)
    if operator.startswith("i"):
        left, right = lower(builder, left), lower(builder, right)
        operator = operator[1:]
    return texts.search(builder, left, operator, right)


def is_in(builder: Any, lookup: Lookup, _length: int) -> Any:
    """Compare with a list of values."""
    left = builder.build(lookup.left)
    return left.in_(builder.bind(left.type, many=True))


def is_in_nodes(builder: Any, lookup: Lookup, nodes: Sequence[Node]) -> Any:
    """Compare with a list of expressions."""
    left = builder.build(lookup.left)
    return left.in_([builder.build(node) for node in nodes])


def is_in_query(builder: Any, lookup: Lookup, shape: Shape) -> Any:
    """Compare with the rows of a query."""
    left = builder.build(lookup.left)
    return left.in_(builder.build_inner(shape))


def is_between(builder: Any, lookup: Lookup) -> Any:
    """Compare with two values."""
    left = builder.build(lookup.left)
    return left.between(builder.bind(left.type), builder.bind(left.type))


def is_between_nodes(builder: Any, lookup: Lookup, nodes: Sequence[Node]) -> Any:
    """Compare with two expressions."""
    left = builder.build(lookup.left)
    return left.between(*(builder.build(node) for node in nodes))


def is_null(builder: Any, lookup: Lookup, is_null: bool) -> Any:
    """Ask whether there is no value; of JSON, whether there is no such key."""
    left = builder.build(lookup.left)
    if lookup.left[0] == "json":
        left = json_paths.find_kind(builder, left)
    return left.is_(None) if is_null else left.is_not(None)


def is_json_null(builder: Any, lookup: Lookup) -> Any:
    """Ask whether JSON says `null` there, which is not the same as saying nothing."""
    return json_paths.find_kind(builder, builder.build(lookup.left)) == sa.literal(
        json_paths.get_null_kind(builder)
    )


def has_json_keys(builder: Any, lookup: Lookup, count: int) -> Any:
    """Ask whether JSON has all, or one, of several keys."""
    left = builder.build(lookup.left)
    found = [json_paths.has_key(builder, left, builder.bind(sa.Text())) for _ in range(count)]
    if not found:
        return sa.true() if lookup.operator == "has_keys" else sa.false()
    return sa.and_(*found) if lookup.operator == "has_keys" else sa.or_(*found)


def _is_json(element: Any) -> bool:
    return isinstance(element.type, sa.JSON)
