"""Messages that are kept and not sent: for tests."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from undercroft.mail.backend import Backend

if TYPE_CHECKING:
    from undercroft.mail.message import EmailMessage

#: What `memory://` has taken, oldest first.
outbox: "list[EmailMessage]" = []


class MemoryBackend(Backend):
    """Keeps messages in `outbox`, after building each, so that a mistake shows in the test."""

    def send_messages(self, messages: "Sequence[EmailMessage]") -> int:
        """Keep messages."""
        for message in messages:
            message.message()
            outbox.append(message)
        return len(messages)
