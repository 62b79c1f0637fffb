"""UUIDs that sort by the time they were made (RFC 9562, version 7): good keys for an index."""

import os
import threading
import time
import uuid

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_COUNTER_BITS = 42
_lock = threading.Lock()


class _Clock:
    """The last millisecond, and the counter within it (RFC 9562, section 6.2, method 1)."""

    millisecond = 0
    counter = 0

    def tick(self) -> tuple[int, int]:
        """Give a pair of time and counter greater than every one before."""
        now = time.time_ns() // 1_000_000
        if now > self.millisecond:
            self._begin(now)
            return self.millisecond, self.counter
        # Also where the clock was set back: order counts for more than the exact time.
        self.counter += 1
        if self.counter >> _COUNTER_BITS:
            self._begin(self.millisecond + 1)
        return self.millisecond, self.counter

    def _begin(self, millisecond: int) -> None:
        self.millisecond = millisecond
        # Random, with the highest bit free, so that it does not run over soon.
        self.counter = int.from_bytes(os.urandom(6)) >> (48 - _COUNTER_BITS + 1)


_clock = _Clock()


def uuid7() -> uuid.UUID:
    """Make a UUID of version 7, greater than every one this process has made before.

    It holds 48 bits of milliseconds since 1970, a counter of 42 and 32 of randomness. For a key:
    `id = models.UUIDField(primary_key=True, default=models.uuid7)`.
    """
    with _lock:
        millisecond, counter = _clock.tick()
    high, low = counter >> 30, counter & 0x3FFF_FFFF
    tail = int.from_bytes(os.urandom(4))
    return uuid.UUID(int=millisecond << 80 | _VERSION | high << 64 | _VARIANT | low << 32 | tail)


def _forget() -> None:
    # A parent and its child would count on from the same number, with a lock another thread held.
    global _lock, _clock
    _lock, _clock = threading.Lock(), _Clock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
