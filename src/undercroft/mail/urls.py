"""Which way messages go: by a URL, so that no code changes between a laptop and production."""

from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from undercroft.errors import ImproperlyConfigured
from undercroft.mail.backend import Backend

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def build_backend(url: str, base_dir: Path | None = None) -> Backend:
    """Build what sends messages from a `mail_url`.

    Args:
        url: `smtp://user:password@host:587`, `smtps://...`, `console://`, `file:///path`,
            `file:path` or `memory://`.
        base_dir: Where a relative path starts.

    Raises:
        ImproperlyConfigured: There is no such way, or an option is none.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Its words have the URL, which may have a password.
        raise build_refusal("it is no URL, or its port is no number") from None
    match parts.scheme:
        case "smtp" | "smtps":
            return build_smtp(parts)
        case "console":
            from undercroft.mail.console import ConsoleBackend  # noqa: PLC0415 - one of four is used

            return ConsoleBackend()
        case "file":
            from undercroft.mail.files import FileBackend  # noqa: PLC0415 - as above

            return FileBackend(find_folder(parts, base_dir or Path.cwd()))
        case "memory":
            from undercroft.mail.memory import MemoryBackend  # noqa: PLC0415 - as above

            return MemoryBackend()
        case _:
            raise build_refusal(f"{parts.scheme!r} is no way to send messages")


def find_folder(parts: SplitResult, base_dir: Path) -> Path:
    """Find the folder of a `file:` URL.

    Raises:
        ImproperlyConfigured: It has a host, or no path.
    """
    if parts.netloc or not parts.path:
        raise build_refusal("it names no folder; write file:///path, or file:path below base_dir")
    return base_dir / unquote(parts.path)


def build_smtp(parts: SplitResult) -> Backend:
    """Build what speaks to a mail server.

    Raises:
        ImproperlyConfigured: Something in the URL means nothing.
    """
    # Slow to import (ssl), and only this way needs it.
    from undercroft.mail.smtp import TIMEOUT, Server, SMTPBackend  # noqa: PLC0415

    if parts.path not in ("", "/") or parts.fragment:
        raise build_refusal("`/`, `?` and `#` in a name or password are written %2F, %3F and %23")
    if not parts.hostname:
        raise build_refusal("it names no host")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    encryption = read_encryption(parts.scheme, options.pop("tls", None))
    timeout = read_timeout(options.pop("timeout", str(TIMEOUT)))
    cafile = options.pop("cafile", None)
    if cafile is not None and not Path(cafile).is_file():
        raise build_refusal(f"there is no file {cafile!r}")
    if options:
        raise build_refusal(f"{min(options)!r} is no option; there are tls, timeout, cafile")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (username + password).isascii():
        raise build_refusal("name and password may have ASCII only")
    port = parts.port or _PORTS[encryption]
    return SMTPBackend(
        Server(parts.hostname, port, encryption, username, password, timeout, cafile)
    )


def read_encryption(scheme: str, told: str | None) -> Literal["starttls", "tls", "none"]:
    """Read how the connection is encrypted.

    Raises:
        ImproperlyConfigured: `tls` is something else than "none".
    """
    if told is None:
        return "tls" if scheme == "smtps" else "starttls"
    if told != "none" or scheme == "smtps":
        raise build_refusal("?tls=none, with smtp:// alone, is all that `tls` can be")
    return "none"


def read_timeout(told: str) -> float:
    """Read a number of seconds.

    Raises:
        ImproperlyConfigured: It is none above zero.
    """
    try:
        seconds = float(told)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= 3600:
        raise build_refusal(f"timeout={told!r} is no number of seconds")
    return seconds


def build_refusal(what: str) -> ImproperlyConfigured:
    """Build the error for a URL of no use; it is not shown, for it may have a password."""
    return ImproperlyConfigured(
        f"The setting mail_url cannot be used: {what}.",
        hint="Write smtp://user:password@host:587, smtps://user:password@host, console://, "
        "file:///path or memory://.",
        code="mail.url",
    )
