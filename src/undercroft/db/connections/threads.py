"""What must come to its end although the task that waits for it is cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from undercroft.concurrency import find_running_loop, holder_threads

T = TypeVar("T")

#: Held here, because a loop keeps only weak references to its tasks.
_running: set["asyncio.Task[Any]"] = set()


async def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, though a cancellation may be waiting.

    The first cancellation waits for the end; at a second one the rest goes on by itself.
    """
    task = asyncio.ensure_future(coroutine)
    _running.add(task)
    task.add_done_callback(_running.discard)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(Exception):
            await asyncio.shield(task)
        raise


async def complete_in_thread(function: Callable[[], T]) -> T:
    """Call a blocking function that is neither cancelled nor forgotten once it is asked for.

    Not even a loop that ends and cancels every task takes the call back.
    """
    if find_running_loop() is None:
        return function()
    call = holder_threads.get().submit(partial(copy_context().run, function))
    return await asyncio.shield(asyncio.wrap_future(call))
