"""Turns a handler and what it depends on into a flat list of calls, in the order they run.

The tree of `Depends` is walked once, at start; a request only runs down the list.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Hashable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from undercroft.binding.callables import Kind, describe_place, find_kind
from undercroft.binding.container import find_container
from undercroft.binding.lifetimes import Lifetime, read_lifetime, refuse_shorter
from undercroft.binding.parameters import Dependency, FindProvider, Provider, Source
from undercroft.binding.scopes import Requirement, SecurityScopes, add_scopes
from undercroft.binding.signature import Argument, Injection, read_signature
from undercroft.binding.validating import Slot
from undercroft.concurrency import run_in_thread
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request


@dataclass(slots=True)
class Step:
    """One call.

    Attributes:
        function: What is called.
        kind: How.
        reads: Argument names and the keys of the values they take from the request.
        needs: Argument names and the positions of the steps whose results they take.
        takes_request: The argument that is the request, or "".
        takes: Argument names and what makes their values of the request, at once.
        given: Arguments that are the same for every request.
        lifetime: How long its value lives; a short life is prolonged for who lives longer.
        is_lifetime_told: Whether the code says so, so that it cannot be prolonged.
        key: Of what the application keeps: the function and what it is made of.
        enter: For generators, makes the context manager that cleans up.
        is_at_hand: Gives its value at once, so that no thread is needed to wait for it.
        reads_scopes: It, or what it needs, looks at the scopes that lead to it.
    """

    function: Callable[..., Any]
    kind: Kind
    reads: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    needs: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    takes_request: str = ""
    takes: list[tuple[str, Callable[[Request], Any]]] = field(
        default_factory=list[tuple[str, Callable[[Request], Any]]]
    )
    given: dict[str, Any] = field(default_factory=dict[str, Any])
    lifetime: Lifetime = Lifetime.HANDLER
    key: Hashable = None
    is_lifetime_told: bool = False
    enter: Callable[..., Any] | None = None
    is_at_hand: bool = False
    reads_scopes: bool = False

    @property
    def is_async(self) -> bool:
        """Tell whether the step must run on the loop."""
        return self.kind.is_async or self.lifetime is Lifetime.REQUEST

    @property
    def is_bare(self) -> bool:
        """Tell whether it is called without arguments."""
        return not (self.reads or self.needs or self.takes or self.takes_request)

    def build_arguments(
        self, request: Request, values: dict[str, Any], results: list[Any]
    ) -> dict[str, Any]:
        """Gather the arguments of one call."""
        arguments = {name: values[key] for name, key in self.reads if key in values}
        for name, position in self.needs:
            arguments[name] = results[position]
        if self.takes_request:
            arguments[self.takes_request] = request
        for name, take in self.takes:
            arguments[name] = take(request)
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
        if self.is_at_hand:
            return self.function(**arguments)
        if self.enter is None:
            return await run_in_thread(self.function, **arguments)
        manager = self.enter(**arguments)
        if self.kind is Kind.GENERATOR:
            manager = run_beside_loop(manager)
        entered: AbstractAsyncContextManager[Any] = manager
        return await stack.enter_async_context(entered)


@asynccontextmanager
async def run_beside_loop(manager: AbstractContextManager[Any]) -> AsyncGenerator[Any]:
    """Enter and leave a blocking context manager in a thread, both in one context.

    The context variables it sets count for the handler, too, until it is left.
    """
    context = copy_context()

    def leave(*failure: Any) -> bool | None:
        return context.run(manager.__exit__, *failure)

    value = await run_in_thread(context.run, manager.__enter__)
    tokens = [
        (variable, variable.set(given))
        for variable, given in context.items()
        if variable not in (held := copy_context()) or held[variable] is not given
    ]
    try:
        yield value
    except BaseException as error:
        if not await run_in_thread(leave, type(error), error, error.__traceback__):
            raise
    else:
        await run_in_thread(leave, None, None, None)
    finally:
        for variable, token in reversed(tokens):
            with suppress(ValueError):  # ended in another task: its context ended with it
                variable.reset(token)


class StepList:
    """The calls of one plan, dependencies before what depends on them."""

    def __init__(
        self,
        path_params: Collection[str],
        find_provider: FindProvider,
        lifetime: Lifetime = Lifetime.HANDLER,
    ) -> None:
        self._path_params = path_params
        self._find_provider = find_provider
        self._container = find_container(find_provider)
        self._lifetime = lifetime
        self._positions: dict[Any, int] = {}
        self._open: list[Callable[..., Any]] = []
        self._scopes: tuple[str, ...] = ()
        self.steps: list[Step] = []
        self.slots: list[Slot] = []
        self.requirements: list[Requirement] = []

    def add_dependency(self, dependency: Any) -> None:
        """Add what is called for its own sake: nobody takes its value.

        Raises:
            ImproperlyConfigured: It is no `Depends` or `Security` of something.
        """
        if not isinstance(dependency, Dependency) or dependency.function is None:
            raise ImproperlyConfigured(
                f"dependencies=[{dependency!r}] is no dependency.",
                hint="Write dependencies=[Depends(function)].",
                code="binding.dependencies",
            )
        self._find_position(Injection("", dependency.function, dependency))

    def add_handler(self, function: Callable[..., Any], *, skip_first: bool = False) -> Step:
        """Add the handler and, before it, all it depends on.

        Raises:
            ImproperlyConfigured: A dependency needs itself, an argument has no source, or a
                value is asked for that this kind of handler cannot use.
        """
        return self._add(function, find_kind(function), skip_first=skip_first)

    def _add(
        self,
        function: Callable[..., Any],
        kind: Kind,
        *,
        skip_first: bool = False,
        lifetime: Lifetime | None = None,
    ) -> Step:
        if function in self._open:
            circle = " → ".join(describe_place(each) for each in [*self._open, function])
            raise ImproperlyConfigured(
                f"A dependency needs itself: {circle}.", code="binding.circular-dependency"
            )
        self._open.append(function)
        step = Step(function, kind, lifetime=lifetime or self._lifetime)
        step.is_lifetime_told = lifetime is not None
        step.is_at_hand = kind is Kind.PLAIN and getattr(function, "is_at_hand", False)
        found = read_signature(
            function, self._path_params, self._find_provider, skip_first=skip_first
        )
        # A handler that is all by itself takes the values under its own arguments' names; two
        # functions may read different things under one name, so then every value is numbered.
        is_alone = len(self._open) == 1 and not any(
            isinstance(argument, Injection) and argument.dependency for argument in found
        )
        for argument in found:
            self._connect(step, argument, is_alone=is_alone)
        self._open.pop()
        self.steps.append(step)
        return step

    def _connect(self, step: Step, argument: Argument | Injection, *, is_alone: bool) -> None:
        if self._lifetime is Lifetime.APP:
            check_needs_no_request(step.function, argument)
            if isinstance(argument, Argument):
                step.given[argument.name] = argument.default
                return
        if isinstance(argument, Argument):
            if argument.source is Source.BODY and argument.extra is None:
                argument = replace(argument, extra=self._container.unknown_fields)
            slot = self._find_shared_body(argument)
            if slot is None:
                prefix = "" if is_alone else f"{len(self.slots)}:"
                slot = Slot(prefix + argument.name, argument)
                self.slots.append(slot)
            step.reads.append((argument.name, slot.key))
        elif argument.dependency is None:
            self._take(step, argument)
        else:
            if isinstance(argument.dependency, Provider):
                check_provider(argument, argument.dependency, step)
                if argument.dependency.is_at_hand:
                    step.takes.append((argument.name, argument.dependency.function))
                    return
            position = self._find_position(argument)
            if step.lifetime is Lifetime.REQUEST:
                self._prolong(position, step.function)
            step.needs.append((argument.name, position))
            step.reads_scopes = step.reads_scopes or self.steps[position].reads_scopes

    def _take(self, step: Step, argument: Injection) -> None:
        """Give a call the request, or the scopes that lead to it."""
        if argument.annotation is not SecurityScopes:
            step.takes_request = argument.name
            return
        scopes = SecurityScopes([*self._scopes])
        step.takes.append((argument.name, lambda request: scopes))
        step.reads_scopes = True

    def _find_shared_body(self, argument: Argument) -> Slot | None:
        """Find the same part of the body, asked for by another function.

        Raises:
            ImproperlyConfigured: They want it as different types.
        """
        if argument.source is not Source.BODY:
            return None
        for slot in self.slots:
            other = slot.argument
            if other.source is Source.BODY and other.alias == argument.alias:
                if is_same_type(other.annotation, argument.annotation):
                    return slot
                raise ImproperlyConfigured(
                    f"{argument.place} and {other.place} read {argument.alias!r} of the body as"
                    " different types.",
                    hint="Rename one of them, or give it an alias: Body(alias=...).",
                    code="binding.body",
                )
        return None

    def _find_position(self, injection: Injection) -> int:
        dependency = injection.dependency
        function = dependency.function if dependency else None
        if function is None:
            function = injection.annotation
        scopes = add_scopes(self._scopes, dependency)
        self.requirements.append(Requirement(function, scopes))
        function = self._container.overrides.find(function)
        lifetime = self._find_lifetime(injection)
        is_shared = not isinstance(dependency, Dependency) or dependency.use_cache
        # A callable object need not be hashable; then it is only the same as itself.
        key: Any = function if is_hashable(function) else id(function)
        # What looks at the scopes is another value where those are others.
        position = self._positions.get(key, self._positions.get((key, scopes)))
        if is_shared and position is not None:
            if lifetime is Lifetime.REQUEST:
                self._prolong(position, function)
            self._require_again(position, scopes)
            return position
        if lifetime is Lifetime.APP:
            step = self._add_kept(function)
        else:
            outer, self._scopes = self._scopes, scopes
            step = self._add(function, find_kind(function), lifetime=lifetime)
            self._scopes = outer
        make_manager(step)
        self._positions[(key, scopes) if step.reads_scopes else key] = len(self.steps) - 1
        return len(self.steps) - 1

    def _require_again(self, position: int, scopes: tuple[str, ...]) -> None:
        """Note what a value that is there already needs, for those who ask for more scopes."""
        if scopes:
            for _, needed in self.steps[position].needs:
                self.requirements.append(Requirement(self.steps[needed].function, scopes))
                self._require_again(needed, scopes)

    def _find_lifetime(self, injection: Injection) -> Lifetime | None:
        """Find how long a value lives; None where nobody says so.

        Raises:
            ImproperlyConfigured: It ends before the application, which needs it.
        """
        dependency = injection.dependency
        told = read_lifetime(dependency.lifetime) if isinstance(dependency, Dependency) else None
        if self._lifetime is not Lifetime.APP:
            return told
        if told in {Lifetime.REQUEST, Lifetime.HANDLER}:
            needed = describe_place(dependency.function if dependency else injection.annotation)  # type: ignore[arg-type]  # a class's own name will do
            raise refuse_shorter(self._open[-1], Lifetime.APP, needed)
        return Lifetime.APP

    def _prolong(self, position: int, owner: Callable[..., Any]) -> None:
        """Let a value, and what it needs, live as long as the request.

        Raises:
            ImproperlyConfigured: It is told to end with the handler.
        """
        step = self.steps[position]
        if step.lifetime is not Lifetime.HANDLER:
            return
        if step.is_lifetime_told:
            raise refuse_shorter(owner, Lifetime.REQUEST, describe_place(step.function))
        step.lifetime = Lifetime.REQUEST
        for _, needed in step.needs:
            self._prolong(needed, step.function)

    def _add_kept(self, function: Callable[..., Any]) -> Step:
        """Add a call that gets what the application keeps, and makes it the first time."""
        if function in self._open:
            return self._add(function, find_kind(function))  # which says what is wrong
        inner = StepList((), self._find_provider, Lifetime.APP)
        inner._open = [*self._open]
        inner._add(function, find_kind(function))
        make_manager(inner.steps[-1])
        key = (function, *(step.key for step in inner.steps[:-1]))
        getter = self._container.build_getter(key, partial(run_steps, inner.steps))
        step = Step(getter, Kind.COROUTINE, lifetime=Lifetime.APP, key=key)
        self.steps.append(step)
        return step


async def run_steps(steps: Sequence[Step], stack: AsyncExitStack) -> Any:
    """Run calls that need no request, and return what the last of them gives."""
    results: list[Any] = []
    for step in steps:
        needed = {name: results[position] for name, position in step.needs}
        arguments = {**step.given, **needed}
        results.append(await step.arun(arguments, stack))
    return results[-1]


def make_manager(step: Step) -> None:
    """Prepare a generator to be entered and left."""
    if step.kind is Kind.GENERATOR:
        step.enter = contextmanager(step.function)
    elif step.kind is Kind.ASYNC_GENERATOR:
        step.enter = asynccontextmanager(step.function)


def check_needs_no_request(function: Callable[..., Any], argument: Argument | Injection) -> None:
    """Refuse what the application keeps and one request would decide about.

    Raises:
        ImproperlyConfigured: It reads from the request, or uses a session of one.
    """
    if isinstance(argument, Argument):
        if argument.is_required:
            needed = f"{argument.alias!r} of the {argument.source.value}"
            raise refuse_shorter(function, Lifetime.APP, needed)
        return
    provider = argument.dependency
    is_short = isinstance(provider, Provider) and (provider.only_in or provider.is_at_hand)
    if provider is None or is_short:
        name = getattr(argument.annotation, "__name__", argument.annotation)
        raise refuse_shorter(function, Lifetime.APP, f"{argument.name!r}, a {name}")


def is_same_type(one: Any, other: Any) -> bool:
    """Tell whether two arguments are annotated alike; the last part is each one's own marker."""
    return bool(
        one.__origin__ == other.__origin__ and one.__metadata__[:-1] == other.__metadata__[:-1]
    )


def is_hashable(value: object) -> bool:
    """Tell whether a value can be a key; a class can, whatever its instances say."""
    kind: Any = type(value)
    return kind.__hash__ is not None


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
