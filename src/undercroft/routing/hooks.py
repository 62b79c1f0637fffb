"""Hooks: what a router, or the app, puts around its routes, as Flask's blueprints do.

Hooks run before and after each of its handlers; exception handlers answer what those raise. All of
it is read when the application is compiled, so the order of declaration within a file is free.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from undercroft.errors import ImproperlyConfigured

H = TypeVar("H", bound=Callable[..., Any])

#: What an exception handler is for: a status, or a class of exceptions.
ErrorKey = int | type[Exception]

_ERROR_STATUSES = range(400, 600)


class Hooks:
    """The hooks and exception handlers of one router.

    Attributes:
        before: Called before each handler, in order.
        after: Called with each answer, the last declared first.
        handlers: What answers an exception, by its status or class.
    """

    def __init__(self) -> None:
        self.before: list[Callable[..., Any]] = []
        self.after: list[Callable[..., Any]] = []
        self.handlers: dict[ErrorKey, Callable[..., Any]] = {}


class HookDecorators(ABC):
    """Give a class that has hooks the decorators that fill it."""

    @property
    @abstractmethod
    def hooks(self) -> Hooks:
        """The hooks and exception handlers."""

    @abstractmethod
    def announce_change(self) -> None:
        """Have the application compiled anew."""

    def before_request(self, function: H) -> H:
        """Call a function before each handler; what it returns other than None is the answer.

        It takes the request or nothing, and may be `def` or `async def`. It runs outside the
        request's transaction.
        """
        self.hooks.before.append(function)
        self.announce_change()
        return function

    def after_request(self, function: H) -> H:
        """Call a function with each answer, which it may change, or replace by returning another.

        It takes `(response)` or `(request, response)`. The last one declared is called first.
        """
        self.hooks.after.append(function)
        self.announce_change()
        return function

    def exception_handler(self, key: ErrorKey) -> Callable[[H], H]:
        """Answer a status, or a class of exceptions, by a function.

        It takes `(error)` or `(request, error)`; what it returns is answered with the error's
        own status, unless it is a `Response`. A status comes before a class, the nearest class
        before those it derives from, and a router's own handlers before those around it.

        Raises:
            ImproperlyConfigured: The key is neither, or has a handler already.
        """
        check_key(key)

        def register(function: H) -> H:
            known = self.hooks.handlers.get(key)
            if known is not None and known is not function:
                shown = key if isinstance(key, int) else key.__qualname__
                raise ImproperlyConfigured(
                    f"{shown} has two exception handlers here: {known.__qualname__} and "
                    f"{getattr(function, '__qualname__', function)}.",
                    hint="Keep one of them, or give them to different routers.",
                    code="routing.exception-handler",
                )
            self.hooks.handlers[key] = function
            self.announce_change()
            return function

        return register

    def errorhandler(self, key: ErrorKey) -> Callable[[H], H]:
        """Answer an error by a function: Flask's name for `exception_handler`."""
        return self.exception_handler(key)


def check_key(key: object) -> None:
    """Refuse what no error could ever have.

    Raises:
        ImproperlyConfigured: It is neither the status of an error nor a class of exceptions.
    """
    if isinstance(key, int) and key in _ERROR_STATUSES:
        return
    if isinstance(key, type) and issubclass(key, Exception):
        return
    raise ImproperlyConfigured(
        f"{key!r} is neither the status of an error nor a class of exceptions.",
        hint="Write for example @app.exception_handler(404) or @app.exception_handler(KeyError).",
        code="routing.exception-handler",
    )
