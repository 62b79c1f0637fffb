"""The SQL of windows."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from undercroft.db.queries.shape import Node
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql.aggregates import build_aggregate
from undercroft.db.sql.functions.building import call

#: What makes a window of a function.
Wrap = Callable[[Any], Any]


def build_window(builder: Any, node: Any) -> Any:
    """Build an expression over a window."""
    _, inner, partition, order, frame, type_key = node
    options: dict[str, Any] = {
        "partition_by": [builder.build(each) for each in partition] or None,
        "order_by": builder.build_orders(order) or None,
    }
    if frame is not None:
        unit, start, end = frame
        options["rows" if unit == "rows" else "range_"] = (start, end)
    found = _build_inner(builder, inner, lambda function: function.over(**options))
    return sa.type_coerce(found, type_key.type)


def _build_inner(builder: Any, inner: Node, wrap: Wrap) -> Any:
    if inner[0] == "aggregate":
        return build_aggregate(builder, inner, wrap)
    if builder.vendor == "mariadb" and inner[1] in ("lag", "lead") and len(inner[2]) == 3:
        return _shift_on_mariadb(builder, inner, wrap)
    return wrap(builder.build(inner))


def _shift_on_mariadb(builder: Any, inner: Node, wrap: Wrap) -> Any:
    """Build LAG or LEAD with a default, which MariaDB's have not."""
    _, name, nodes, _option = inner
    value, offset, default = (builder.build(each) for each in nodes)
    found = wrap(call(name, value, offset, type_=value.type))
    # Whatever the row there holds, a constant is there if the row is.
    is_there = wrap(call(name, sa.literal_column("1"), offset, type_=TYPES["int"])).is_not(None)
    return sa.case((is_there, found), else_=default)
