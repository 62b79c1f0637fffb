"""Checks of what an application keeps outside of itself: caches, sessions, static files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from undercroft.checks.messages import CheckMessage, Info, Warning
from undercroft.checks.registry import Tags, register

if TYPE_CHECKING:
    from undercroft.app.application import App


@register(Tags.settings, deploy=True)
def check_cache(app: "App") -> Iterator[CheckMessage]:
    """Find what each process keeps for itself."""
    settings = app.settings
    if not settings.cache_url.startswith("memory:"):
        return
    if settings.session_engine == "cache":
        yield Warning(
            "Sessions are in the memory of one process: the others do not know them, and they "
            "end with it.",
            "Set UNDERCROFT_CACHE_URL to redis://host:6379/0, or session_engine to `db`.",
            "session_engine",
            id="sessions.in-memory",
        )
    else:
        yield Info(
            "Each process has a cache of its own.",
            "Set UNDERCROFT_CACHE_URL to redis://host:6379/0 where there are several.",
            "cache_url",
            id="cache.in-memory",
        )


@register(Tags.staticfiles, deploy=True)
def check_collected(app: "App") -> Iterator[CheckMessage]:
    """Find static files that were not collected."""
    files = app.static_files
    if files.names is None and any(folder.is_dir() for folder in files.folders):
        yield Warning(
            "Static files are served from their folders, without hashes in their names, so that "
            "browsers ask for each again and again.",
            "Run `undercroft collectstatic`.",
            "static_root",
            id="staticfiles.not-collected",
        )
