"""Header fields (RFC 9110, section 5): case-insensitive, ordered, several values for a name.

Servers speak bytes, people speak text: fields are kept as the pairs of bytes a server gave or
wants, and decoded as ISO 8859-1 only when somebody asks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

RawHeaders = list[tuple[bytes, bytes]]

#: What names of fields, methods and cookies are (RFC 9110, section 5.6.2).
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: A field value holds no control character but the tab (RFC 9110, section 5.5).
_FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def encode_header(name: str, value: str) -> tuple[bytes, bytes]:
    """Encode one field for the wire, its name in lower case.

    Raises:
        ValueError: The name is no token, or the value holds a line break, another control
            character or a character outside ISO 8859-1. Nothing is ever split or dropped.
    """
    if not TOKEN.fullmatch(name):
        raise ValueError(f"Header name {name!r} is not a token of letters, digits and '-'.")
    if _FORBIDDEN_IN_VALUE.search(value):
        raise ValueError(f"Header {name!r} may not hold control characters: {value!r}.")
    try:
        return name.lower().encode("ascii"), value.strip(" \t").encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(
            f"Header {name!r} may only hold ISO 8859-1 characters; percent-encode {value!r}."
        ) from None


class Headers(Mapping[str, str]):
    """The fields of a message, read by name in any case.

    `headers["accept"]` is the first value of a name; `getlist` gives all of them.
    """

    __slots__ = ("raw",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.raw: RawHeaders = raw if isinstance(raw, list) else list(raw)

    def find(self, name: bytes) -> bytes | None:
        """Find the first value of a lower-case name, undecoded."""
        for key, value in self.raw:
            if key == name:
                return value
        return None

    def __getitem__(self, name: str) -> str:
        """Return the first value of a name."""
        found = self.find(name.lower().encode("latin-1"))
        if found is None:
            raise KeyError(name)
        return found.decode("latin-1")

    def getlist(self, name: str) -> list[str]:
        """Return every value of a name, in order."""
        wanted = name.lower().encode("latin-1")
        return [value.decode("latin-1") for key, value in self.raw if key == wanted]

    def items_list(self) -> list[tuple[str, str]]:
        """Return every field, repeated names included."""
        return [(key.decode("latin-1"), value.decode("latin-1")) for key, value in self.raw]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the distinct names."""
        return iter(dict.fromkeys(key.decode("latin-1") for key, _ in self.raw))

    def __len__(self) -> int:
        """Count the distinct names."""
        return len({key for key, _ in self.raw})

    def __contains__(self, name: object) -> bool:
        """Tell whether a name, in any case, is there."""
        return isinstance(name, str) and self.find(name.lower().encode("latin-1")) is not None

    def __repr__(self) -> str:
        """Show every field."""
        return f"{type(self).__name__}({self.items_list()!r})"


class MutableHeaders(Headers):
    """The fields of a response, checked as they are set."""

    __slots__ = ()

    def __setitem__(self, name: str, value: str) -> None:
        """Set a name to one value, in place of all it had."""
        pair = encode_header(name, value)
        self.raw[:] = [field for field in self.raw if field[0] != pair[0]]
        self.raw.append(pair)

    def __delitem__(self, name: str) -> None:
        """Remove every value of a name; an absent name is not an error."""
        wanted = name.lower().encode("latin-1")
        self.raw[:] = [field for field in self.raw if field[0] != wanted]

    def append(self, name: str, value: str) -> None:
        """Add one more value of a name."""
        self.raw.append(encode_header(name, value))

    def setdefault(self, name: str, value: str) -> None:
        """Set a name only if it has no value yet."""
        if name not in self:
            self.append(name, value)

    def add_vary(self, name: str) -> None:
        """Name a request header the answer depends on (RFC 9110, section 12.5.5)."""
        held = [part.strip() for value in self.getlist("vary") for part in value.split(",")]
        if "*" not in held and name.lower() not in map(str.lower, held):
            self["vary"] = ", ".join([*filter(None, held), name])
