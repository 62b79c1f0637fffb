"""Mail servers: spoken to over real sockets, encrypted or not at all."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from tests.mail.conftest import NAME, PASSWORD, Running, Start, build_context
from undercroft.errors import (
    ImproperlyConfigured,
    MailError,
    MailRefused,
    MailUnavailable,
    SynchronousOnlyOperation,
)
from undercroft.mail import (
    Backend,
    EmailMessage,
    asend_mail,
    asend_mass_mail,
    get_connection,
    send_mail,
    send_mass_mail,
)

TO = ["grace@example.org"]
LOGIN = f"{NAME}:{quote(PASSWORD, safe='')}@"


def connect(server: Running, options: str = "?tls=none", login: str = "") -> Backend:
    return get_connection(f"smtp://{login}localhost:{server.port}{options}")


def send(backend: Backend, to: Sequence[str] = TO) -> int:
    return EmailMessage("Hello", "Grüße\n.\nend", to=to, connection=backend).send()


def test_a_message_is_encrypted_and_sent(submission: Running, cafile: Path) -> None:
    """Over STARTTLS, after a log-in, the server has envelope and content."""
    backend = connect(submission, f"?cafile={cafile}", LOGIN)
    message = EmailMessage("Hello", "Text\n.\nend", to=TO, bcc=["hidden@example.org"])
    message.connection = backend
    assert message.send() == 1
    envelope, session = submission.received.envelopes[-1], submission.received.sessions[-1]
    assert session.ssl is not None
    assert session.authenticated
    assert envelope.mail_from == "mail@example.org"
    assert envelope.rcpt_tos == ["grace@example.org", "hidden@example.org"]
    assert envelope.content is not None
    content = bytes(envelope.content) if isinstance(envelope.content, bytes) else b""
    assert content.endswith(b"\r\nText\r\n.\r\nend\r\n")


def test_our_name_in_the_network_stays_ours(submission: Running, cafile: Path) -> None:
    """The greeting tells the connection's address, not what the machine is called."""
    send(connect(submission, f"?cafile={cafile}", LOGIN))
    assert submission.received.sessions[-1].host_name == "[127.0.0.1]"
    assert socket.gethostname() not in str(submission.received.envelopes[-1].content)


def test_tls_from_the_first_byte(start: Start, authority: trustme.CA, cafile: Path) -> None:
    """`smtps://` speaks TLS before anything is said."""
    context = build_context(authority, "localhost")
    server = start(ssl_context=context)
    backend = get_connection(f"smtps://localhost:{server.port}?cafile={cafile}")
    assert send(backend) == 1


def test_a_server_without_starttls_gets_nothing(plain: Running) -> None:
    """Where STARTTLS is not offered, neither a password nor a message leaves."""
    before = len(plain.received.envelopes)
    with pytest.raises(MailError) as raised:
        send(connect(plain, "", LOGIN))
    assert raised.value.code == "mail.starttls"
    assert len(plain.received.envelopes) == before


@pytest.mark.parametrize(
    "answers",
    [
        [b"220 hi\r\n", b"250-me\r\n250 AUTH PLAIN\r\n"],
        [b"220 hi\r\n", b"250-me\r\n250 STARTTLS\r\n", b"454 not now\r\n"],
        [b"220 hi\r\n", b"250-me\r\n250 STARTTLS\r\n", b"250 OK\r\n"],
        [b"220 hi\r\n", b"500 what?\r\n", b"250 me\r\n"],
    ],
)
def test_nobody_in_between_takes_encryption_out(
    scripted: Callable[[Sequence[bytes | None]], int], answers: list[bytes]
) -> None:
    """An offer that is taken out, or an answer that is no yes, ends it before the log-in."""
    port = scripted([*answers, b"235 thank you\r\n"])
    with pytest.raises(MailError) as raised:
        send(get_connection(f"smtp://{LOGIN}localhost:{port}"))
    assert raised.value.code == "mail.starttls"


def test_what_is_said_before_encryption_counts_for_nothing(
    scripted: Callable[[Sequence[bytes | None]], int],
) -> None:
    """An answer smuggled in behind STARTTLS's own is not taken for one from within."""
    smuggled = b"220 go\r\n250-me\r\n250 AUTH PLAIN\r\n235 welcome\r\n250 OK\r\n"
    port = scripted([b"220 hi\r\n", b"250-me\r\n250 STARTTLS\r\n", smuggled, b"no TLS\r\n"])
    with pytest.raises(MailError) as raised:
        send(get_connection(f"smtp://{LOGIN}localhost:{port}"))
    assert raised.value.code in ("mail.tls", "mail.unavailable")


def test_a_certificate_of_nobody_we_know_is_refused(submission: Running) -> None:
    """Without its authority the server's certificate is not believed."""
    with pytest.raises(MailError, match="cannot be trusted") as raised:
        send(connect(submission, "", LOGIN))
    assert raised.value.code == "mail.certificate"


def test_a_certificate_for_another_name_is_refused(
    start: Start, authority: trustme.CA, cafile: Path
) -> None:
    """A good certificate of another server does not do, for either way of TLS."""
    context = build_context(authority, "other.example")
    server = start(tls_context=context)
    with pytest.raises(MailError) as raised:
        send(connect(server, f"?cafile={cafile}"))
    assert raised.value.code == "mail.certificate"
    server = start(ssl_context=context)
    with pytest.raises(MailError) as raised:
        send(get_connection(f"smtps://localhost:{server.port}?cafile={cafile}"))
    assert raised.value.code == "mail.certificate"


def test_a_wrong_password_is_told_of_and_not_shown(submission: Running, cafile: Path) -> None:
    """The error names the setting; the password is in no part of it."""
    with pytest.raises(MailError) as raised:
        send(connect(submission, f"?cafile={cafile}", f"{NAME}:not-the-password@"))
    assert raised.value.code == "mail.login"
    assert raised.value.__cause__ is None
    assert "not-the-password" not in f"{raised.value!r} {raised.value}"


def test_a_server_without_log_in_is_told_of(plain: Running) -> None:
    """Credentials for a server that wants none are a mistake."""
    with pytest.raises(MailError) as raised:
        send(connect(plain, login=LOGIN))
    assert raised.value.code == "mail.login"


def test_a_silent_server_is_given_up(
    scripted: Callable[[Sequence[bytes | None]], int],
) -> None:
    """Who accepts a connection and says nothing, at once or later, holds nobody for long."""
    for answers in ([None], [b"220 hi\r\n", None], [b"220 hi\r\n", b"250 me\r\n", None]):
        port, began = scripted(answers), time.monotonic()
        with pytest.raises(MailUnavailable):
            send(get_connection(f"smtp://localhost:{port}?tls=none&timeout=0.2"))
        assert time.monotonic() - began < 2


def test_a_timeout_is_on_by_default() -> None:
    """Nobody has to think of it."""
    assert get_connection("smtp://localhost").server.timeout == 10  # type: ignore[attr-defined]


def test_a_server_that_is_not_there_is_temporary() -> None:
    """A request that needs it is answered 503."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(MailUnavailable) as raised:
        send(get_connection(f"smtp://localhost:{port}?tls=none"))
    assert raised.value.is_temporary


def test_a_refused_recipient_is_told_of(plain: Running) -> None:
    """For good as MailRefused, for now as MailUnavailable."""
    with pytest.raises(MailRefused, match="every recipient"):
        send(connect(plain), ["nobody@example.org"])
    with pytest.raises(MailUnavailable, match="now"):
        send(connect(plain), ["later@example.org"])


def test_the_others_get_their_message(plain: Running, caplog: pytest.LogCaptureFixture) -> None:
    """One recipient who is refused is logged, and keeps none of the others."""
    with caplog.at_level(logging.WARNING, "undercroft.mail"):
        assert send(connect(plain), ["nobody@example.org", *TO]) == 1
    assert plain.received.envelopes[-1].rcpt_tos == TO
    assert "nobody@example.org" in caplog.text


def test_many_messages_share_a_connection(plain: Running) -> None:
    """`send_mass_mail` connects once, and one refusal keeps none of the other messages."""
    before = len(plain.received.envelopes)
    data = [(f"Hello {n}", "text", None, [to]) for n, to in enumerate(["a@b.org", "c@d.org"])]
    assert send_mass_mail(data, connection=connect(plain)) == 2
    assert len({id(session) for session in plain.received.sessions[before:]}) == 1
    refused = [data[0], ("Hello", "text", None, ["nobody@example.org"]), data[1]]
    with pytest.raises(MailRefused) as raised:
        send_mass_mail(refused, connection=connect(plain))
    assert raised.value.sent == 2
    assert len(plain.received.envelopes) == before + 4


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(start: Start, plain: Running) -> None:
    """With SMTPUTF8 it arrives as it is; without, nothing is sent."""
    server = start()
    assert send(connect(server), ["jürgen@bücher.example"]) == 1
    envelope = server.received.envelopes[-1]
    assert envelope.rcpt_tos == ["jürgen@xn--bcher-kva.example"]
    assert envelope.smtp_utf8
    assert isinstance(envelope.content, bytes)
    assert "To: jürgen@xn--bcher-kva.example\r\n".encode() in envelope.content
    with pytest.raises(MailRefused) as raised:
        send(connect(plain), ["jürgen@bücher.example"])
    assert raised.value.code == "mail.international"


def test_sending_does_not_block_the_loop(plain: Running) -> None:
    """The async twins wait beside the loop; the blocking ones say so on it."""

    async def main() -> tuple[int, int]:
        with pytest.raises(SynchronousOnlyOperation, match="asend_mail"):
            send_mail("Hello", "text", None, TO, connection=connect(plain))
        one = await asend_mail("Hello", "text", None, TO, connection=connect(plain))
        data = [("Hello", "text", None, TO)] * 2
        return one, await asend_mass_mail(data, connection=connect(plain))

    assert asyncio.run(main()) == (1, 2)


def test_failing_silently_is_logged(caplog: pytest.LogCaptureFixture, plain: Running) -> None:
    """`fail_silently` answers 0, and the log has the reason."""
    backend = connect(plain)
    to = ["nobody@example.org"]
    assert send_mail("Hello", "text", None, to, connection=backend, fail_silently=True) == 0
    assert "mail.refused" in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:25",
        "http://localhost",
        "smtp://",
        "smtp://user:s3cret@",
        "smtp://user:s3cret@localhost:port",
        "smtp://user:s3cret@localhost:99999",
        "smtp://user:s3cret@[::1",
        "smtp://user:s3cret/x@localhost",
        "smtp://user:s3cret?x@localhost",
        "smtp://user:s3cret#x@localhost",
        "smtp://user:s3cretü@localhost",
        "smtp://user:s3cret@localhost?tls=optional",
        "smtp://user:s3cret@localhost?tls=",
        "smtp://user:s3cret@localhost?tsl=none",
        "smtps://user:s3cret@localhost?tls=none",
        "smtp://user:s3cret@localhost?timeout=0",
        "smtp://user:s3cret@localhost?timeout=nan",
        "smtp://user:s3cret@localhost?timeout=soon",
        "smtp://user:s3cret@localhost?cafile=/no/such/file",
        "file://folder",
        "file://",
    ],
)
def test_a_url_of_no_use_is_refused_and_not_shown(url: str) -> None:
    """A mistake in `mail_url` is told of without the password it may have."""
    with pytest.raises(ImproperlyConfigured) as raised:
        get_connection(url)
    assert raised.value.code == "mail.url"
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_backend_shows_no_password() -> None:
    """Its `repr` may come into a log."""
    server = get_connection("smtp://user:s3cret@localhost").server  # type: ignore[attr-defined]
    assert (server.password, server.port) == ("s3cret", 587)
    assert "s3cret" not in repr(server)
