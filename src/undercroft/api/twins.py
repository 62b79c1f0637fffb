"""Calls the right one of two methods: the blocking one, or its async twin on the event loop."""

from collections.abc import Awaitable
from typing import Any

from undercroft.concurrency import is_on_loop
from undercroft.db.connections.transactions import Atomic, BlockOptions


async def run_twin(owner: Any, name: str, *args: Any) -> Any:
    """Call `owner.name(...)`, or await `owner.aname(...)` where an event loop runs.

    Under WSGI nothing has to wait then, so the request never leaves its thread.
    """
    if is_on_loop():
        return await getattr(owner, f"a{name}")(*args)
    return getattr(owner, name)(*args)


async def run_within(work: Awaitable[Any], alias: str = "default") -> Any:
    """Await work within a transaction's block: all of it happens, or none."""
    block = Atomic(BlockOptions(alias))
    if is_on_loop():
        async with block:
            return await work
    with block:
        return await work
