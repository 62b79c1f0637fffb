"""Compiles the handler of a WebSocket: its arguments come from the handshake."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from typing import Any

from undercroft.binding.answers import Returns
from undercroft.binding.callables import Kind, describe_place
from undercroft.binding.container import Injector, find_container
from undercroft.binding.dependencies import Step, StepList
from undercroft.binding.parameters import (
    Dependency,
    FindProvider,
    Provider,
    find_no_provider,
)
from undercroft.binding.plan import Plan, check_path_is_taken
from undercroft.binding.reading import Reading
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.websockets import WebSocket

Endpoint = Callable[[Request], Awaitable[Any]]


def provide_socket(request: Request) -> WebSocket:
    """Give the connection whose handshake the request is."""
    socket: WebSocket = request.socket
    return socket


_SOCKET = Provider(provide_socket, is_at_hand=True)


def compile_socket_plan(
    handler: Callable[..., Any],
    *,
    path_params: Collection[str] = (),
    dependencies: Sequence[Dependency] = (),
    find_provider: FindProvider = find_no_provider,
) -> Plan:
    """Compile the handler of a WebSocket.

    Args:
        handler: An async function; one that takes a `WebSocket`, itself or by a dependency.
        path_params: Names the route's template captures.
        dependencies: Are called before the handler's own, for their own sake.
        find_provider: Knows the types that are injected by their name alone.

    Raises:
        ImproperlyConfigured: It is no async function, reads a body, which a handshake has none of,
            or cannot be bound.
    """

    def find(annotation: Any) -> Provider | None:
        is_socket = isinstance(annotation, type) and issubclass(annotation, WebSocket)
        return _SOCKET if is_socket else find_provider(annotation)

    steps = StepList(path_params, Injector(find, find_container(find_provider)))
    for dependency in dependencies:
        steps.add_dependency(dependency)
    step = steps.add_handler(handler)
    check_handler(handler, step)
    if not step.takes:
        check_path_is_taken(handler, step, steps, path_params)
    reading = Reading(steps.slots)
    if reading.body is not None:
        raise ImproperlyConfigured(
            f"{describe_place(handler)} reads a body, and a WebSocket's handshake has none.",
            hint="Read it as a message: `async for message in socket.messages(Model)`.",
            code="binding.websocket",
        )
    return Plan(
        endpoint=build_socket_endpoint(steps.steps, reading),
        arguments=tuple(slot.argument for slot in steps.slots),
        body=None,
        is_body_required=False,
        returns=Returns(None, 101, describe_place(handler)),
        handler=handler,
    )


def check_handler(handler: Callable[..., Any], step: Step) -> None:
    """Refuse a handler that cannot wait.

    Raises:
        ImproperlyConfigured: It is no `async def`.
    """
    if step.kind is not Kind.COROUTINE:
        raise ImproperlyConfigured(
            f"{describe_place(handler)} serves WebSockets and is no `async def`.",
            hint="Write `async def`, and no `yield`: it lives as long as the connection.",
            code="binding.websocket",
        )


def build_socket_endpoint(steps: list[Step], reading: Reading) -> Endpoint:
    """Build what serves a connection; dependencies are cleaned up at its end."""
    *dependencies, last = steps

    async def endpoint(request: Request) -> None:
        values = await reading.read(request)
        failure: BaseException | None = None
        # What lives as long as the request lives as long as the connection, which is the handler.
        async with AsyncExitStack() as stack:
            results: list[Any] = []
            try:
                for step in dependencies:
                    arguments = step.build_arguments(request, values, results)
                    results.append(await step.arun(arguments, stack))
                await last.function(**last.build_arguments(request, values, results))
            except BaseException as error:
                failure = error
                raise
        if failure is not None:
            raise failure

    return endpoint
