"""Sync and async methods from one implementation.

A method is written once, as a generator that yields each database call and is sent its answer.
`twins` makes of it the blocking method, and `async_twin` takes the async one from there:

    @twins
    def count(self) -> Steps[int]:
        return (yield self._build_call("count"))

    acount = async_twin(count)
"""

from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from inspect import iscoroutine
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from undercroft.concurrency import check_not_on_loop, drive, is_on_loop
from undercroft.db.connections.transactions import Atomic, BlockOptions
from undercroft.db.lane import get_lane
from undercroft.db.queries.shape import Call

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Task(Protocol):
    """What steps may ask for beside a call of the database."""

    def perform(self) -> Any:
        """Do it, blocking."""

    async def aperform(self) -> Any:
        """Do it on the event loop."""


#: A method's steps: yields calls and tasks, is sent their answers, returns the result.
Steps: TypeAlias = Generator[Call | Task, Any, T]


class AsyncTwin(Generic[P, T_co]):
    """How a type checker sees an async twin."""

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> "AsyncTwin[P, T_co]": ...
    @overload
    def __get__(
        self, instance: object, owner: type[Any], /
    ) -> Callable[P, Coroutine[Any, Any, T_co]]: ...
    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        """Bind the method; at run time a plain function does."""
        raise NotImplementedError


class BlockingTwin(Generic[P, T_co]):
    """How a type checker sees a method with an async twin."""

    @property
    def steps(self) -> Callable[Concatenate[Any, P], Steps[T_co]]:
        """The generator function both are made of."""
        raise NotImplementedError

    @overload
    def __get__(self, instance: None, owner: type[Any], /) -> "BlockingTwin[P, T_co]": ...
    @overload
    def __get__(self, instance: object, owner: type[Any], /) -> Callable[P, T_co]: ...
    def __get__(self, instance: object, owner: type[Any], /) -> Any:
        """Bind the method; at run time a plain function does."""
        raise NotImplementedError


def twins(steps: Callable[Concatenate[Any, P], Steps[T]]) -> BlockingTwin[P, T]:
    """Make the blocking method and its async twin from a method written in steps."""
    name = steps.__name__

    @wraps(steps)
    def block(*args: Any, **kwargs: Any) -> Any:
        if is_on_loop():
            owner = describe_owner(args[0])
            check_not_on_loop(f"{owner}.{name}(...)", f"await {owner}.a{name}(...)")
        return run_steps(steps(*args, **kwargs))

    @wraps(steps)
    def wait(*args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        # No `async def`: one coroutine less for each call.
        waiting: Any = arun_steps(steps(*args, **kwargs))
        # By this name Python warns of a coroutine that nobody awaited.
        waiting.__qualname__ = qualname
        return waiting  # type: ignore[no-any-return]  # typeshed's coroutines have no names

    qualname = steps.__qualname__.removesuffix(name) + f"a{name}"
    wait.__name__, wait.__qualname__ = f"a{name}", qualname
    method: Any = block
    method.twin = wait
    method.steps = steps
    return method  # type: ignore[no-any-return]  # a function, seen as a descriptor


def async_twin(method: BlockingTwin[P, T]) -> AsyncTwin[P, T]:
    """Take the async twin of a method that `twins` made."""
    # A function, because type checkers would bind an attribute as if it were a method.
    found: AsyncTwin[P, T] = vars(method)["twin"]
    return found


def take_steps(method: Any, *arguments: Any, **named: Any) -> Steps[Any]:
    """Take the steps of a bound method that a class may have overridden by a plain one."""
    steps: Callable[..., Steps[Any]] | None = getattr(method, "steps", None)
    if steps is None:
        return method(*arguments, **named)
    answer: Any = yield from steps(method.__self__, *arguments, **named)
    return answer


def describe_owner(owner: Any) -> str:
    """Describe what a method was called on, as its author may have written it."""
    describe = getattr(owner, "describe", None)
    return str(describe()) if describe is not None else type(owner).__name__.lower()


def run_steps(steps: Steps[T]) -> T:
    """Carry out the steps, waiting for each call."""
    try:
        call: Any = next(steps)
        while True:
            try:
                if call.__class__ is Call:
                    answer = get_lane(call.alias).run(call)
                else:
                    answer = call.perform()
            except BaseException as error:  # noqa: BLE001 - the steps may handle it
                call = steps.throw(error)
            else:
                call = steps.send(answer)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]  # StopIteration is not generic


async def arun_steps(steps: Steps[T]) -> T:
    """Carry out the steps, awaiting each call."""
    try:
        call: Any = next(steps)
        while True:
            try:
                if call.__class__ is Call:
                    answer = await get_lane(call.alias).arun(call)
                else:
                    answer = await call.aperform()
            except BaseException as error:  # noqa: BLE001 - the steps may handle it
                call = steps.throw(error)
            else:
                call = steps.send(answer)
    except StopIteration as finished:
        return finished.value  # type: ignore[no-any-return]  # StopIteration is not generic


class Within:
    """Steps to be carried out within a transaction's block, all of them or none.

    Args:
        block: The block.
        steps: What to do in it.
    """

    __slots__ = ("block", "steps")

    def __init__(self, block: Atomic, steps: Steps[Any]) -> None:
        self.block = block
        self.steps = steps

    def perform(self) -> Any:
        """Carry out the steps."""
        with self.block:
            return run_steps(self.steps)

    async def aperform(self) -> Any:
        """Carry out the steps on the event loop."""
        async with self.block:
            return await arun_steps(self.steps)


def atomically(steps: Steps[T], alias: str) -> Steps[T]:
    """Carry out steps in a block of their own: all of them happen, or none."""
    answer: T = yield Within(Atomic(BlockOptions(alias)), steps)
    return answer


class Invoke:
    """A function of somebody else's to be called, a coroutine function perhaps.

    Args:
        function: What to call.
        arguments: By keyword.
    """

    __slots__ = ("arguments", "function")

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self.function = function
        self.arguments = arguments

    def perform(self) -> Any:
        """Call it; a coroutine is driven to its end."""
        answer = self.function(**self.arguments)
        return drive(answer) if iscoroutine(answer) else answer

    async def aperform(self) -> Any:
        """Call it on the event loop, which it must not block."""
        answer = self.function(**self.arguments)
        return await answer if iscoroutine(answer) else answer
