"""Attachments: files and texts that go with a message, and other forms of its text."""

import mimetypes
import re
from email.message import EmailMessage
from typing import Any, NamedTuple

from undercroft.errors import BadHeaderError
from undercroft.mail.headers import check_text

#: Where neither a type nor a known ending tells.
UNKNOWN = "application/octet-stream"

_TYPE = re.compile(r"(?P<main>[A-Za-z0-9!#$&^_.+-]{1,127})/(?P<sub>[A-Za-z0-9!#$&^_.+-]{1,127})")
_LONGEST_NAME = 255


class EmailAttachment(NamedTuple):
    """A file that goes with a message.

    Attributes:
        filename: As the reader's program shows it; None for a part without a name.
        content: Bytes, a text, or a message.
        mimetype: `application/pdf`; found by the name where it is None.
    """

    filename: str | None
    content: bytes | str | EmailMessage
    mimetype: str | None = None


class EmailAlternative(NamedTuple):
    """Another form of a message's text; readers show the last one they can.

    Attributes:
        content: The text.
        mimetype: `text/html`.
    """

    content: str
    mimetype: str


def split_type(mimetype: str) -> tuple[str, str]:
    """Split a media type.

    Raises:
        BadHeaderError: It is none.
    """
    found = _TYPE.fullmatch(mimetype)
    if found is None:
        raise BadHeaderError(
            f"{mimetype!r:.200} is no media type.",
            hint="Write for example 'application/pdf'.",
            code="mail.attachment",
        )
    return found["main"].lower(), found["sub"].lower()


def check_filename(filename: str | None) -> str | None:
    """Return the name of an attachment.

    Raises:
        BadHeaderError: It has a line break or a control character, or is too long.
    """
    if filename is None:
        return None
    if len(filename.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise BadHeaderError(
            f"The attachment's name {filename[:40]!r}… is longer than {_LONGEST_NAME} bytes.",
            hint="Shorten it.",
            code="mail.attachment",
        )
    return check_text("filename", filename)


def add_attachment(message: EmailMessage, attachment: EmailAttachment) -> None:
    """Add a file to a message.

    Raises:
        BadHeaderError: Its name or type is none.
    """
    filename, content = check_filename(attachment.filename), attachment.content
    if isinstance(content, EmailMessage):
        message.add_attachment(content, filename=filename)
        return
    main, sub = split_type(attachment.mimetype or guess_type(filename, content))
    if main == "text":
        text = content if isinstance(content, str) else find_text(content)
        if text is not None:
            options: dict[str, Any] = {"subtype": sub, "charset": "utf-8", "filename": filename}
            message.add_attachment(text, **options)
            return
        main, sub = UNKNOWN.split("/")
    data = content.encode() if isinstance(content, str) else content
    if main in ("message", "multipart"):  # made of parts, which bytes are not
        main, sub = UNKNOWN.split("/")
    message.add_attachment(data, maintype=main, subtype=sub, filename=filename)


def guess_type(filename: str | None, content: bytes | str) -> str:
    """Guess a media type by the name's ending."""
    found = mimetypes.guess_type(filename)[0] if filename else None
    return found or ("text/plain" if isinstance(content, str) else UNKNOWN)


def find_text(content: bytes) -> str | None:
    """Find the text in bytes; None where they are no UTF-8, or lines would change."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if b"\r" not in content else None
