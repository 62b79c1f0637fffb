"""Host templates: `{tenant}.example.org` read once into literals and parameters.

A name is compared in lower case and without its port.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from undercroft.errors import ImproperlyConfigured
from undercroft.routing.converters import NO_MATCH, Converter, get_converter
from undercroft.routing.template import PathParam, Piece

_BRACES = re.compile(r"\{([^{}]*)\}")
_LITERAL = re.compile(r"[a-z0-9._\-\[\]:]*")


class LabelConverter(Converter[str]):
    """`{tenant}` in a host: one label of a name (RFC 1123), in lower case."""

    regex = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


@dataclass(frozen=True, slots=True)
class HostTemplate:
    """A host as declared.

    Attributes:
        text: As written, in lower case.
        pieces: Literal texts and parameters in order.
    """

    text: str
    pieces: tuple[Piece, ...] = field(compare=False)
    _pattern: re.Pattern[str] = field(compare=False, repr=False)

    @property
    def params(self) -> tuple[PathParam, ...]:
        """The parameters in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, PathParam))

    def match(self, name: str) -> dict[str, Any] | None:
        """Return the parameters' values for a host's name; None where it does not fit."""
        found = self._pattern.fullmatch(name)
        if found is None:
            return None
        values = {param.name: param.converter.match(found[param.name]) for param in self.params}
        return None if NO_MATCH in values.values() else values


def parse_host(text: str) -> HostTemplate:
    """Read a host such as `api.example.org` or `{tenant}.example.org`.

    Raises:
        ImproperlyConfigured: It is no name, or a parameter of it is malformed.
    """
    pieces: list[Piece] = []
    pattern = ""
    for index, part in enumerate(_BRACES.split(text)):
        if index % 2:
            param = _parse_param(part, text)
            pieces.append(param)
            pattern += f"(?P<{param.name}>[^.]+)"
        elif part:
            _check_literal(part.lower(), text)
            pieces.append(part.lower())
            pattern += re.escape(part.lower())
    names = [piece.name for piece in pieces if isinstance(piece, PathParam)]
    if not pieces or len(names) != len(set(names)):
        raise ImproperlyConfigured(
            f"The host {text!r} is empty, or has two parameters of one name.",
            hint="Write for example 'api.example.org' or '{tenant}.example.org'.",
            code="routing.host",
        )
    lowered = "".join(p if isinstance(p, str) else f"{{{p.name}}}" for p in pieces)
    return HostTemplate(lowered, tuple(pieces), re.compile(pattern))


def read_host(host: str) -> str:
    """Read a Host header's name, without port and final dot, in lower case."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name.lower().rstrip(".")


def _parse_param(part: str, text: str) -> PathParam:
    name, _, converter = part.partition(":")
    if not (name.isidentifier() and name.isascii()):
        raise ImproperlyConfigured(
            f"The parameter {{{part}}} of the host {text!r} has no usable name.",
            hint="Write {name} or {name:converter}, with a Python identifier as name.",
            code="routing.host",
        )
    return PathParam(name, get_converter(converter) if converter else LabelConverter())


def _check_literal(part: str, text: str) -> None:
    if not _LITERAL.fullmatch(part) or ":" in part.rpartition("]")[2]:
        raise ImproperlyConfigured(
            f"The host {text!r} is no name of a server.",
            hint="Leave out scheme, port and path: 'api.example.org'.",
            code="routing.host",
        )
