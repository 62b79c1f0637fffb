"""Converters: how a piece of a path becomes a value, and a value a piece of a path.

A converter is named in a template, `{id:int}`. It is asked with the percent-decoded text of
one path segment; what it refuses, another route may accept. Every built-in one bounds the
length of what it converts, so that the cost of a request is bounded too.
"""

import re
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from undercroft.errors import ImproperlyConfigured

T = TypeVar("T")

LARGEST_INT: Final = 2**63 - 1
"""What an 8-byte database column holds; a larger number cannot be a key and is no match."""


class NoMatch:
    """The type of `NO_MATCH`; values may be anything, None included."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Read as the name of the only instance."""
        return "NO_MATCH"


NO_MATCH: Final = NoMatch()


class Converter(Generic[T]):
    """Turn path text into a value and back; subclass it for a converter of your own.

    Set `regex` and `python_type`, override `convert` and `to_url` where `str` is not enough,
    and give an instance to `register_converter`. `convert` may raise `ValueError` for text
    that fits the expression and still is no value, such as a thirteenth month.

    Attributes:
        regex: What the whole text must match; no capturing groups, no slash.
        python_type: What `convert` returns, for binding and OpenAPI.
        specificity: Where two converters could match, the lower number is tried first. The
            built-in ones are int 10, uuid 20, float 30, slug 40, str 50, path 90.
        spans_segments: Whether the text may hold slashes.
    """

    regex: str = r"[^/\x00-\x1f\x7f]+"
    python_type: Any = str
    specificity: int = 5
    spans_segments: bool = False

    def convert(self, text: str) -> T:
        """Turn text that matched `regex` into the value.

        Raises:
            ValueError: The text is no such value; the route then does not match.
        """
        value: T = self.python_type(text)
        return value

    def to_url(self, value: T) -> str:
        """Turn a value into path text, not yet percent-encoded."""
        return str(value)

    def match(self, text: str) -> T | NoMatch:
        """Convert the text when all of it fits; answer `NO_MATCH` when it does not."""
        if self._pattern.fullmatch(text) is None:
            return NO_MATCH
        try:
            return self.convert(text)
        except ValueError:
            return NO_MATCH

    def fits(self, text: str) -> bool:
        """Say whether the text, made by `to_url`, would match and so lead back here."""
        return self._pattern.fullmatch(text) is not None and self.match(text) is not NO_MATCH

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.regex)


class StrConverter(Converter[str]):
    """`{name}` and `{name:str}`: one segment, not empty, without control characters."""

    specificity = 50

    def match(self, text: str) -> str | NoMatch:
        """Take any segment; the tree has already refused slashes and control characters."""
        return text or NO_MATCH


class IntConverter(Converter[int]):
    """`{id:int}`: ASCII digits up to 2**63 - 1, without a sign."""

    regex = "[0-9]{1,19}"
    python_type = int
    specificity = 10

    def match(self, text: str) -> int | NoMatch:
        """Convert without a regular expression, which would take twice as long."""
        if len(text) > 19 or not (text.isdecimal() and text.isascii()):
            return NO_MATCH
        value = int(text)
        return value if value <= LARGEST_INT else NO_MATCH


class FloatConverter(Converter[float]):
    """`{price:float}`: decimal notation such as `12`, `0.5` or `-3.25`; no exponent, no nan."""

    regex = r"-?[0-9]{1,17}(?:\.[0-9]{1,17})?"
    python_type = float
    specificity = 30

    def to_url(self, value: float) -> str:
        """Write the shortest exact decimal notation, never an exponent."""
        return format(Decimal(repr(float(value))), "f")


class SlugConverter(Converter[str]):
    """`{slug:slug}`: ASCII letters, digits, hyphens and underscores."""

    regex = "[-a-zA-Z0-9_]+"
    specificity = 40


class UUIDConverter(Converter[UUID]):
    """`{key:uuid}`: the form with hyphens, in either case."""

    regex = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    python_type = UUID
    specificity = 20


class PathConverter(Converter[str]):
    """`{rest:path}`: one segment or more, slashes included, not empty.

    The path is decoded before it is routed, so an encoded slash (`%2F`) reads as a slash.
    """

    regex = r"[^\x00-\x1f\x7f]+"
    specificity = 90
    spans_segments = True


_CONVERTERS: dict[str, Converter[Any]] = {
    "str": StrConverter(),
    "int": IntConverter(),
    "float": FloatConverter(),
    "slug": SlugConverter(),
    "uuid": UUIDConverter(),
    "path": PathConverter(),
}


def register_converter(name: str, converter: Converter[Any]) -> None:
    """Make a converter known to templates as `{parameter:name}`.

    Raises:
        ImproperlyConfigured: The name is taken or no identifier, or the converter is a class.
    """
    if not _is_converter(converter):
        raise ImproperlyConfigured(
            f"The converter {name!r} is {converter!r}, not an instance of Converter.",
            hint="Subclass undercroft.routing.Converter and pass an instance of it.",
            code="routing.converter",
        )
    if not name.isidentifier():
        raise ImproperlyConfigured(
            f"A converter cannot be called {name!r}; its name must be an identifier.",
            code="routing.converter",
        )
    known = _CONVERTERS.get(name)
    if known is not None and type(known) is not type(converter):
        raise ImproperlyConfigured(
            f"The converter name {name!r} is already taken by {type(known).__qualname__}.",
            hint="Register yours under another name.",
            code="routing.converter",
        )
    _CONVERTERS.setdefault(name, converter)


def get_converter(name: str) -> Converter[Any]:
    """Look a converter up by its name in templates.

    Raises:
        ImproperlyConfigured: No converter has that name; the message lists the known ones.
    """
    converter = _CONVERTERS.get(name)
    if converter is not None:
        return converter
    close = get_close_matches(name, _CONVERTERS, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else "Add your own with register_converter()."
    raise ImproperlyConfigured(
        f"No converter is called {name!r}; known are {', '.join(sorted(_CONVERTERS))}.",
        hint=hint,
        code="routing.unknown-converter",
    )


def _is_converter(value: object) -> bool:
    return isinstance(value, Converter)
