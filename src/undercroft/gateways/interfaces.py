"""Which interface an application speaks, found out by looking at it, never by calling it."""

import inspect
from collections.abc import Callable
from typing import Any, Literal

from undercroft.errors import ImproperlyConfigured
from undercroft.gateways.messages import Receive, Scope, Send

Interface = Literal["asgi3", "asgi2", "wsgi"]

#: By the number of arguments a plain callable needs.
_BY_ARGUMENTS: dict[int, Interface] = {3: "asgi3", 2: "wsgi", 1: "asgi2"}


def find_interface(application: Any) -> Interface:
    """Find out which interface an application speaks.

    Raises:
        ImproperlyConfigured: It is no application, or looks like a factory of one.
    """
    if not callable(application):
        raise ImproperlyConfigured(
            f"{shorten(application)} is no application: it cannot be called.",
            hint="Name an ASGI or WSGI application, such as `module:app`.",
            code="server.no-application",
        )
    call: Callable[..., Any] = application
    if not inspect.isroutine(application) and not inspect.isclass(application):
        # An instance may carry a `__call__` of its own, as ours does for exactly this question.
        call = application.__call__
    if inspect.iscoroutinefunction(call):
        return "asgi3"
    interface = _BY_ARGUMENTS.get(count_arguments(call))
    if interface is None:
        raise ImproperlyConfigured(
            f"{shorten(application)} does not look like an application: it takes neither the "
            "three arguments of ASGI nor the two of WSGI.",
            hint="If it makes an application, add `--factory`; otherwise say what it speaks by "
            "`--interface`.",
            code="server.no-application",
        )
    return interface


def count_arguments(call: Callable[..., Any]) -> int:
    """Count the positional arguments a callable needs; 0 where nothing is known."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(
        1
        for parameter in parameters
        if parameter.kind in positional and parameter.default is inspect.Parameter.empty
    )


def show_as_asgi(application: Callable[..., Any]) -> Callable[..., Any]:
    """Put a function around an ASGI application that anybody sees to be asynchronous."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await application(scope, receive, send)

    return call


def shorten(value: object) -> str:
    """Describe a value in one short line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
