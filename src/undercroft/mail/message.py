"""Messages, under Django's names: what is sent, to whom, in which forms, with which files."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage as PythonMessage
from email.message import MIMEPart
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Unpack

from undercroft.errors import BadHeaderError
from undercroft.mail.addresses import Mailbox, check_list, parse_address, parse_addresses
from undercroft.mail.attachments import (
    EmailAlternative,
    EmailAttachment,
    add_attachment,
    split_type,
)
from undercroft.mail.delivery import adeliver, deliver
from undercroft.mail.headers import check_name, check_text, write_mailboxes, write_text
from undercroft.mail.mailer import mailer

if TYPE_CHECKING:
    from undercroft.mail.backend import Backend

#: What `attach` takes, as a tuple.
Attachable: TypeAlias = (
    tuple[str | None, bytes | str | PythonMessage]
    | tuple[str | None, bytes | str | PythonMessage, str | None]
)
#: Headers that a message has of its own; who gives them otherwise means an argument.
_OWN = {
    "bcc": "Write bcc=[...]; it is in no header.",
    "content-type": "Use content_subtype, attach_alternative() or attach().",
    "content-transfer-encoding": "It is chosen by the content.",
    "content-disposition": "Use attach().",
    "mime-version": "It is written anyway.",
}
#: Headers that hold addresses, which `headers=` may show differently from where the message goes.
_ADDRESSED = ("From", "To", "Cc", "Reply-To", "Sender")


class MessageParts(TypedDict, total=False):
    """The rarer parts of a message; see `EmailMessage`."""

    bcc: Sequence[str] | None
    cc: Sequence[str] | None
    reply_to: Sequence[str] | None
    attachments: Iterable[MIMEPart | Attachable] | None
    headers: Mapping[str, str] | None
    connection: "Backend | None"


class EmailMessage:
    """A message: `EmailMessage("Hello", "Dear Ada, ...", to=["ada@example.org"]).send()`.

    Args:
        subject: One line.
        body: Its text.
        from_email: Whose it is; the setting `default_from_email` when left out.
        to: Addresses, `ada@example.org` or `Ada Lovelace <ada@example.org>`.
        bcc: Addresses that nobody sees.
        cc: Addresses that get a copy.
        reply_to: Addresses that answers go to.
        attachments: What `attach` takes, as tuples, or parts of Python's `email`.
        headers: Further ones. `From` and `To` change what is shown and not where it goes.
        connection: What sends it; as the setting `mail_url` says when left out.

    Attributes:
        content_subtype: Of the body, "plain" or "html".
    """

    content_subtype: str = "plain"

    def __init__(
        self,
        subject: str = "",
        body: str = "",
        from_email: str | None = None,
        to: Sequence[str] | None = None,
        **others: Unpack[MessageParts],
    ) -> None:
        self.subject = subject
        self.body = body
        self.from_email = from_email
        self.to = keep("to", to)
        self.bcc = keep("bcc", others.get("bcc"))
        self.cc = keep("cc", others.get("cc"))
        self.reply_to = keep("reply_to", others.get("reply_to"))
        self.extra_headers = dict(others.get("headers") or {})
        self.connection = others.get("connection")
        self.attachments: list[EmailAttachment | MIMEPart] = []
        for each in others.get("attachments") or ():
            if isinstance(each, MIMEPart):
                self.attach(each)
            else:
                filename, content, *mimetype = each
                self.attach(filename, content, *mimetype)

    # ------------------------------------------------------------------------- composing

    def attach(
        self,
        filename: str | MIMEPart | None = None,
        content: bytes | str | PythonMessage | None = None,
        mimetype: str | None = None,
    ) -> None:
        """Add a file, or a part made by Python's `email`.

        Args:
            filename: As the reader sees it; or the part.
            content: The file's content.
            mimetype: Its media type; found by the name when left out.

        Raises:
            BadHeaderError: There is no content.
        """
        if isinstance(filename, MIMEPart):
            self.attachments.append(filename)
            return
        if content is None:
            raise BadHeaderError(
                f"The attachment {filename!r} has no content.",
                hint="Write attach(filename, content), or attach_file(path).",
                code="mail.attachment",
            )
        self.attachments.append(EmailAttachment(filename, content, mimetype))

    def attach_file(self, path: str | Path, mimetype: str | None = None) -> None:
        """Add a file that lies on disk; it is read now."""
        path = Path(path)
        self.attach(path.name, path.read_bytes(), mimetype)

    # --------------------------------------------------------------------------- reading

    def sender(self) -> Mailbox:
        """Return whose it is.

        Raises:
            BadHeaderError: `from_email` is no address.
            ImproperlyConfigured: There is none, and no `default_from_email`.
        """
        return parse_address("from_email", self.from_email or mailer.get_from_email())

    def recipients(self) -> list[str]:
        """Return the addresses it goes to, each once, as servers read them.

        Raises:
            BadHeaderError: One of them is no address.
        """
        found = [
            mailbox.address
            for field in ("to", "cc", "bcc")
            for mailbox in parse_addresses(field, getattr(self, field))
        ]
        return list(dict.fromkeys(found))

    def message(self) -> PythonMessage:
        """Build it as Python's `email` has messages, with a new id and the present date.

        Raises:
            BadHeaderError: Something cannot stand in a header.
            ImproperlyConfigured: There is no sender.
        """
        # Slow to import, and most processes send nothing.
        from undercroft.mail.policy import POLICY  # noqa: PLC0415

        shown = self._read_shown()
        is_international = any(each.is_international for boxes in shown.values() for each in boxes)
        built = PythonMessage(POLICY.clone(utf8=is_international))
        self._fill(built)
        for name, mailboxes in shown.items():
            if mailboxes:
                built[name] = write_mailboxes(mailboxes)
        for name, value in self._read_headers().items():
            built[name] = write_text(name, value)
        return built

    def check(self) -> None:
        """Check everything that a header will hold.

        Raises:
            BadHeaderError: Something cannot.
            ImproperlyConfigured: There is no sender.
        """
        self.sender()
        self.recipients()
        self._read_shown()
        self._read_headers()

    def _read_shown(self) -> dict[str, list[Mailbox]]:
        shown = {
            "From": [self.sender()],
            "To": parse_addresses("to", self.to),
            "Cc": parse_addresses("cc", self.cc),
            "Reply-To": parse_addresses("reply_to", self.reply_to),
        }
        for name, value in self.extra_headers.items():
            known = next((each for each in _ADDRESSED if each.lower() == str(name).lower()), None)
            if known is not None:
                shown[known] = parse_addresses(known, [value])
        return shown

    def _read_headers(self) -> dict[str, str]:
        """Read the headers without addresses; one that is given twice counts as it came last."""
        told = {
            "Subject": self.subject,
            "Date": format_datetime(datetime.now(UTC)),
            "Message-ID": f"<{secrets.token_hex(16)}@{self.sender().domain}>",
        }
        known = {name.lower(): name for name in (*told, *_ADDRESSED)}
        for given, value in self.extra_headers.items():
            name = check_name(given)
            if (hint := _OWN.get(name.lower())) is not None:
                raise BadHeaderError(f"The header {name!r} cannot be given.", hint=hint)
            told[known.setdefault(name.lower(), name)] = value
        return {
            name: check_text(name, value) for name, value in told.items() if name not in _ADDRESSED
        }

    def _fill(self, built: PythonMessage) -> None:
        _, subtype = split_type(f"text/{self.content_subtype}")
        built.set_content(self.body, subtype=subtype, charset="utf-8")
        self._add_alternatives(built)
        for each in self.attachments:
            if isinstance(each, EmailAttachment):
                add_attachment(built, each)
            else:
                if built.get_content_type() != "multipart/mixed":
                    built.make_mixed()
                built.attach(each)  # type: ignore[arg-type]  # a part is enough

    def _add_alternatives(self, built: PythonMessage) -> None:
        """Add other forms of the body."""

    # --------------------------------------------------------------------------- sending

    def send(self, fail_silently: bool = False, *, on_commit: bool = False) -> int:
        """Send it, and return how many messages were sent, or wait for the commit: 1, or 0.

        Args:
            fail_silently: Log what keeps it from being sent, and return 0.
            on_commit: Send it after the commit where a transaction is open, and never if that is
                rolled back. What fails then is logged.

        Raises:
            BadHeaderError: Something cannot stand in a header; nothing is sent.
            MailError: It cannot be sent.
        """
        return deliver([self], self.connection, fail_silently, on_commit=on_commit)

    async def asend(self, fail_silently: bool = False, *, on_commit: bool = False) -> int:
        """Send it as `send` does, without blocking the event loop."""
        return await adeliver([self], self.connection, fail_silently, on_commit=on_commit)


class EmailMultiAlternatives(EmailMessage):
    """A message whose text has several forms, usually HTML beside plain text.

    Attributes:
        alternatives: The other forms of `body`, as `attach_alternative` was given them.
    """

    def __init__(
        self,
        subject: str = "",
        body: str = "",
        from_email: str | None = None,
        to: Sequence[str] | None = None,
        *,
        alternatives: Iterable[tuple[str, str]] | None = None,
        **others: Unpack[MessageParts],
    ) -> None:
        super().__init__(subject, body, from_email, to, **others)
        self.alternatives: list[EmailAlternative] = []
        for content, mimetype in alternatives or ():
            self.attach_alternative(content, mimetype)

    def attach_alternative(self, content: str, mimetype: str) -> None:
        """Add another form of the text; the last one that a reader's program can show is shown.

        Raises:
            BadHeaderError: The type is none of a text.
        """
        main, _ = split_type(mimetype)
        if main != "text":
            raise BadHeaderError(
                f"{mimetype!r} is no form of a text.",
                hint="Write 'text/html'; files are attached by attach().",
                code="mail.attachment",
            )
        self.alternatives.append(EmailAlternative(content, mimetype))

    def body_contains(self, text: str) -> bool:
        """Tell whether every form of the text has this in it; for tests."""
        return text in self.body and all(text in each.content for each in self.alternatives)

    def _add_alternatives(self, built: PythonMessage) -> None:
        for each in self.alternatives:
            _, subtype = split_type(each.mimetype)
            built.add_alternative(each.content, subtype=subtype, charset="utf-8")


def keep(field: str, given: Sequence[str] | None) -> list[str]:
    """Return a list of one's own.

    Raises:
        BadHeaderError: It is one text, whose letters would each be an address.
    """
    return check_list(field, given) if given is not None else []
