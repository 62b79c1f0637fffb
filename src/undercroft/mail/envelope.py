"""What a mail server is given: from whom, to whom, and the bytes (RFC 5321)."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from undercroft.mail.message import EmailMessage

#: A line may end in CRLF only: servers differ on the others, and one message could pass for two.
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message on its way.

    Attributes:
        sender: Whom failures are told.
        recipients: Whom it is for, hidden ones included.
        content: Headers and body; lines end in CRLF.
        is_international: Whether an address leaves ASCII, which needs SMTPUTF8 (RFC 6531).
    """

    sender: str
    recipients: list[str]
    content: bytes
    is_international: bool


def build_envelope(message: "EmailMessage") -> Envelope:
    """Build what is sent of a message.

    Raises:
        BadHeaderError: Something cannot stand in a header.
    """
    content = _LINE_END.sub(b"\r\n", message.message().as_bytes())
    sender, recipients = message.sender().address, message.recipients()
    is_international = not (content.isascii() and "".join((sender, *recipients)).isascii())
    return Envelope(sender, recipients, content, is_international)
