"""How a generic view calls its hooks: those written as `def` beside the loop, others on it."""

from inspect import isawaitable, iscoroutinefunction
from typing import Any

from undercroft.concurrency import run_in_thread

#: Where hooks lie that ask no database.
_OURS = ("undercroft.views.", "undercroft.auth.")


async def call_hook(view: object, name: str, /, *args: Any, **kwargs: Any) -> Any:
    """Call a hook of a view, `def` or `async def`.

    A `def` of a project may ask the database, so it runs in a thread; those of undercroft do not
    and run in place.
    """
    hook = getattr(view, name)
    if iscoroutinefunction(hook):
        return await hook(*args, **kwargs)
    is_ours = getattr(hook, "__module__", "").startswith(_OURS)
    result = hook(*args, **kwargs) if is_ours else await run_in_thread(hook, *args, **kwargs)
    # A `def` may hand on what `super()`'s `async def` returned.
    return await result if isawaitable(result) and not hasattr(result, "model") else result
