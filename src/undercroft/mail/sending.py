"""Functions that send, under Django's names; each has an async twin."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypedDict, Unpack

from undercroft.mail.delivery import adeliver, deliver
from undercroft.mail.mailer import mailer
from undercroft.mail.message import EmailMessage, EmailMultiAlternatives
from undercroft.mail.urls import build_backend

if TYPE_CHECKING:
    from undercroft.mail.backend import Backend

#: Subject, text, sender and recipients, as `send_mass_mail` takes them.
DataTuple = tuple[str, str, str | None, Sequence[str]]


class SendOptions(TypedDict, total=False):
    """How a message is sent.

    Attributes:
        html_message: Its text in HTML, besides.
        fail_silently: Log what keeps it from being sent, and return 0.
        connection: What sends it, in place of what `mail_url` says.
        on_commit: Send it after the commit where a transaction is open, and never if that is
            rolled back. What fails then is logged.
    """

    html_message: str | None
    fail_silently: bool
    connection: "Backend | None"
    on_commit: bool


def send_mail(
    subject: str,
    message: str,
    from_email: str | None,
    recipient_list: Sequence[str],
    **options: Unpack[SendOptions],
) -> int:
    """Send a message to people who see each other's addresses; return how many messages were sent.

    Args:
        subject: One line.
        message: Its text.
        from_email: Whose it is; None for the setting `default_from_email`.
        recipient_list: Addresses, `ada@example.org` or `Ada Lovelace <ada@example.org>`.
        options: See `SendOptions`.

    Raises:
        BadHeaderError: Something cannot stand in a header; nothing is sent.
        MailError: It cannot be sent.
    """
    built = build_message((subject, message, from_email, recipient_list), options)
    return built.send(
        options.get("fail_silently", False), on_commit=options.get("on_commit", False)
    )


async def asend_mail(
    subject: str,
    message: str,
    from_email: str | None,
    recipient_list: Sequence[str],
    **options: Unpack[SendOptions],
) -> int:
    """Send a message as `send_mail` does, without blocking the event loop."""
    built = build_message((subject, message, from_email, recipient_list), options)
    return await built.asend(
        options.get("fail_silently", False), on_commit=options.get("on_commit", False)
    )


def build_message(data: DataTuple, options: SendOptions) -> EmailMessage:
    """Build the message of `send_mail`."""
    connection, html = options.get("connection"), options.get("html_message")
    if html is None:
        return EmailMessage(*data, connection=connection)
    return EmailMultiAlternatives(*data, alternatives=[(html, "text/html")], connection=connection)


def send_mass_mail(
    datatuple: Iterable[DataTuple],
    fail_silently: bool = False,
    *,
    connection: "Backend | None" = None,
    on_commit: bool = False,
) -> int:
    """Send many messages over one connection; return how many were sent.

    Args:
        datatuple: Of each message subject, text, sender and recipients.
        fail_silently: As of `send_mail`.
        connection: As of `send_mail`.
        on_commit: As of `send_mail`.

    Raises:
        BadHeaderError: Something cannot stand in a header; none is sent.
        MailRefused: The server took one for nobody; `sent` says how many it took.
        MailError: They cannot be sent.
    """
    messages = [EmailMessage(*data) for data in datatuple]
    return deliver(messages, connection, fail_silently, on_commit=on_commit)


async def asend_mass_mail(
    datatuple: Iterable[DataTuple],
    fail_silently: bool = False,
    *,
    connection: "Backend | None" = None,
    on_commit: bool = False,
) -> int:
    """Send many messages as `send_mass_mail` does, without blocking the event loop."""
    messages = [EmailMessage(*data) for data in datatuple]
    return await adeliver(messages, connection, fail_silently, on_commit=on_commit)


def mail_admins(subject: str, message: str, **options: Unpack[SendOptions]) -> int:
    """Send a message to those whom the setting `admins` lists; nothing where it is empty.

    Raises:
        BadHeaderError: Something cannot stand in a header.
        MailError: It cannot be sent.
    """
    return send_mail(add_prefix(subject), message, None, mailer.settings.admins, **options)


async def amail_admins(subject: str, message: str, **options: Unpack[SendOptions]) -> int:
    """Send a message as `mail_admins` does, without blocking the event loop."""
    return await asend_mail(add_prefix(subject), message, None, mailer.settings.admins, **options)


def mail_managers(subject: str, message: str, **options: Unpack[SendOptions]) -> int:
    """Send a message to those whom the setting `managers` lists; nothing where it is empty.

    Raises:
        BadHeaderError: Something cannot stand in a header.
        MailError: It cannot be sent.
    """
    return send_mail(add_prefix(subject), message, None, mailer.settings.managers, **options)


async def amail_managers(subject: str, message: str, **options: Unpack[SendOptions]) -> int:
    """Send a message as `mail_managers` does, without blocking the event loop."""
    recipients = mailer.settings.managers
    return await asend_mail(add_prefix(subject), message, None, recipients, **options)


def add_prefix(subject: str) -> str:
    """Put the setting `email_subject_prefix` before a subject."""
    return f"{mailer.settings.email_subject_prefix}{subject}"


def get_connection(url: str | None = None) -> "Backend":
    """Return what sends, by a URL as of the setting `mail_url`, or the configured one.

    Raises:
        ImproperlyConfigured: The URL cannot be used, or none is configured.
    """
    return build_backend(url) if url is not None else mailer.get_backend()
