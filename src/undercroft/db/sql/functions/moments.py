"""The SQL of functions of moments."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from undercroft.db.queries.terms import TYPES
from undercroft.db.sql.functions.building import Build


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


#: The functions.
MOMENTS: dict[str, Build] = {"now": _now, "trunc": _truncate}
