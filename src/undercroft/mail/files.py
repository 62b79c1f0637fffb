"""Messages as files in a folder, to be opened by any mail program."""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from undercroft.mail.addresses import parse_addresses
from undercroft.mail.backend import Backend
from undercroft.mail.envelope import build_envelope
from undercroft.mail.headers import write_mailboxes

if TYPE_CHECKING:
    from undercroft.mail.message import EmailMessage


class FileBackend(Backend):
    """Writes each message to a file that nobody else may read: it may hold a link to log in with.

    Args:
        folder: Where; it is made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send_messages(self, messages: "Sequence[EmailMessage]") -> int:
        """Write messages."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in messages:
            hidden = parse_addresses("bcc", message.bcc)
            told = f"Bcc: {write_mailboxes(hidden)}\r\n".encode() if hidden else b""
            self._write(told + build_envelope(message).content)
        return len(messages)

    def _write(self, content: bytes) -> None:
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(4)}.eml"
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
