"""Transactions: `atomic()` blocks, the transaction of a request, and what waits for the commit."""

from collections.abc import Callable
from contextvars import Token
from dataclasses import dataclass
from functools import partial, wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, Self, TypeVar, cast, overload

from undercroft.concurrency import check_not_on_loop, is_on_loop
from undercroft.db.connections.callbacks import Callback
from undercroft.db.connections.databases import databases
from undercroft.db.connections.frames import Frame, current, find_frame, get_frame, leave_frame
from undercroft.db.connections.modes import DEFAULT, Isolation, Mode, build_mode
from undercroft.db.connections.retries import arun_again, run_again
from undercroft.errors import ImproperlyConfigured, TransactionManagementError

F = TypeVar("F", bound=Callable[..., Any])
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class BlockOptions:
    """What `atomic` was told; see there.

    Attributes:
        mode: How the transaction is begun.
    """

    using: str = "default"
    savepoint: bool = True
    durable: bool = False
    mode: Mode = DEFAULT
    retry: int = 0

    def check_nested(self, around: Frame) -> None:
        """Refuse what only a whole transaction can keep.

        Raises:
            TransactionManagementError: A block was asked for that cannot stand within another.
        """
        if self.durable:
            raise TransactionManagementError(
                "This block is durable, so it cannot stand within another: its writes would be "
                "taken back with those around it.",
                hint=_OUTERMOST,
                code="db.durable",
            )
        if self.mode not in (DEFAULT, around.root.mode):
            raise TransactionManagementError(
                "The transaction has begun, and keeps its isolation and its right to write.",
                hint=_OUTERMOST,
                code="db.nested-options",
            )
        if self.retry and not around.root.is_retried:
            raise TransactionManagementError(
                f"A part of a transaction cannot be run again alone: retry={self.retry!r} is of no "
                "use here.",
                hint=_OUTERMOST,
                code="db.nested-retry",
            )


#: How a block becomes the outermost one.
_OUTERMOST = (
    "Say it of the outermost block. A handler that answers an unsafe method runs in a block of the "
    "request's, which `@non_atomic_requests` leaves out."
)


class Atomic:
    """A block whose writes happen together or not at all; see `atomic`.

    Args:
        options: What `atomic` was told.

    Attributes:
        has_committed: Whether it was the outermost block, has ended, and is stored.
    """

    def __init__(self, options: BlockOptions) -> None:
        self.options = options
        self.has_committed = False
        self._entered: list[tuple[Frame, Token[Frame | None] | None]] = []

    def _enter(self, *, retries: bool = False) -> None:
        options = self.options
        # Before anything is written under a name that is none.
        _ = databases[options.using]
        around = current.get()
        parent = find_frame(options.using) if around is not None else None
        if parent is not None:
            options.check_nested(parent)
            if not options.savepoint:
                self._entered.append((parent, None))
                return
        elif options.retry and not retries:
            raise TransactionManagementError(
                f"A `with` block cannot be run again: retry={options.retry!r} is of no use here.",
                hint=f"Put what is in it into a function, below `@atomic(retry={options.retry})`.",
                code="db.retry-block",
            )
        joins = parent is not None
        frame = Frame(parent or around, options.using, joins=joins, mode=options.mode)
        frame.is_retried = retries
        self._entered.append((frame, current.set(frame)))

    def _leave(self, error: BaseException | None) -> Frame | None:
        """Leave the block; give what is left to finish, if it has a savepoint of its own."""
        entered = self._find_entered()
        self._entered.remove(entered)
        frame, token = entered
        if token is not None:
            leave_frame(frame, token)
            return frame
        if error is not None:
            # There is no savepoint to go back to: the block around it goes as a whole.
            frame.is_broken = True
        return None

    def _find_entered(self) -> tuple[Frame, Token[Frame | None] | None]:
        """Find the block that is left: tasks and threads may share one `atomic()`."""
        frame = current.get()
        while frame is not None:
            for entered in reversed(self._entered):
                if entered[0] is frame:
                    return entered
            frame = frame.parent
        # It was entered in another context.
        return self._entered[-1]

    def __enter__(self) -> Self:
        check_not_on_loop("with atomic()", "async with atomic()")
        self._enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        frame = self._leave(error)
        if frame is not None:
            try:
                frame.finish(commit=error is None)
            finally:
                self.has_committed = frame.has_committed

    async def __aenter__(self) -> Self:
        self._enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        frame = self._leave(error)
        if frame is not None:
            try:
                await frame.afinish(commit=error is None)
            finally:
                self.has_committed = frame.has_committed

    def __call__(self, function: F) -> F:
        """Run every call of a function in a block of its own.

        Raises:
            ImproperlyConfigured: It is a generator function, which runs when its block has ended.
        """
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise ImproperlyConfigured(
                f"{function.__qualname__!r} is a generator: it runs after its block has ended.",
                hint="Write `with atomic():` inside of it.",
                code="db.atomic-generator",
            )
        options = self.options
        if iscoroutinefunction(function):

            @wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                call = partial(function, *args, **kwargs)
                if options.retry and find_frame(options.using) is None:
                    return await arun_again(call, options.retry, partial(_RetriedBlock, options))
                async with Atomic(options):
                    return await call()

            return cast(F, run_async)

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            call = partial(function, *args, **kwargs)
            if options.retry and find_frame(options.using) is None:
                return run_again(call, options.retry, partial(_RetriedBlock, options))
            with Atomic(options):
                return call()

        return cast(F, run)


class _RetriedBlock(Atomic):
    """The outermost block of a function that is run again."""

    def _enter(self, *, retries: bool = True) -> None:
        super()._enter(retries=retries)


@overload
def atomic(using: F, /) -> F: ...


@overload
def atomic(
    using: str | None = None,
    *,
    savepoint: bool = True,
    durable: bool = False,
    isolation: Isolation | None = None,
    read_only: bool = False,
    retry: int = 0,
) -> Atomic: ...


def atomic(  # noqa: PLR0913 - Django's options and ours, all of them rarely needed
    using: str | Callable[..., Any] | None = None,
    *,
    savepoint: bool = True,
    durable: bool = False,
    isolation: str | None = None,
    read_only: bool = False,
    retry: int = 0,
) -> Any:
    """Make a block whose writes happen together or not at all.

    `with atomic():` in sync code, `async with atomic():` in async code, `@atomic` on either kind of
    function. Blocks nest: an inner one is a savepoint. A transaction runs one block at a time:
    tasks that each need a block open the transaction themselves.

    Args:
        using: The database's name; or the function, where `@atomic` stands without brackets.
        savepoint: Whether an inner block can be taken back alone. Without, it costs nothing, and
            its failure takes the block around it along.
        durable: Refuse to stand within another block: what is done here stays.
        isolation: "read committed", "repeatable read" or "serializable"; of the outermost block.
        read_only: The database refuses to write; of the outermost block.
        retry: How often a function is run again after a conflict with another transaction
            (deadlock, serialization, lock time-out), after a short wait that grows.

    Raises:
        ImproperlyConfigured: There is no such isolation, retry is no number from 0 on, or, when
            the block is entered, there is no such database.
    """
    if callable(using):
        return Atomic(BlockOptions())(using)
    if isinstance(retry, bool) or retry < 0:
        raise ImproperlyConfigured(
            f"retry={retry!r} is no number of retries.",
            hint="Write for example `@atomic(retry=3)`.",
            code="db.retry",
        )
    mode = build_mode(isolation, read_only)
    return Atomic(BlockOptions(using or "default", savepoint, durable, mode, retry))


def on_commit(func: Callable[[], Any], using: str | None = None, *, robust: bool = False) -> None:
    """Call a function once the transaction is committed; at once when none is open.

    It is not called when the transaction, or the block it was registered in, is rolled back. It
    may be a coroutine function if a transaction is open; on an event loop a plain function is
    called in a thread, so that it may block.

    Args:
        func: Takes no arguments.
        using: The database's name.
        robust: Log its failure and go on; otherwise those registered later are not called.

    Raises:
        ImproperlyConfigured: There is no such database.
        TransactionManagementError: On an event loop, no transaction is open to wait for.
    """
    callback = Callback(func, robust)
    frame = find_frame(databases[using or "default"].alias)
    if frame is not None:
        frame.callbacks.append(callback)
    elif is_on_loop() and iscoroutinefunction(func):
        raise TransactionManagementError(
            f"No transaction is open that {func!r} could wait for.",
            hint="Await it here, or call `on_commit` within `async with atomic():`.",
            code="db.no-transaction",
        )
    else:
        callback.call()


def get_rollback(using: str | None = None) -> bool:
    """Tell whether the innermost block will be rolled back at its end.

    Raises:
        TransactionManagementError: No block is open.
    """
    frame = get_frame(using or "default")
    return frame.rolls_back or frame.is_broken


def set_rollback(rollback: bool, using: str | None = None) -> None:
    """Have the innermost block rolled back at its end although nothing fails, or not so.

    Raises:
        TransactionManagementError: No block is open.
    """
    frame = get_frame(using or "default")
    frame.rolls_back = rollback
    if not rollback:
        frame.is_broken = False


def non_atomic_requests(view: V) -> V:
    """Leave the request's transaction out for a handler, a view or one of its methods.

    It then reads and writes in autocommit, and opens `atomic()` blocks where it needs them.
    """
    view.non_atomic_requests = True  # type: ignore[attr-defined]  # a mark on what is routed
    return view


class RequestTransaction:
    """One transaction for a request, on every database it touches, begun at its first query.

    Use it as `async with RequestTransaction():`, or call `begin`, then `commit` or `rollback`. A
    handler that runs in a thread with the caller's context takes part in it, on one connection
    for each database, whichever kind of code asked first. Several databases commit one after the
    other: when one fails, those after it roll back, and those before it have committed.
    """

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._token: Token[Frame | None] | None = None

    def begin(self) -> None:
        """Open the block; no database is asked for anything yet."""
        self._frame = Frame(current.get(), None, joins=False)
        self._token = current.set(self._frame)

    @property
    def is_used(self) -> bool:
        """Whether a query has opened the transaction."""
        return self._frame is not None and bool(self._frame.links)

    async def commit(self) -> None:
        """Commit and give the connections back; then run what `on_commit` registered."""
        await self._end(commit=True)

    async def rollback(self) -> None:
        """Roll back and give the connections back, whatever is cancelled meanwhile."""
        await self._end(commit=False)

    async def _end(self, *, commit: bool) -> None:
        frame, token, self._frame, self._token = self._frame, self._token, None, None
        if frame is None or token is None:
            return
        leave_frame(frame, token)
        await frame.afinish(commit=commit)

    async def __aenter__(self) -> Self:
        self.begin()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end(commit=error is None)
