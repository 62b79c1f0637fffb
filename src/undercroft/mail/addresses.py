"""Addresses of people, as they are given: `ada@example.org` or `Ada Lovelace <ada@example.org>`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from undercroft.errors import BadHeaderError

#: What would end a header, end a line for some reader, or cannot be sent at all.
UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")

_NAMED = re.compile(
    r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"<>]*?))\s*<(?P<spec>[^<>]*)>\s*'
)
#: What an unquoted name cannot have: with any of it, the text may mean several addresses.
_AMBIGUOUS = re.compile(r"[,;:@()\[\]\\]")
#: RFC 5322's dot-atom, with UTF-8 beyond ASCII (RFC 6532), or a quoted text.
_ATOM = r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]\.]+"
_LOCAL = re.compile(rf'{_ATOM}(?:\.{_ATOM})*|"(?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\[\x20-\x7e])*"')
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LITERAL = re.compile(r"\[(?:[0-9.]+|IPv6:[0-9A-Fa-f:.]+)\]")
#: Letters that the two standards for such domains read differently: `straße.de` is `strasse.de` for
#: one and a domain of somebody else for the other.
_TWO_MEANINGS = re.compile("[ßς\u200c\u200d]")
#: The longest address (RFC 5321, section 4.5.3.1.3, less its brackets) and part before the `@`.
_LONGEST, _LONGEST_LOCAL = 254, 64


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with a name.

    Attributes:
        name: As people read it; may be empty.
        address: As servers read it: the domain in ASCII.
    """

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What follows the `@`."""
        return self.address.rpartition("@")[2]

    @property
    def is_international(self) -> bool:
        """Whether only servers with SMTPUTF8 (RFC 6531) can take it."""
        return not self.address.isascii()


def check_list(field: str, given: object) -> list[Any]:
    """Return what is a list of addresses.

    Raises:
        BadHeaderError: It is one text, or nothing like a list.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise BadHeaderError(
            f"`{field}` is {given!r:.200}, not a list of addresses.",
            hint='Write a list: ["ada@example.org"].',
            code="mail.address",
        )
    found: list[Any] = list(given)  # pyright: ignore[reportUnknownArgumentType] - read one by one
    return found


def parse_addresses(field: str, given: object) -> list[Mailbox]:
    """Parse the addresses of a field.

    Raises:
        BadHeaderError: It is one text instead of a list, or one of them is no address.
    """
    return [parse_address(field, text) for text in check_list(field, given)]


def parse_address(field: str, text: object) -> Mailbox:
    """Parse `ada@example.org`, `Ada <ada@example.org>` or `"Lovelace, Ada" <ada@example.org>`.

    Raises:
        BadHeaderError: It is something else.
    """
    if not isinstance(text, str):
        raise build_refusal(field, text, "it is no text")
    if UNFIT.search(text):
        raise build_refusal(field, text, "it has a line break or a control character")
    found = _NAMED.fullmatch(text)
    if found is None:
        return Mailbox("", parse_spec(field, text.strip(), text))
    if found["quoted"] is not None:
        name = re.sub(r"\\(.)", r"\1", found["quoted"])
    else:
        name = found["plain"].strip()
        if _AMBIGUOUS.search(name):
            raise build_refusal(field, text, "its name has signs that need quotes around it")
    return Mailbox(name, parse_spec(field, found["spec"].strip(), text))


def parse_spec(field: str, spec: str, text: str) -> str:
    """Parse the address alone; its domain becomes ASCII.

    Raises:
        BadHeaderError: It is none.
    """
    local, at, domain = spec.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local.encode()) > _LONGEST_LOCAL:
        raise build_refusal(field, text, "it is no e-mail address")
    address = f"{local}@{encode_domain(field, domain, text)}"
    if len(address.encode()) > _LONGEST:
        raise build_refusal(field, text, f"it is longer than {_LONGEST} bytes")
    return address


def encode_domain(field: str, domain: str, text: str) -> str:
    """Encode a domain in ASCII (IDNA).

    Raises:
        BadHeaderError: It is none, or means two domains.
    """
    if _LITERAL.fullmatch(domain):
        return domain
    if _TWO_MEANINGS.search(domain):
        raise build_refusal(
            field, text, "its domain is read differently by the two standards for such names"
        )
    try:
        encoded = domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise build_refusal(field, text, "its domain has no form in ASCII") from None
    if not all(map(_LABEL.fullmatch, encoded.split("."))):
        raise build_refusal(field, text, "its domain is none")
    return encoded


def build_refusal(field: str, text: object, why: str) -> BadHeaderError:
    """Build the error for what is no address."""
    return BadHeaderError(
        f"{text!r:.200} cannot stand in `{field}`: {why}.",
        hint='Write "ada@example.org" or \'"Lovelace, Ada" <ada@example.org>\', '
        "a domain that is not ASCII as xn--….",
        code="mail.address",
    )
