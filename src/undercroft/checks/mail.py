"""Checks of the way mail goes."""

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from undercroft.checks.messages import CheckMessage, Warning
from undercroft.checks.registry import Tags, register

if TYPE_CHECKING:
    from undercroft.app.application import App

_NEAR = frozenset({"localhost", "127.0.0.1", "::1"})


@register(Tags.mail, Tags.security, deploy=True)
def check_mail(app: "App") -> Iterator[CheckMessage]:
    """Find mail that anybody on the way can read, and mail that goes nowhere."""
    if app.settings.mail_url is None:
        return
    parts = urlsplit(app.settings.mail_url)
    if parts.scheme in ("console", "file", "memory"):
        yield Warning(
            f"Mail goes nowhere: mail_url is {parts.scheme}:, and links to log in with may lie "
            "where others read them.",
            "Set UNDERCROFT_MAIL_URL to smtp://user:password@host:587.",
            "mail_url",
            id="mail.goes-nowhere",
        )
    elif parse_qs(parts.query).get("tls") == ["none"] and parts.hostname not in _NEAR:
        yield Warning(
            f"Mail, and the password for it, go to {parts.hostname} in plain text.",
            "Leave out ?tls=none.",
            "mail_url",
            id="mail.plain-text",
        )
