"""The SQL of functions, by the names `queries.functions` gives them, on each database.

What SQLite lacks is taken from `connections.sqlite_functions`, under names that begin with
`undercroft_`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from undercroft.db.queries.terms import TYPES

#: Builds a function: with the statement's builder, the arguments, and the option.
Build = Callable[[Any, Sequence[Any], Any], Any]


def lower(builder: Any, text: Any) -> Any:
    """Build text in lower case; SQLite's own knows only ASCII."""
    function = sa.func.undercroft_lower if builder.vendor == "sqlite" else sa.func.lower
    return function(text, type_=sa.Text())


def upper(builder: Any, text: Any) -> Any:
    """Build text in upper case; SQLite's own knows only ASCII."""
    function = sa.func.undercroft_upper if builder.vendor == "sqlite" else sa.func.upper
    return function(text, type_=sa.Text())


def length(builder: Any, text: Any) -> Any:
    """Build the number of characters."""
    function = sa.func.length if builder.vendor == "sqlite" else sa.func.char_length
    return function(text, type_=sa.Integer())


def position(builder: Any, text: Any, part: Any) -> Any:
    """Build where a text is found in another, from 1; 0 when it is not."""
    function = sa.func.strpos if builder.vendor == "postgresql" else sa.func.instr
    return function(text, part, type_=sa.Integer())


def _concat(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    parts = [sa.func.coalesce(sa.cast(each, sa.Text()), "") for each in arguments]
    if builder.vendor == "mariadb":
        return sa.func.concat(*parts, type_=sa.Text())
    joined: Any = parts[0]
    for part in parts[1:]:
        joined = joined.op("||", return_type=sa.Text())(part)
    return joined


def _extreme(name: str) -> Build:
    """Build the greatest or least; PostgreSQL's leave NULLs out, the others' answer NULL."""

    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        if builder.vendor == "sqlite":
            short = {"greatest": "max", "least": "min"}[name]
            return getattr(sa.func, short)(*arguments, type_=arguments[0].type)
        found = getattr(sa.func, name)(*arguments, type_=arguments[0].type)
        if builder.vendor == "mariadb":
            return found
        missing = sa.or_(*(each.is_(None) for each in arguments))
        return sa.case((missing, sa.null()), else_=found)

    return build


def _round(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    number, places = arguments[0], arguments[1:]
    column_type: Any = number.type
    is_float = issubclass(column_type.__class__, sa.Float)
    if builder.vendor == "postgresql" and is_float and places:
        # PostgreSQL rounds to places only what is exact.
        number = sa.cast(number, sa.Numeric())
        return sa.cast(sa.func.round(number, *places), column_type)
    return sa.func.round(number, *places, type_=column_type)


def _now(builder: Any, _arguments: Sequence[Any], _option: Any) -> Any:
    moment = TYPES["datetime"]
    if builder.vendor == "sqlite":
        return sa.func.strftime("%Y-%m-%d %H:%M:%f000", "now", type_=moment)
    if builder.vendor == "mariadb":
        return sa.func.now(6, type_=moment)
    return sa.func.statement_timestamp(type_=moment)


#: MariaDB's format of a moment cut off at a unit that is no week and no quarter.
_FORMATS = {
    "year": "%Y-01-01",
    "month": "%Y-%m-01",
    "day": "%Y-%m-%d",
    "hour": "%Y-%m-%d %H:00:00",
    "minute": "%Y-%m-%d %H:%i:00",
    "second": "%Y-%m-%d %H:%i:%s",
}


def _truncate(builder: Any, arguments: Sequence[Any], unit: Any) -> Any:
    moment = arguments[0]
    column_type = moment.type
    if builder.vendor == "postgresql":
        found = sa.func.date_trunc(sa.literal_column(f"'{unit}'"), moment)
        return (
            sa.cast(found, column_type) if isinstance(column_type, sa.Date) else _as(found, moment)
        )
    if builder.vendor == "sqlite":
        return sa.func.undercroft_trunc(sa.literal_column(f"'{unit}'"), moment, type_=column_type)
    return _truncate_mariadb(moment, unit, column_type)


def _truncate_mariadb(moment: Any, unit: str, column_type: Any) -> Any:
    day = sa.func.date(moment)
    if unit == "week":
        found = sa.func.subdate(day, sa.func.weekday(moment))
    elif unit == "quarter":
        first = sa.func.makedate(sa.func.year(moment), 1)
        found = sa.func.add_months(first, (sa.func.quarter(moment) - 1) * 3)
    else:
        found = sa.func.date_format(moment, sa.literal(_FORMATS[unit], sa.Text()))
    return sa.cast(found, column_type)


def _as(element: Any, like: Any) -> Any:
    return sa.type_coerce(element, like.type)


def _same(name: str) -> Build:
    """Build a function that every database has under one name, typed as its first argument."""

    def build(_builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        typed = next((each for each in arguments if not isinstance(each, sa.Null)), arguments[0])
        return getattr(sa.func, name)(*arguments, type_=typed.type)

    return build


def _typed(name: str, type_name: str) -> Build:
    """Build a function that every database has under one name, of one type."""

    def build(_builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        return getattr(sa.func, name)(*arguments, type_=TYPES[type_name])

    return build


def _random(builder: Any, _arguments: Sequence[Any], _option: Any) -> Any:
    return sa.func.rand() if builder.vendor == "mariadb" else sa.func.random()


#: The functions.
FUNCTIONS: dict[str, Build] = {
    "abs": _same("abs"),
    "coalesce": _same("coalesce"),
    "concat": _concat,
    "cume_dist": _typed("cume_dist", "float"),
    "dense_rank": _typed("dense_rank", "bigint"),
    "first_value": _same("first_value"),
    "greatest": _extreme("greatest"),
    "lag": _same("lag"),
    "last_value": _same("last_value"),
    "lead": _same("lead"),
    "least": _extreme("least"),
    "length": lambda builder, arguments, _: length(builder, arguments[0]),
    "lower": lambda builder, arguments, _: lower(builder, arguments[0]),
    "now": _now,
    "nth_value": _same("nth_value"),
    "ntile": _typed("ntile", "int"),
    "nullif": _same("nullif"),
    "percent_rank": _typed("percent_rank", "float"),
    "random": _random,
    "rank": _typed("rank", "bigint"),
    "round": _round,
    "row_number": _typed("row_number", "bigint"),
    "trunc": _truncate,
    "upper": lambda builder, arguments, _: upper(builder, arguments[0]),
}
