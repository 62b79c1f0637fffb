"""Turns to write on SQLite, which has one writer at a time: first come, first served.

SQLite itself lets those who wait poll, each in a thread and with a connection of its own. Enough
of them leave neither a thread nor a connection to who has the lock. Those of one process
therefore queue here, on the loop without a thread; other processes' writers are still waited for
by `lock_timeout`.
"""

import asyncio
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeout
from threading import RLock

from undercroft.errors import LockTimeout


class Turn:
    """A place in the queue.

    Args:
        turns: The queue.
    """

    def __init__(self, turns: "Turns") -> None:
        self._turns = turns
        #: Done when the turn has come, or was given up.
        self.called: Future[None] = Future()

    @property
    def has_come(self) -> bool:
        """Whether it is this one's turn."""
        return self.called.done()

    def wait(self) -> None:
        """Wait in a thread.

        Raises:
            LockTimeout: The turn did not come in time.
        """
        try:
            self.called.result(self._turns.timeout)
        except WaitTimeout:
            raise build_locked() from None

    async def await_(self) -> None:
        """Wait on the event loop; who is cancelled stays in the queue until `give_up`.

        Raises:
            LockTimeout: The turn did not come in time.
        """
        if not self.called.done():
            # Unlike `wait_for` this never cancels what it waits for.
            await asyncio.wait([asyncio.wrap_future(self.called)], timeout=self._turns.timeout)
            if not self.called.done():
                raise build_locked()

    def give_up(self) -> None:
        """Leave the queue, whether the turn has come or not; who waits for it is woken."""
        self._turns.remove(self)


class Turns:
    """The queue of one database in this process.

    Args:
        timeout: Seconds to wait for a turn.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        # May be entered again by a garbage collection that gives up a turn.
        self._lock = RLock()
        self._queue: deque[Turn] = deque()

    def join(self) -> Turn:
        """Take a place at the end of the queue."""
        turn = Turn(self)
        with self._lock:
            self._queue.append(turn)
            self._call_first()
        return turn

    def remove(self, turn: Turn) -> None:
        """Take a place out of the queue; the first one left has its turn."""
        with self._lock:
            if turn in self._queue:
                self._queue.remove(turn)
                if not turn.called.done():
                    turn.called.set_result(None)
                self._call_first()

    def _call_first(self) -> None:
        if self._queue and not self._queue[0].called.done():
            self._queue[0].called.set_result(None)


def build_locked() -> LockTimeout:
    """Build the error for a database on which others write for too long."""
    return LockTimeout(
        "The database is locked: others are writing.",
        hint="Look for long transactions, or raise `lock_timeout` in the database's URL.",
        code="db.locked",
    )
