"""Messages handed to a mail server, by Python's own `smtplib`.

Encryption is not negotiated away: where STARTTLS is asked for and not offered, nothing is sent.
"""

import logging
import smtplib
import ssl
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from undercroft.errors import MailError, MailRefused, MailUnavailable
from undercroft.mail.backend import Backend
from undercroft.mail.envelope import Envelope, build_envelope

if TYPE_CHECKING:
    from undercroft.mail.message import EmailMessage

logger = logging.getLogger("undercroft.mail")

#: Seconds to wait for a connection, and for each answer.
TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where a mail server is, and how it is spoken to.

    Attributes:
        host: Its name, which its certificate must have.
        port: 587 for STARTTLS, 465 for TLS from the first byte.
        encryption: How the connection is encrypted.
        username: Whom to log in as; not at all where it is empty.
        password: Never shown.
        timeout: Seconds to wait for a connection, and for each answer.
        cafile: Who may have signed its certificate, in place of the system's list.
    """

    host: str
    port: int
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    timeout: float = TIMEOUT
    cafile: str | None = None

    @property
    def place(self) -> str:
        """How errors name it."""
        return f"{self.host}:{self.port}"


class SMTPBackend(Backend):
    """Hands messages to a mail server, all of a call over one connection."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def send_messages(self, messages: "Sequence[EmailMessage]") -> int:
        """Send messages; one that is refused keeps none of the others.

        Raises:
            MailRefused: The server takes one of them for none of its recipients.
            MailUnavailable: It does not answer, or asks to come later.
            MailError: It cannot be spoken to safely, or refuses to log us in.
        """
        envelopes = [build_envelope(message) for message in messages]
        refusals: list[MailRefused] = []
        with told_of_failures(self.server), self._open() as client:
            for envelope in envelopes:
                try:
                    self._send(client, envelope)
                except MailRefused as refusal:
                    refusals.append(refusal)
        if refusals:
            refusals[0].sent = len(envelopes) - len(refusals)
            raise refusals[0]
        return len(envelopes)

    @contextmanager
    def _open(self) -> Generator[smtplib.SMTP]:
        client = connect(self.server)
        try:
            log_in(client, self.server)
            yield client
            with suppress(smtplib.SMTPException, OSError):
                client.quit()
        finally:
            client.close()

    def _send(self, client: smtplib.SMTP, envelope: Envelope) -> None:
        options = self._find_options(client, envelope)
        try:
            refused = client.sendmail(
                envelope.sender, envelope.recipients, envelope.content, options
            )
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            raise build_refusal(self.server, code, "every recipient") from error
        except smtplib.SMTPSenderRefused as error:
            raise build_refusal(self.server, error.smtp_code, f"{error.sender!r}") from error
        except smtplib.SMTPDataError as error:
            raise build_refusal(self.server, error.smtp_code, "the message") from error
        for address, (code, _) in refused.items():
            logger.warning("The mail server refused %s (%s), and took the others", address, code)

    def _find_options(self, client: smtplib.SMTP, envelope: Envelope) -> list[str]:
        if not envelope.is_international:
            return []
        if not client.has_extn("smtputf8"):
            raise MailRefused(
                f"The mail server {self.server.place} takes no addresses beyond ASCII.",
                hint="Write the part before the `@` in ASCII, or use a server with SMTPUTF8.",
                code="mail.international",
            )
        return ["SMTPUTF8"]


def connect(server: Server) -> smtplib.SMTP:
    """Connect, encrypted as the server's options say."""
    # Python would look our own name up in the DNS, which may take long and tells it to the server.
    name, timeout = "localhost", server.timeout
    if server.encryption == "tls":
        context = ssl.create_default_context(cafile=server.cafile)
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, name, timeout=timeout, context=context
        )
    else:
        client = smtplib.SMTP(server.host, server.port, name, timeout=timeout)
    try:
        client.local_hostname = write_own_address(client)
        client.ehlo_or_helo_if_needed()
        if server.encryption == "starttls":
            start_tls(client, server)
    except BaseException:
        client.close()
        raise
    return client


def write_own_address(client: smtplib.SMTP) -> str:
    """Write who we are: our end of the connection, as an address literal (RFC 5321, 4.1.3)."""
    address: str = client.sock.getsockname()[0]  # type: ignore[union-attr]  # it is connected
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def start_tls(client: smtplib.SMTP, server: Server) -> None:
    """Encrypt the connection.

    Raises:
        MailError: The server does not offer it, or somebody in between takes the offer out.
    """
    context = ssl.create_default_context(cafile=server.cafile)
    try:
        client.starttls(context=context)
    except (smtplib.SMTPNotSupportedError, smtplib.SMTPResponseException) as error:
        raise MailError(
            f"The mail server {server.place} does not begin STARTTLS, so nothing was sent.",
            hint="Look for somebody in between, or write smtps:// for TLS from the first byte; "
            "?tls=none sends everything in plain text.",
            code="mail.starttls",
        ) from error


def log_in(client: smtplib.SMTP, server: Server) -> None:
    """Log in, where there is somebody to log in as.

    Raises:
        MailError: The server refuses, or knows no way we know.
    """
    if not server.username:
        return
    try:
        client.login(server.username, server.password)
    except smtplib.SMTPNotSupportedError as error:
        reason = "offers no way to log in"
        raise build_login_failure(server, reason) from error
    except smtplib.SMTPAuthenticationError as error:
        # Its text is left out: servers have been seen to repeat what they were given.
        reason = f"refuses the name and password ({error.smtp_code})"
        raise build_login_failure(server, reason) from None


def build_login_failure(server: Server, reason: str) -> MailError:
    """Build the error for a log-in that fails."""
    return MailError(
        f"The mail server {server.place} {reason}.",
        hint="Correct the setting mail_url; special signs in it are written as %40 and so on.",
        code="mail.login",
    )


def build_refusal(server: Server, code: int, what: str) -> MailRefused | MailUnavailable:
    """Build the error for an answer that is no yes: for good from 500 on, else for now."""
    if code < 500:
        return MailUnavailable(
            f"The mail server {server.place} cannot take {what} now ({code}).",
            hint="Send it again a little later.",
        )
    return MailRefused(
        f"The mail server {server.place} refuses {what} ({code}).",
        hint="The error below has its own words.",
    )


@contextmanager
def told_of_failures(server: Server) -> Generator[None]:
    """Say in our own words what went wrong with the connection.

    Raises:
        MailUnavailable: The server is not reached, or does not answer in time.
        MailError: Its certificate is not to be trusted, or it does not speak as it should.
    """
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise MailError(
            f"The certificate of the mail server {server.place} cannot be trusted: "
            f"{error.verify_message}.",
            hint="Write the name that the certificate has; ?cafile=/path for one's own authority.",
            code="mail.certificate",
        ) from error
    except ssl.SSLError as error:
        raise MailError(
            f"The mail server {server.place} does not speak TLS as it should.",
            hint="smtps:// is for port 465, smtp:// with STARTTLS for port 587.",
            code="mail.tls",
        ) from error
    except (TimeoutError, smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError) as error:
        raise build_silence(server) from error
    except smtplib.SMTPException as error:
        raise MailError(
            f"The mail server {server.place} does not answer as it should.",
            hint="The error below has its own words.",
        ) from error
    except OSError as error:
        raise build_silence(server) from error


def build_silence(server: Server) -> MailUnavailable:
    """Build the error for a server that does not answer."""
    return MailUnavailable(
        f"The mail server {server.place} cannot be reached, or does not answer in time.",
        hint="Look whether it runs where the setting mail_url says.",
    )
