"""Sessions in the cache: fast, and gone when the cache loses them."""

from collections.abc import Collection
from typing import Any

from undercroft.cache.interface import Cache
from undercroft.concurrency import run_in_thread
from undercroft.http.session import SessionRecord
from undercroft.sessions.stores import (
    Ages,
    ListedSession,
    Saving,
    Store,
    hash_key,
    make_key,
    read_record,
    sort_listed,
    write_record,
)

_ENTRY = "session:"
#: Sessions of one user that are listed; of more the oldest are not.
_MOST = 500


class CacheStore(Store):
    """Keeps sessions in a cache, by the hash of their key.

    Args:
        cache: Which.
        ages: How long they live.
    """

    can_list = True

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
            self._note(key, saving.record)
            return key
        merged: SessionRecord | None = None

        def change(kept: Any) -> Any:
            nonlocal merged
            found = read_record(kept)
            merged = None if found is None else saving.merge(found)
            # A session that is to get a new key leaves its old one in the same step.
            return None if merged is None or saving.is_rotated else write_record(merged)

        self._cache.update(name_entry(saving.token), change, left)
        if merged is None:
            return None
        key = saving.token
        if saving.is_rotated:
            key = make_key()
            self._cache.set(name_entry(key), write_record(merged), left)
        self._note(key, merged)
        return key

    def delete(self, token: str) -> None:
        """Delete a session; the list of its user forgets it when it is next looked at."""
        self._cache.delete(name_entry(token))

    def list_of(self, user_key: str) -> list[ListedSession]:
        """List the sessions of a user that are not over, the one last used first.

        What the cache has lost of the list is not shown; the session itself may still be there.
        """
        found: list[ListedSession] = []
        for hashed in self._cache.get(name_list(user_key), {}):
            record = read_record(self._cache.get(f"{_ENTRY}{hashed}"))
            # Another one's, where somebody else has logged in since.
            if record is not None and record.user_key == user_key and not self.ages.is_over(record):
                found.append(ListedSession(hashed, record))
        return sort_listed(found)

    def end(self, user_key: str, ids: Collection[str]) -> int:
        """End sessions of a user by their ids; those of others are left alone."""
        own = {each.id for each in self.list_of(user_key)}.intersection(ids)
        return sum([self._cache.delete(f"{_ENTRY}{hashed}") for hashed in own])

    async def alist_of(self, user_key: str) -> list[ListedSession]:
        """List the sessions of a user, beside the loop where the cache is another process."""
        function = self.list_of
        return await run_in_thread(function, user_key) if self.blocks else function(user_key)

    async def aend(self, user_key: str, ids: Collection[str]) -> int:
        """End sessions of a user, likewise."""
        return (
            await run_in_thread(self.end, user_key, ids) if self.blocks else self.end(user_key, ids)
        )

    def _note(self, token: str, record: SessionRecord) -> None:
        """Note whose a session is, for as long as it lives; those that are over are forgotten."""
        if record.user_key is None:
            return
        hashed, end, now = hash_key(token), self.ages.find_end(record), self.ages.clock()

        def change(kept: Any) -> Any:
            ends: dict[str, float] = kept or {}
            living = {each: at for each, at in ends.items() if at > now and each != hashed}
            return {**dict(list(living.items())[1 - _MOST :]), hashed: end}

        self._cache.update(name_list(record.user_key), change, self.ages.idle)

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
    return f"{_ENTRY}{hash_key(token)}"


def name_list(user_key: str) -> str:
    """Name the cache's list of a user's sessions."""
    return f"sessions-of:{hash_key(user_key)}"
