"""A cache that several processes share, in Redis or what speaks its protocol (`redis` extra)."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import redis

from undercroft.cache.interface import Cache
from undercroft.errors import CacheUnavailable

#: Before every key, so that a database may be shared and `clear` removes only what is ours.
PREFIX = "undercroft:"

#: How many keys `clear` asks for at a time.
_PAGE = 1000

#: Seconds to wait for a connection, and for an answer; the URL may say otherwise.
_PATIENCE = 5.0


class RedisCache(Cache):
    """Keeps values in a Redis server.

    Args:
        url: For example `redis://host:6379/0`; `?socket_timeout=1&socket_connect_timeout=1` are
            the seconds it may take to answer, and to connect.
    """

    blocks = True

    def __init__(self, url: str) -> None:
        # Its own types are incomplete.
        connect: Any = redis.Redis
        self._client: Any = connect.from_url(
            url,
            decode_responses=True,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
        )

    def _read(self, key: str) -> str | None:
        with told_if_unavailable():
            text: str | None = self._client.get(PREFIX + key)
        return text

    def _write(self, key: str, text: str, ttl: float | None, only_new: bool) -> bool:
        with told_if_unavailable():
            return bool(self._client.set(PREFIX + key, text, px=to_milliseconds(ttl), nx=only_new))

    def _remove(self, key: str) -> bool:
        with told_if_unavailable():
            return bool(self._client.delete(PREFIX + key))

    def _change(self, key: str, change: Callable[[str | None], str | None], ttl: Any) -> Any:
        def change_watched(pipe: Any) -> str | None:
            text = change(pipe.get(PREFIX + key))
            pipe.multi()
            if text is None:
                pipe.delete(PREFIX + key)
            elif ttl is ...:
                pipe.set(PREFIX + key, text, keepttl=True)
            else:
                pipe.set(PREFIX + key, text, px=to_milliseconds(ttl))
            return text

        # Runs again whenever somebody else changed the key in between.
        with told_if_unavailable():
            return self._client.transaction(change_watched, PREFIX + key, value_from_callable=True)

    def clear(self) -> None:
        """Remove everything of ours."""
        self._check_thread("clear")
        with told_if_unavailable():
            keys: list[str] = list(self._client.scan_iter(f"{PREFIX}*", count=_PAGE))
            for start in range(0, len(keys), _PAGE):
                self._client.unlink(*keys[start : start + _PAGE])


@contextmanager
def told_if_unavailable() -> Generator[None]:
    """Say in our own words that the server cannot be reached.

    Raises:
        CacheUnavailable: It cannot, or it did not answer in time.
    """
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError) as error:
        raise CacheUnavailable(
            "The Redis server of the cache does not answer.",
            hint="Look whether it runs where the setting cache_url says.",
        ) from error


def to_milliseconds(ttl: float | None) -> int | None:
    """Convert seconds; a time to live is at least one millisecond."""
    return None if ttl is None else max(1, int(ttl * 1000))
