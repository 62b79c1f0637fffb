"""Regular expressions of `re_path()`: checked once, and read backwards for `url_for`.

An expression must match the whole rest of the path, so `$` and `^` are allowed and change
nothing, and a line break at the end never slips through.
"""

import re
from typing import Any

from undercroft.errors import ImproperlyConfigured
from undercroft.routing.converters import Converter
from undercroft.routing.template import PathParam, Piece

_ANCHORS = re.compile(r"\\A|\\Z|[$^]")
_GROUP = re.compile(r"\(\?P<(\w+)>")
_LITERAL = re.compile(r"\\([^\w\s])|([^\\.^$*+?{}\[\]|()])")
_QUANTIFIER = re.compile(r"[*+{]")


class RegexConverter(Converter[str]):
    """The text of one named group of a `re_path()`; always a string, as in Django."""

    spans_segments = True

    def __init__(self, regex: str) -> None:
        self.regex = regex


def check_regex(regex: str) -> tuple[PathParam, ...]:
    """Check an expression for `re_path()` and list its named groups in order.

    Raises:
        ImproperlyConfigured: It does not compile, or has a group without a name.
    """
    try:
        pattern = re.compile(regex)
    except re.error as error:
        raise ImproperlyConfigured(
            f"The regular expression {regex!r} is not valid: {error}.", code="routing.regex"
        ) from error
    if pattern.groups != len(pattern.groupindex):
        raise ImproperlyConfigured(
            f"The regular expression {regex!r} has a group without a name.",
            hint="Name it (?P<name>...), or do not capture it: (?:...).",
            code="routing.regex",
        )
    known = {p.name: p for p in reverse_regex(regex) or () if isinstance(p, PathParam)}
    free: Converter[Any] = RegexConverter("(?s:.*)")
    return tuple(known.get(name) or PathParam(name, free) for name in pattern.groupindex)


def trim_regex(regex: str) -> str:
    """Drop the anchor and the slash an expression may begin with."""
    return regex.removeprefix(r"\A").removeprefix("^").removeprefix("/")


def reverse_regex(regex: str) -> tuple[Piece, ...] | None:
    """Read an expression as literals and named groups; None where it is more than that.

    A literal that may be left out (`/?`) is left out.
    """
    pieces: list[Piece] = []
    position = 0
    while position < len(regex):
        step = _read_anchor(regex, position) or _read_group(regex, position)
        step = step or _read_literal(regex, position)
        if step is None:
            return None
        piece, position = step
        if piece != "":
            pieces.append(piece)
    return tuple(pieces)


def _read_anchor(regex: str, position: int) -> tuple[Piece, int] | None:
    found = _ANCHORS.match(regex, position)
    return ("", found.end()) if found else None


def _read_group(regex: str, position: int) -> tuple[Piece, int] | None:
    found = _GROUP.match(regex, position)
    if found is None:
        return None
    end = _find_closing(regex, found.end())
    if end is None or regex[end + 1 : end + 2] in ("?", "*", "+", "{"):
        return None
    return PathParam(found.group(1), RegexConverter(regex[found.end() : end])), end + 1


def _read_literal(regex: str, position: int) -> tuple[Piece, int] | None:
    found = _LITERAL.match(regex, position)
    if found is None or _QUANTIFIER.match(regex, found.end()):
        return None
    if regex[found.end() : found.end() + 1] == "?":
        return "", found.end() + 1
    return found.group(1) or found.group(2), found.end()


def _find_closing(regex: str, position: int) -> int | None:
    """Find the bracket that closes the group whose content begins at `position`."""
    depth, in_class = 1, False
    while position < len(regex):
        character = regex[position]
        if character == "\\":
            position += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return position
        position += 1
    return None
