"""How messages leave: checked first, then at once or after the commit, in either kind of code."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from undercroft.concurrency import check_not_on_loop
from undercroft.db.connections.frames import find_frame
from undercroft.db.connections.transactions import on_commit as call_on_commit
from undercroft.errors import MailError
from undercroft.mail.backend import Backend
from undercroft.mail.mailer import mailer

if TYPE_CHECKING:
    from undercroft.mail.message import EmailMessage

logger = logging.getLogger("undercroft.mail")


def deliver(
    messages: "Sequence[EmailMessage]",
    backend: Backend | None = None,
    fail_silently: bool = False,
    *,
    on_commit: bool = False,
) -> int:
    """Send messages, and return how many were sent, or wait for the commit.

    Args:
        messages: All are checked before the first is sent.
        backend: What sends them; the configured one when left out.
        fail_silently: Log what fails.
        on_commit: Wait for the commit, where a transaction is open.

    Raises:
        SynchronousOnlyOperation: This is the event loop.
        BadHeaderError: Something cannot stand in a header.
        MailError: They cannot be sent.
    """
    check_not_on_loop("send_mail(...) or message.send()", "await asend_mail(...)")
    messages, sender = take_up(messages, backend, on_commit=on_commit)
    if sender is None:
        return len(messages)
    try:
        return sender.send_messages(messages)
    except MailError as error:
        return report(error, fail_silently)


def take_up(
    messages: "Sequence[EmailMessage]", backend: Backend | None, *, on_commit: bool
) -> "tuple[Sequence[EmailMessage], Backend | None]":
    """Check messages, and find what sends them now; None where there are none, or they wait."""
    messages = check_messages(messages)
    if not messages:
        return messages, None
    sender = backend if backend is not None else mailer.get_backend()
    is_postponed = on_commit and postpone(messages, sender)
    return messages, None if is_postponed else sender


async def adeliver(
    messages: "Sequence[EmailMessage]",
    backend: Backend | None = None,
    fail_silently: bool = False,
    *,
    on_commit: bool = False,
) -> int:
    """Send messages as `deliver` does, from the event loop."""
    messages, sender = take_up(messages, backend, on_commit=on_commit)
    if sender is None:
        return len(messages)
    try:
        return await sender.asend_messages(messages)
    except MailError as error:
        return report(error, fail_silently)


def check_messages(messages: "Sequence[EmailMessage]") -> "list[EmailMessage]":
    """Check messages; those for nobody are left out."""
    addressed = [message for message in messages if message.recipients()]
    for message in addressed:
        message.check()
    return addressed


def postpone(messages: "Sequence[EmailMessage]", backend: Backend) -> bool:
    """Have messages sent after the commit; tells whether there is one to come."""
    if find_frame("default") is None:
        return False
    # Robust: what was to be told has happened, and its answer should not be an error.
    call_on_commit(partial(backend.send_messages, messages), robust=True)
    return True


def report(error: MailError, fail_silently: bool) -> int:
    """Raise an error, or log it."""
    if not fail_silently:
        raise error
    logger.error("A message was not sent: %s", error, exc_info=error)
    return 0
