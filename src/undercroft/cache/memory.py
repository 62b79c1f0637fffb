"""A cache in this process: bounded, and what was used longest ago goes first."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from undercroft.cache.interface import Cache

MAX_ENTRIES = 10_000

_caches: "WeakSet[MemoryCache]" = WeakSet()


class MemoryCache(Cache):
    """Keeps values in this process only; several workers have one each.

    Args:
        max_entries: How many at most.
        clock: Tells the time in seconds.
    """

    def __init__(
        self, max_entries: int = MAX_ENTRIES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[str, tuple[str, float | None]] = OrderedDict()
        self.renew_lock()
        _caches.add(self)

    def renew_lock(self) -> None:
        """Take a new lock: in a forked process, for a thread that is gone may hold the old one."""
        self._lock = threading.RLock()

    def _read(self, key: str) -> str | None:
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            text, until = found
            if until is not None and until <= self._clock():
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return text

    def _write(self, key: str, text: str, ttl: float | None, only_new: bool) -> bool:
        with self._lock:
            if only_new and self._read(key) is not None:
                return False
            self._entries[key] = text, None if ttl is None else self._clock() + ttl
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
            return True

    def _remove(self, key: str) -> bool:
        with self._lock:
            is_there = self._read(key) is not None
            self._entries.pop(key, None)
            return is_there

    def _change(self, key: str, change: Callable[[str | None], str | None], ttl: Any) -> Any:
        with self._lock:
            text = change(self._read(key))
            if text is None:
                self._entries.pop(key, None)
            elif ttl is ... and key in self._entries:
                self._entries[key] = text, self._entries[key][1]
            else:
                self._write(key, text, None if ttl is ... else ttl, False)
            return text

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        """Count the entries, expired ones that nobody asked for included."""
        return len(self._entries)


def _renew_locks() -> None:
    for cache in _caches:
        cache.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
