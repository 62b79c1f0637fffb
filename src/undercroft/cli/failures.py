"""Errors for people: what is wrong, where in the project, how to mend it; no traceback soup."""

import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import click

from undercroft.errors import UndercroftError

_OWN_FOLDER = str(Path(__file__).resolve().parent.parent)
_PLACES = 5


def show_error(error: UndercroftError) -> None:
    """Show an error on standard error: a panel at a terminal, plain lines elsewhere."""
    title, lines = describe_error(error)
    if sys.stderr.isatty():
        show_panel(title, lines)
    else:
        click.echo(
            "\n".join([f"{title}: {lines[0]}", *(f"  {line}" for line in lines[1:])]), err=True
        )


def show_panel(title: str, lines: list[str]) -> None:
    """Draw a panel."""
    # Slow to import, and only an error at a terminal needs it.
    from rich.console import Console  # noqa: PLC0415
    from rich.panel import Panel  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    body = Text("\n").join([Text(lines[0], style="bold"), *(Text(line) for line in lines[1:])])
    Console(stderr=True).print(Panel(body, title=title, title_align="left", border_style="red"))


def describe_error(error: UndercroftError) -> tuple[str, list[str]]:
    """Describe an error: a title, then lines, the message first."""
    cause = error.__cause__
    lines = [error.message or type(error).__name__]
    if isinstance(cause, SyntaxError):
        lines += describe_syntax_error(cause)
    elif cause is not None:
        lines += [f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__]
        lines += list(find_places(cause))
    else:
        lines += list(find_places(error))
    lines += getattr(error, "__notes__", [])
    if error.hint:
        lines += [error.hint]
    return type(error).__name__, [*lines, f"[{error.code}]"]


def describe_syntax_error(error: SyntaxError) -> list[str]:
    """Describe a syntax error: place, line, and a mark below the wrong part."""
    lines = [f"{shorten_path(error.filename or '?')}:{error.lineno}: {error.msg}"]
    if error.text:
        text = error.text.rstrip("\n")
        stripped = text.lstrip()
        offset = max((error.offset or 1) - 1 - (len(text) - len(stripped)), 0)
        lines += [f"    {stripped}", f"    {' ' * offset}^"]
    return lines


def find_places(error: BaseException) -> Iterator[str]:
    """Find where in the project an error came up: frames that are neither ours nor Python's."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if is_in_project(frame.filename)
    ]
    for frame in frames[-_PLACES:]:
        yield f"{shorten_path(frame.filename)}:{frame.lineno} in {frame.name}"
        if frame.line:
            yield f"    {frame.line}"


def is_in_project(filename: str) -> bool:
    """Tell whether a file is the project's own."""
    return not (
        filename.startswith(("<", _OWN_FOLDER, sys.base_prefix))
        or f"{os.sep}site-packages{os.sep}" in filename
    )


def shorten_path(filename: str) -> str:
    """Write a path from the working directory on, where it lies below it."""
    try:
        return str(Path(filename).relative_to(Path.cwd()))
    except ValueError:
        return filename
