"""Mail: messages, and ways to send them that a setting chooses."""

from undercroft.errors import BadHeaderError, MailError, MailRefused, MailUnavailable
from undercroft.mail.attachments import EmailAlternative, EmailAttachment
from undercroft.mail.backend import Backend
from undercroft.mail.memory import outbox
from undercroft.mail.message import EmailMessage, EmailMultiAlternatives
from undercroft.mail.sending import (
    amail_admins,
    amail_managers,
    asend_mail,
    asend_mass_mail,
    get_connection,
    mail_admins,
    mail_managers,
    send_mail,
    send_mass_mail,
)

__all__ = [
    "Backend",
    "BadHeaderError",
    "EmailAlternative",
    "EmailAttachment",
    "EmailMessage",
    "EmailMultiAlternatives",
    "MailError",
    "MailRefused",
    "MailUnavailable",
    "amail_admins",
    "amail_managers",
    "asend_mail",
    "asend_mass_mail",
    "get_connection",
    "mail_admins",
    "mail_managers",
    "outbox",
    "send_mail",
    "send_mass_mail",
]
