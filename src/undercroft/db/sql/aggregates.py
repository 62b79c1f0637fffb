"""The SQL of aggregates."""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators

from undercroft.db.fields.time_types import Microseconds, WholeLength
from undercroft.db.fields.types import DecimalResult, count_places
from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql import decimals
from undercroft.db.sql.collecting import COLLECTING, Collection
from undercroft.db.sql.functions.building import call

#: Builds an aggregate: with the statement's builder, the arguments, and the option.
Build = Callable[[Any, Sequence[Any], Any], Any]

#: Makes of an aggregate what is asked for: the aggregate itself, or one over a window.
Wrap = Callable[[Any], Any]

#: Turns what a database makes of some types back into what they were: with the aggregate, what is
#: to be made of it, and the type of its argument.
Settle = Callable[[Any, Any, Wrap, Any], Any]


def build_aggregate(builder: Any, node: Any, wrap: Wrap = lambda found: found) -> Any:
    """Build an aggregate with its conditions."""
    _, name, nodes, distinct, conditions, order, option = node
    built = [builder.build(each) for each in nodes]
    arguments = [builder.lift(each) for each in built]
    condition = None
    if conditions:
        condition = builder.lift(builder.build_joined(conditions))
    if name in COLLECTING:
        terms = [(term, builder.lift(builder.build(term.node))) for term in order]
        given = Collection(arguments[0], distinct, condition, terms, option)
        return COLLECTING[name](builder, given, wrap)
    if condition is not None and builder.vendor == "mariadb":
        # It knows no FILTER; aggregates leave NULLs out.
        first = sa.literal_column("1", TYPES["int"]) if nodes[0] == ("star",) else arguments[0]
        arguments[0], condition = sa.case((condition, first)), None
    if distinct:
        arguments[0] = sa.distinct(arguments[0])
    found = _AGGREGATES.get(name, _build_custom(name))(builder, arguments, option)
    found = found if condition is None else found.filter(condition)
    settle = _SETTLING.get(name)
    return wrap(found) if settle is None else settle(builder, found, wrap, built[0].type)


def _build_custom(name: str) -> Build:
    """Build an aggregate of the user's; its name has been checked."""

    def build(_builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        return call(name, *arguments, type_=arguments[0].type)

    return build


def _count(_builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    return sa.func.count(*arguments, type_=TYPES["bigint"])


def _sum(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    value = arguments[0]
    if isinstance(value.type, sa.Boolean):
        value = _change_inside(value, sa.Integer())
    if find_python_type(value.type) is Decimal:
        name = "undercroft_decimal_sum" if builder.vendor == "sqlite" else "sum"
        return call(name, value, type_=DecimalResult(count_places(value.type)))
    is_whole = isinstance(value.type, sa.Integer)
    return sa.func.sum(value, type_=TYPES["bigint"] if is_whole else value.type)


def _settle_sum(builder: Any, found: Any, wrap: Wrap, column_type: Any) -> Any:
    if not isinstance(column_type, (sa.Boolean, sa.Integer)) or builder.vendor == "sqlite":
        return wrap(found)
    # PostgreSQL's sum of bigints is numeric, MariaDB's of any integer is.
    if builder.vendor == "postgresql":
        return sa.cast(wrap(found), TYPES["bigint"])
    # A cast would cut what is too large.
    return wrap(found).op("DIV", return_type=TYPES["bigint"])(sa.literal_column("1"))


def _average(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    value = arguments[0]
    kind = find_python_type(value.type)
    if kind is bool:
        value = _change_inside(value, sa.Integer())
    if kind is Decimal and builder.vendor == "sqlite":
        return call("undercroft_decimal_avg", value, type_=TYPES["decimal"])
    if kind is dt.timedelta:
        return call("avg", _replace(value, Microseconds), type_=TYPES["decimal"])
    if builder.vendor == "mariadb":
        # It gives a mean four decimal places more than the values have.
        value = _change_inside(value, _PRECISE if kind is Decimal else TYPES["double"])
    return call("avg", value, type_=TYPES["decimal"] if kind is Decimal else TYPES["float"])


_HEX = sa.literal_column("'hex'", sa.Text())

#: Decimals with as many places as PostgreSQL gives a mean.
_PRECISE = sa.Numeric(65, 20)


def _change_inside(value: Any, column_type: Any) -> Any:
    """Change the type of an aggregate's argument, which may be marked as distinct."""
    return _replace(value, lambda element: sa.cast(element, column_type))


def _replace(value: Any, make: Callable[[Any], Any]) -> Any:
    """Build another argument of an aggregate's, which may be marked as distinct."""
    if getattr(value, "operator", None) is operators.distinct_op:
        return sa.distinct(make(value.element))
    return make(value)


def _to_hex(value: Any) -> Any:
    return call("encode", value, _HEX, type_=sa.Text())


def _settle_mean(builder: Any, found: Any, wrap: Wrap, column_type: Any) -> Any:
    if find_python_type(column_type) is dt.timedelta:
        return WholeLength(wrap(found))
    return _settle_float(builder, found, wrap, column_type)


def _settle_float(builder: Any, found: Any, wrap: Wrap, _column_type: Any) -> Any:
    if builder.vendor == "postgresql" and isinstance(found.type, sa.Float):
        # PostgreSQL's mean of whole numbers is exact.
        return sa.cast(wrap(found), TYPES["float"])
    return wrap(found)


def _extreme(name: str) -> Build:
    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        value, column_type = arguments[0], arguments[0].type
        if decimals.is_worked_out(builder, value) and not decimals.is_column(value):
            return decimals.change(name, value)
        if builder.vendor == "postgresql":
            # It knows no least boolean and no least UUID; `_settle_extreme` turns them back.
            for kind, stand_in in ((sa.Boolean, sa.Integer()), (sa.Uuid, sa.Text())):
                if isinstance(column_type, kind):
                    value, column_type = _change_inside(value, stand_in), stand_in
            if isinstance(column_type, sa.LargeBinary):
                # Nor the least bytes; their hexadecimal digits are in the same order.
                value, column_type = _replace(value, _to_hex), sa.Text()
        return call(name, value, type_=column_type)

    return build


def _settle_extreme(builder: Any, found: Any, wrap: Wrap, column_type: Any) -> Any:
    if isinstance(column_type, sa.LargeBinary) and builder.vendor == "postgresql":
        return call("decode", wrap(found), _HEX, type_=column_type)
    is_stand_in = issubclass(column_type.__class__, (sa.Boolean, sa.Uuid))
    if is_stand_in and builder.vendor == "postgresql":
        return sa.cast(wrap(found), column_type)
    return wrap(found)


def _spread(name: str) -> Build:
    def build(builder: Any, arguments: Sequence[Any], sample: Any) -> Any:
        full = f"{name}_{'samp' if sample else 'pop'}"
        called = f"undercroft_{full}" if builder.vendor == "sqlite" else full
        value = arguments[0]
        if builder.vendor == "mariadb" or find_python_type(value.type) is Decimal:
            value = _change_inside(value, TYPES["double"])
        return call(called, value, type_=TYPES["float"])

    return build


def _boolean(name: str, extreme: str) -> Build:
    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        called = name if builder.vendor == "postgresql" else extreme
        return call(called, *arguments, type_=sa.Boolean())

    return build


def _bits(name: str) -> Build:
    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        called = f"undercroft_{name}" if builder.vendor == "sqlite" else name
        return call(called, *arguments, type_=arguments[0].type)

    return build


def _settle_bits(builder: Any, found: Any, wrap: Wrap, _column_type: Any) -> Any:
    if builder.vendor != "mariadb":
        return wrap(found)
    # Bits have no sign there, and those of no rows are all set, or none.
    some = wrap(call("count", *found.clauses, type_=TYPES["bigint"])) > 0
    return sa.case((some, sa.cast(wrap(found), TYPES["bigint"])))


#: The aggregates that take any rows in any order.
_AGGREGATES: dict[str, Build] = {
    "avg": _average,
    "bit_and": _bits("bit_and"),
    "bit_or": _bits("bit_or"),
    "bit_xor": _bits("bit_xor"),
    "bool_and": _boolean("bool_and", "min"),
    "bool_or": _boolean("bool_or", "max"),
    "count": _count,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "stddev": _spread("stddev"),
    "sum": _sum,
    "variance": _spread("var"),
}

#: What is done with an aggregate, or its window, when it is complete.
_SETTLING: dict[str, Settle] = {
    "avg": _settle_mean,
    "bit_and": _settle_bits,
    "bit_or": _settle_bits,
    "bit_xor": _settle_bits,
    "max": _settle_extreme,
    "min": _settle_extreme,
    "stddev": _settle_float,
    "sum": _settle_sum,
    "variance": _settle_float,
}
