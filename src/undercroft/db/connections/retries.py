"""Run a function again when its transaction conflicted with another one."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Protocol, TypeVar

from undercroft.concurrency import ensure_loop
from undercroft.db.connections.conflicts import find_conflict
from undercroft.errors import LockTimeout, TransactionConflict

T = TypeVar("T")

#: What is gone when the transaction is begun anew, possibly.
RETRIED = (TransactionConflict, LockTimeout)

#: Seconds: the longest wait before the first retry, which doubles each time, up to the last.
FIRST_DELAY, LONGEST_DELAY = 0.04, 2.0


def is_retried(error: Exception) -> bool:
    """Tell whether what failed may work when it is run again; a Session raises SQLAlchemy's."""
    original = getattr(error, "orig", None)
    return isinstance(error if original is None else find_conflict(original), RETRIED)


class Block(Protocol):
    """A block as this module sees it.

    Attributes:
        has_committed: Whether it is stored: what fails after that must not run it again.
    """

    has_committed: bool

    def __enter__(self) -> Any: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    async def __aenter__(self) -> Any: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...


def list_delays(retry: int) -> Iterator[float]:
    """List the waits before each retry: random ones, so that those who met do not meet again."""
    for attempt in range(retry):
        longest = min(FIRST_DELAY * 2**attempt, LONGEST_DELAY)
        yield random.uniform(longest / 4, longest)  # noqa: S311 - no secret


def run_again(run: Callable[[], T], retry: int, open_block: Callable[[], Block]) -> T:
    """Run a function in a block of its own, and again after a conflict.

    Args:
        run: What to run.
        retry: How often again.
        open_block: Makes a block.

    Raises:
        TransactionConflict: The last try conflicted, too.
    """
    for delay in list_delays(retry):
        block = open_block()
        try:
            with block:
                return run()
        except Exception as error:
            if block.has_committed or not is_retried(error):
                raise
            time.sleep(delay)
    with open_block():
        return run()


async def arun_again(
    run: Callable[[], Coroutine[Any, Any, T]], retry: int, open_block: Callable[[], Block]
) -> T:
    """As `run_again`, for a coroutine function."""
    for delay in list_delays(retry):
        block = open_block()
        try:
            async with block:
                return await run()
        except Exception as error:
            if block.has_committed or not is_retried(error):
                raise
            await ensure_loop()
            await asyncio.sleep(delay)
    async with open_block():
        return await run()
