"""What is run to its end whoever is cancelled meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from undercroft.db.connections.threads import Unbroken, complete

Finish = Callable[[Coroutine[Any, Any, Any]], Any]

both = pytest.mark.parametrize("finish", [Unbroken, complete])


@both
def test_the_answer_comes_back(finish: Finish) -> None:
    """What waits for nothing, for a turn of the loop, or for a future, answers or raises."""

    async def answer(waits: bool) -> int:
        if waits:
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
        return 42

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("as planned")

    async def main() -> None:
        assert await finish(answer(waits=False)) == 42
        assert await finish(answer(waits=True)) == 42
        with pytest.raises(ValueError, match="as planned"):
            await finish(fail())

    asyncio.run(main())


@both
@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_a_cancellation_waits_for_the_end(finish: Finish, times: int) -> None:
    """The first one waits; at a second one the rest goes on by itself; nothing is left undone."""
    done: list[str] = []

    async def write() -> None:
        for step in ("one", "two", "three"):
            await asyncio.sleep(0.01)
            done.append(step)

    async def wait() -> None:
        await finish(write())
        done.append("answered")

    async def main() -> None:
        waiting = asyncio.ensure_future(wait())
        for _ in range(times):
            await asyncio.sleep(0.004)
            waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled() is (times > 0)
        if times == 1:
            assert done == ["one", "two", "three"]
        await asyncio.sleep(0.1)
        assert done == ["one", "two", "three", *(["answered"] if times == 0 else [])]

    asyncio.run(main())


@both
def test_a_waiting_cancellation_and_a_failure(finish: Finish) -> None:
    """A task that is cancelled before it waits, and a failure nobody waits for any more."""
    done: list[str] = []

    async def write() -> None:
        done.append("begun")
        await asyncio.sleep(0.01)
        done.append("ended")
        raise ValueError("nobody hears this")

    async def main() -> None:
        async def wait() -> None:
            current = asyncio.current_task()
            assert current is not None
            current.cancel()
            await finish(write())

        waiting = asyncio.ensure_future(wait())
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert done == ["begun", "ended"]

    asyncio.run(main())


@both
def test_a_second_cancellation_waits_no_more(finish: Finish) -> None:
    """What was begun goes on by itself all the same."""
    done: list[str] = []

    async def main() -> None:
        may_end = asyncio.Event()

        async def write() -> None:
            await may_end.wait()
            done.append("written")

        async def wait() -> None:
            await finish(write())

        waiting = asyncio.ensure_future(wait())
        for _ in range(2):
            await asyncio.sleep(0)
            waiting.cancel()
            for _ in range(5):
                await asyncio.sleep(0)
        assert waiting.cancelled()
        assert done == []
        may_end.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert done == ["written"]

    asyncio.run(main())
