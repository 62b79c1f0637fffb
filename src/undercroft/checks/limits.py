"""Checks of what one client can take from all others."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Warning
from undercroft.checks.registry import Tags, register

if TYPE_CHECKING:
    from undercroft.app.application import App

#: Settings that None switches off, and what happens then.
SWITCHED_OFF = {
    "request_timeout": ("no-timeout", "A request may take for ever, and holds what it holds."),
    "max_concurrent_requests": (
        "no-concurrency-limit",
        "Any number of requests is begun at once, until memory ends.",
    ),
    "websocket_ping_interval": (
        "no-websocket-pings",
        "WebSockets whose clients are gone without a word stay open.",
    ),
}
#: Sizes above which a few clients fill the memory, or the disk.
_LARGEST = {
    "max_body_size": 100 * 1024 * 1024,
    "max_upload_size": 10 * 1024**3,
    "websocket_max_size": 64 * 1024 * 1024,
}


@register(Tags.security, deploy=True)
def check_limits(app: "App") -> Iterator[CheckMessage]:
    """Find limits that are off or so wide that they are none."""
    for name, (code, what) in SWITCHED_OFF.items():
        if getattr(app.settings, name) is None:
            yield Warning(what, f"Set UNDERCROFT_{name.upper()}.", name, id=f"limits.{code}")
    for name, largest in _LARGEST.items():
        size: int = getattr(app.settings, name)
        if size > largest:
            yield Warning(
                f"{size:,} bytes of one request are taken; a few of them are all there is.",
                "Stream what is larger: `request.stream()`, `request.multipart()`.",
                name,
                id="limits.large-body",
            )
