"""The development error page: what failed, where, with which values, and how to mend it.

Plain strings, no templates: the page must come when templating is what failed. It works without
JavaScript, and whatever it shows is escaped.
"""

import platform
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

from undercroft.middleware.debug_report import Frame, Report, build_reports
from undercroft.middleware.debug_values import (
    REDACTED,
    clean,
    is_secret,
    scrub,
    scrub_urls,
    shorten,
)

Headers = Sequence[tuple[str, str]]

_LONGEST_TRACEBACK = 30_000
_LINKS = {
    "caused": "The cause:",
    "during": "It happened while this was being handled:",
    "part": "A part of the group:",
}


def render_debug_page(
    error: BaseException, *, method: str, path: str, headers: Headers, nonce: str | None = None
) -> str:
    """Build the page as HTML.

    Args:
        error: What was raised.
        method: The request's method.
        path: The request's path.
        headers: The request's headers; those called like secrets are withheld.
        nonce: What the Content-Security-Policy lets the one `<style>` in by.
    """
    reports = build_reports(error)
    first = reports[0]
    request = f"{clean(method)} {clean(path)}"
    attribute = "" if nonce is None else f' nonce="{escape(nonce)}"'
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="color-scheme" content="light dark">\n',
            '<meta name="robots" content="noindex">\n',
            f"<title>{escape(first.kind)} at {escape(request)}</title>\n",
            f"<style{attribute}>\n{_read_style()}</style>\n</head>\n<body>\n",
            _render_top(first, request),
            "<main>\n",
            "".join(_render_report(report, index) for index, report in enumerate(reports)),
            _render_request(request, headers),
            _render_text(error),
            "</main>\n",
            _render_bottom(),
            "</body>\n</html>\n",
        )
    )


def render_debug_text(error: BaseException, *, method: str, path: str, headers: Headers) -> str:
    """Build the page as plain text, for clients that do not ask for HTML."""
    parts = [f"{clean(method)} {clean(path)}"]
    for report in build_reports(error):
        link = f"{_LINKS[report.link]}\n" if report.link else ""
        parts.append(f"{link}{report.kind}: {report.message}")
        parts.extend(f"Note: {note}" for note in report.notes)
        if report.hint:
            parts.append(f"Hint: {report.hint}")
        if report.code:
            parts.append(f"Code: {report.code}")
        if report.sql:
            parts.append(f"SQL: {report.sql}")
        if report.main_frame is not None:
            parts.append(_format_frame(report.main_frame))
    shown = [f"  {clean(name)}: {_show_header(name, value)}" for name, value in headers]
    parts.extend((_format_traceback(error), "\n".join(["Headers:", *shown])))
    return "\n\n".join(parts) + "\n"


def _render_top(report: Report, request: str) -> str:
    frame = report.main_frame
    place = ""
    if frame is not None:
        place = (
            f'<p class="place"><code>{escape(frame.shown_file)}:{frame.line}</code> '
            f"in <code>{escape(frame.function)}</code></p>\n"
        )
    code = f'<p class="code"><code>{escape(report.code)}</code></p>\n' if report.code else ""
    return (
        f'<header>\n<p class="request"><code>{escape(request)}</code></p>\n'
        f"<h1>{escape(report.kind)}</h1>\n"
        f'<p class="message">{escape(report.message)}</p>\n'
        f"{_render_advice(report)}{place}{code}</header>\n"
    )


def _render_report(report: Report, index: int) -> str:
    """Render the frames of one exception; the first one's message is at the top of the page."""
    heading = "<h2>Traceback <small>most recent call first</small></h2>\n"
    if index:
        heading = (
            f'<p class="link">{_LINKS[report.link]}</p>\n<h2>{escape(report.kind)}</h2>\n'
            f'<p class="message">{escape(report.message)}</p>\n{_render_advice(report)}'
        )
    sql = f'<pre class="sql"><code>{escape(report.sql)}</code></pre>\n' if report.sql else ""
    return f"<section>\n{heading}{sql}{_render_frames(report)}</section>\n"


def _render_advice(report: Report) -> str:
    hint = f'<p class="hint"><b>Hint</b> {escape(report.hint)}</p>\n' if report.hint else ""
    return hint + "".join(f'<p class="note">{escape(note)}</p>\n' for note in report.notes)


def _render_frames(report: Report) -> str:
    """Render the frames from the most recent on, library frames in a row folded into one line."""
    parts: list[str] = []
    folded: list[Frame] = []
    for frame in reversed(report.frames):
        if frame.is_library and frame is not report.main_frame:
            folded.append(frame)
            continue
        parts.append(_render_folded(folded))
        folded = []
        parts.append(_render_frame(frame, is_main=frame is report.main_frame))
    parts.append(_render_folded(folded))
    return "".join(parts) or '<p class="quiet">It has no traceback.</p>\n'


def _render_folded(frames: Sequence[Frame]) -> str:
    if not frames:
        return ""
    inside = "".join(_render_frame(frame, is_main=False) for frame in frames)
    count = "1 library frame" if len(frames) == 1 else f"{len(frames)} library frames"
    names = ", ".join(dict.fromkeys(frame.function for frame in frames))
    return (
        f'<details class="folded">\n<summary>{count} <small>{escape(shorten(names, 80))}</small>'
        f"</summary>\n{inside}</details>\n"
    )


def _render_frame(frame: Frame, *, is_main: bool) -> str:
    lines = "".join(_render_line(frame, number, text) for number, text in frame.source)
    label = f'role="region" aria-label="Source of {escape(frame.function)}" tabindex="0"'
    source = f'<pre class="source" {label}><code>{lines}</code></pre>\n' if lines else ""
    return (
        f'<details class="frame"{" open" * (is_main or not frame.is_library)}>\n'
        f"<summary><b>{escape(frame.function)}</b> "
        f"<code>{escape(frame.shown_file)}:{frame.line}</code></summary>\n"
        f"{source}{_render_values(frame, is_open=is_main)}</details>\n"
    )


def _render_line(frame: Frame, number: int, text: str) -> str:
    if number != frame.line:
        return f'<span class="line"><i>{number}</i>{escape(text)}\n</span>'
    shown = escape(text)
    if frame.marked is not None:
        start, end = frame.marked
        shown = f"{escape(text[:start])}<mark>{escape(text[start:end])}</mark>{escape(text[end:])}"
    return f'<span class="line failed"><i>{number}</i>{shown}\n</span>'


def _render_values(frame: Frame, *, is_open: bool) -> str:
    if not frame.values:
        return ""
    return (
        f'<details class="values"{" open" * is_open}>\n<summary>Local values</summary>\n'
        f"{_render_table(frame.values)}</details>\n"
    )


def _render_table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(value)}</code></td></tr>\n'
        for name, value in rows
    )
    return f"<table>\n<tbody>\n{cells}</tbody>\n</table>\n"


def _render_request(request: str, headers: Headers) -> str:
    rows = [(clean(name), _show_header(name, value)) for name, value in headers]
    table = _render_table(rows) if rows else '<p class="quiet">It came without headers.</p>\n'
    return (
        f"<section>\n<h2>Request</h2>\n<p><code>{escape(request)}</code></p>\n{table}</section>\n"
    )


def _render_text(error: BaseException) -> str:
    return (
        "<section>\n<h2>As text</h2>\n<details>\n<summary>Traceback to copy</summary>\n"
        f'<pre tabindex="0"><code>{escape(_format_traceback(error))}</code></pre>\n'
        "</details>\n</section>\n"
    )


def _render_bottom() -> str:
    python = f"Python {platform.python_version()} at {sys.executable}"
    return (
        f"<footer>\n<p>{escape(python)}</p>\n"
        "<p>You see this page because <code>debug</code> is on. Without it a visitor sees only "
        "that something failed.</p>\n</footer>\n"
    )


def _show_header(name: str, value: str) -> str:
    return REDACTED if is_secret(name) else shorten(clean(scrub(value)), 1_000)


def _format_traceback(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error, limit=-60))
    return shorten(clean(scrub_urls(text)), _LONGEST_TRACEBACK)


def _format_frame(frame: Frame) -> str:
    marks = {frame.line: ">"}
    source = [f"{marks.get(number, ' ')} {number:>5}  {text}" for number, text in frame.source]
    values = [f"  {name} = {value}" for name, value in frame.values]
    place = f"{frame.shown_file}:{frame.line} in {frame.function}"
    return "\n".join([place, *source, *(["Local values:"] if values else []), *values])


@cache
def _read_style() -> str:
    return Path(__file__).with_name("debug_page.css").read_text(encoding="utf-8")
