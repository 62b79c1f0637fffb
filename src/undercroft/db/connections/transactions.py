"""Transactions: `atomic()` blocks, the transaction of a request, and what waits for the commit."""

from collections.abc import Callable
from contextvars import Token
from functools import wraps
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from undercroft.concurrency import check_not_on_loop
from undercroft.db.connections.frames import Frame, current, find_frame, leave_frame

F = TypeVar("F", bound=Callable[..., Any])


class Atomic:
    """A block whose writes happen together or not at all; see `atomic`.

    Args:
        using: The database's name.
    """

    def __init__(self, using: str = "default") -> None:
        self.using = using
        self._entered: list[tuple[Frame, Token[Frame | None]]] = []

    def _enter(self) -> None:
        around = current.get()
        parent = find_frame(self.using)
        frame = Frame(parent or around, self.using, joins=parent is not None)
        self._entered.append((frame, current.set(frame)))

    def _leave(self) -> Frame:
        frame, token = self._entered.pop()
        leave_frame(frame, token)
        return frame

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
        self._leave().finish(commit=error is None)

    async def __aenter__(self) -> Self:
        self._enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._leave().afinish(commit=error is None)

    def __call__(self, function: F) -> F:
        """Run every call of a function in a block of its own."""
        using = self.using
        if iscoroutinefunction(function):

            @wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                async with Atomic(using):
                    return await function(*args, **kwargs)

            return cast(F, run_async)

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with Atomic(using):
                return function(*args, **kwargs)

        return cast(F, run)


def atomic(using: str = "default") -> Atomic:
    """Make a block whose writes happen together or not at all.

    `with atomic():` in sync code, `async with atomic():` in async code, `@atomic()` on either kind
    of function. Blocks nest: an inner one is a savepoint. A transaction runs one block at a time:
    tasks that each need a block open the transaction themselves.
    """
    return Atomic(using)


def on_commit(callback: Callable[[], Any], using: str = "default") -> None:
    """Call a function once the transaction is committed; at once when none is open.

    It is not called when the transaction, or the block it was registered in, is rolled back. It
    may be a coroutine function if a transaction is open; on an event loop a plain function is
    called in a thread, so that it may block.
    """
    frame = find_frame(using)
    if frame is None:
        callback()
    else:
        frame.callbacks.append(callback)


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
