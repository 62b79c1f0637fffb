"""Functions of moments and spans of time."""

import datetime as dt
from collections.abc import Callable
from typing import Any


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


def _read_kind(kind: str, given: Any) -> str | None:
    """Read a moment, date or time of text, as SQLAlchemy stores it; what is none is NULL."""
    text = str(given)
    try:
        if kind == "time" and text[2:3] == ":":
            return dt.time.fromisoformat(text).isoformat("microseconds")
        moment = _read(text)
        moment = moment if moment.tzinfo is None else moment.astimezone(dt.UTC)
    except (OverflowError, ValueError):
        return None
    return _KINDS[kind](moment.replace(tzinfo=None))


_KINDS: dict[str, Callable[[dt.datetime], str]] = {
    "date": lambda moment: moment.date().isoformat(),
    "datetime": _write,
    "time": lambda moment: moment.time().isoformat("microseconds"),
}


#: The functions, and how many arguments they take.
MOMENTS: dict[str, tuple[int, Callable[..., Any]]] = {
    "undercroft_part": (2, _take_part),
    "undercroft_read": (2, _read_kind),
    "undercroft_trunc": (2, _truncate),
}
