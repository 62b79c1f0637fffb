"""The SQL of decimal numbers on SQLite, which are worked out by functions of ours."""

import operator
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.types import ComparedDecimal, DecimalResult, ExactDecimal, count_places
from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql.functions.building import call

#: The functions of the operators.
_OPERATORS = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "%": "modulo",
    "**": "power",
}

#: Where to look for one of a column's numbers in place of another, by what is asked.
_KINDS = {"exact": "same", "gt": "down", "gte": "up", "lt": "up", "lte": "down"}

_NUMBERS = frozenset({Decimal, bool, float, int})


def is_decimal(element: Any) -> bool:
    """Tell whether an expression is a decimal number."""
    return find_python_type(element.type) is Decimal


def is_worked_out(builder: Any, *elements: Any) -> bool:
    """Tell whether expressions need our functions: they are numbers, one of them a decimal."""
    if builder.vendor != "sqlite" or not any(map(is_decimal, elements)):
        return False
    return all(find_python_type(each.type) in _NUMBERS for each in elements)


def is_column(element: Any) -> bool:
    """Tell whether an expression is a column of a table, whose numbers are SQLite's own."""
    table = getattr(element, "table", None)
    return isinstance(getattr(table, "element", table), sa.Table)


def combine(symbol: str, left: Any, right: Any, made: Any) -> Any:
    """Build two numbers joined by an operator."""
    return call(f"undercroft_decimal_{_OPERATORS[symbol]}", left, right, type_=made)


def change(name: str, number: Any, *others: Any) -> Any:
    """Build a function that gives the kind of number it is given."""
    return call(f"undercroft_decimal_{name}", number, *others, type_=number.type)


def compare(relate: Any, left: Any, right: Any) -> Any:
    """Compare two numbers, of which one is no column."""
    found = call("undercroft_decimal_compare", left, right, type_=TYPES["int"])
    return relate(found, sa.literal_column("0", TYPES["int"]))


def equals_any(left: Any, others: Iterable[Any]) -> Any:
    """Compare a number with several."""
    return sa.or_(sa.false(), *(compare(operator.eq, left, each) for each in others))


def find_bound_type(left: Any, lookup: str) -> Any:
    """Find the type of a value that something is compared with."""
    if not isinstance(left.type, (ExactDecimal, DecimalResult)):
        return left.type
    if isinstance(left.type, ExactDecimal) and is_column(left):
        return ComparedDecimal(left.type.decimal_places, _KINDS.get(lookup, "same"))
    return TYPES["decimal"]


def order(builder: Any, element: Any) -> Any:
    """Build what a number is ordered by: long ones are text to SQLite."""
    if builder.vendor != "sqlite" or not is_decimal(element) or is_column(element):
        return element
    return call("undercroft_decimal_key", element, type_=TYPES["bytes"])


def cast(element: Any, made: Any) -> Any:
    """Build a decimal number of another value."""
    size = getattr(made, "max_digits", None) or getattr(made, "precision", None) or 0
    sizes = [sa.literal_column(str(each), TYPES["int"]) for each in (size, count_places(made))]
    return call("undercroft_decimal_cast", element, *sizes, type_=made)
