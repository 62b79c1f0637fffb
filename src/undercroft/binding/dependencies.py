"""Turns a handler and what it depends on into a flat list of calls, in the order they run.

The tree of `Depends` is walked once, at start; a request only runs down the list.
"""

import inspect
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from undercroft.binding.parameters import Dependency, FindProvider, Provider
from undercroft.binding.reading import Slot
from undercroft.binding.signature import Argument, Injection, describe_place, read_signature
from undercroft.concurrency import run_in_thread
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request


class Kind(Enum):
    """How a function is called."""

    PLAIN = auto()
    COROUTINE = auto()
    GENERATOR = auto()
    ASYNC_GENERATOR = auto()


def find_kind(function: Callable[..., Any]) -> Kind:
    """Find how a function, class or callable object is called."""
    function = inspect.unwrap(function)
    if not inspect.isroutine(function) and not inspect.isclass(function):
        function = getattr(function, "__call__", function)  # noqa: B004 - the method, not a test
    if inspect.iscoroutinefunction(function):
        return Kind.COROUTINE
    if inspect.isasyncgenfunction(function):
        return Kind.ASYNC_GENERATOR
    return Kind.GENERATOR if inspect.isgeneratorfunction(function) else Kind.PLAIN


@dataclass(slots=True)
class Step:
    """One call.

    Attributes:
        function: What is called.
        kind: How.
        reads: Argument names and the keys of the values they take from the request.
        needs: Argument names and the positions of the steps whose results they take.
        takes_request: The argument that is the request, or "".
        enter: For generators, makes the context manager that cleans up.
    """

    function: Callable[..., Any]
    kind: Kind
    reads: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    needs: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    takes_request: str = ""
    enter: Callable[..., Any] | None = None

    @property
    def is_async(self) -> bool:
        """Tell whether the step must run on the loop."""
        return self.kind in {Kind.COROUTINE, Kind.ASYNC_GENERATOR}

    def build_arguments(
        self, request: Request, values: dict[str, Any], results: list[Any]
    ) -> dict[str, Any]:
        """Gather the arguments of one call."""
        arguments = {name: values[key] for name, key in self.reads if key in values}
        for name, position in self.needs:
            arguments[name] = results[position]
        if self.takes_request:
            arguments[self.takes_request] = request
        return arguments

    def run(self, arguments: dict[str, Any], stack: ExitStack) -> Any:
        """Call a plain function or enter a generator."""
        if self.enter is None:
            return self.function(**arguments)
        manager: AbstractContextManager[Any] = self.enter(**arguments)
        return stack.enter_context(manager)

    async def arun(self, arguments: dict[str, Any], stack: AsyncExitStack) -> Any:
        """Call from the loop; what blocks is called beside it."""
        if self.kind is Kind.COROUTINE:
            return await self.function(**arguments)
        if self.enter is None:
            return await run_in_thread(self.function, **arguments)
        manager = self.enter(**arguments)
        if self.kind is Kind.GENERATOR:
            manager = run_beside_loop(manager)
        entered: AbstractAsyncContextManager[Any] = manager
        return await stack.enter_async_context(entered)


@asynccontextmanager
async def run_beside_loop(manager: AbstractContextManager[Any]) -> AsyncGenerator[Any]:
    """Enter and leave a blocking context manager in a thread."""
    value = await run_in_thread(manager.__enter__)
    try:
        yield value
    except BaseException as error:
        if not await run_in_thread(manager.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await run_in_thread(manager.__exit__, None, None, None)


class StepList:
    """The calls of one plan, dependencies before what depends on them."""

    def __init__(self, path_params: Collection[str], find_provider: FindProvider) -> None:
        self._path_params = path_params
        self._find_provider = find_provider
        self._positions: dict[Callable[..., Any], int] = {}
        self._open: list[Callable[..., Any]] = []
        self.steps: list[Step] = []
        self.slots: list[Slot] = []

    def add_handler(self, function: Callable[..., Any], *, skip_first: bool = False) -> Step:
        """Add the handler and, before it, all it depends on.

        Raises:
            ImproperlyConfigured: A dependency needs itself, an argument has no source, or a
                value is asked for that this kind of handler cannot use.
        """
        return self._add(function, find_kind(function), skip_first=skip_first)

    def _add(self, function: Callable[..., Any], kind: Kind, *, skip_first: bool = False) -> Step:
        if function in self._open:
            circle = " → ".join(describe_place(each) for each in [*self._open, function])
            raise ImproperlyConfigured(
                f"A dependency needs itself: {circle}.", code="binding.circular-dependency"
            )
        self._open.append(function)
        step = Step(function, kind)
        found = read_signature(
            function, self._path_params, self._find_provider, skip_first=skip_first
        )
        for argument in found:
            self._connect(step, argument)
        self._open.pop()
        self.steps.append(step)
        return step

    def _connect(self, step: Step, argument: Argument | Injection) -> None:
        if isinstance(argument, Argument):
            # One name read the same way twice is one value; otherwise each has its own key.
            key = argument.name if not self.steps else f"{len(self.slots)}:{argument.name}"
            self.slots.append(Slot(key, argument))
            step.reads.append((argument.name, key))
        elif argument.dependency is None:
            step.takes_request = argument.name
        else:
            if isinstance(argument.dependency, Provider):
                check_provider(argument, argument.dependency, step)
            step.needs.append((argument.name, self._find_position(argument)))

    def _find_position(self, injection: Injection) -> int:
        dependency = injection.dependency
        function = dependency.function if dependency else None
        if function is None:
            function = injection.annotation
        is_shared = not isinstance(dependency, Dependency) or dependency.use_cache
        if is_shared and function in self._positions:
            return self._positions[function]
        step = self._add(function, find_kind(function))
        if step.kind is Kind.GENERATOR:
            step.enter = contextmanager(function)
        elif step.kind is Kind.ASYNC_GENERATOR:
            step.enter = asynccontextmanager(function)
        self._positions[function] = len(self.steps) - 1
        return len(self.steps) - 1


def check_provider(injection: Injection, provider: Provider, step: Step) -> None:
    """Refuse a value that blocks in an `async def`, or must be awaited in a `def`.

    Raises:
        ImproperlyConfigured: The kinds do not fit.
    """
    written = "async def" if step.is_async else "def"
    if provider.only_in and provider.only_in != written:
        name = getattr(injection.annotation, "__name__", injection.annotation)
        raise ImproperlyConfigured(
            f"{describe_place(step.function)} is `{written}` and asks for {name},"
            f" which only a `{provider.only_in}` can use.",
            hint=f"Ask for {provider.instead}, or write `{provider.only_in}`.",
            code="binding.session",
        )
