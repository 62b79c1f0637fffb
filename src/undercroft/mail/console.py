"""Messages on standard output, as a person reads them: for development."""

import re
import sys
from collections.abc import Iterator, Sequence
from email.message import EmailMessage as PythonMessage
from typing import TYPE_CHECKING

from undercroft.mail.backend import Backend

if TYPE_CHECKING:
    from undercroft.mail.message import EmailMessage

_RULE = "-" * 72
#: What acts on a terminal; lines and tabs stay.
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ConsoleBackend(Backend):
    """Writes messages to standard output."""

    def send_messages(self, messages: "Sequence[EmailMessage]") -> int:
        """Write messages."""
        for message in messages:
            text = "\n".join([_RULE, *describe(message), _RULE, ""])
            sys.stdout.write(_ACTING.sub("�", text))
        sys.stdout.flush()
        return len(messages)


def describe(message: "EmailMessage") -> Iterator[str]:
    """Describe a message: its headers, its text, and what else it has."""
    built = message.message()
    for name in ("From", "To", "Cc", "Reply-To", "Subject", "Date"):
        if name in built:
            yield f"{name}: {built[name]}"
    if message.bcc:
        yield f"Bcc: {', '.join(message.bcc)}"
    yield f"\n{message.body}\n"
    for part in built.walk():
        if not part.is_multipart():
            yield from describe_part(part)


def describe_part(part: PythonMessage) -> Iterator[str]:
    """Describe a part that is not the plain text."""
    name = part.get_filename()
    content = part.get_payload(decode=True)
    size = len(content) if isinstance(content, bytes) else 0
    if name is not None or part.get_content_type() != "text/plain":
        yield f"[{part.get_content_type()}, {size:,} bytes{f', {name}' if name else ''}]"
