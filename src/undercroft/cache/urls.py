"""Which cache: by a URL, so that no code changes when a server takes over."""

from urllib.parse import parse_qs, urlsplit

from undercroft.cache.interface import Cache
from undercroft.cache.memory import MAX_ENTRIES, MemoryCache
from undercroft.errors import ImproperlyConfigured


def build_cache(url: str) -> Cache:
    """Build a cache from `memory://`, `memory://?max_entries=500` or `redis://host:6379/0`.

    Raises:
        ImproperlyConfigured: There is no such kind, or its package is not installed.
    """
    parts = urlsplit(url)
    if parts.scheme == "memory":
        told = parse_qs(parts.query).get("max_entries", [str(MAX_ENTRIES)])[-1]
        if told.isdigit() and int(told):
            return MemoryCache(int(told))
        raise build_refusal(f"max_entries={told!r} is no number of entries")
    if parts.scheme in ("redis", "rediss", "unix"):
        try:
            # An extra, which most applications do without.
            from undercroft.cache.redis import RedisCache  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ImproperlyConfigured(
                "The setting cache_url names Redis, and the package redis is not installed.",
                hint="Install undercroft[redis].",
                code="cache.url",
            ) from error
        return RedisCache(url)
    raise build_refusal(f"{parts.scheme!r} is no kind of cache")


def build_refusal(what: str) -> ImproperlyConfigured:
    """Build the error for a URL of no use; it is not shown, for it may have a password."""
    return ImproperlyConfigured(
        f"The setting cache_url cannot be used: {what}.",
        hint="Write memory://, memory://?max_entries=500 or redis://host:6379/0.",
        code="cache.url",
    )
