"""Where code runs: on the event loop, in a thread beside it, or driven step by step under WSGI.

One coroutine serves a request whatever the server. Under ASGI it is awaited. Under WSGI it is
driven by `drive`: as long as nothing in it really waits, it finishes on its first step, with no
event loop at all; the moment it must wait it asks for a loop (`ensure_loop`) and the rest of it
runs on one background loop per process.
"""

import asyncio
import os
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
)
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, TypeVar

from undercroft.errors import SynchronousOnlyOperation

T = TypeVar("T")

#: Documented for the authors of loops; unlike its public sister it answers None, not an exception.
find_running_loop = asyncio._get_running_loop  # pyright: ignore[reportPrivateUsage] - see above

#: Threads for `def` handlers and blocking calls: what Python's own executor would choose.
MAX_THREADS = min(32, (os.cpu_count() or 1) + 4)

#: Threads for who holds an open transaction: in truth as many as there are connections.
MAX_HOLDER_THREADS = 128

#: What the running code belongs to and others may have to wait for, if it says `is_holding`: an
#: open transaction. Were its threads those of everyone, the waiting could take them all, and what
#: ends the wait would find none.
holder: ContextVar[Any] = ContextVar("undercroft_holder", default=None)


def is_on_loop() -> bool:
    """Tell whether an event loop runs in this thread."""
    return find_running_loop() is not None


def check_not_on_loop(call: str, twin: str) -> None:
    """Refuse a blocking call made on the event loop.

    Args:
        call: The call as its author wrote it, for example `BlogPost.objects.get(...)`.
        twin: What to write instead, for example `await BlogPost.objects.aget(...)`.

    Raises:
        SynchronousOnlyOperation: An event loop runs in this thread.
    """
    if find_running_loop() is not None:
        raise SynchronousOnlyOperation(
            f"{call} blocks, and this code runs on the event loop.",
            hint=f"Write `{twin}`, or make the handler a plain `def` so that it runs in a thread.",
        )


# ------------------------------------------------------------------ threads beside the loop


class _Threads:
    """A bounded pool of the process, made at first use."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Start again without threads, in a forked process; the limit stays."""
        self._pool, self._lock = None, threading.Lock()

    def configure(self, limit: int) -> None:
        with self._lock:
            if limit != self._limit and self._pool is not None:
                self._pool.shutdown(wait=False)
                self._pool = None
            self._limit = limit

    def get(self) -> ThreadPoolExecutor:
        if self._pool is None:
            with self._lock:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(self._limit, thread_name_prefix="undercroft")
        return self._pool


threads = _Threads(MAX_THREADS)
holder_threads = _Threads(MAX_HOLDER_THREADS)


async def run_in_thread(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Call a blocking function without blocking the loop.

    The function sees the caller's context variables. Where no loop runs (under WSGI the
    server's own thread is already the right place) it is called directly.

    Raises:
        RuntimeError: The function raised StopIteration, which no coroutine can pass on (PEP 479).
    """
    loop = find_running_loop()
    if loop is None:
        return _call(function, *args, **kwargs)
    call = partial(copy_context().run, _call, function, *args, **kwargs)
    return await loop.run_in_executor(_get_threads(), call)


def _get_threads() -> ThreadPoolExecutor:
    held = holder.get()
    pool = holder_threads if held is not None and held.is_holding else threads
    return pool.get()


def _call(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    # A future cannot hold a StopIteration: whoever waits for it would wait for ever.
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        name = getattr(function, "__qualname__", repr(function))
        raise RuntimeError(f"{name} raised StopIteration.") from error


_END: Any = object()


async def iterate(items: AsyncIterable[T] | Iterable[T]) -> AsyncGenerator[T]:
    """Iterate over either kind of iterable, a plain one beside the loop.

    The source is closed whatever ends the iteration: a client that goes away ends a generator.
    """
    if isinstance(items, AsyncIterable):
        # Under WSGI: what is asynchronous may wait for whatever it likes.
        await ensure_loop()
        try:
            async for item in items:
                yield item
        finally:
            await close_source(items)
    else:
        turns = _Turns(items)
        try:
            while (item := await run_in_thread(turns.find_next)) is not _END:
                yield item
        finally:
            await _close_in_thread(turns)


async def _close_in_thread(turns: "_Turns") -> None:
    """Close an iterator, however often that is cancelled."""
    loop = find_running_loop()
    if loop is None:
        turns.close()
        return
    call = partial(copy_context().run, turns.close)
    # A call still in the queue would be taken back with who waits for it, but for the shield.
    await asyncio.shield(loop.run_in_executor(_get_threads(), call))


class _Turns:
    """A plain iterator that several threads use in turn.

    Who waits for an item can be cancelled and the thread that makes it cannot: closing waits
    for its turn, for a generator that runs cannot be closed.
    """

    def __init__(self, items: Iterable[Any]) -> None:
        self._iterator = iter(items)
        self._turn = threading.Lock()

    def find_next(self) -> Any:
        with self._turn:
            return next(self._iterator, _END)

    def close(self) -> None:
        close = getattr(self._iterator, "close", None)
        if close is not None:
            with self._turn:
                close()


async def close_source(source: object) -> None:
    """Close what has a way to be closed: `aclose` on the loop, `close` beside it."""
    if (aclose := getattr(source, "aclose", None)) is not None:
        await ensure_loop()
        await aclose()
    elif (close := getattr(source, "close", None)) is not None:
        await run_in_thread(close)


# ------------------------------------------------------------------ WSGI: no loop until needed


class _LoopRequest(Awaitable[None]):
    """Awaited where a loop is needed; `drive` sees it and moves the coroutine."""

    def __await__(self) -> Generator[Any, None, None]:
        yield self


#: What a driven coroutine yields where it needs a loop.
_LOOP_REQUEST = _LoopRequest()


async def ensure_loop() -> None:
    """Go on only once an event loop runs: a no-op under ASGI, a move under WSGI."""
    if find_running_loop() is None:
        await _LOOP_REQUEST


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end from a thread that has no event loop.

    It is stepped once. If it finishes, no loop was involved; if it asks for one, the rest of it
    runs on the process's background loop while this thread waits.

    Raises:
        SynchronousOnlyOperation: A loop runs in this thread already.
    """
    if is_on_loop():
        coroutine.close()
        check_not_on_loop("drive(coroutine)", "await coroutine")
    try:
        asked = coroutine.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]  # StopIteration is not generic
    check_loop_request(coroutine, asked)
    return _background.run(Rest(coroutine))


def step_or_drive(coroutine: Coroutine[Any, Any, T], call: str, twin: str) -> T:
    """Run a coroutine to its end, on the event loop only if it never waits.

    Args:
        coroutine: What to run.
        call: What was asked for, as its author wrote it.
        twin: What to write on the event loop instead.

    Raises:
        SynchronousOnlyOperation: It waits, and a loop runs in this thread.
    """
    if not is_on_loop():
        return drive(coroutine)
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]  # StopIteration is not generic
    coroutine.close()
    check_not_on_loop(call, twin)
    raise AssertionError("unreachable: the loop runs")


def check_loop_request(coroutine: Coroutine[Any, Any, Any], asked: object) -> None:
    """Refuse to wait where no event loop runs for anything but a loop.

    Raises:
        RuntimeError: The coroutine, which is closed, waited for something else.
    """
    if asked is not _LOOP_REQUEST:
        coroutine.close()
        raise RuntimeError(f"A coroutine waited for {asked!r} where no event loop runs.")


class Rest(Awaitable[T]):
    """What is left of a coroutine that was already stepped, as something a task can await."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        return (yield from self._coroutine.__await__())


class _BackgroundLoop:
    """One event loop in a daemon thread, started at first use."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def get(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            with self._lock:
                if self._loop is None:
                    loop = asyncio.new_event_loop()
                    threading.Thread(
                        target=loop.run_forever, name="undercroft-loop", daemon=True
                    ).start()
                    self._loop = loop
        return self._loop

    def forget(self) -> None:
        """Start again without the thread, in a forked process."""
        self._loop, self._lock = None, threading.Lock()

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a task on the loop, with the calling thread's context variables.

        What is returned must be held: a loop itself keeps only weak references to its tasks.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self.get())

    def run(self, awaitable: Awaitable[T]) -> T:
        """Finish an awaitable on the loop, with the calling thread's context variables."""
        done = Future[T]()

        async def finish() -> None:
            try:
                done.set_result(await awaitable)
            except BaseException as error:  # noqa: BLE001 - handed to the waiting thread
                done.set_exception(error)

        running = self.begin(finish())
        try:
            return done.result()
        finally:
            del running


_background = _BackgroundLoop()

# A forked worker has none of its parent's threads. The objects stay the same, because other
# modules hold them.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=threads.forget)
    os.register_at_fork(after_in_child=holder_threads.forget)
    os.register_at_fork(after_in_child=_background.forget)


def run_on_background_loop(awaitable: Awaitable[T]) -> T:
    """Finish an awaitable on the process's background loop while this thread waits."""
    return _background.run(awaitable)


def begin_on_background_loop(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Begin a task on the process's background loop; the future must be held until it ends."""
    return _background.begin(coroutine)


def call_on_background_loop(function: Callable[[], object]) -> None:
    """Call a function on the process's background loop, soon, without waiting for it."""
    _background.get().call_soon_threadsafe(function)
