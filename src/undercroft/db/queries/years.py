"""The first and the last moment of a year: a range of a column, which an index serves."""

import datetime as dt
from collections.abc import Callable

#: The first and the last date or moment.
Bounds = tuple[dt.date, dt.date]


def find_bounds(part: str, kind: type[dt.date], year: int) -> Bounds | None:
    """Find the first and the last value of a year; None where Python has no such year.

    Args:
        part: `year` or `iso_year`.
        kind: What has the year: dates, or moments in UTC.
        year: Its number.
    """
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        return None
    first, last = YEARS[part](year)
    if not issubclass(kind, dt.datetime):
        return first, last
    return (
        dt.datetime.combine(first, dt.time.min, dt.UTC),
        dt.datetime.combine(last, dt.time.max, dt.UTC),
    )


def _bound_year(year: int) -> Bounds:
    return dt.date(year, 1, 1), dt.date(year, 12, 31)


def _bound_iso_year(year: int) -> Bounds:
    """Find the first Monday to the last Sunday, which for the last year is none of its days."""
    first = dt.date.fromisocalendar(year, 1, 1)
    if year == dt.MAXYEAR:
        return first, dt.date.max
    return first, dt.date.fromisocalendar(year + 1, 1, 1) - dt.timedelta(days=1)


#: How the years are bound, by the name of the part.
YEARS: dict[str, Callable[[int], Bounds]] = {"iso_year": _bound_iso_year, "year": _bound_year}
