"""Functions that SQLite lacks or means differently, written in Python, for every connection.

All of them are deterministic, so that indexes and generated columns may use them. Moments are the
text SQLAlchemy stores, `2026-01-31 12:00:00.000000`; spans of time are microseconds.
"""

import datetime as dt
import json
import math
import re
import statistics
from collections.abc import Callable
from typing import Any

_MICROSECOND = dt.timedelta(microseconds=1)


def register_functions(connection: Any) -> None:
    """Make the functions known to a connection.

    Args:
        connection: `sqlite3`'s.
    """
    for name, (arity, function) in _FUNCTIONS.items():
        connection.create_function(name, arity, _skip_null(function), deterministic=True)
    for name, (arity, aggregate) in _AGGREGATES.items():
        connection.create_aggregate(name, arity, aggregate)


def _skip_null(function: Callable[..., Any]) -> Callable[..., Any]:
    """Answer NULL when an argument is NULL, as SQL's own functions do."""

    def call(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return call


# ------------------------------------------------------------------ text


def _lower(value: Any) -> str:
    return str(value).lower()


def _upper(value: Any) -> str:
    return str(value).upper()


def _matches(pattern: str, value: Any) -> bool:
    return re.search(pattern, str(value)) is not None


# ------------------------------------------------------------------ moments


def _read(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _write(moment: dt.datetime) -> str:
    return moment.isoformat(" ", "microseconds")


def _take_part(part: str, text: str) -> int:
    moment = _read(text)
    return _PARTS[part](moment)


_PARTS: dict[str, Callable[[dt.datetime], int]] = {
    "iso_week_day": lambda moment: moment.isoweekday(),
    "iso_year": lambda moment: moment.isocalendar().year,
    "quarter": lambda moment: (moment.month + 2) // 3,
    "week": lambda moment: moment.isocalendar().week,
    "week_day": lambda moment: moment.isoweekday() % 7 + 1,
}


def _truncate(unit: str, text: str) -> str:
    moment = _read(text)
    cut = _UNITS[unit](moment)
    return cut.date().isoformat() if len(text) == len("2026-01-31") else _write(cut)


def _cut_day(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


_UNITS: dict[str, Callable[[dt.datetime], dt.datetime]] = {
    "year": lambda moment: _cut_day(moment.replace(month=1, day=1)),
    "quarter": lambda moment: _cut_day(
        moment.replace(month=(moment.month - 1) // 3 * 3 + 1, day=1)
    ),
    "month": lambda moment: _cut_day(moment.replace(day=1)),
    "week": lambda moment: _cut_day(moment) - dt.timedelta(days=moment.weekday()),
    "day": _cut_day,
    "hour": lambda moment: moment.replace(minute=0, second=0, microsecond=0),
    "minute": lambda moment: moment.replace(second=0, microsecond=0),
    "second": lambda moment: moment.replace(microsecond=0),
}


def _shift(text: str, span: int) -> str:
    return _write(_read(text) + dt.timedelta(microseconds=span))


def _measure(left: str, right: str) -> int:
    return (_read(left) - _read(right)) // _MICROSECOND


# ------------------------------------------------------------------ numbers


def _power(base: float, exponent: float) -> float | None:
    try:
        return math.pow(base, exponent)
    except (OverflowError, ValueError):
        return None


# ------------------------------------------------------------------ JSON


def _contains(document: str, part: str) -> bool:
    return _has_part(json.loads(document), json.loads(part))


def _has_part(whole: Any, part: Any) -> bool:
    """Tell whether JSON contains other JSON, as PostgreSQL's `@>` does."""
    kind, part_kind = whole.__class__, part.__class__
    if part_kind is dict:
        return kind is dict and all(
            key in whole and _has_part(whole[key], value) for key, value in part.items()
        )
    if kind is not list:
        return part_kind is not list and _is_same(whole, part)
    items = part if part_kind is list else [part]
    return all(any(_has_part(each, item) for each in whole) for item in items)


def _is_same(left: Any, right: Any) -> bool:
    # True == 1 to Python, and not to JSON.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _has_key(document: str, key: str) -> bool:
    found: Any = json.loads(document)
    return key in found if isinstance(found, (dict, list)) else found == key


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "regexp": (2, _matches),
    "undercroft_between": (2, _measure),
    "undercroft_contains": (2, _contains),
    "undercroft_has_key": (2, _has_key),
    "undercroft_lower": (1, _lower),
    "undercroft_part": (2, _take_part),
    "undercroft_power": (2, _power),
    "undercroft_shift": (2, _shift),
    "undercroft_trunc": (2, _truncate),
    "undercroft_upper": (1, _upper),
}


# ------------------------------------------------------------------ aggregates


class Spread:
    """Collects numbers, to tell how far they are spread at the end."""

    #: Works the answer out.
    compute: Callable[[list[float]], float]
    #: Numbers below which there is no answer.
    least = 1

    def __init__(self) -> None:
        self.values: list[float] = []

    def step(self, value: float | None) -> None:
        """Take in a value; NULL counts as none."""
        if value is not None:
            self.values.append(float(value))

    def finalize(self) -> float | None:
        """Answer; NULL when there are too few values."""
        return type(self).compute(self.values) if len(self.values) >= self.least else None


def _build_spread(function: Callable[[list[float]], float], least: int) -> type[Spread]:
    return type("Spread", (Spread,), {"compute": staticmethod(function), "least": least})


class JoinedText:
    """Joins texts by a delimiter; `group_concat` would take a constant one only with DISTINCT."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.delimiter = ""

    def step(self, value: Any, delimiter: str) -> None:
        """Take in a value; NULL counts as none."""
        self.delimiter = delimiter
        if value is not None:
            self.parts.append(str(value))

    def finalize(self) -> str | None:
        """Answer; NULL when there is nothing to join."""
        return self.delimiter.join(self.parts) if self.parts else None


_AGGREGATES: dict[str, tuple[int, Any]] = {
    "undercroft_stddev_pop": (1, _build_spread(statistics.pstdev, 1)),
    "undercroft_stddev_samp": (1, _build_spread(statistics.stdev, 2)),
    "undercroft_string_agg": (2, JoinedText),
    "undercroft_var_pop": (1, _build_spread(statistics.pvariance, 1)),
    "undercroft_var_samp": (1, _build_spread(statistics.variance, 2)),
}
