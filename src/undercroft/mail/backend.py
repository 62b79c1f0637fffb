"""What sends messages: the interface of every way there is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from undercroft.concurrency import run_in_thread

if TYPE_CHECKING:
    from undercroft.mail.message import EmailMessage


class Backend(ABC):
    """A way for messages to go; derive from it for one of your own, such as a provider's API."""

    @abstractmethod
    def send_messages(self, messages: "Sequence[EmailMessage]") -> int:
        """Send messages that were checked and have recipients; return how many were taken.

        Raises:
            MailError: Something keeps them from being sent.
        """

    async def asend_messages(self, messages: "Sequence[EmailMessage]") -> int:
        """Send messages from the event loop: by `send_messages` in a thread, unless overridden."""
        return await run_in_thread(self.send_messages, messages)
