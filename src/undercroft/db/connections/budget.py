"""How many connections the process may have open to one database, whichever pools they are in.

Sync code and each event loop have a pool of their own, because a connection belongs to the loop it
was opened on. A budget is what they share: a pool that grows takes a place from it, one that lets a
connection go gives the place back. When all are taken, a pool that needs one is given the place of
a connection that is idle, or becomes idle, in another. Whoever finds a connection idle in its own
pool never comes here.
"""

from collections import deque
from collections.abc import Iterator
from threading import RLock
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet

from undercroft.errors import DatabaseUnavailable


class Pool(Protocol):
    """A pool as the budget sees it; all of this may be called from any thread."""

    #: Whether it must look twice at a connection that comes back, for others may want its place.
    is_marked: bool

    def give_up_idle(self) -> int:
        """Close an idle connection, if there is one; give how many places come free."""
        raise NotImplementedError

    def take_place(self) -> None:
        """Let somebody who waits open a connection in a place that is given with this call."""


class Budget:
    """The places of one database in this process.

    Args:
        limit: How many connections there may be.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = limit
        # A garbage collection may end in here again.
        self._lock = RLock()
        self._pools: WeakSet[Any] = WeakSet()
        #: A pool for each of those who wait in it for a place, the first first.
        self._hungry: deque[Pool] = deque()

    @property
    def is_wanted(self) -> bool:
        """Whether anybody waits for a place."""
        return bool(self._hungry)

    def join(self, pool: Pool) -> None:
        """Make a pool known, so that its idle connections can be had by others."""
        with self._lock:
            self._pools.add(pool)

    def take(self, pool: Pool) -> bool:
        """Take a place for one more connection of a pool; False when there is none to be had."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
        for other in self._list_others(pool):
            if places := other.give_up_idle():
                self.release(places - 1)
                return True
        return False

    def ask(self, pool: Pool, waiting: int) -> bool:
        """Ask for a place as soon as there is one; True when there is one at once.

        Args:
            pool: Gets it by `take_place`, and gives it back if nobody waits there any more.
            waiting: How many wait in it.
        """
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if self._hungry.count(pool) < waiting:
                self._hungry.append(pool)
        for other in self._list_others(pool):
            other.is_marked = True
        return False

    def withdraw(self, pool: Pool) -> None:
        """Forget a pool in which nobody waits any more."""
        with self._lock:
            while pool in self._hungry:
                self._hungry.remove(pool)

    def release(self, places: int = 1) -> None:
        """Give places back, to those who wait first."""
        for _ in range(places):
            with self._lock:
                if not self._hungry:
                    self._free += 1
                    continue
                pool = self._hungry.popleft()
            pool.take_place()

    def _list_others(self, pool: Pool) -> Iterator[Pool]:
        with self._lock:
            pools = list(self._pools)
        return (other for other in pools if other is not pool)


class PoolState(NamedTuple):
    """How many connections a pool has.

    Attributes:
        kind: "threads", or "loop" of an event loop.
        open: Those that are open.
        idle: Those of them that nobody uses.
        waiting: Those who wait for one.
        size: The most there can be.
    """

    kind: str
    open: int
    idle: int
    waiting: int
    size: int


def build_exhausted(size: int, timeout: float, budget: Budget | None) -> DatabaseUnavailable:
    """Build the error for a pool in which no connection came free."""
    limit, option = size, "pool_size"
    if budget is not None and budget.limit < size:
        limit, option = budget.limit, "max_connections"
    return DatabaseUnavailable(
        f"None of the {limit} database connections came free within {timeout:g} seconds.",
        hint="Look for long transactions, and for requests that query a manager while a Session of "
        "theirs, without a transaction, has a connection too: put `atomic()` around both. Or raise "
        f"`{option}` of the database.",
        code="db.pool-exhausted",
    )
