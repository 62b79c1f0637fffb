"""The SQL of what stands between a name and its look-up: parts of moments, lengths, positions."""

import datetime as dt
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.values import find_python_type
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql import arrays

#: PostgreSQL's and MariaDB's names for the parts that have others there.
_POSTGRESQL = {"iso_year": "isoyear", "week_day": "dow", "iso_week_day": "isodow"}

#: Parts that SQLite's strftime does not know, or means differently.
_WORKED_OUT = frozenset({"iso_week_day", "iso_year", "quarter", "week", "week_day"})


def transform(builder: Any, name: str, element: Any) -> Any:
    """Build a transform of an expression."""
    if name == "date":
        return _take_date(builder, element)
    if name == "time":
        return _take_time(builder, element)
    if name == "len":
        return arrays.measure(element)
    if name.startswith("["):
        return arrays.take_part(element, name)
    return _PARTS[builder.vendor](name, element)


def _take_date(builder: Any, element: Any) -> Any:
    if builder.vendor == "postgresql":
        return sa.cast(element, sa.Date())
    if builder.vendor == "sqlite":
        # Its own function would round the last microsecond up to the next day.
        return sa.func.substr(element, 1, 10, type_=sa.Date())
    return sa.func.date(element, type_=sa.Date())


def _take_time(builder: Any, element: Any) -> Any:
    if builder.vendor == "postgresql":
        return sa.cast(element, sa.Time())
    if builder.vendor == "sqlite":
        return sa.func.substr(element, 12, type_=sa.Time())
    return sa.func.time(element, type_=sa.Time())


def _postgresql(part: str, element: Any) -> Any:
    found = sa.extract(_POSTGRESQL.get(part, part), element)
    # Seconds have a fraction, which a cast would round up.
    whole = sa.func.floor(found) if part == "second" else found
    number = sa.cast(whole, sa.Integer())
    return number + 1 if part == "week_day" else number


def _sqlite(part: str, element: Any) -> Any:
    if part in _WORKED_OUT:
        return sa.func.undercroft_part(sa.literal_column(f"'{part}'"), element, type_=TYPES["int"])
    return sa.cast(sa.extract(part, _cut_fraction(element)), sa.Integer())


def _cut_fraction(element: Any) -> Any:
    """Cut the fraction of a second off, which SQLite would round up to the next second."""
    if find_python_type(element.type) is dt.date:
        return element
    size = 8 if find_python_type(element.type) is dt.time else 19
    return sa.func.substr(element, 1, size, type_=element.type)


def _mariadb(part: str, element: Any) -> Any:
    if part == "week":
        return sa.func.week(element, 3, type_=TYPES["int"])
    if part == "iso_year":
        return sa.func.floor(sa.func.yearweek(element, 3) / 100, type_=TYPES["int"])
    if part == "week_day":
        return sa.func.dayofweek(element, type_=TYPES["int"])
    if part == "iso_week_day":
        return sa.type_coerce(sa.func.weekday(element) + 1, TYPES["int"])
    return sa.cast(sa.extract(part, element), sa.Integer())


_PARTS = {"postgresql": _postgresql, "sqlite": _sqlite, "mariadb": _mariadb}
