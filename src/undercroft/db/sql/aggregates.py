"""The SQL of aggregates and windows."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from undercroft.db.queries.terms import TYPES
from undercroft.errors import FieldError

#: Builds an aggregate: with the statement's builder, the arguments, their order, the option.
Build = Callable[[Any, Sequence[Any], Sequence[Any], Any], Any]


def build_aggregate(builder: Any, node: Any) -> Any:
    """Build an aggregate with its conditions."""
    function, column_type = _build_function(builder, node)
    return _settle(builder, node[1], function, column_type)


def _build_function(builder: Any, node: Any) -> tuple[Any, Any]:
    """Build the bare function of an aggregate; give the type of its argument as well."""
    _, name, nodes, distinct, conditions, order, option = node
    arguments = [builder.build(each) for each in nodes]
    column_type = arguments[0].type
    arguments = [builder.lift(each) for each in arguments]
    condition = None
    if conditions:
        condition = builder.lift(sa.and_(*map(builder.build_condition, conditions)))
    if condition is not None and builder.vendor == "mariadb":
        # It knows no FILTER; aggregates leave NULLs out.
        first = sa.literal_column("1", TYPES["int"]) if nodes[0] == ("star",) else arguments[0]
        arguments[0], condition = sa.case((condition, first)), None
    if distinct:
        arguments[0] = sa.distinct(arguments[0])
    terms = builder.build_orders(order)
    found = _AGGREGATES[name](builder, arguments, terms, option)
    return (found if condition is None else found.filter(condition)), column_type


def _settle(builder: Any, name: str, found: Any, column_type: Any) -> Any:
    """Turn what a database makes of some types back into what they were."""
    if name == "sum" and isinstance(column_type, sa.Integer) and builder.vendor != "sqlite":
        # PostgreSQL's sum of bigints is numeric, MariaDB's of any integer is.
        return sa.cast(found, TYPES["bigint"])
    if builder.vendor != "postgresql":
        return found
    if isinstance(found.type, sa.Float) and name in ("avg", "stddev", "variance"):
        # PostgreSQL's mean of whole numbers is exact.
        return sa.cast(found, TYPES["float"])
    if name in ("min", "max") and issubclass(column_type.__class__, (sa.Boolean, sa.Uuid)):
        return sa.cast(found, column_type)
    return found


def _count(_builder: Any, arguments: Sequence[Any], _order: Any, _option: Any) -> Any:
    return sa.func.count(*arguments, type_=TYPES["bigint"])


def _sum(_builder: Any, arguments: Sequence[Any], _order: Any, _option: Any) -> Any:
    is_whole = isinstance(arguments[0].type, sa.Integer)
    return sa.func.sum(*arguments, type_=TYPES["bigint"] if is_whole else arguments[0].type)


def _average(builder: Any, arguments: Sequence[Any], _order: Any, _option: Any) -> Any:
    is_exact = isinstance(_plain_type(arguments[0].type), sa.Numeric) and not isinstance(
        _plain_type(arguments[0].type), sa.Float
    )
    if isinstance(arguments[0].type, sa.Boolean):
        arguments = [sa.cast(arguments[0], sa.Integer())]
    if isinstance(arguments[0].type, sa.Interval):
        return sa.func.avg(*arguments, type_=arguments[0].type)
    return sa.func.avg(*arguments, type_=TYPES["decimal"] if is_exact else TYPES["float"])


def _plain_type(column_type: Any) -> Any:
    """Look through a type of ours at what it is made of."""
    return getattr(column_type, "impl_instance", column_type)


def _extreme(name: str) -> Build:
    def build(builder: Any, arguments: Sequence[Any], _order: Any, _option: Any) -> Any:
        value, column_type = arguments[0], arguments[0].type
        if builder.vendor == "postgresql":
            # It knows no least boolean and no least UUID; `_settle` turns them back.
            for kind, stand_in in ((sa.Boolean, sa.Integer()), (sa.Uuid, sa.Text())):
                if isinstance(column_type, kind):
                    value, column_type = sa.cast(value, stand_in), stand_in
        return getattr(sa.func, name)(value, type_=column_type)

    return build


def _spread(name: str) -> Build:
    def build(builder: Any, arguments: Sequence[Any], _order: Any, sample: Any) -> Any:
        suffix = "samp" if sample else "pop"
        full = f"{'stddev' if name == 'stddev' else 'var'}_{suffix}"
        if builder.vendor == "sqlite":
            full = f"undercroft_{full}"
        return getattr(sa.func, full)(*arguments, type_=TYPES["float"])

    return build


def _string_agg(builder: Any, arguments: Sequence[Any], order: Sequence[Any], _: Any) -> Any:
    text, delimiter = arguments
    if builder.vendor == "postgresql":
        text = sa.cast(text, sa.Text()) if not isinstance(text.type, sa.String) else text
        return sa.func.string_agg(_order(text, ()), _order(delimiter, order), type_=sa.Text())
    if builder.vendor == "sqlite":
        return sa.func.undercroft_string_agg(text, delimiter, type_=sa.Text())
    return sa.func.aggregate_strings(_order(text, order), delimiter)


def _order(argument: Any, terms: Sequence[Any]) -> Any:
    return postgresql.aggregate_order_by(argument, *terms) if terms else argument


def _boolean(name: str, extreme: str) -> Build:
    def build(builder: Any, arguments: Sequence[Any], _order: Any, _option: Any) -> Any:
        function = getattr(sa.func, name if builder.vendor == "postgresql" else extreme)
        return function(*arguments, type_=sa.Boolean())

    return build


def _array_agg(builder: Any, arguments: Sequence[Any], order: Sequence[Any], _option: Any) -> Any:
    if builder.vendor != "postgresql":
        raise FieldError(
            f"ArrayAgg does not exist on {builder.vendor}: expected PostgreSQL.",
            hint="Use JSONArrayAgg, which every database has.",
            code="db.function",
        )
    element_type = getattr(arguments[0], "type", TYPES["any"])
    return sa.func.array_agg(_order(arguments[0], order), type_=sa.ARRAY(element_type))


def _json_agg(builder: Any, arguments: Sequence[Any], order: Sequence[Any], _option: Any) -> Any:
    if builder.vendor == "postgresql":
        return sa.func.jsonb_agg(_order(arguments[0], order), type_=TYPES["json"])
    name = "json_group_array" if builder.vendor == "sqlite" else "json_arrayagg"
    return getattr(sa.func, name)(arguments[0], type_=TYPES["json"])


_AGGREGATES: dict[str, Build] = {
    "array_agg": _array_agg,
    "avg": _average,
    "bool_and": _boolean("bool_and", "min"),
    "bool_or": _boolean("bool_or", "max"),
    "count": _count,
    "json_agg": _json_agg,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "stddev": _spread("stddev"),
    "string_agg": _string_agg,
    "sum": _sum,
    "variance": _spread("variance"),
}


def build_window(builder: Any, node: Any) -> Any:
    """Build an expression over a window."""
    _, inner, partition, order, frame, type_key = node
    name, column_type = "", None
    if inner[0] == "aggregate":
        name = inner[1]
        element, column_type = _build_function(builder, inner)
    else:
        element = builder.build(inner)
    options: dict[str, Any] = {}
    if frame is not None:
        unit, start, end = frame
        options["rows" if unit == "rows" else "range_"] = (start, end)
    found = element.over(
        partition_by=[builder.build(each) for each in partition] or None,
        order_by=builder.build_orders(order) or None,
        **options,
    )
    settled = _settle(builder, name, found, column_type)
    return sa.type_coerce(settled, type_key.type)
