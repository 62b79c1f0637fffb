"""Where messages go: console, files, memory, by the settings, at once or after the commit."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from undercroft import App, BackgroundTasks, Settings, transaction
from undercroft.db import databases
from undercroft.errors import ImproperlyConfigured, MailUnavailable
from undercroft.mail import (
    Backend,
    EmailMessage,
    amail_admins,
    asend_mail,
    get_connection,
    mail_admins,
    mail_managers,
    outbox,
    send_mail,
)
from undercroft.mail.mailer import Mailer, mailer
from undercroft.testing import Client, capture_mail, mail

pytest_plugins = ["undercroft.testing.fixtures"]

TO = ["grace@example.org"]


class Broken(Backend):
    """A way that leads nowhere."""

    def send_messages(self, messages: Any) -> int:
        raise MailUnavailable("Gone.")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[None]:
    """A database of the test's own."""
    databases.configure({"default": f"sqlite:///{tmp_path / 'test.sqlite3'}"})
    yield
    databases.dispose()


def test_the_console_shows_what_a_person_reads(capsys: pytest.CaptureFixture[str]) -> None:
    """Names are decoded, hidden recipients told, and nothing acts on the terminal."""
    message = EmailMessage(
        "Grüße", "Open https://x.org/?t=1\x1b[2J", "Jö <j@x.org>", TO, bcc=["b@x.org"]
    )
    message.attach("ü.pdf", b"123")
    message.connection = get_connection("console://")
    assert message.send() == 1
    shown = capsys.readouterr().out
    for line in (
        "From: Jö <j@x.org>",
        "Subject: Grüße",
        "Bcc: b@x.org",
        "[application/pdf, 3 bytes, ü.pdf]",
    ):
        assert line in shown
    assert "Open https://x.org/?t=1" in shown
    assert "\x1b" not in shown


def test_files_are_for_mail_programs_and_nobody_else(tmp_path: Path) -> None:
    """Each message is a file of its own that only its owner may read."""
    mailer.configure(
        Settings(mail_url="file:sent/today", base_dir=tmp_path, default_from_email="a@b.org")
    )
    for _ in range(2):
        EmailMessage("Hello", "text", to=TO, bcc=["b@x.org"]).send()
    files = sorted((tmp_path / "sent" / "today").iterdir())
    assert [path.suffix for path in files] == [".eml", ".eml"]
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600, 0o600]
    assert files[0].read_bytes().startswith(b"Bcc: b@x.org\r\n")


def test_tests_find_messages_in_the_outbox(mailoutbox: list[EmailMessage]) -> None:
    """`mailoutbox`, `mail.outbox` and `undercroft.mail.outbox` are one list, empty at first."""
    assert mailoutbox == []
    send_mail("Hello", "text", None, TO, html_message="<b>text</b>")
    (message,) = mailoutbox
    assert (message.subject, message.to) == ("Hello", TO)
    assert message.message().get_content_type() == "multipart/alternative"
    assert mail.outbox is outbox is mailoutbox


def test_capturing_outlasts_what_an_application_says() -> None:
    """An application made meanwhile does not send for real, and none is needed."""
    with capture_mail() as captured:
        App(Settings(mail_url="smtp://mail.example.org"))
        assert send_mail("Hello", "text", "a@b.org", TO) == 1
    assert len(captured) == 1
    mailer.configure(Settings(mail_url="memory://"))


def test_an_application_says_where_mail_goes(tmp_path: Path) -> None:
    """The settings of an App count; those of a second one that say nothing of mail do not."""
    App(Settings(mail_url=f"file://{tmp_path / 'out'}", default_from_email="a@b.org"))
    App(Settings(debug=True))
    send_mail("Hello", "text", None, TO)
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_a_wrong_url_shows_at_start() -> None:
    """An App with a `mail_url` of no use is not made."""
    with pytest.raises(ImproperlyConfigured) as raised:
        App(Settings(mail_url="smtp://user:s3cret@host:port"))
    assert raised.value.code == "mail.url"


def test_the_url_is_in_no_repr() -> None:
    """Settings may be shown; the password in `mail_url` is not."""
    assert "s3cret" not in repr(Settings(mail_url="smtp://user:s3cret@host"))


def test_without_a_url_debug_has_the_console_and_production_an_error() -> None:
    """Nobody believes in production that mail was sent."""
    unset = Mailer()
    unset.configure(Settings(debug=True))
    assert type(unset.get_backend()).__name__ == "ConsoleBackend"
    assert unset.get_from_email() == "webmaster@localhost"
    unset.configure(Settings(debug=False))
    with pytest.raises(ImproperlyConfigured) as raised:
        unset.get_backend()
    assert raised.value.code == "mail.no-url"
    with pytest.raises(ImproperlyConfigured) as raised:
        unset.get_from_email()
    assert raised.value.code == "mail.no-sender"


def test_a_script_is_told_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without an App, the variables count."""
    monkeypatch.setenv("UNDERCROFT_MAIL_URL", f"file://{tmp_path}")
    assert type(Mailer().get_backend()).__name__ == "FileBackend"


def test_admins_and_managers_are_told() -> None:
    """Both have a list of their own and a prefix; an empty list sends nothing and needs nothing."""
    mailer.configure(
        Settings(
            mail_url="memory://",
            default_from_email="a@b.org",
            admins=TO,
            email_subject_prefix="[x] ",
        )
    )
    outbox.clear()
    assert mail_admins("Hello", "text") == 1
    assert asyncio.run(amail_admins("Hello", "text")) == 1
    assert mail_managers("Hello", "text") == 0
    assert [(each.subject, each.to) for each in outbox] == [("[x] Hello", TO)] * 2
    mailer.configure(Settings())
    assert mail_managers("Hello", "text") == 0


def test_nobody_to_write_to_sends_nothing() -> None:
    """As in Django, a message without recipients is none."""
    assert EmailMessage("Hello").send() == 0


def test_a_message_can_wait_for_the_commit(database: None, mailoutbox: list[EmailMessage]) -> None:
    """With `on_commit` it is sent after the outermost commit, and never after a rollback."""
    with transaction.atomic():
        with transaction.atomic():
            assert send_mail("kept", "", None, TO, on_commit=True) == 1
        assert mailoutbox == []
    with transaction.atomic():
        send_mail("gone", "", None, TO, on_commit=True)
        transaction.set_rollback(True)
    assert [each.subject for each in mailoutbox] == ["kept"]
    assert send_mail("no transaction", "", None, TO, on_commit=True) == 1
    assert len(mailoutbox) == 2


def test_an_async_message_can_wait_for_the_commit(
    database: None, mailoutbox: list[EmailMessage]
) -> None:
    """`asend_mail(on_commit=True)` does the same on the event loop."""

    async def main() -> None:
        async with transaction.atomic():
            await asend_mail("kept", "", None, TO, on_commit=True)
            assert mailoutbox == []
        await asend_mail("at once", "", None, TO, on_commit=True)
        await databases.adispose()

    asyncio.run(main())
    assert [each.subject for each in mailoutbox] == ["kept", "at once"]


def test_what_waits_is_checked_now_and_fails_quietly(
    database: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A bad header is told of at once; a server that fails after the commit is logged."""
    with transaction.atomic():
        with pytest.raises(ValueError, match="line break"):
            send_mail("a\nb", "", None, TO, on_commit=True)
        send_mail("Hello", "", None, TO, connection=Broken(), on_commit=True)
    assert "Gone." in caplog.text
    with pytest.raises(MailUnavailable):
        send_mail("Hello", "", None, TO, connection=Broken(), on_commit=True)


@pytest.mark.parametrize("through", ["asgi", "wsgi"])
def test_requests_send_after_their_commit(
    through: Any, database: None, caplog: pytest.LogCaptureFixture
) -> None:
    """A request that fails sends nothing that waits for its commit, in either way of waiting."""
    app = App(Settings())

    @app.post("/register")
    def register(ok: bool, background: BackgroundTasks) -> str:
        send_mail("on_commit", "", None, TO, on_commit=True)
        background.add_task(send_mail, "background", "", None, TO)
        if not ok:
            raise RuntimeError
        return "ok"

    @app.post("/aregister")
    async def aregister(background: BackgroundTasks) -> str:
        await asend_mail("on_commit", "", None, TO, on_commit=True)
        background.add_task(asend_mail, "background", "", None, TO)
        return "ok"

    with capture_mail() as captured, caplog.at_level(logging.CRITICAL):
        with Client(app, through=through) as client:
            assert client.post("/register?ok=false").status_code == 500
            assert captured == []
            for path in ("/register?ok=true", "/aregister"):
                assert client.post(path).status_code == 200
        assert [each.subject for each in captured] == ["on_commit", "background"] * 2


def test_a_server_that_is_gone_is_a_503() -> None:
    """A request that must send and cannot is answered with Retry-After."""
    app = App(Settings())

    @app.get("/")
    def send() -> int:
        return send_mail("Hello", "", None, TO, connection=Broken())

    with Client(app) as client:
        answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
