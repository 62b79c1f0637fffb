"""Log lines: coloured for a developer at a terminal, plain and one to a record for machines.

Whatever a client sends is escaped before it is written, and a traceback is indented, so that
nothing from outside can begin a line or move the cursor (CWE-117).
"""

import logging
import os
import re
import sys
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, TextIO

from undercroft.gateways.messages import Message, Receive, Scope, Send

access = logging.getLogger("undercroft.access")

_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_STATUS_COLOURS = {2: "\x1b[32m", 3: "\x1b[36m", 4: "\x1b[33m", 5: "\x1b[1;31m"}
_LEVEL_COLOURS = {
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[1;31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_UNPRINTABLE = re.compile(r'[\x00-\x1f\x7f-\x9f\\"\u2028\u2029]')


def escape(text: str) -> str:
    """Escape what is not printable, and quotes, as a Python literal would."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(
        character if character.isprintable() and character not in '"\\' else _escape_one(character)
        for character in text
    )


def _escape_one(character: str) -> str:
    return '\\"' if character == '"' else character.encode("unicode_escape").decode("ascii")


def escape_lines(text: str) -> str:
    """Escape control characters but keep lines, each indented: none can pass for a record."""
    return "\n".join(
        "    " + "".join(c if c.isprintable() or c == "\t" else _escape_one(c) for c in line)
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
        request: Any = getattr(record, "http_request", None)
        if request is not None:
            status = self._paint(
                f"{request['status']}", _STATUS_COLOURS.get(request["status"] // 100)
            )
            line = f"{request['method']:<6} {request['path']}  {status}"
            return f"{self._paint(moment, _DIM)} {line}  {self._paint(request['took'], _DIM)}"
        line = _escape_message(record.getMessage())
        if record.levelno >= logging.WARNING:
            level = self._paint(record.levelname.lower(), _LEVEL_COLOURS.get(record.levelno))
            line = f"{level} {line}"
        return f"{self._paint(moment, _DIM)} {line}{_format_failure(self, record)}"

    def _paint(self, text: str, colour: str | None) -> str:
        return f"{colour}{text}{_RESET}" if self.colours and colour else text


class ProductionFormatter(logging.Formatter):
    """Time in UTC, level, logger, message: one line to a record, tracebacks indented below."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        request: Any = getattr(record, "http_request", None)
        if request is not None:
            line = (
                f'{request["client"]} "{request["method"]} {request["path"]}" '
                f"{request['status']} {request['took']}"
            )
        else:
            line = _escape_message(record.getMessage())
        failure = _format_failure(self, record)
        return f"{moment} {record.levelname} {record.name} {line}{failure}"


def _escape_message(message: str) -> str:
    return _UNPRINTABLE.sub(_escape_control, message) if not message.isprintable() else message


def _escape_control(found: re.Match[str]) -> str:
    character = found.group()
    return character if character in '"\\' else _escape_one(character)


def _format_failure(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return "\n" + escape_lines(formatter.formatException(record.exc_info))


def configure_logging(*, level: str = "info", development: bool = False) -> None:
    """Write what is logged to standard error; an application may configure more afterwards.

    Args:
        level: The least important level to write, for example `warning`.
        development: Write for a person; otherwise for a machine.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        DevelopmentFormatter(colours=use_colours(sys.stderr))
        if development
        else ProductionFormatter()
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # What uvicorn says of start and stop we say ourselves; its warnings are worth reading.
    # SQLAlchemy's pools tell every opening and closing at the level of news.
    for talkative in ("uvicorn", "alembic", "undercroft.db.connections"):
        logging.getLogger(talkative).setLevel("DEBUG" if level == "debug" else "WARNING")


def use_colours(stream: TextIO) -> bool:
    """Tell whether to colour: at a terminal, unless NO_COLOR (no-color.org) says no."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


class AccessLog:
    """Logs every request of an ASGI application when it is answered.

    Args:
        application: What answers.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on, and log it if it is a request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        started, status = perf_counter(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._application(scope, receive, watch)
        finally:
            log_request(scope, status, perf_counter() - started)


def log_request(scope: Scope, status: int, seconds: float) -> None:
    """Log a request as fields, which the formatters put into a line."""
    query = scope["query_string"]
    path = scope["path"] + (f"?{query.decode('latin-1')}" if query else "")
    client = scope.get("client")
    request = {
        "client": client[0] if client else "-",
        "method": scope["method"],
        "path": escape(path),
        "status": status,
        "took": f"{seconds * 1000:.1f} ms",
    }
    access.info("%(method)s %(path)s %(status)s", request, extra={"http_request": request})
