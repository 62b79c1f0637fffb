"""Puts around a route's endpoint what its routers declare; a route without any pays nothing."""

from collections.abc import Sequence
from typing import Any

from undercroft.binding.answers import Answer, Returns, build_answer
from undercroft.binding.callables import describe_place
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.calling import Call, prepare_call
from undercroft.middleware.error_handlers import ErrorHandlers, add_error_handlers
from undercroft.middleware.pipeline import Endpoint
from undercroft.routing.hooks import Hooks


def add_hooks(endpoint: Endpoint, around: Sequence[Hooks], outermost: Hooks) -> Endpoint:
    """Put the hooks and exception handlers of routers around an endpoint.

    Args:
        endpoint: Answers the route's requests.
        around: Those around the route, the outermost first.
        outermost: The app's own, whose exception handlers stand further out.
    """
    for hooks in reversed(around):
        if hooks.before:
            endpoint = add_before(endpoint, hooks)
        if hooks.handlers and hooks is not outermost:
            endpoint = add_error_handlers(endpoint, ErrorHandlers(hooks.handlers))
        if hooks.after:
            endpoint = add_after(endpoint, hooks)
    return endpoint


def add_before(endpoint: Endpoint, hooks: Hooks) -> Endpoint:
    """Call hooks before an endpoint; the first that returns something has answered."""
    # A hook mostly returns None, so its return type tells little: it is answered by its value.
    calls: list[tuple[Call, Answer]] = [
        (
            prepare_call(function, ("request",), 0),
            build_answer(Returns(Any, 200, describe_place(function))),
        )
        for function in hooks.before
    ]

    async def run(request: Request) -> Response:
        for call, answer in calls:
            value = await call(request)
            if value is not None:
                return answer(value)
        return await endpoint(request)

    return run


def add_after(endpoint: Endpoint, hooks: Hooks) -> Endpoint:
    """Call hooks with the answer of an endpoint, the last declared first."""
    calls = [prepare_call(each, ("request", "response"), 1) for each in reversed(hooks.after)]

    async def run(request: Request) -> Response:
        response = await endpoint(request)
        if response.is_deferred:
            response = await response.resolve(request)
        for call in calls:
            response = await call(request, response) or response
        return await response.resolve(request) if response.is_deferred else response

    return run
