"""Mail in tests: messages are kept in `outbox` and go nowhere."""

from collections.abc import Generator
from contextlib import contextmanager

from undercroft.mail.mailer import mailer
from undercroft.mail.memory import MemoryBackend, outbox
from undercroft.mail.message import EmailMessage

__all__ = ["capture_mail", "outbox"]


@contextmanager
def capture_mail() -> Generator[list[EmailMessage]]:
    """Keep every message that is sent within the block, whatever the settings say.

    The list, `outbox`, is empty at the beginning and keeps what it has after the end.
    """
    outbox.clear()
    with mailer.replaced(MemoryBackend()):
        yield outbox
