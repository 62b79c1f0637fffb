"""How Python's `email` writes our messages: its structure, our headers, seven bits, CRLF.

Its own folding has written the commas of long address lists as encoded words (CVE-2025-1795).
"""

from email.policy import EmailPolicy
from typing import Any

from undercroft.mail.headers import WireText


class MailPolicy(EmailPolicy):
    """Python's policy, but for the headers that are written already."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Keep a header."""
        if isinstance(value, WireText):
            return name, value
        return super().header_store_parse(name, value)

    def fold(self, name: str, value: Any) -> str:
        """Fold a header into lines."""
        if isinstance(value, WireText):
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Fold a header into lines, as bytes."""
        if isinstance(value, WireText):
            return self.fold(name, value).encode()
        return super().fold_binary(name, value)


#: Seven bits: a server that takes more need not be one's next.
POLICY = MailPolicy(linesep="\r\n", cte_type="7bit")
