"""Calls a function outside of any request: in commands, scripts and workers."""

from functools import partial
from typing import Any

from undercroft.binding.callables import describe_place
from undercroft.binding.dependencies import StepList
from undercroft.binding.parameters import FindProvider
from undercroft.binding.plan import PreparedCall
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request


async def call_without_request(
    function: partial[Any], app: object, find_provider: FindProvider
) -> Any:
    """Call a function with what its signature asks for.

    Args:
        function: With what it is given filled in.
        app: For those who ask the request for it.
        find_provider: Knows the types that are injected by their name alone.

    Raises:
        ImproperlyConfigured: Something it asks for is read from a request.
    """
    check_no_request(function, find_provider)
    request = Request("CALL", "/")
    request.app = app
    try:
        return await PreparedCall(function, find_provider).run(request, function)
    finally:
        await request.end()


def check_no_request(function: partial[Any], find_provider: FindProvider) -> None:
    """Refuse a function that only a request could be answered with.

    Raises:
        ImproperlyConfigured: It, or what it depends on, reads from one.
    """
    steps = StepList((), find_provider)
    steps.add_handler(function)
    read = [
        f"{slot.argument.alias!r} of the {slot.argument.source.value}"
        for slot in steps.slots
        if slot.argument.is_required
    ]
    taken = [f"{step.takes_request!r}" for step in steps.steps if step.takes_request]
    if read or taken:
        raise ImproperlyConfigured(
            f"{describe_place(function)} needs {', '.join([*read, *taken])}, and is called without"
            " a request.",
            hint="Give the argument by name: app.call(function, name=value).",
            code="binding.no-request",
        )
