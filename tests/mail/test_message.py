"""Messages: what they look like to a mail program, and what cannot stand in them."""

import email
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.message import EmailMessage as PythonMessage
from email.policy import default
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from undercroft.errors import BadHeaderError
from undercroft.mail import EmailMessage, EmailMultiAlternatives
from undercroft.mail.envelope import build_envelope

TO = ["grace@example.org"]


def read(message: EmailMessage) -> PythonMessage:
    """Read a message as a mail program would."""
    content = build_envelope(message).content.replace(b"\r\n", b"\n")
    return email.message_from_bytes(content, policy=default)  # type: ignore[return-value]


def test_a_message_has_what_every_message_must_have() -> None:
    """From, To, Subject, Date, a Message-ID of the sender's domain and the text arrive."""
    read_back = read(EmailMessage("Hello", "Dear Grace,\n\n...", "Ada <ada@example.com>", TO))
    assert read_back["From"] == "Ada <ada@example.com>"
    assert read_back["To"] == "grace@example.org"
    assert read_back["Subject"] == "Hello"
    assert abs(parsedate_to_datetime(read_back["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert read_back["Message-ID"].endswith("@example.com>")
    assert read_back.get_content() == "Dear Grace,\n\n...\n"


def test_each_message_has_an_id_of_its_own() -> None:
    """Two messages never share an id, nor does one that is built twice."""
    message = EmailMessage("Hello", to=TO)
    assert len({message.message()["Message-ID"] for _ in range(3)}) == 3


@pytest.mark.parametrize(
    "part",
    [
        {"subject": "Hello\r\nBcc: victim@example.org"},
        {"subject": "Hello\nX: y"},
        {"subject": "Hello\rX: y"},
        {"subject": "Hello\x00"},
        {"subject": "Hello\x85X: y"},
        {"subject": "Hello\u2028X: y"},
        {"subject": "Hello\ud800"},
        {"from_email": "ada@example.org\nBcc: victim@example.org"},
        {"from_email": "Ada\r\nBcc: victim@example.org <ada@example.org>"},
        {"from_email": '"Ada\nBcc: v@example.org" <ada@example.org>'},
        {"to": ["grace@example.org\r\nDATA"]},
        {"to": ["grace@example.org>\r\nRCPT TO:<victim@example.org"]},
        {"cc": ["grace@example.org\n"]},
        {"bcc": ["\ngrace@example.org"]},
        {"reply_to": ["Grace\x0b <grace@example.org>"]},
        {"headers": {"X-Campaign": "a\nBcc: victim@example.org"}},
        {"headers": {"X-Campaign: a\nBcc": "victim@example.org"}},
        {"headers": {"": "a"}},
        {"headers": {"X Campaign": "a"}},
        {"headers": {"Bcc": "victim@example.org"}},
        {"headers": {"Content-Type": "text/html"}},
        {"headers": {"To": "a@example.org\nBcc: victim@example.org"}},
        {"attachments": [("a\r\nX: y.txt", "text")]},
        {"attachments": [("a" * 256, "text")]},
        {"attachments": [("a", b"1", "text/html\r\nX: y")]},
    ],
)
def test_nothing_can_begin_a_header_of_its_own(part: dict[str, Any]) -> None:
    """A line break anywhere but in the text is refused before anything is sent."""
    given: dict[str, Any] = {"subject": "Hello", "to": TO} | part
    with pytest.raises(BadHeaderError) as raised:
        build_envelope(EmailMessage(**given))
    assert raised.value.hint
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "grace",
        "@example.org",
        "grace@",
        "grace@@example.org",
        "a@b.org, c@d.org",
        "a@b.org, Grace <c@d.org>",
        "Grace <c@d.org> <e@f.org>",
        "Lovelace, Ada <ada@example.org>",
        "Grace grace@example.org",
        ".grace@example.org",
        "gr ace@example.org",
        "grace@exa mple.org",
        "grace@-example.org",
        "grace@example..org",
        "grace@" + "a" * 64 + ".org",
        "g" * 65 + "@example.org",
        "grace@" + ".".join(["a" * 60] * 5) + ".org",
        "grace@straße.de",
        "grace@example.org\u200d",
        None,
        ("Grace", "grace@example.org"),
    ],
)
def test_what_is_no_address_is_refused(address: Any) -> None:
    """What may mean nobody, or somebody else, is refused with a hint."""
    with pytest.raises(BadHeaderError) as raised:
        EmailMessage("Hello", to=[address]).recipients()
    assert raised.value.code == "mail.address"


def test_one_text_is_no_list_of_addresses() -> None:
    """Django's common slip, a text for a list, is told of where it is made."""
    with pytest.raises(BadHeaderError, match="not a list"):
        EmailMessage("Hello", to="grace@example.org")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given, name, address",
    [
        ("grace@example.org", "", "grace@example.org"),
        ("  Grace Hopper  <grace@example.org>", "Grace Hopper", "grace@example.org"),
        ('"Hopper, Grace" <grace@example.org>', "Hopper, Grace", "grace@example.org"),
        (r'"The \"Admiral\" \\" <g@example.org>', r'The "Admiral" \ '.strip(), "g@example.org"),
        ("Jürgen Groß <j@example.org>", "Jürgen Groß", "j@example.org"),
        ("李明 <li@example.org>", "李明", "li@example.org"),
        ("=?utf-8?q?Not_me?= <g@example.org>", "=?utf-8?q?Not_me?=", "g@example.org"),
        ("grace@bücher.example", "", "grace@xn--bcher-kva.example"),
        ("<grace+news@localhost>", "", "grace+news@localhost"),
        ("grace@[127.0.0.1]", "", "grace@[127.0.0.1]"),
        ("G" * 300 + " <grace@example.org>", "G" * 300, "grace@example.org"),
    ],
)
def test_names_and_domains_of_the_world_arrive(given: str, name: str, address: str) -> None:
    """Names come back as they were given, domains in ASCII."""
    message = EmailMessage("Hello", to=[given])
    assert message.recipients() == [address]
    encoded, spec = parseaddr(email.message_from_bytes(build_envelope(message).content)["To"])
    assert (str(make_header(decode_header(encoded))), spec) == (name, address)


@pytest.mark.parametrize(
    "subject",
    [
        "Grüße aus Köln",
        "日本語の件名" * 20,
        "word " * 60 + "end",
        "=?utf-8?q?not_encoded?=",
        "x" * 2000,
        "tab\there",
        "",
    ],
)
def test_subjects_arrive_as_they_were_given(subject: str) -> None:
    """Encoded, folded or neither: the reader sees the subject, and no line is too long."""
    message = EmailMessage(subject, to=TO)
    assert read(message)["Subject"] == subject
    assert max(map(len, build_envelope(message).content.splitlines())) < 998


def test_long_lists_of_names_keep_their_separators() -> None:
    """A list that spans many lines is still a list (Python's folding has lost its commas)."""
    people = [f'"Müller, Jörg {n}" <joerg{n}@example.org>' for n in range(60)]
    message = EmailMessage("Hello", to=people)
    found = read(message)["To"].addresses
    assert [each.addr_spec for each in found] == message.recipients()
    assert found[59].display_name == "Müller, Jörg 59"


def test_blind_copies_are_in_no_header() -> None:
    """Who gets a blind copy is told to the server alone."""
    message = EmailMessage("Hello", to=TO, cc=["cc@example.org"], bcc=["hidden@example.org"])
    assert message.recipients() == ["grace@example.org", "cc@example.org", "hidden@example.org"]
    assert b"hidden" not in build_envelope(message).content


def test_each_recipient_is_told_once() -> None:
    """Who is in two lists gets one message."""
    assert EmailMessage(to=TO * 2, cc=TO, bcc=TO).recipients() == TO


def test_headers_show_something_else_than_the_envelope() -> None:
    """`headers` may set From, To and the id, in any case of letters, without changing the way."""
    headers = {"from": "List <list@example.org>", "To": "all@example.org", "message-id": "<1@x>"}
    message = EmailMessage("Hello", "", "bounces@example.org", TO, headers=headers)
    envelope, read_back = build_envelope(message), read(message)
    assert (envelope.sender, envelope.recipients) == ("bounces@example.org", TO)
    assert read_back.get_all("From") == ["List <list@example.org>"]
    assert read_back.get_all("To") == ["all@example.org"]
    assert read_back.get_all("Message-ID") == ["<1@x>"]


def test_html_goes_beside_the_text() -> None:
    """Both forms arrive; a program that shows HTML finds it last."""
    message = EmailMultiAlternatives(
        "Hello", "Grüße", to=TO, alternatives=[("<b>ü</b>", "text/html")]
    )
    read_back = read(message)
    assert read_back.get_content_type() == "multipart/alternative"
    assert [part.get_content().strip() for part in read_back.iter_parts()] == ["Grüße", "<b>ü</b>"]  # type: ignore[union-attr]
    assert message.body_contains("ü")
    assert not message.body_contains("<b>")


def test_files_arrive_byte_for_byte(tmp_path: Path) -> None:
    """Bytes, texts, files and other messages come back with their names and types."""
    (tmp_path / "größe.csv").write_bytes(b"a,b\r\n1,\xff\r\n")
    message = EmailMultiAlternatives("Hello", "text", to=TO)
    message.attach_alternative("<p>text</p>", "text/html")
    message.attach("photo.png", bytes(range(256)))
    message.attach("note.txt", "Zeile\nÜber\n")
    message.attach(None, b"{}", "application/json")
    message.attach_file(tmp_path / "größe.csv")
    message.attach("inner.eml", EmailMessage("Inner", "Grüße", to=TO).message())
    parts: list[Any] = list(read(message).iter_attachments())
    assert [part.get_filename() for part in parts] == [
        "photo.png", "note.txt", None, "größe.csv", "inner.eml",
    ]  # fmt: skip
    assert parts[0].get_content() == bytes(range(256))
    assert parts[0].get_content_type() == "image/png"
    assert parts[1].get_content() == "Zeile\nÜber\n"
    assert parts[2].get_content() == b"{}"
    assert parts[3].get_content() == b"a,b\r\n1,\xff\r\n"
    assert parts[4].get_content()["Subject"] == "Inner"


def test_parts_of_pythons_own_are_taken() -> None:
    """An image that HTML refers to by its Content-ID is attached as Python makes it."""
    image = PythonMessage()
    image.set_content(b"\x89PNG", "image", "png", cid="<logo>", disposition="inline")
    message = EmailMessage("Hello", "text", to=TO, attachments=[image, ("a.txt", "a")])
    parts: list[Any] = list(read(message).iter_parts())
    assert [part["Content-ID"] for part in parts] == [None, "<logo>", None]


def test_an_attachment_needs_content_and_a_type() -> None:
    """`attach` with a name alone, and types that are none, are told of."""
    message = EmailMultiAlternatives("Hello", to=TO)
    for call in (
        lambda: message.attach("a.txt"),
        lambda: message.attach_alternative("x", "image/png"),
        lambda: message.attach_alternative("x", "html"),
    ):
        with pytest.raises(BadHeaderError) as raised:
            call()
        assert raised.value.code == "mail.attachment"


@pytest.mark.parametrize(
    "body", ["a\n.\nb", "a\r.\r\nb", "a\r\n.\r\nMAIL FROM:<x@y.org>", "ü\r.\r"]
)
def test_every_line_ends_alike(body: str) -> None:
    """No CR or LF goes alone, for servers differ on what would end the message."""
    content = build_envelope(EmailMessage("Hello", body, to=TO)).content
    alone = content.replace(b"\r\n", b"")
    assert b"\r" not in alone
    assert b"\n" not in alone
