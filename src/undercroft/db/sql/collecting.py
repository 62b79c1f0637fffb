"""The SQL of aggregates that collect values in an order: lists, and texts joined."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.arrays import build_array
from undercroft.db.fields.types import Json
from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.shape import OrderTerm
from undercroft.db.sql.functions.building import call
from undercroft.db.sql.functions.json import to_json
from undercroft.db.sql.ordering import order_by
from undercroft.errors import FieldError

#: Makes of an aggregate what is asked for: the aggregate itself, or one over a window.
Wrap = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Collection:
    """What an aggregate collects.

    Attributes:
        value: The values.
        distinct: Whether equal ones are taken once.
        condition: Which rows count.
        order: What rows are ordered by.
        option: What else the aggregate is told.
    """

    value: Any
    distinct: bool
    condition: Any
    order: Sequence[tuple[OrderTerm, Any]]
    option: Any

    def mark(self, value: Any) -> Any:
        """Mark a value as one to be taken once, if it is."""
        return sa.distinct(value) if self.distinct else value

    def guard(self, value: Any) -> Any:
        """Give NULL in place of the values that do not count, where there is no FILTER."""
        return value if self.condition is None else sa.case((self.condition, value))

    def sort(self, builder: Any, function: Any) -> Any:
        """Say in which order a function takes rows."""
        terms = [part for each in self.order for part in order_by(builder, *each)]
        return function.aggregate_order_by(*terms) if terms else function

    def restrict(self, function: Any) -> Any:
        """Say which rows a function takes."""
        return function if self.condition is None else function.filter(self.condition)

    def collect(self, name: str, *arguments: Any) -> Any:
        """Collect by a function of `connections.sqlite_functions`: SQLite's own know no order."""
        keys = (element for _, element in self.order)
        plan = sa.literal(self._describe(), sa.Text())
        return self.restrict(call(name, *arguments, plan, *keys))

    def _describe(self) -> str:
        """Describe how values are arranged: `u` for unique, then two letters for each key."""
        letters = "".join(
            f"{'d' if term.descending else 'a'}{term.nulls[:1] or '-'}" for term, _ in self.order
        )
        return f"{'u' if self.distinct else '-'}{letters}"


def _string_agg(builder: Any, given: Collection, wrap: Wrap) -> Any:
    text = given.value
    text = text if isinstance(text.type, sa.String) else sa.cast(text, sa.Text())
    delimiter = sa.literal(given.option, sa.Text())
    if builder.vendor == "sqlite":
        joined = wrap(given.collect("undercroft_string_agg", text, delimiter))
    elif builder.vendor == "postgresql":
        joined = call("string_agg", given.mark(text), delimiter)
        joined = wrap(given.restrict(given.sort(builder, joined)))
    else:
        # The delimiter must stand in the text of the statement, where SQLAlchemy puts it.
        joined = sa.func.aggregate_strings(given.mark(given.guard(text)), given.option)
        joined = wrap(given.sort(builder, joined))
    return sa.type_coerce(joined, sa.Text())


def _json_agg(builder: Any, given: Collection, wrap: Wrap) -> Any:
    value = to_json(builder, given.value)
    if builder.vendor == "postgresql":
        listed = call("jsonb_agg", given.mark(value), type_=Json)
        return wrap(given.restrict(given.sort(builder, listed)))
    # A list of one holds whatever it is, NULL included, as JSON.
    item = call("json_array", value, type_=Json)
    if builder.vendor == "sqlite":
        return sa.type_coerce(wrap(given.collect("undercroft_json_agg", item)), Json)
    # Its own aggregate would take NULLs for the rows that do not count.
    items = call("group_concat", given.mark(given.guard(item)), type_=sa.Text())
    listed = call("concat", "[", wrap(given.sort(builder, items)), "]")
    return call("json_extract", listed, sa.literal("$[*][0]"), type_=Json)


def _array_agg(builder: Any, given: Collection, wrap: Wrap) -> Any:
    check_vendor(builder, "ArrayAgg", "Use JSONArrayAgg, which every database has.")
    listed = call("array_agg", given.mark(given.value), type_=build_array(given.value.type))
    return wrap(given.restrict(given.sort(builder, listed)))


def _any_value(builder: Any, given: Collection, wrap: Wrap) -> Any:
    value = given.value
    if builder.vendor == "mariadb":
        return wrap(call("min", given.guard(value), type_=value.type))
    if builder.vendor == "postgresql" and find_python_type(value.type) not in _ORDERED:
        # Before its release 16, it finds no value of these but by listing them.
        condition = value.is_not(None) if given.condition is None else given.condition
        listed = call("array_agg", value, type_=sa.ARRAY(value.type)).filter(
            sa.and_(value.is_not(None), condition)
        )
        return wrap(listed)[1]
    return wrap(given.restrict(call("min", value, type_=value.type)))


#: The Python types of what has a least value on PostgreSQL.
_ORDERED = frozenset({dt.date, dt.datetime, dt.time, dt.timedelta, Decimal, float, int, list, str})


def check_vendor(builder: Any, name: str, hint: str) -> None:
    """Check that what only PostgreSQL has is asked of it.

    Raises:
        FieldError: It is another database.
    """
    if builder.vendor != "postgresql":
        raise FieldError(
            f"{name} does not exist on {builder.vendor}: expected PostgreSQL.",
            hint=hint,
            code="db.function",
        )


#: The aggregates that collect.
COLLECTING: dict[str, Callable[[Any, Collection, Wrap], Any]] = {
    "any_value": _any_value,
    "array_agg": _array_agg,
    "json_agg": _json_agg,
    "string_agg": _string_agg,
}
