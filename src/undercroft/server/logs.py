"""Log lines: coloured for a developer at a terminal, plain and one to a record for machines.

Whatever a client sends is escaped before it is written, and a traceback is indented, so that
nothing from outside can begin a line or move the cursor (CWE-117).
"""

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from undercroft.middleware.access_log import AccessEntry
from undercroft.middleware.escaping import escape, escape_one

_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_STATUS_COLOURS = {2: "\x1b[32m", 3: "\x1b[36m", 4: "\x1b[33m", 5: "\x1b[1;31m"}
_LEVEL_COLOURS = {
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[1;31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_UNPRINTABLE = re.compile(r'[\x00-\x1f\x7f-\x9f\\"\u2028\u2029]')


def escape_lines(text: str) -> str:
    """Escape control characters but keep lines, each indented: none can pass for a record."""
    return "\n".join(
        "    " + "".join(c if c.isprintable() or c == "\t" else escape_one(c) for c in line)
        for line in text.split("\n")
    )


class DevelopmentFormatter(logging.Formatter):
    """Time, level where it matters, message; a request as method, path, status, milliseconds.

    Args:
        colours: Whether to use ANSI colours.
    """

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self.colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        entry = record.msg
        if isinstance(entry, AccessEntry):
            status = self._paint(f"{entry['status']}", _STATUS_COLOURS.get(entry["status"] // 100))
            line = f"{escape(entry['method']):<6} {escape(entry.target)}  {status}"
            took = self._paint(f"{entry['duration_ms']:.1f} ms", _DIM)
            return f"{self._paint(moment, _DIM)} {line}  {took}"
        line = _escape_message(record.getMessage())
        if record.levelno >= logging.WARNING:
            level = self._paint(record.levelname.lower(), _LEVEL_COLOURS.get(record.levelno))
            line = f"{level} {line}"
        return f"{self._paint(moment, _DIM)} {line}{_format_failure(self, record)}"

    def _paint(self, text: str, colour: str | None) -> str:
        return f"{colour}{text}{_RESET}" if self.colours and colour else text


class ProductionFormatter(logging.Formatter):
    """Time in UTC, level, logger, message: one line to a record, tracebacks indented below.

    Args:
        colours: Whether to colour the level where it matters, and a request by its status.
    """

    def __init__(self, *, colours: bool = False) -> None:
        super().__init__()
        self.colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = _escape_message(record.getMessage())
        failure = _format_failure(self, record)
        level = record.levelname
        if self.colours:
            colour = _LEVEL_COLOURS.get(record.levelno)
            if isinstance(record.msg, AccessEntry):
                colour = _STATUS_COLOURS.get(record.msg["status"] // 100)
            level = f"{colour}{level}{_RESET}" if colour else level
        return f"{moment} {level} {record.name} {line}{failure}"


class JSONFormatter(logging.Formatter):
    """One JSON object to a line; a request's fields stand beside time, level and logger."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {"time": moment, "level": record.levelname, "logger": record.name}
        if isinstance(record.msg, AccessEntry):
            fields |= record.msg
        else:
            fields["message"] = record.getMessage()
            name = getattr(record, "request_id", None)
            if name is not None:
                fields["request_id"] = name
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        # ASCII alone: a terminal acts on some of what is beyond it, and half a surrogate pair is no
        # text. What has no JSON form is told as text, for a record must not be lost for it.
        return json.dumps(fields, default=str, separators=(",", ":"))


def _escape_message(message: str) -> str:
    return _UNPRINTABLE.sub(_escape_control, message) if not message.isprintable() else message


def _escape_control(found: re.Match[str]) -> str:
    character = found.group()
    return character if character in '"\\' else escape_one(character)


def _format_failure(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return "\n" + escape_lines(formatter.formatException(record.exc_info))


Format = Literal["development", "text", "json"]


def build_formatter(kind: Format) -> logging.Formatter:
    """Build what writes records: for a developer, as text, or as lines of JSON."""
    match kind:
        case "development":
            return DevelopmentFormatter(colours=use_colours(sys.stderr))
        case "text":
            return ProductionFormatter(colours=use_colours(sys.stderr))
        case "json":
            return JSONFormatter()


def configure_logging(*, level: str = "info", kind: Format = "text") -> logging.Handler:
    """Write what is logged to standard error; an application may configure more afterwards.

    Args:
        level: The least important level to write, for example `warning`.
        kind: How it is written.

    Returns:
        What writes it, for another format once more is known.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(build_formatter(kind))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # What uvicorn says of start and stop we say ourselves; its warnings are worth reading.
    # SQLAlchemy's pools tell every opening and closing at the level of news.
    for talkative in ("uvicorn", "alembic", "undercroft.db.connections"):
        logging.getLogger(talkative).setLevel("DEBUG" if level == "debug" else "WARNING")
    return handler


def use_colours(stream: TextIO) -> bool:
    """Tell whether to colour: at a terminal, unless NO_COLOR (no-color.org) says no."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()
