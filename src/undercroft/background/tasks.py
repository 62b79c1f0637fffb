"""Background tasks: functions that are called once the answer has been sent.

They run in the process that answered, after the request's transaction was committed, one after
the other. Nothing keeps them when the process ends: what must not be lost belongs into a queue.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, ParamSpec

from undercroft.concurrency import ensure_loop, run_in_thread

logger = logging.getLogger("undercroft.background")

P = ParamSpec("P")
#: Gives what calls a task that asks for more than it was given, or None; the application knows how.
Prepare = Callable[[partial[Any]], Callable[[], Awaitable[Any]] | None]


class BackgroundTask:
    """One call for after the answer: `JSONResponse(data, background=BackgroundTask(mail, to))`.

    A `def` function is called in a thread, an `async def` one on the loop. What it raises is
    logged, for there is nobody left to be told.

    Args:
        function: What is called.
        args: Its arguments.
        kwargs: Its arguments by name.
    """

    def __init__(self, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        self._call: partial[Any] = partial(function, *args, **kwargs)

    async def __call__(self) -> None:
        """Call the function."""
        await run_logged(self._call)


class BackgroundTasks:
    """Calls for after the answer, in the order they were added.

    A handler or a dependency that has an argument of this type is given those of the request.

    Args:
        prepare: Finds what calls a function whose signature asks for dependencies.
    """

    def __init__(self, prepare: Prepare | None = None) -> None:
        self._prepare = prepare
        self._calls: list[tuple[partial[Any], Callable[[], Awaitable[Any]] | None]] = []

    def add_task(self, function: Callable[..., object], /, *args: Any, **kwargs: Any) -> None:
        """Call a function once the answer has been sent, unless the request fails before that.

        Args:
            function: `def` or `async def`; arguments that are not given here and have a `Depends`,
                or a type that is injected by itself, are injected as in a handler.
            args: Its arguments.
            kwargs: Its arguments by name.

        Raises:
            TypeError: An argument is missing.
        """
        call = partial(function, *args, **kwargs)
        self._calls.append((call, self._prepare(call) if self._prepare is not None else None))

    async def __call__(self) -> None:
        """Call them; one that fails keeps none from following."""
        for call, injected in self._calls:
            await run_logged(call, injected)


async def run_logged(
    call: partial[Any], injected: Callable[[], Awaitable[Any]] | None = None
) -> None:
    """Call a function to its end, and log what it raises."""
    try:
        if injected is not None:
            await injected()
        elif iscoroutinefunction(call.func):
            await ensure_loop()
            await call()
        else:
            await run_in_thread(call)
    except Exception:
        name = getattr(call.func, "__qualname__", repr(call.func))
        logger.exception("The background task %s failed", name)
