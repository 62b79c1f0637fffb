"""Compiles a handler into an endpoint: request in, response out.

A signature is inspected once. What a request then runs is the shortest of three endpoints that
can do the work: nothing to bind, values only, or values and dependencies.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Protocol, runtime_checkable

from undercroft.binding.answers import Answer, Returns, build_answer
from undercroft.binding.callables import Kind, describe_place, read_hints
from undercroft.binding.dependencies import Step, StepList
from undercroft.binding.lifetimes import Lifetime, RequestStack
from undercroft.binding.parameters import Dependency, FindProvider, Source, find_no_provider
from undercroft.binding.reading import Reading
from undercroft.binding.scopes import Requirement
from undercroft.binding.shaping import NO_SHAPE, Shape
from undercroft.binding.signature import Argument
from undercroft.binding.streams import OwningStream
from undercroft.concurrency import ensure_loop, is_on_loop, run_in_thread
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.responses import Response

Endpoint = Callable[[Request], Awaitable[Response]]


@runtime_checkable
class BoundHandler(Protocol):
    """A handler that is made for each request, such as a method of a view.

    Attributes:
        function: The function that is inspected; its first argument is `self`.
    """

    function: Callable[..., Any]

    def bind(self, request: Request) -> Callable[..., Any]:
        """Return what to call for this request."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled handler.

    Attributes:
        endpoint: Answers a request.
        arguments: All that is read from the request, for the handler and its dependencies.
        body: The type of the whole body, or None.
        returns: What the handler answers with.
        handler: The function as it was written.
        requirements: The dependencies, each with the scopes that lead to it.
    """

    endpoint: Endpoint
    arguments: tuple[Argument, ...]
    body: Any
    is_body_required: bool
    returns: Returns
    handler: Callable[..., Any]
    requirements: tuple[Requirement, ...] = ()


def compile_plan(  # noqa: PLR0913 - what a route says, and who knows the types
    handler: Callable[..., Any] | BoundHandler,
    *,
    path_params: Collection[str] = (),
    status_code: int = 200,
    shape: Shape = NO_SHAPE,
    dependencies: Sequence[Dependency] = (),
    find_provider: FindProvider = find_no_provider,
) -> Plan:
    """Compile a handler.

    Args:
        handler: A function of either kind, a callable object, or a `BoundHandler`.
        path_params: Names the route's template captures.
        status_code: The status of a good answer.
        shape: What the route says of the answer.
        dependencies: Are called before the handler's own, for their own sake.
        find_provider: Knows the types that are injected by their name alone.

    Raises:
        ImproperlyConfigured: The signature cannot be bound; the message says why and where.
    """
    bound = handler if isinstance(handler, BoundHandler) else None
    function: Any = bound.function if bound else handler
    steps = StepList(path_params, find_provider)
    for dependency in dependencies:
        steps.add_dependency(dependency)
    step = steps.add_handler(function, skip_first=bound is not None)
    if bound is None:
        check_path_is_taken(function, step, steps, path_params)
    declared = shape.choose_type(read_hints(function).get("return", Any))
    # A method of a view has a status of its own; its route has one for all methods.
    status_code = getattr(function, "status_code", status_code)
    answered = Returns(declared, status_code, describe_place(function), shape)
    reading = Reading(steps.slots)
    endpoint = _choose_endpoint(steps, step, reading, build_answer(answered), bound)
    return Plan(
        endpoint=endpoint,
        arguments=tuple(slot.argument for slot in steps.slots),
        body=reading.body.annotation if reading.body else None,
        is_body_required=bool(reading.body and reading.body.is_required),
        returns=answered,
        handler=function,
        requirements=tuple(steps.requirements),
    )


def check_path_is_taken(
    function: Callable[..., Any], step: Step, steps: StepList, path_params: Collection[str]
) -> None:
    """Refuse a handler that takes no notice of what its route captures.

    One that takes the request may read it there.

    Raises:
        ImproperlyConfigured: The route captures a name that nothing reads.
    """
    if any(each.takes_request for each in steps.steps if not each.is_at_hand):
        return
    taken = {slot.argument.alias for slot in steps.slots if slot.argument.source is Source.PATH}
    for name in path_params:
        if name not in taken:
            others = [argument for argument, _ in step.reads]
            close = get_close_matches(name, others, n=1)
            hint = (
                f"Did you mean {close[0]!r} to be called {name!r}?"
                if close
                else (f"Add an argument {name!r}, or take the request.")
            )
            raise ImproperlyConfigured(
                f"{describe_place(function)} does not take {name!r}, which its route captures.",
                hint=hint,
                code="binding.path",
            )


def _choose_endpoint(
    steps: StepList, step: Step, reading: Reading, answer: Answer, bound: BoundHandler | None
) -> Endpoint:
    if len(steps.steps) > 1 or bound is not None or step.takes:
        return _Pipeline(steps.steps, reading, answer, bound).endpoint
    if steps.slots or step.takes_request:
        return _build_direct(step, reading, answer)
    return _build_bare(step, answer)


def _build_bare(step: Step, answer: Answer) -> Endpoint:
    """Build the endpoint of a handler without arguments."""
    function = step.function

    async def on_loop(request: Request) -> Response:
        if not is_on_loop():
            await ensure_loop()
        return answer(await function())

    async def streamed(request: Request) -> Response:
        return answer(function())

    def call() -> Response:
        return answer(function())

    async def in_thread(request: Request) -> Response:
        return await run_in_thread(call)

    endpoints = {Kind.COROUTINE: on_loop, Kind.PLAIN: in_thread}
    return endpoints.get(step.kind, streamed)


def _build_direct(step: Step, reading: Reading, answer: Answer) -> Endpoint:
    """Build the endpoint of a handler whose arguments all come straight from the request."""
    function, takes_request = step.function, step.takes_request
    has_body, has_values = reading.body is not None, reading.has_parameters

    async def read(request: Request) -> dict[str, Any]:
        if has_body:
            values = await reading.read(request)
        else:
            values = reading.read_parameters(request) if has_values else {}
        if takes_request:
            values[takes_request] = request
        return values

    async def on_loop(request: Request) -> Response:
        values = await read(request)
        if not is_on_loop():
            await ensure_loop()
        return answer(await function(**values))

    async def anywhere(request: Request) -> Response:
        return answer(await function(**await read(request)))

    async def streamed(request: Request) -> Response:
        return answer(function(**await read(request)))

    def call(values: dict[str, Any]) -> Response:
        return answer(function(**values))

    async def in_thread(request: Request) -> Response:
        return await run_in_thread(call, await read(request))

    # A coroutine function may say that it asks for a loop itself where it needs one.
    asks_itself = not getattr(function, "needs_loop", True)
    endpoints = {Kind.COROUTINE: anywhere if asks_itself else on_loop, Kind.PLAIN: in_thread}
    return endpoints.get(step.kind, streamed)


_NOTHING: dict[str, Any] = {}


class _Pipeline:
    """The endpoint of a handler with dependencies, or of one that is bound per request."""

    def __init__(
        self, steps: list[Step], reading: Reading, answer: Answer, bound: BoundHandler | None
    ) -> None:
        *self._dependencies, self._handler = steps
        self._reading = reading
        self._answer = answer
        self._bound = bound
        self._has_lasting = any(step.lifetime is Lifetime.REQUEST for step in steps)
        is_async = any(step.is_async for step in steps) or self._handler.kind.is_generator
        is_owning = self._has_lasting or any(step.enter is not None for step in steps)
        self._has_values = (
            reading.has_parameters or reading.body is not None or reading.has_defaults
        )
        self._calls = [
            (step, step.function, step.kind is Kind.COROUTINE, step.is_at_hand, step.is_bare)
            for step in self._dependencies
        ]
        on_loop = self._on_loop if is_owning else self._light
        self.endpoint: Endpoint = on_loop if is_async else self._in_thread

    async def _light(self, request: Request) -> Response:
        """Run on the loop what nobody has to clean up after."""
        values = await self._reading.read(request) if self._has_values else _NOTHING
        if not is_on_loop():
            await ensure_loop()
        try:
            results: list[Any] = []
            for step, function, is_awaited, is_at_hand, is_bare in self._calls:
                arguments = _NOTHING if is_bare else step.build_arguments(request, values, results)
                if is_awaited:
                    results.append(await function(**arguments))
                elif is_at_hand:
                    results.append(function(**arguments))
                else:
                    results.append(await run_in_thread(function, **arguments))
            arguments = self._handler.build_arguments(request, values, results)
            return await self._call_handler(request, arguments)
        except BaseException:
            request.drop_afterwards()
            raise

    async def _in_thread(self, request: Request) -> Response:
        values = await self._reading.read(request)
        return await run_in_thread(self._run, request, values)

    def _run(self, request: Request, values: dict[str, Any]) -> Response:
        """Run everything in one thread: one hop, however many dependencies."""
        failure: BaseException | None = None
        with ExitStack() as stack:
            try:
                results: list[Any] = []
                for step in self._dependencies:
                    arguments = step.build_arguments(request, values, results)
                    results.append(step.run(arguments, stack))
                arguments = self._handler.build_arguments(request, values, results)
                return self._answer(self._find_function(request)(**arguments))
            except BaseException as error:
                failure = error
                request.drop_afterwards()
                raise
        raise keep_failure(failure)

    async def _on_loop(self, request: Request) -> Response:
        values = await self._reading.read(request)
        await ensure_loop()
        failure: BaseException | None = None
        lasting = RequestStack(request) if self._has_lasting else None
        async with AsyncExitStack() as stack:
            try:
                results: list[Any] = []
                for step in self._dependencies:
                    arguments = step.build_arguments(request, values, results)
                    is_lasting = step.lifetime is Lifetime.REQUEST
                    holder = (lasting or stack) if is_lasting else stack
                    results.append(await step.arun(arguments, holder))
                arguments = self._handler.build_arguments(request, values, results)
                response = await self._call_handler(request, arguments)
            except BaseException as error:
                failure = error
                if lasting is not None:
                    lasting.failure = error
                request.drop_afterwards()
                raise
            if self._handler.kind.is_generator and response.stream is not None:
                # The handler only begins here: what it depends on lives as long as its stream.
                response.stream = OwningStream(response.stream, stack.pop_all())
            return response
        raise keep_failure(failure)

    async def _call_handler(self, request: Request, arguments: dict[str, Any]) -> Response:
        function, kind = self._find_function(request), self._handler.kind
        if kind is Kind.COROUTINE:
            return self._answer(await function(**arguments))
        if kind is Kind.PLAIN:
            return await run_in_thread(lambda: self._answer(function(**arguments)))
        return self._answer(function(**arguments))

    def _find_function(self, request: Request) -> Callable[..., Any]:
        return self._bound.bind(request) if self._bound else self._handler.function


class PreparedCall:
    """A function that is called for a request with arguments of its own, the rest injected.

    Args:
        function: With what it is given filled in.
        find_provider: Knows the types that are injected by their name alone.

    Raises:
        ImproperlyConfigured: What it asks for cannot be injected.
    """

    def __init__(self, function: partial[Any], find_provider: FindProvider) -> None:
        steps = StepList((), find_provider)
        steps.add_handler(function)
        self._steps = steps.steps
        self._reading = Reading(steps.slots)

    async def run(self, request: Request, call: partial[Any]) -> Any:
        """Call the same function with arguments of the same names."""
        pass_on: Any = pass_value_on
        return await _Pipeline(self._steps, self._reading, pass_on, _Given(call)).endpoint(request)


class _Given:
    """What is called for one request, whatever was compiled."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def bind(self, request: Request) -> Callable[..., Any]:
        return self.function


def pass_value_on(value: Any) -> Any:
    """Answer nothing: what was called has nobody to answer."""
    return value


def keep_failure(failure: BaseException | None) -> BaseException:
    """Return the exception that a dependency swallowed.

    A dependency may look at what the handler raised, and clean up after it; the answer is still
    the failure's.
    """
    return failure or RuntimeError("A dependency ended the request without an exception.")
