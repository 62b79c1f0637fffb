"""Transactions: `atomic()` blocks, the transaction of a request, and what waits for the commit.

A block is a frame in a context variable. It begins nothing by itself: the first query under it
opens the transaction, and the savepoints of the blocks around it, on the connection it needs. So a
request that never touches the database costs nothing, and none of this imports SQLAlchemy.
"""

import asyncio
from collections.abc import Callable, Generator
from contextvars import ContextVar, Token
from functools import wraps
from inspect import iscoroutinefunction
from threading import RLock
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast

from undercroft.concurrency import check_not_on_loop, is_on_loop
from undercroft.db.threads import run_for_holder
from undercroft.errors import DatabaseError

F = TypeVar("F", bound=Callable[..., Any])


class Link(Protocol):
    """A connection with an open transaction, as this module sees it."""

    #: Whether its methods must be awaited on the event loop.
    is_async: bool

    def execute(self, sql: str) -> Any:
        """Run a statement that has no values and no rows; a coroutine when `is_async`."""

    def close(self, *, broken: bool = False) -> Any:
        """Give the connection back, or throw it away; a coroutine when `is_async`."""


#: What to do on a link, in order; None closes it, a text is run on it.
Command = tuple[Link, str | None]


class Frame:
    """An open block.

    Args:
        parent: The block around it, in the same transaction or another one.
        alias: The database it is about; None means every database.
        joins: Whether it is a savepoint within the parent's transaction.
    """

    __slots__ = ("alias", "callbacks", "closed", "links", "lock", "parent", "root", "savepoints")

    def __init__(self, parent: "Frame | None", alias: str | None, *, joins: bool) -> None:
        self.parent = parent
        self.alias = alias
        self.root: Frame = parent.root if joins and parent is not None else self
        #: Of the outermost block: its connections, by database and by kind.
        self.links: dict[tuple[str, bool], Link] = {}
        #: Of an inner block: its savepoints.
        self.savepoints: dict[Link, str] = {}
        self.callbacks: list[Callable[[], Any]] = []
        #: Of the outermost block: whether it has ended, though a thread may not know it yet.
        self.closed = False
        #: Held while threads of one transaction begin it or its savepoints.
        self.lock: Any = RLock() if self.root is self else self.root.lock

    def check_open(self) -> None:
        """Refuse a query of a thread or task that has outlived its transaction.

        Raises:
            DatabaseError: The transaction has ended.
        """
        if self.root.closed:
            raise build_over()

    def covers(self, alias: str) -> bool:
        """Tell whether the block is about a database."""
        return self.root.alias is None or self.root.alias == alias

    def list_missing(self, link: Link) -> list["Frame"]:
        """List the inner blocks that have no savepoint on a connection yet, outermost first."""
        missing: list[Frame] = []
        frame: Frame = self
        while frame is not frame.root:
            if link not in frame.savepoints:
                missing.append(frame)
            assert frame.parent is not None
            frame = frame.parent
        return missing[::-1]

    def mark_savepoint(self, link: Link) -> str:
        """Note a savepoint on a connection and give its name."""
        name = f"undercroft_{id(self):x}"
        self.savepoints[link] = name
        return name

    # -------------------------------------------------------------- leaving

    def leave(self, *, commit: bool) -> Generator[Command, None, None]:
        """List what ends the block, which from now on accepts no query."""
        self.closed = True
        return self._list_commands(commit=commit)

    def _list_commands(self, *, commit: bool) -> Generator[Command, None, None]:
        if self.root is self:
            while self.links:
                # Taken out, so that a thread that opens one right now gives back its own.
                _, link = self.links.popitem()
                yield link, "COMMIT" if commit else "ROLLBACK"
                yield link, None
            return
        for link, name in self.savepoints.items():
            if not commit:
                yield link, f"ROLLBACK TO SAVEPOINT {name}"
            yield link, f"RELEASE SAVEPOINT {name}"

    def hand_over_callbacks(self, *, commit: bool) -> list[Callable[[], Any]]:
        """Give what must be called now; an inner block passes its own to the one around it."""
        callbacks, self.callbacks = self.callbacks, []
        if not commit:
            return []
        if self.root is not self:
            assert self.parent is not None
            self.parent.callbacks.extend(callbacks)
            return []
        return callbacks

    def finish(self, *, commit: bool) -> None:
        """End the block from sync code."""
        perform(self.leave(commit=commit), self)
        for callback in self.hand_over_callbacks(commit=commit):
            callback()

    async def afinish(self, *, commit: bool) -> None:
        """End the block from async code; connections of sync code are ended in a thread."""
        steps = self.leave(commit=commit)
        if commit or not is_on_loop():
            # Without a loop (under WSGI) nothing waits, so nothing can be cancelled either.
            await aperform(steps, self)
        elif self.links or self.savepoints:
            # A cancelled request must not be cancelled again while it rolls back.
            await asyncio.shield(asyncio.ensure_future(aperform(steps, self)))
        for callback in self.hand_over_callbacks(commit=commit):
            answer = callback()
            if asyncio.iscoroutine(answer):
                await answer


def build_over() -> DatabaseError:
    """Build the error for a query that comes after the end of its transaction."""
    return DatabaseError(
        "The transaction this query belongs to has ended.",
        hint="A thread or task that goes on after its request needs `atomic()` of its own.",
        code="db.transaction-over",
    )


#: The innermost open block of the running code.
current: ContextVar[Frame | None] = ContextVar("undercroft_transaction", default=None)


def find_frame(alias: str) -> Frame | None:
    """Find the innermost open block that is about a database."""
    frame = current.get()
    while frame is not None and not frame.covers(alias):
        frame = frame.root.parent
    return frame


def get_frame(alias: str) -> Frame:
    """Get the innermost open block that is about a database.

    Raises:
        DatabaseError: None is open.
    """
    frame = find_frame(alias)
    if frame is None:
        raise DatabaseError(
            f"No transaction is open on database {alias!r}.",
            hint="Open one by `with atomic():`.",
            code="db.no-transaction",
        )
    return frame


def perform(steps: Generator[Command, None, None], frame: Frame) -> None:
    """Carry out what ends a block; a connection that fails is thrown away."""
    failure: BaseException | None = None
    for link, sql in steps:
        if link.is_async:
            raise DatabaseError(
                "A transaction begun in async code cannot be ended by sync code.",
                hint="Write `async with atomic():`.",
                code="db.transaction",
            )
        try:
            if sql is None:
                link.close(broken=failure is not None)
            else:
                link.execute(sql)
        except BaseException as error:  # noqa: BLE001 - raised below, once all is given back
            failure = failure or error
    if failure is not None:
        frame.callbacks.clear()
        raise failure


async def aperform(steps: Generator[Command, None, None], frame: Frame) -> None:
    """As `perform`, from async code."""
    failure: BaseException | None = None
    for link, sql in steps:
        arguments: dict[str, Any] = {"broken": failure is not None} if sql is None else {}
        call: Any = link.close if sql is None else link.execute
        positional = () if sql is None else (sql,)
        try:
            if link.is_async:
                await call(*positional, **arguments)
            else:
                await run_for_holder(call, *positional, **arguments)
        except BaseException as error:  # noqa: BLE001 - raised below, once all is given back
            failure = failure or error
    if failure is not None:
        frame.callbacks.clear()
        raise failure


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
        current.reset(token)
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
    of function. Blocks nest: an inner one is a savepoint.
    """
    return Atomic(using)


def on_commit(callback: Callable[[], Any], using: str = "default") -> None:
    """Call a function once the transaction is committed; at once when none is open.

    It is not called when the transaction, or the block it was registered in, is rolled back. In
    async code it may be a coroutine function if a transaction is open.
    """
    frame = find_frame(using)
    if frame is None:
        callback()
    else:
        frame.callbacks.append(callback)


class RequestTransaction:
    """One transaction for a request, on every database it touches, begun at its first query.

    Use it as `async with RequestTransaction():`, or call `begin`, then `commit` or `rollback`. A
    handler that runs in a thread with the caller's context takes part in it.
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
        try:
            current.reset(token)
        except ValueError:
            # Begun in another context (a task of its own), which ends with its variables.
            current.set(frame.parent)
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
