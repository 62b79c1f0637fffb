"""What a development error page tells: the exceptions of a chain, their frames and values."""

import linecache
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from traceback import FrameSummary, extract_tb, walk_tb
from types import FrameType, ModuleType

from undercroft.errors import UndercroftError
from undercroft.middleware.debug_values import clean, scrub_urls, shorten, show_value

CONTEXT_LINES = 5
MOST_EXCEPTIONS = 8
MOST_FRAMES = 60
MOST_LOCALS = 40
LONGEST_MESSAGE = 4_000
LONGEST_LINE = 400


@dataclass(frozen=True, slots=True)
class Frame:
    """One step of a traceback.

    Attributes:
        file: The file as Python names it.
        shown_file: The same, relative to the working folder where it lies below.
        line: The line that ran, counted from one.
        function: The function's name.
        source: Lines around it, each with its number.
        marked: First and last column of the expression that failed, or None.
        values: Local names and what they hold.
        is_library: Whether it is neither the project's code nor its template.
    """

    file: str
    shown_file: str
    line: int
    function: str
    source: tuple[tuple[int, str], ...]
    marked: tuple[int, int] | None
    values: tuple[tuple[str, str], ...]
    is_library: bool


@dataclass(frozen=True, slots=True)
class Report:
    """One exception.

    Attributes:
        kind: The class's name, with its module unless that is obvious.
        message: What it says.
        hint: How to mend it, when it says so.
        code: Its stable name, when it has one.
        notes: What was added on its way up.
        sql: The statement, when a database refused one.
        link: How it follows from the one before in the list: "caused", "during" or "part".
        frames: The steps, the most recent last.
    """

    kind: str
    message: str
    hint: str
    code: str
    notes: tuple[str, ...]
    sql: str
    link: str
    frames: tuple[Frame, ...]

    @property
    def main_frame(self) -> Frame | None:
        """The last step in the project's own code, else the last of all."""
        own = [frame for frame in self.frames if not frame.is_library]
        frames = own or self.frames
        return frames[-1] if frames else None


def build_reports(error: BaseException) -> list[Report]:
    """Report an exception, then what caused it, then what caused that."""
    return [build_report(each, link) for each, link in islice(walk_chain(error), MOST_EXCEPTIONS)]


def walk_chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """Give an exception, the parts of a group, and its causes, each with how they are linked."""
    seen: set[int] = set()
    waiting = [(error, "")]
    while waiting:
        current, link = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current, link
        parts: tuple[BaseException, ...] = getattr(current, "exceptions", ())
        if isinstance(current, BaseExceptionGroup):
            waiting.extend((part, "part") for part in parts)
        if current.__cause__ is not None:
            waiting.append((current.__cause__, "caused"))
        elif current.__context__ is not None and not current.__suppress_context__:
            waiting.append((current.__context__, "during"))


def build_report(error: BaseException, link: str) -> Report:
    """Report one exception."""
    ours = error if isinstance(error, UndercroftError) else None
    sql = getattr(error, "statement", None)
    return Report(
        kind=get_kind(error),
        message=get_message(error),
        hint=clean(ours.hint) if ours else "",
        code=clean(ours.code) if ours else "",
        notes=tuple(_tidy(str(note)) for note in getattr(error, "__notes__", ())),
        sql=_tidy(sql) if isinstance(sql, str) else "",
        link=link,
        frames=build_frames(error),
    )


def get_kind(error: BaseException) -> str:
    """Name the class, with its module unless that is Python's or ours."""
    cls = type(error)
    if cls.__module__ in ("builtins", UndercroftError.__module__):
        return cls.__qualname__
    return f"{cls.__module__}.{cls.__qualname__}"


def get_message(error: BaseException) -> str:
    """Read what an exception says, whatever its `__str__` does."""
    try:
        return _tidy(error.message if isinstance(error, UndercroftError) else str(error))
    except Exception as failure:  # noqa: BLE001 - a broken __str__ must not hide the first error
        return f"(its message cannot be shown: __str__ raised {type(failure).__name__})"


def build_frames(error: BaseException) -> tuple[Frame, ...]:
    """Read the frames of a traceback; of a very long one its beginning and its end."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    pairs = list(zip(frames, extract_tb(error.__traceback__), strict=False))
    if len(pairs) > MOST_FRAMES:
        pairs = pairs[: MOST_FRAMES // 2] + pairs[-MOST_FRAMES // 2 :]
    return tuple(build_frame(frame, summary) for frame, summary in pairs)


def build_frame(frame: FrameType, summary: FrameSummary) -> Frame:
    """Read one frame: source, the expression that failed, and local values."""
    line = summary.lineno or frame.f_lineno
    # Jinja2 leads to the template's line; columns and long names are those of its compiled code.
    is_template = not summary.filename.endswith(".py")
    linecache.checkcache(summary.filename)
    lines = linecache.getlines(summary.filename, frame.f_globals)
    first = max(1, line - CONTEXT_LINES)
    source = tuple(
        (number, clean(scrub_urls(text.rstrip("\n")))[:LONGEST_LINE])
        for number, text in enumerate(lines[first - 1 : line + CONTEXT_LINES], first)
    )
    return Frame(
        file=clean(summary.filename),
        shown_file=clean(get_shown_file(summary.filename)),
        line=line,
        function=clean(summary.name if is_template else frame.f_code.co_qualname),
        source=source,
        marked=None if is_template else _find_columns(summary, lines, line),
        values=read_values(frame),
        is_library=is_library(summary.filename),
    )


def read_values(frame: FrameType) -> tuple[tuple[str, str], ...]:
    """Read the local names of a frame, without modules and Python's own names."""
    shown = (
        (clean(str(name)), show_value(str(name), value))
        for name, value in list(frame.f_locals.items())
        if not (str(name).startswith("__") or isinstance(value, ModuleType))
    )
    return tuple(islice(shown, MOST_LOCALS))


def get_shown_file(file: str) -> str:
    """Shorten a file's name where it lies below the working folder."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return file


def is_library(file: str) -> bool:
    """Say whether a file is Python's, an installed package's or undercroft's."""
    if file.startswith("<"):
        return file.startswith("<frozen")
    path = Path(file)
    if not {"site-packages", "dist-packages"}.isdisjoint(path.parts):
        return True
    return any(path.is_relative_to(folder) for folder in _get_library_folders())


@cache
def _get_library_folders() -> tuple[Path, ...]:
    paths = sysconfig.get_paths()
    own = Path(__file__).parents[1]
    return (own, *(Path(paths[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib")))


def _find_columns(summary: FrameSummary, lines: list[str], line: int) -> tuple[int, int] | None:
    """Find the columns of the expression when it is a part of one line; Python counts bytes."""
    first, last = summary.colno, summary.end_colno
    if first is None or last is None or summary.end_lineno != line or line > len(lines):
        return None
    text = lines[line - 1].rstrip("\n")
    start, end = (len(text.encode()[:column].decode(errors="replace")) for column in (first, last))
    is_whole = text.strip() == text[start:end].strip()
    return (
        None if is_whole or clean(scrub_urls(text)) != text or end > LONGEST_LINE else (start, end)
    )


def _tidy(text: str) -> str:
    return shorten(clean(scrub_urls(text)), LONGEST_MESSAGE)
