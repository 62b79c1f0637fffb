"""The SQL of each comparison: equal, in a list, between, like a pattern, NULL, within JSON."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from undercroft.db.fields.search import is_words
from undercroft.db.queries.lookups import ARRAY_LOOKUPS, KeyLookup, Lookup
from undercroft.db.queries.shape import Node, Shape
from undercroft.db.sql import arrays, casts, decimals, json_comparing, json_paths, texts
from undercroft.db.sql.functions import search
from undercroft.db.sql.functions.text import lower

Compare = Callable[[Any, Any], Any]

#: Longer lists are one value on PostgreSQL, an array: it takes 32,767 values for a statement.
_MAX_LIST = 16_384

_OPERATORS: dict[str, Compare] = {
    "exact": lambda left, right: left == right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}


def compare(builder: Any, lookup: Lookup) -> Any:
    """Compare with a value."""
    left, operator = builder.build(lookup.left), lookup.operator
    if json_comparing.is_json(left):
        return json_comparing.compare(builder, lookup, left, None)
    if operator in ARRAY_LOOKUPS and arrays.is_array(left):
        return arrays.compare(left, operator, builder.bind(left.type))
    if is_words(left.type):
        return search.match(builder, left, builder.bind(sa.Text()))
    if operator in _OPERATORS:
        return _relate(builder, operator, left, _bind(builder, left, operator))
    if operator == "iexact":
        return lower(builder, left) == lower(builder, builder.bind(sa.Text()))
    if operator.endswith("regex"):
        return texts.match_regex(builder, left, operator, builder.bind(sa.Text()))
    return texts.match_pattern(builder, left, operator)


def _bind(builder: Any, left: Any, operator: str = "exact", *, many: bool = False) -> Any:
    """Bind what something is compared with."""
    return builder.bind(decimals.find_bound_type(left, operator), many=many)


def _relate(builder: Any, operator: str, left: Any, right: Any) -> Any:
    """Build whether something is equal, less or greater."""
    if decimals.is_worked_out(builder, left, right) and not _is_plain(left, right):
        return decimals.compare(_OPERATORS[operator], left, right)
    return _OPERATORS[operator](left, right)


def _is_plain(left: Any, right: Any) -> bool:
    """Tell whether SQLite compares numbers by itself, and finds them by an index."""
    apart = (sa.BindParameter, sa.ScalarSelect)
    return decimals.is_column(left) and (decimals.is_column(right) or isinstance(right, apart))


def compare_to(builder: Any, lookup: Lookup, node: Node) -> Any:
    """Compare with an expression."""
    left, right = builder.build(lookup.left), builder.build(node)
    operator = lookup.operator
    if is_words(left.type):
        # First, for what is looked for has no type.
        return search.match(builder, left, right)
    if json_comparing.is_json(left) or (
        json_comparing.is_json(right) and operator in json_comparing.LOOKUPS
    ):
        return json_comparing.compare(builder, lookup, left, right)
    if operator in ARRAY_LOOKUPS and arrays.is_array(left):
        return arrays.compare(left, operator, right)
    if operator in _OPERATORS:
        return _relate(builder, operator, *casts.align(builder, left, right))
    if operator.endswith("regex"):
        return texts.match_regex(builder, left, operator, right)
    if operator.startswith("i"):
        left, right = lower(builder, left), lower(builder, right)
        operator = operator[1:]
    return texts.search(builder, left, operator, right)


def is_in(builder: Any, lookup: Lookup, length: int) -> Any:
    """Compare with a list of values."""
    left = builder.build(lookup.left)
    if json_comparing.is_json(left):
        return json_comparing.is_in(builder, left, length)
    if builder.vendor == "postgresql" and length > _MAX_LIST:
        return left == sa.any_(builder.bind(ARRAY(left.type)))
    return left.in_(_bind(builder, left, many=True))


def is_in_nodes(builder: Any, lookup: Lookup, nodes: Sequence[Node]) -> Any:
    """Compare with a list of expressions."""
    left = builder.build(lookup.left)
    if json_comparing.is_json(left):
        return json_comparing.is_among(builder, left, nodes)
    listed = [builder.build(node) for node in nodes]
    if decimals.is_worked_out(builder, left, *listed):
        return decimals.equals_any(left, listed)
    return left.in_(listed)


def is_in_query(builder: Any, lookup: Lookup, shape: Shape) -> Any:
    """Compare with the rows of a query."""
    left, listed = builder.build(lookup.left), _build_list(builder, shape)
    if json_comparing.is_json(left):
        rows = (json_comparing.normalize(builder, each) for each in listed.subquery().c)
        return json_comparing.normalize(builder, left).in_(sa.select(*rows))
    return left.in_(listed)


def are_in_query(builder: Any, lookup: KeyLookup, shape: Shape) -> Any:
    """Compare a key of several columns with the rows of a query."""
    left = sa.tuple_(*(builder.build(part.left) for part in lookup.parts))
    return left.in_(_build_list(builder, shape))


def _build_list(builder: Any, shape: Shape) -> Any:
    """Build the query of a list; MariaDB takes no slice for one, unless within another query."""
    inner = builder.build_inner(shape)
    is_cut = bool(shape.operations) and shape.operations[-1][0] in ("limit", "offset")
    return sa.select(*inner.subquery().c) if is_cut and builder.vendor == "mariadb" else inner


def is_between(builder: Any, lookup: Lookup) -> Any:
    """Compare with two values."""
    left = builder.build(lookup.left)
    if json_comparing.is_json(left):
        return _bound_json(builder, lookup, left, (None, None))
    return _bound(builder, left, _bind(builder, left, "gte"), _bind(builder, left, "lte"))


def _bound(builder: Any, left: Any, low: Any, high: Any) -> Any:
    if decimals.is_worked_out(builder, left, low, high):
        return sa.and_(_relate(builder, "gte", left, low), _relate(builder, "lte", left, high))
    return left.between(low, high)


def is_between_nodes(builder: Any, lookup: Lookup, nodes: Sequence[Node]) -> Any:
    """Compare with two expressions."""
    left = builder.build(lookup.left)
    if json_comparing.is_json(left):
        return _bound_json(builder, lookup, left, [builder.build(node) for node in nodes])
    return _bound(builder, left, *(builder.build(node) for node in nodes))


def _bound_json(builder: Any, lookup: Lookup, left: Any, bounds: Sequence[Any]) -> Any:
    compared = [
        json_comparing.compare(builder, replace(lookup, operator=operator), left, bound)
        for operator, bound in zip(("gte", "lte"), bounds, strict=True)
    ]
    return sa.and_(*compared)


def is_null(builder: Any, lookup: Lookup, is_null: bool) -> Any:
    """Ask whether there is no value; within JSON, whether there is no such key."""
    left = builder.build(lookup.left)
    return left.is_(None) if is_null else left.is_not(None)


def is_json_null(builder: Any, lookup: Lookup) -> Any:
    """Ask whether JSON says `null` there, which is not the same as saying nothing."""
    return json_paths.is_kind(builder, builder.build(lookup.left), "null")


def has_json_keys(builder: Any, lookup: Lookup, count: int) -> Any:
    """Ask whether JSON has all, or one, of several keys."""
    left = builder.build(lookup.left)
    found = [json_comparing.has_key(builder, left, builder.bind(sa.Text())) for _ in range(count)]
    if not found:
        return sa.true() if lookup.operator == "has_keys" else sa.false()
    return sa.and_(*found) if lookup.operator == "has_keys" else sa.or_(*found)
