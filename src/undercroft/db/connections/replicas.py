"""Copies of a database that answer reads: which are up, and who has to read from the primary.

A copy is behind by a moment. Whoever has just written would miss what was written, so for a while
those reads go to the primary: of the same request, and by a cookie of the same browser's next ones.
"""

import logging
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from itertools import count
from time import monotonic
from typing import Any, Final

from undercroft.errors import DatabaseUnavailable

logger = logging.getLogger("undercroft.db")

#: Seconds until a replica that could not be reached is asked again.
RETRY_AFTER: Final = 5.0

#: Until when whoever is running reads from the primary, by database; shared by a request's tasks
#: and threads, which all see the one dictionary.
recent_writes: ContextVar[dict[str, float] | None] = ContextVar("recent_writes", default=None)


class Replica:
    """One copy.

    Args:
        database: The copy, as a database of its own.
    """

    def __init__(self, database: Any) -> None:
        self.database = database
        self.down_until = 0.0

    @property
    def is_up(self) -> bool:
        """Whether it is asked, as far as is known."""
        return monotonic() >= self.down_until

    def leave_out(self, error: DatabaseUnavailable) -> None:
        """Ask it no more for a while, if it cannot be reached.

        Raises:
            DatabaseUnavailable: It is there, and all its connections are in use.
        """
        if error.code == "db.pool-exhausted":
            raise error
        alias = self.database.alias
        logger.warning(
            "Replica %s cannot be reached, and is left out for %g s: %s", alias, RETRY_AFTER, error
        )
        self.down_until = monotonic() + RETRY_AFTER


class Replicas:
    """The copies of one database.

    Args:
        alias: Its name.
        databases: The copies.
        sticky: Seconds for which who has written reads from the primary.
    """

    def __init__(self, alias: str, databases: Sequence[Any], sticky: float) -> None:
        self.alias = alias
        self.sticky = sticky
        self._replicas = tuple(Replica(database) for database in databases)
        self._turns = count()

    def __iter__(self) -> Iterator[Replica]:
        return iter(self._replicas)

    def choose(self) -> Iterator[Replica]:
        """Give those to be asked, one after the other, another one first each time."""
        first = next(self._turns)
        for index in range(len(self._replicas)):
            replica = self._replicas[(first + index) % len(self._replicas)]
            if replica.is_up:
                yield replica

    def note_write(self) -> None:
        """Let whoever is running read from the primary for a while."""
        held = recent_writes.get()
        if held is None:
            held = dict[str, float]()
            recent_writes.set(held)
        held[self.alias] = monotonic() + self.sticky

    @property
    def must_wait(self) -> bool:
        """Whether whoever is running has just written."""
        held = recent_writes.get()
        return held is not None and held.get(self.alias, 0.0) > monotonic()
