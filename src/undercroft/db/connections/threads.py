"""What must come to its end although the task that waits for it is cancelled."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from undercroft.concurrency import Rest, find_running_loop, holder_threads

T = TypeVar("T")

#: Held here, because a loop keeps only weak references to its tasks.
_running: set["asyncio.Task[Any]"] = set()


class Unbroken(Awaitable[T]):
    """A coroutine run to its end, though a cancellation may be waiting.

    The first cancellation waits for the end; at a second one the rest goes on by itself. It is
    stepped by whoever awaits it, and gets a task of its own only once that one is cancelled: a task
    for every COMMIT would cost as much as the COMMIT. So it must not care which task it runs in.

    Args:
        coroutine: What to run.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, None, T]:
        while True:
            try:
                waited = self._coroutine.send(None)
            except StopIteration as finished:
                return finished.value  # type: ignore[no-any-return]  # StopIteration is not generic
            try:
                yield from _wait_beside(waited)
            except asyncio.CancelledError:
                with suppress(Exception):
                    yield from asyncio.shield(_begin(_go_on(self._coroutine, waited))).__await__()
                raise


def _wait_beside(waited: Any) -> Generator[Any, None, None]:
    """Wait for a future so that a cancellation of the waiting does not reach it.

    Args:
        waited: What a coroutine waits for, a future or None for the loop's next turn; asyncio's
            documentation of `isfuture` names the mark by which it asks for that.
    """
    if waited is None:
        yield
        return
    beside = waited.get_loop().create_future()
    waited._asyncio_future_blocking = False
    waited.add_done_callback(partial(_wake, beside))
    yield from beside


def _wake(beside: asyncio.Future[None], _waited: object) -> None:
    if not beside.done():
        beside.set_result(None)


async def _go_on(coroutine: Coroutine[Any, Any, T], waited: Any) -> T:
    """Run the rest of a coroutine once what it waits for is there."""
    if waited is not None:
        await asyncio.wait([waited])
    return await Rest(coroutine)


def _begin(coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Begin a task that is held until its end."""
    task = asyncio.ensure_future(coroutine)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


async def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """As `Unbroken`, in a task of its own: for what users have written."""
    task = _begin(coroutine)
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
