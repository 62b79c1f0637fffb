"""Sessions in the cache: fast, and gone when the cache loses them."""

from typing import Any

from undercroft.cache.interface import Cache
from undercroft.concurrency import run_in_thread
from undercroft.http.session import SessionRecord
from undercroft.sessions.stores import (
    Ages,
    Saving,
    Store,
    hash_key,
    make_key,
    read_record,
    write_record,
)


class CacheStore(Store):
    """Keeps sessions in a cache, by the hash of their key.

    Args:
        cache: Which.
        ages: How long they live.
    """

    def __init__(self, cache: Cache, ages: Ages) -> None:
        super().__init__(ages)
        self._cache = cache
        self.blocks = cache.blocks

    def load(self, token: str) -> SessionRecord | None:
        """Load a session."""
        record = read_record(self._cache.get(name_entry(token)))
        return None if record is None or self.ages.is_over(record) else record

    def save(self, saving: Saving) -> str | None:
        """Store a session; what other requests have stored meanwhile is kept."""
        left = self.ages.find_left(saving.record)
        if saving.token is None:
            key = make_key()
            self._cache.set(name_entry(key), write_record(saving.record), left)
            return key
        merged: SessionRecord | None = None

        def change(kept: Any) -> Any:
            nonlocal merged
            found = read_record(kept)
            merged = None if found is None else saving.merge(found)
            # A session that is to get a new key leaves its old one in the same step.
            return None if merged is None or saving.is_rotated else write_record(merged)

        self._cache.update(name_entry(saving.token), change, left)
        if merged is None or not saving.is_rotated:
            return None if merged is None else saving.token
        key = make_key()
        self._cache.set(name_entry(key), write_record(merged), left)
        return key

    def delete(self, token: str) -> None:
        """Delete a session."""
        self._cache.delete(name_entry(token))

    async def aload(self, token: str) -> SessionRecord | None:
        """Load a session, beside the loop where the cache is another process."""
        return await run_in_thread(self.load, token) if self.blocks else self.load(token)

    async def asave(self, saving: Saving) -> str | None:
        """Store a session, likewise."""
        return await run_in_thread(self.save, saving) if self.blocks else self.save(saving)

    async def adelete(self, token: str) -> None:
        """Delete a session, likewise."""
        await (run_in_thread(self.delete, token) if self.blocks else super().adelete(token))


def name_entry(token: str) -> str:
    """Name the cache's entry of a session."""
    return f"session:{hash_key(token)}"
