"""How hooks and exception handlers are called: with as many arguments as they take."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from undercroft.binding.callables import Kind, describe_place, find_kind
from undercroft.concurrency import ensure_loop, run_in_thread
from undercroft.errors import ImproperlyConfigured

Call = Callable[..., Awaitable[Any]]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def prepare_call(function: Callable[..., Any], names: tuple[str, ...], least: int) -> Call:
    """Prepare a function that is called with the last of what there is to give.

    A `def` runs in a thread, an `async def` on the loop.

    Args:
        function: A hook or handler.
        names: What there is to give, in order.
        least: How many of it the function must take.

    Raises:
        ImproperlyConfigured: The function takes another number, or yields.
    """
    count = count_parameters(function)
    kind = find_kind(function)
    if not least <= count <= len(names) or kind.is_generator:
        forms = [f"({', '.join(names[start:])})" for start in range(len(names) - least + 1)]
        raise ImproperlyConfigured(
            f"{describe_place(function)} takes {count} arguments, or yields.",
            hint=f"Write it as a function of {' or '.join(forms)}.",
            code="routing.hook",
        )
    skipped = len(names) - count

    async def call(*given: Any) -> Any:
        if kind is Kind.COROUTINE:
            await ensure_loop()
            return await function(*given[skipped:])
        return await run_in_thread(function, *given[skipped:])

    return call


def count_parameters(function: Callable[..., Any]) -> int:
    """Count the positional parameters that must be given."""
    parameters = inspect.signature(function).parameters.values()
    return sum(each.kind in _POSITIONAL and each.default is each.empty for each in parameters)
