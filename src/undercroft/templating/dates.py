"""Filters for dates and times, under Django's names and with its format letters, in English."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

_MONTHS = [
    "Jan.",
    "Feb.",
    "March",
    "April",
    "May",
    "June",
    "July",
    "Aug.",
    "Sept.",
    "Oct.",
    "Nov.",
    "Dec.",
]
_LETTER = re.compile(r"\\(.)|([a-zA-Z])")

#: What `|date` and `|time` write where nothing is told; Django's, too.
DATE_FORMAT = "N j, Y"
TIME_FORMAT = "P"

_YEAR, _MONTH, _WEEK, _DAY, _HOUR, _MINUTE = 31_536_000, 2_592_000, 604_800, 86_400, 3_600, 60
_UNITS = {
    "year": _YEAR,
    "month": _MONTH,
    "week": _WEEK,
    "day": _DAY,
    "hour": _HOUR,
    "minute": _MINUTE,
}

_LETTERS: dict[str, Callable[[datetime], str]] = {
    "a": lambda moment: "a.m." if moment.hour < 12 else "p.m.",
    "A": lambda moment: "AM" if moment.hour < 12 else "PM",
    "c": lambda moment: moment.isoformat(),
    "d": lambda moment: f"{moment.day:02}",
    "D": lambda moment: f"{moment:%a}",
    "e": lambda moment: moment.tzname() or "",
    "F": lambda moment: f"{moment:%B}",
    "g": lambda moment: str(moment.hour % 12 or 12),
    "G": lambda moment: str(moment.hour),
    "h": lambda moment: f"{moment.hour % 12 or 12:02}",
    "H": lambda moment: f"{moment.hour:02}",
    "i": lambda moment: f"{moment.minute:02}",
    "j": lambda moment: str(moment.day),
    "l": lambda moment: f"{moment:%A}",
    "m": lambda moment: f"{moment.month:02}",
    "M": lambda moment: f"{moment:%b}",
    "n": lambda moment: str(moment.month),
    "N": lambda moment: _MONTHS[moment.month - 1],
    "O": lambda moment: f"{moment:%z}",
    "s": lambda moment: f"{moment.second:02}",
    "S": lambda moment: _find_ordinal(moment.day),
    "T": lambda moment: moment.tzname() or "",
    "u": lambda moment: f"{moment.microsecond:06}",
    "U": lambda moment: str(int(moment.timestamp())),
    "w": lambda moment: str(moment.isoweekday() % 7),
    "W": lambda moment: str(moment.isocalendar().week),
    "y": lambda moment: f"{moment.year % 100:02}",
    "Y": lambda moment: f"{moment.year:04}",
    "z": lambda moment: str(moment.timetuple().tm_yday),
}


def format_date(value: Any, format: str = DATE_FORMAT) -> str:
    """Write a date, a time or both by Django's letters, `j. F Y`; a backslash escapes one."""
    if not isinstance(value, date | time):
        return ""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime.combine(value, time())
    else:
        moment = datetime.combine(date(1900, 1, 1), value)

    def write(found: re.Match[str]) -> str:
        escaped, letter = found.groups()
        if escaped:
            return escaped
        if letter == "P":
            return _write_hour(moment)
        return _LETTERS[letter](moment) if letter in _LETTERS else letter

    return _LETTER.sub(write, format)


def format_time(value: Any, format: str = TIME_FORMAT) -> str:
    """Write a time by Django's letters, `H:i`."""
    return format_date(value, format)


def timesince(value: date | None, now: datetime | None = None) -> str:
    """Write how long ago something was, in its two largest units: `1 week, 2 days`."""
    return "" if value is None else _write_span(_find_now(value, now) - _to_moment(value))


def timeuntil(value: date | None, now: datetime | None = None) -> str:
    """Write how long it is until something, as `timesince` does."""
    return "" if value is None else _write_span(_to_moment(value) - _find_now(value, now))


def naturaltime(value: date | None, now: datetime | None = None) -> str:
    """Write a moment as people say it: `now`, `5 minutes ago`, `2 days from now`."""
    if value is None:
        return ""
    span = _find_now(value, now) - _to_moment(value)
    seconds = abs(span.total_seconds())
    if seconds < 1:
        return "now"
    if seconds < _MINUTE:
        told = _count(int(seconds), "second")
    else:
        told = _write_span(abs(span)).split(",")[0]
    return f"{told} ago" if span > timedelta() else f"{told} from now"


def _to_moment(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _find_now(value: date, now: datetime | None) -> datetime:
    """Find the present in the zone of a value; one without a zone is in this machine's."""
    if now is not None:
        return now
    zone = value.tzinfo if isinstance(value, datetime) else None
    return datetime.now(zone) if zone else datetime.now(UTC).astimezone().replace(tzinfo=None)


def _write_span(span: timedelta) -> str:
    left = int(span.total_seconds())
    parts: list[str] = []
    for unit, seconds in _UNITS.items():
        count, rest = divmod(max(left, 0), seconds)
        if count:
            parts.append(_count(count, unit))
            left = rest
        elif parts:
            break  # Units that are not neighbours say more than anybody wants to know.
        if len(parts) == 2:
            break
    return ", ".join(parts) or "0 minutes"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" + ("" if number == 1 else "s")


def _write_hour(moment: datetime) -> str:
    if moment.minute == 0 and moment.hour in (0, 12):
        return "midnight" if moment.hour == 0 else "noon"
    minutes = f":{moment.minute:02}" if moment.minute else ""
    return f"{moment.hour % 12 or 12}{minutes} {'a.m.' if moment.hour < 12 else 'p.m.'}"


def _find_ordinal(day: int) -> str:
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
