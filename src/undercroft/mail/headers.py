"""Headers as they go over the wire (RFC 5322, 2047, 6532): checked, encoded, folded into lines."""

import re
from collections.abc import Iterable
from email.header import Header

from undercroft.errors import BadHeaderError
from undercroft.mail.addresses import UNFIT, Mailbox

#: Where a header is broken into lines; a word that is longer stays whole.
LINE = 76

_NAME = re.compile(r"[!-9;-~]{1,76}")
#: A longer word in ASCII would make a line that servers refuse (RFC 5321, section 4.5.3.1.6).
_LONG_WORD = re.compile(r"\S{900}")


class WireText(str):
    """The value of a header as it is sent, which nothing is to encode or fold again."""

    __slots__ = ()


def check_text(name: str, value: object) -> str:
    """Return a header's value.

    Raises:
        BadHeaderError: It is no text, or could begin a header of its own.
    """
    if not isinstance(value, str):
        raise BadHeaderError(
            f"The header {name!r} is {value!r:.200}, not a text.",
            hint="Write str(...) around it.",
        )
    if UNFIT.search(value):
        raise BadHeaderError(
            f"The header {name!r} has a line break or a control character: {value!r:.200}.",
            hint="Whoever chose it could write headers of their own. Take one line: "
            '" ".join(text.split()).',
        )
    return value.strip()


def check_name(name: object) -> str:
    """Return a header's name.

    Raises:
        BadHeaderError: It is none (RFC 5322, section 2.2).
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadHeaderError(
            f"{name!r:.200} is no name of a header.",
            hint="Write letters, digits and hyphens: X-Campaign.",
        )
    return name


def write_text(name: str, value: str) -> WireText:
    """Write a value that has been checked, what is not ASCII as encoded words (RFC 2047)."""
    charset = "utf-8" if needs_encoding(value) else "us-ascii"
    header = Header(value, charset, maxlinelen=LINE, header_name=name)
    return WireText(header.encode(linesep="\r\n"))


def write_mailboxes(mailboxes: Iterable[Mailbox]) -> WireText:
    """Write addresses, each on a line of its own."""
    return WireText(",\r\n ".join(map(write_mailbox, mailboxes)))


def write_mailbox(mailbox: Mailbox) -> str:
    """Write one address; only an international one leaves ASCII."""
    name = mailbox.name
    if not name:
        return mailbox.address
    if needs_encoding(name) or len(name) > LINE:
        written = Header(name, "utf-8", maxlinelen=LINE).encode(linesep="\r\n")
    else:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        written = f'"{escaped}"'
    return f"{written} <{mailbox.address}>"


def needs_encoding(value: str) -> bool:
    """Tell whether a text would not be read as it is written."""
    return not value.isascii() or "=?" in value or _LONG_WORD.search(value) is not None
