"""Calls the right one of two methods: the blocking one, or its async twin on the event loop."""

from typing import Any

from undercroft.concurrency import is_on_loop


async def run_twin(owner: Any, name: str, *args: Any) -> Any:
    """Call `owner.name(...)`, or await `owner.aname(...)` where an event loop runs.

    Under WSGI nothing has to wait then, so the request never leaves its thread.
    """
    if is_on_loop():
        return await getattr(owner, f"a{name}")(*args)
    return getattr(owner, name)(*args)
