"""Mail servers of the tests' own: honest ones by aiosmtpd, and one that is told what to say."""

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_server, socket
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from undercroft.mail.mailer import mailer
from undercroft.settings import Settings

NAME, PASSWORD = "ada", "p@ss/word?#"


@dataclass
class Received:
    """What a server has taken, and how."""

    envelopes: list[Envelope] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)


class Handler:
    """Takes everything but what is for `nobody@…` and `later@…`."""

    def __init__(self) -> None:
        self.received = Received()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 No such person"
        if address.startswith("later@"):
            return "450 4.2.0 Come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        self.received.envelopes.append(envelope)
        self.received.sessions.append(session)
        return "250 OK"


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    ok = isinstance(data, LoginPassword) and data == LoginPassword(NAME.encode(), PASSWORD.encode())
    return AuthResult(success=ok, handled=False, auth_data=data)


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    port: int
    received: Received


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the servers' certificates."""
    return trustme.CA()


@pytest.fixture(scope="module")
def cafile(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's certificate."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def build_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


Start = Callable[..., Running]


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Start servers, each on a port of its own, and stop them after the module."""
    controllers: list[Controller] = []

    def start(**options: Any) -> Running:
        handler = Handler()
        with create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        controller = Controller(handler, "127.0.0.1", port, **options)
        controller.start()
        controllers.append(controller)
        return Running(port, handler.received)

    yield start
    for controller in controllers:
        controller.stop()


@pytest.fixture(scope="module")
def submission(start: Start, authority: trustme.CA) -> Running:
    """A server for submission: STARTTLS first, then a log-in."""
    return start(
        tls_context=build_context(authority, "localhost"),
        require_starttls=True,
        auth_required=True,
        authenticator=authenticate,
    )


@pytest.fixture(scope="module")
def plain(start: Start) -> Running:
    """A server in plain text: no STARTTLS, no SMTPUTF8."""
    return start(enable_SMTPUTF8=False)


@pytest.fixture
def scripted() -> Iterator[Callable[[Sequence[bytes | None]], int]]:
    """Start a server that answers each line by the next of its texts; at None it falls silent."""
    ended: list[tuple[threading.Event, threading.Thread, socket]] = []

    def start(answers: Sequence[bytes | None]) -> int:
        listener, done = create_server(("127.0.0.1", 0)), threading.Event()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                for answer in answers:
                    if answer is None:
                        done.wait(10)
                        return
                    connection.sendall(answer)
                    lines.readline()

        thread = threading.Thread(target=serve)
        thread.start()
        ended.append((done, thread, listener))
        return int(listener.getsockname()[1])

    yield start
    for done, thread, listener in ended:
        done.set()
        thread.join(10)
        listener.close()


@pytest.fixture(autouse=True)
def _own_mailer() -> Iterator[None]:
    """Give each test a mailer that knows a sender, and leave none behind."""
    before = dict(vars(mailer))
    mailer.configure(Settings(mail_url="memory://", default_from_email="mail@example.org"))
    yield
    vars(mailer).update(before)
