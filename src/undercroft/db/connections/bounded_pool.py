"""What the pools of threads and of event loops have in common: a bound, a driver, a budget."""

from collections import deque
from typing import Any, Generic, Self, TypeVar

from sqlalchemy.pool import Pool

from undercroft.db.connections.budget import Budget

D = TypeVar("D")


class BoundedPool(Pool, Generic[D]):
    """A pool from which SQLAlchemy's engine and our lane draw alike.

    Args:
        creator: Opens a connection.
        pool_size: Connections at most.
        timeout: Seconds to wait for one.

    Attributes:
        driver: How its connections are spoken to; whoever makes the pool says it.
        budget: What it shares with other pools, likewise.
        is_marked: Whether who gives a connection back has to look closer.
    """

    driver: D
    budget: Budget | None = None
    is_marked = False

    def __init__(
        self, creator: Any, pool_size: int = 8, timeout: float = 30.0, **options: Any
    ) -> None:
        super().__init__(creator, **options)
        self._size: int = pool_size
        self._timeout = timeout
        self._open: int = 0
        self._idle: deque[Any] = deque()
        self._is_disposed = False

    def recreate(self) -> Self:
        """Make an empty pool with the same settings."""
        pool = self.__class__(
            self._creator,
            pool_size=self._size,
            timeout=self._timeout,
            recycle=self._recycle,
            echo=self.echo,
            logging_name=self._orig_logging_name,
            reset_on_return=self._reset_on_return,
            _dispatch=self.dispatch,
            dialect=self._dialect,
        )
        pool.join(self.driver, self.budget)
        return pool

    def join(self, driver: D, budget: Budget | None) -> None:
        """Take what an engine's pool is not made with."""
        self.driver, self.budget = driver, budget
        if budget is not None:
            # The budget asks for more than this base has: both pools have it.
            budget.join(self)  # type: ignore[arg-type]  # see above

    def status(self) -> str:
        """Describe the pool in a line."""
        return f"Pool size: {self._size}, open: {self._open}, idle: {len(self._idle)}"

    def checkedout(self) -> int:
        """Count the connections in use."""
        return self._open - len(self._idle)
