"""What waits for a commit, and how it is called then: in either kind of code, of either kind."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import iscoroutine, iscoroutinefunction
from typing import Any

from undercroft.concurrency import drive, run_in_thread

logger = logging.getLogger("undercroft.db")


@dataclass(frozen=True, slots=True)
class Callback:
    """A function that `on_commit` registered.

    Attributes:
        function: A function or a coroutine function.
        robust: Whether its failure is logged, and those after it are called all the same.
    """

    function: Callable[[], Any]
    robust: bool = False

    def call(self) -> None:
        """Call it from sync code."""
        try:
            answer = self.function()
            if iscoroutine(answer):
                drive(answer)
        except Exception as error:
            if not self.robust:
                raise
            self._log(error)

    async def acall(self) -> None:
        """Call it from async code; on the loop, what is no coroutine function may block."""
        try:
            is_async = iscoroutinefunction(self.function)
            answer = self.function() if is_async else await run_in_thread(self.function)
            if iscoroutine(answer):
                await answer
        except Exception as error:
            if not self.robust:
                raise
            self._log(error)

    def _log(self, error: Exception) -> None:
        logger.error("%r waited for the commit and failed", self.function, exc_info=error)


def call_all(callbacks: Iterable[Callback]) -> None:
    """Call what waited for a commit, in order."""
    for callback in callbacks:
        callback.call()


async def acall_all(callbacks: Iterable[Callback]) -> None:
    """As `call_all`, from async code."""
    for callback in callbacks:
        await callback.acall()
