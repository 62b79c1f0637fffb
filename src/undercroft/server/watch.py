"""Watches a connection for standstill: whoever is waited for and does nothing is given up."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

if sys.platform == "linux":
    import fcntl
    import termios


class Watch:
    """Looks at something again and again, and gives up when it has not moved.

    What stands still from the beginning is noticed after `seconds`, what comes to a standstill
    later within twice as many: one timer, and nothing to do for what moves.

    Args:
        seconds: How long it may stand still; None for ever.
        measure: Tells how far it is, by anything that can be compared; None where nobody waits any
            longer.
        give_up: Called once, after which the watch is over.
    """

    def __init__(
        self, seconds: float | None, measure: Callable[[], Any], give_up: Callable[[], None]
    ) -> None:
        self._seconds = seconds
        self._measure = measure
        self._give_up = give_up
        self._seen: Any = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Look from now on, unless it does already."""
        if self._timer is None and self._seconds is not None:
            self._look_later(self._measure())

    def end(self) -> None:
        """Look no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now = self._measure()
        if now is not None and now == self._seen:
            self._give_up()
        else:
            self._look_later(now)

    def _look_later(self, now: Any) -> None:
        if now is not None and self._seconds is not None:
            self._seen = now
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)


class UnreadWatch(Watch):
    """Gives up who does not read: what is written and cannot be sent no longer becomes less.

    Args:
        seconds: How long none of it may be taken; None for ever.
        transport: Written to; aborted, for what is closed waits to be read, too.
    """

    #: How often everything was taken: it may be as much again the next time.
    takings = 0

    def __init__(self, seconds: float | None, transport: asyncio.Transport) -> None:
        self._transport = transport
        super().__init__(seconds, self._measure_unread, transport.abort)

    def _measure_unread(self) -> tuple[int, int, int] | None:
        size = self._transport.get_write_buffer_size()
        return (self.takings, size, count_unread(self._transport)) if size else None


def count_unread(transport: asyncio.Transport) -> int:
    """Count the bytes that the system holds for the other end; 0 where it does not tell.

    They may be megabytes, and while a slow reader takes them nothing moves in the transport.
    """
    opened = transport.get_extra_info("socket")
    if sys.platform != "linux" or opened is None:
        return 0
    try:
        return int.from_bytes(
            fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, b"\0" * 4), sys.byteorder
        )
    except OSError:
        return 0
