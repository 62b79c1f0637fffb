"""Path templates: `/posts/{id:int}` read once into literals and parameters."""

import re
from dataclasses import dataclass
from typing import Any

from undercroft.errors import ImproperlyConfigured
from undercroft.routing.converters import Converter, get_converter

_BRACES = re.compile(r"\{([^{}]*)\}")
_ANGLES = re.compile(r"<(?:(\w+):)?(\w+)>")
_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f?#{}]")
_MOST_IN_SEGMENT = 3


@dataclass(frozen=True, slots=True)
class PathParam:
    """A parameter of a template: its name, and the converter that reads and writes it."""

    name: str
    converter: Converter[Any]


Piece = str | PathParam


@dataclass(frozen=True, slots=True)
class Template:
    """A path template in parts.

    Attributes:
        text: The template as written, with a leading slash; empty when nothing was written,
            which below a prefix is the prefix itself and elsewhere the root.
        pieces: Literal texts and parameters in order; joined they are the path.
        regex: What must follow the pieces, for a route of `re_path()`; else None.
    """

    text: str
    pieces: tuple[Piece, ...]
    regex: str | None = None

    @property
    def path(self) -> str:
        """The path as a person reads it, the regular expression included."""
        return (self.text or "/") + (self.regex or "")

    @property
    def params(self) -> tuple[PathParam, ...]:
        """The parameters in order, without those of the regular expression."""
        return tuple(piece for piece in self.pieces if isinstance(piece, PathParam))

    def split(self) -> tuple[list[tuple[Piece, ...]], tuple[Piece, ...] | None]:
        """Divide into segments, and the tail that may itself hold slashes.

        Returns:
            The segments after the leading slash, each a tuple of pieces (empty for the end of
            `/posts/`), and the pieces from the first segment on that holds a parameter of
            several segments or the regular expression; None when there is no such segment.
        """
        segments: list[tuple[Piece, ...]] = []
        current: tuple[Piece, ...] = ()
        rest = (self.pieces[0][1:], *self.pieces[1:]) if isinstance(self.pieces[0], str) else ()
        for index, piece in enumerate(rest):
            if isinstance(piece, PathParam):
                if piece.converter.spans_segments:
                    return segments, (*current, *rest[index:])
                current = (*current, piece)
                continue
            first, *others = piece.split("/")
            current = (*current, first) if first else current
            for other in others:
                segments.append(current)
                current = (other,) if other else ()
        if self.regex is not None:
            return segments, current
        return [*segments, current], None


def parse_template(text: str) -> Template:
    """Read a template such as `/posts/{id:int}`; the leading slash may be left out.

    Raises:
        ImproperlyConfigured: A parameter or the text around it is malformed, or its converter
            is unknown.
    """
    text = text if text.startswith("/") or not text else f"/{text}"
    _check_notation(text)
    pieces: list[Piece] = []
    for index, part in enumerate(_BRACES.split(text or "/")):
        if index % 2:
            pieces.append(_parse_param(part, text))
        elif part:
            _check_literal(part, text)
            pieces.append(part)
    template = Template(text, tuple(pieces))
    _check_params(template)
    return template


def join_paths(prefix: str, path: str) -> str:
    """Put a prefix before a path, with exactly one slash between them.

    An empty path is the prefix itself, so `join_paths("blog/", "")` is `/blog/`.
    """
    if not path or not prefix:
        joined = prefix or path
    else:
        joined = f"{prefix.removesuffix('/')}/{path.removeprefix('/')}"
    return joined if joined.startswith("/") or not joined else f"/{joined}"


def _check_notation(text: str) -> None:
    angle = _ANGLES.search(text)
    if angle is not None:
        converter, name = angle.groups()
        meant = f"{{{name}:{converter}}}" if converter else f"{{{name}}}"
        raise ImproperlyConfigured(
            f"The path {text!r} writes a parameter as {angle.group()!r}.",
            hint=f"Write it as {meant!r}.",
            code="routing.template",
        )
    if "//" in text:
        raise ImproperlyConfigured(
            f"The path {text!r} holds an empty segment ('//').",
            hint="Leave one of the slashes out.",
            code="routing.template",
        )
    encoded = _ENCODED.search(text)
    if encoded is not None:
        raise ImproperlyConfigured(
            f"The path {text!r} holds the percent-encoded {encoded.group()!r}.",
            hint="Write the character itself: paths are decoded before they are routed.",
            code="routing.template",
        )


def _check_literal(part: str, text: str) -> None:
    wrong = _FORBIDDEN.search(part)
    if wrong is not None:
        raise ImproperlyConfigured(
            f"The path {text!r} holds {wrong.group()!r}, which cannot be matched.",
            hint="Parameters are written {name} or {name:converter}; a path has no query.",
            code="routing.template",
        )


def _parse_param(part: str, text: str) -> PathParam:
    name, _, converter = part.partition(":")
    if not name.isidentifier():
        raise ImproperlyConfigured(
            f"The parameter {{{part}}} of the path {text!r} has no usable name.",
            hint="Write {name} or {name:converter}, with a Python identifier as name.",
            code="routing.template",
        )
    return PathParam(name, get_converter(converter if ":" in part else "str"))


def _check_params(template: Template) -> None:
    names = [param.name for param in template.params]
    for name in names:
        if names.count(name) > 1:
            raise ImproperlyConfigured(
                f"The path {template.text!r} has two parameters called {name!r}.",
                hint="Give each its own name.",
                code="routing.template",
            )
    if sum(param.converter.spans_segments for param in template.params) > 1:
        raise ImproperlyConfigured(
            f"The path {template.text!r} has two parameters that may hold slashes.",
            hint="Where one ends and the next begins would be a guess; keep one of them.",
            code="routing.template",
        )
    for left, between, right in _find_neighbours(template):
        if not between or left.converter.spans_segments or right.converter.spans_segments:
            raise ImproperlyConfigured(
                f"In the path {template.text!r} the place where {{{left.name}}} ends and "
                f"{{{right.name}}} begins would be a guess.",
                hint="Put a slash between them.",
                code="routing.template",
            )
    for segment in template.split()[0]:
        if sum(isinstance(piece, PathParam) for piece in segment) > _MOST_IN_SEGMENT:
            raise ImproperlyConfigured(
                f"The path {template.text!r} has more than {_MOST_IN_SEGMENT} parameters in one "
                "segment, which can be slow to match.",
                hint="Divide them by slashes.",
                code="routing.template",
            )


def _find_neighbours(template: Template) -> list[tuple[PathParam, str, PathParam]]:
    """Find the parameters with no slash between them, and the text that is there instead."""
    found: list[tuple[PathParam, str, PathParam]] = []
    last: PathParam | None = None
    between = ""
    for piece in template.pieces:
        if isinstance(piece, str):
            between = piece
            continue
        if last is not None and "/" not in between:
            found.append((last, between, piece))
        last, between = piece, ""
    return found
