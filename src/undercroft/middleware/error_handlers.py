"""Exception handlers: which function answers an exception, and with what status.

A status comes before a class, the nearest class before those it derives from. What fails in a
handler is a failure like any other; what it raises as an `HTTPException` is an answer.
"""

from collections.abc import Callable, Mapping
from typing import Any

from undercroft.binding.answers import Answer, Returns, build_answer
from undercroft.binding.callables import describe_place, read_hints
from undercroft.errors import ClientDisconnected, HTTPException, ValidationError
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.calling import prepare_call
from undercroft.middleware.pipeline import Endpoint
from undercroft.routing.hooks import ErrorKey

_SERVER_ERROR = 500
_UNPROCESSABLE = 422


class ErrorHandler:
    """One prepared function that answers exceptions.

    Attributes:
        is_last_resort: Whether it is for 500, and so stands for what nobody expected.
    """

    def __init__(self, key: ErrorKey, function: Callable[..., Any]) -> None:
        self.is_last_resort = key == _SERVER_ERROR
        self._call = prepare_call(function, ("request", "error"), 1)
        self._returns = read_hints(function).get("return", Any)
        self._place = describe_place(function)
        self._answers: dict[int, Answer] = {}

    async def answer(self, request: Request, error: Exception) -> Response:
        """Call the function; what it returns is answered with the error's own status."""
        value = await self._call(request, error)
        status = find_status(error)
        if status not in self._answers:
            self._answers[status] = build_answer(Returns(self._returns, status, self._place))
        response = self._answers[status](value)
        return await response.resolve(request) if response.is_deferred else response


class ErrorHandlers:
    """The exception handlers of the app, or of one router.

    Raises:
        ImproperlyConfigured: A handler takes the wrong arguments.
    """

    def __init__(self, functions: Mapping[ErrorKey, Callable[..., Any]]) -> None:
        self._handlers = {key: ErrorHandler(key, each) for key, each in functions.items()}

    def find(self, error: Exception) -> ErrorHandler | None:
        """Find the handler for an exception, or None."""
        keys: list[ErrorKey] = [find_status(error), *type(error).__mro__[:-2]]
        return next((self._handlers[key] for key in keys if key in self._handlers), None)


def find_status(error: Exception) -> int:
    """Find the status an exception stands for; 500 where nobody raised it on purpose."""
    if isinstance(error, ValidationError):
        return _UNPROCESSABLE
    return error.status_code if isinstance(error, HTTPException) else _SERVER_ERROR


def add_error_handlers(endpoint: Endpoint, handlers: ErrorHandlers) -> Endpoint:
    """Let a router's handlers answer what is raised further in."""

    async def answer(request: Request) -> Response:
        try:
            response = await endpoint(request)
            return await response.resolve(request) if response.is_deferred else response
        except ClientDisconnected:
            raise
        except Exception as error:
            handler = handlers.find(error)
            if handler is None:
                raise
            return await handler.answer(request, error)

    return answer
