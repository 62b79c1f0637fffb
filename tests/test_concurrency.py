"""Where code runs: on a loop, in threads beside it, or driven under WSGI."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from undercroft import concurrency
from undercroft.concurrency import (
    check_not_on_loop,
    drive,
    ensure_loop,
    is_on_loop,
    iterate,
    run_in_thread,
)
from undercroft.errors import SynchronousOnlyOperation

value: ContextVar[int] = ContextVar("value", default=0)


def test_a_coroutine_that_never_waits_needs_no_loop() -> None:
    """What never waits finishes in the calling thread, without a loop."""

    async def inner() -> tuple[int, bool]:
        return await run_in_thread(threading.get_ident), is_on_loop()

    assert drive(inner()) == (threading.get_ident(), False)


def test_a_coroutine_that_waits_moves_to_the_background_loop() -> None:
    """The rest of a coroutine that asks for a loop runs there, with the same context variables."""

    async def inner() -> tuple[bool, bool, int]:
        before = is_on_loop()
        value.set(7)
        await ensure_loop()
        await asyncio.sleep(0.001)
        return before, is_on_loop(), value.get()

    assert drive(inner()) == (False, True, 7)


def test_exceptions_come_through_both_ways() -> None:
    """An exception before or after the move reaches the caller as it is."""

    async def fail(*, late: bool) -> None:
        if late:
            await ensure_loop()
        raise KeyError("reason")

    for late in (False, True):
        with pytest.raises(KeyError, match="reason"):
            drive(fail(late=late))


def test_waiting_without_asking_for_a_loop_is_a_clear_error() -> None:
    """A future awaited where no loop runs is told, not waited for in vain."""

    async def inner() -> None:
        loop = asyncio.new_event_loop()
        try:
            await loop.create_future()
        finally:
            loop.close()

    with pytest.raises(RuntimeError, match="no event loop runs"):
        drive(inner())


def test_threads_do_not_block_the_loop_and_see_the_context() -> None:
    """A blocking call runs beside the loop, with the caller's context variables."""

    async def main() -> tuple[int, int]:
        value.set(3)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticking = asyncio.create_task(tick())
        await run_in_thread(time.sleep, 0.05)
        seen = await run_in_thread(value.get)
        ticking.cancel()
        return ticks, seen

    ticks, seen = asyncio.run(main())
    assert ticks > 5
    assert seen == 3


def test_a_blocking_call_on_the_loop_names_its_twin() -> None:
    """The error says what was called and what to write instead."""

    async def inner() -> None:
        check_not_on_loop("Post.objects.get(id=1)", "await Post.objects.aget(id=1)")

    check_not_on_loop("x()", "await x()")
    with pytest.raises(SynchronousOnlyOperation, match=r"await Post\.objects\.aget\(id=1\)"):
        asyncio.run(inner())


def test_an_abandoned_iteration_closes_its_source() -> None:
    """Both kinds of generator are closed when the iteration ends early."""
    closed: list[str] = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append("closed")

    async def main() -> None:
        items = iterate(numbers())
        async for number in items:
            if number == 3:
                break
        await items.aclose()

    asyncio.run(main())
    assert closed == ["closed"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_has_threads_and_a_loop_of_its_own() -> None:
    """A worker that was forked after threads were used can use them again."""

    async def waits() -> int:
        await ensure_loop()
        return await run_in_thread(lambda: 5)

    assert drive(waits()) == 5
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, b"ok" if drive(waits()) == 5 else b"no")
        os._exit(0)
    os.close(writing)
    assert os.read(reading, 2) == b"ok"
    os.waitpid(child, 0)
    os.close(reading)


def test_stop_iteration_becomes_a_runtime_error_both_ways() -> None:
    """No future and no coroutine can hold a StopIteration, so it comes as what Python makes."""

    def fail() -> None:
        raise StopIteration

    async def main() -> None:
        await run_in_thread(fail)

    with pytest.raises(RuntimeError, match="fail raised StopIteration"):
        drive(main())
    with pytest.raises(RuntimeError, match="fail raised StopIteration") as caught:
        asyncio.run(asyncio.wait_for(main(), 5))
    assert isinstance(caught.value.__cause__, StopIteration)


def test_a_cancelled_iteration_closes_after_the_running_step() -> None:
    """A generator that runs in its thread is closed once it has yielded, not before."""
    events: list[str] = []

    def slow() -> Iterator[int]:
        try:
            while True:
                time.sleep(0.05)
                events.append("step")
                yield 1
        finally:
            events.append("closed")

    async def main() -> None:
        async for _ in iterate(slow()):
            pass

    async def cancel() -> None:
        task = asyncio.create_task(main())
        await asyncio.sleep(0.07)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert events == ["step", "step", "closed"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_process_keeps_the_limit_of_threads() -> None:
    """The limit holds in a forked worker, and can be set there by those who hold the pool."""
    held = concurrency.threads

    def count(wanted: int) -> bool:
        pool = concurrency.threads.get()
        return concurrency.threads is held and pool._max_workers == wanted

    held.configure(3)
    try:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            kept = count(3)
            held.configure(2)
            os.write(writing, b"ok" if kept and count(2) else b"no")
            os._exit(0)
        os.close(writing)
        assert os.read(reading, 2) == b"ok"
        os.waitpid(child, 0)
        os.close(reading)
    finally:
        held.configure(concurrency.MAX_THREADS)
