"""The open blocks of the running code, their connections, and what their end does.

A block is a frame in a context variable. It begins nothing by itself: the first query under it
opens the transaction, and the savepoints of the blocks around it, on the connection it needs. So a
request that never touches the database costs nothing, and none of this imports SQLAlchemy.
"""

import logging
import os
from collections.abc import Callable
from contextvars import ContextVar, Token
from functools import partial
from itertools import count
from threading import RLock
from typing import Any, Protocol

from undercroft.concurrency import holder, is_on_loop
from undercroft.db.connections.callbacks import Callback, acall_all, call_all
from undercroft.db.connections.modes import DEFAULT, Mode
from undercroft.db.connections.threads import Unbroken, complete, complete_in_thread
from undercroft.errors import DatabaseError, TransactionManagementError

logger = logging.getLogger("undercroft.db")


class Link(Protocol):
    """One database's connection in a transaction, as this module sees it."""

    #: Whether its methods must be awaited on the event loop.
    is_async: bool

    #: The inner blocks that have a savepoint on it, outermost first.
    blocks: list["Frame"]

    @property
    def is_holding(self) -> bool:
        """Whether it has what others may be waiting for."""
        raise NotImplementedError

    def leave(self, block: "Frame", *, commit: bool) -> Any:
        """End the savepoint of a block; a coroutine when `is_async`."""

    def end(self, *, commit: bool) -> Any:
        """End the transaction and give the connection back; a coroutine when `is_async`."""

    def wait(self, coroutine: Any) -> Any:
        """Wait, in a thread, for a coroutine on the loop of an async link."""


_numbers = count(1)


class Frame:
    """An open block.

    Args:
        parent: The block around it, in the same transaction or another one.
        alias: The database it is about; None means every database.
        joins: Whether it is a savepoint within the parent's transaction.
        mode: How its transaction is begun; that of the parent's where it joins.
    """

    __slots__ = (
        "alias",
        "callbacks",
        "closed",
        "has_committed",
        "is_broken",
        "is_retried",
        "links",
        "lock",
        "mode",
        "number",
        "parent",
        "rolls_back",
        "root",
        "undos",
    )

    def __init__(
        self, parent: "Frame | None", alias: str | None, *, joins: bool, mode: Mode = DEFAULT
    ) -> None:
        self.parent = parent
        self.alias = alias
        #: Tells it from every other block of the process, those that are gone included.
        self.number = next(_numbers)
        self.root: Frame = parent.root if joins and parent is not None else self
        self.mode = mode
        #: Whether something failed in it that cannot be taken back on its own: no query any more.
        self.is_broken: bool = joins and parent is not None and parent.is_broken
        #: Whether it shall be rolled back at its end although nothing failed.
        self.rolls_back = False
        #: Whether all of it is run again when it conflicts with another transaction.
        self.is_retried = False
        #: Whether it has come to its end and is stored, with nothing around it that can undo it.
        self.has_committed = False
        #: Of the outermost block: its connections, by database.
        self.links: dict[str, Link] = {}
        self.callbacks: list[Callback] = []
        #: What takes back in Python what a rollback takes back in the database.
        self.undos: list[Callable[[], None]] = []
        #: Whether it has ended, though a thread or task may not know it yet.
        self.closed = False
        #: Held while a connection is added or all are taken out, never while anything waits.
        self.lock: Any = RLock() if self.root is self else self.root.lock

    @property
    def name(self) -> str:
        """The name of its savepoints."""
        return f"undercroft_{id(self):x}"

    @property
    def is_holding(self) -> bool:
        """Whether it has a connection, or its turn to write, that others may wait for."""
        frame: Frame | None = self
        while frame is not None:
            if any(link.is_holding for link in frame.root.links.copy().values()):
                return True
            frame = frame.root.parent
        return False

    def covers(self, alias: str) -> bool:
        """Tell whether the block is about a database."""
        return self.root.alias is None or self.root.alias == alias

    def get_link(self, alias: str, make: "Callable[[Frame], Link]") -> Link:
        """Get the transaction's one connection to a database; it may still have to be opened.

        Args:
            alias: The database.
            make: Makes it for the outermost block.

        Raises:
            DatabaseError: The transaction has ended.
        """
        root = self.root
        link = root.links.get(alias)
        if link is None:
            with root.lock:
                if root.closed:
                    raise build_over()
                link = root.links.get(alias)
                if link is None:
                    link = root.links[alias] = make(root)
        return link

    def list_missing(self, link: Link) -> list["Frame"]:
        """List the inner blocks that have no savepoint on a connection yet, outermost first.

        Raises:
            DatabaseError: The block has ended, or another task's block is open on the connection.
        """
        blocks: list[Frame] = []
        frame: Frame = self
        while frame is not frame.root and frame.parent is not None:
            if frame.closed:
                raise build_over()
            blocks.append(frame)
            frame = frame.parent
        blocks.reverse()
        present = len(link.blocks)
        if link.blocks != blocks[:present]:
            raise TransactionManagementError(
                "Another task or thread has a block open in this transaction.",
                hint="Savepoints nest, so a transaction runs one block at a time: await them one "
                "after the other, or open the transaction within each task.",
                code="db.concurrent-blocks",
            )
        return blocks[present:]

    # -------------------------------------------------------------- leaving

    def finish(self, *, commit: bool) -> None:
        """End the block from sync code; once one connection fails, the others roll back."""
        commits = commit and not (self.is_broken or self.rolls_back)
        failure: BaseException | None = None
        for link in self._close():
            try:
                answer = self._end_on(link, commit=commits and failure is None)
                if link.is_async:
                    link.wait(answer)
            except BaseException as error:  # noqa: BLE001 - judged below, once all have ended
                failure = failure or error
        call_all(self._settle(failure, asked=commit, commits=commits))

    async def afinish(self, *, commit: bool) -> None:
        """End the block from async code, whatever is cancelled meanwhile."""
        if self.root.links and is_on_loop():
            # What waits for the commit may care which task it runs in.
            finish = complete if self.callbacks else Unbroken
            await finish(self._afinish(commit=commit))
        else:
            # Without a loop (under WSGI) nothing waits, so nothing can be cancelled either.
            await self._afinish(commit=commit)

    async def _afinish(self, *, commit: bool) -> None:
        commits = commit and not (self.is_broken or self.rolls_back)
        failure: BaseException | None = None
        for link in self._close():
            end = partial(self._end_on, link, commit=commits and failure is None)
            try:
                await (end() if link.is_async else complete_in_thread(end))
            except BaseException as error:  # noqa: BLE001 - judged below, once all have ended
                failure = failure or error
        await acall_all(self._settle(failure, asked=commit, commits=commits))

    def _close(self) -> list[Link]:
        """Accept no query from now on; give the connections there is something to end on."""
        if self.root is not self:
            self.closed = True
            return [link for link in self.root.links.copy().values() if self in link.blocks]
        with self.lock:
            self.closed = True
            links = list(self.links.values())
            self.links.clear()
        return links

    def _end_on(self, link: Link, *, commit: bool) -> Any:
        return link.end(commit=commit) if self.root is self else link.leave(self, commit=commit)

    def _settle(
        self, failure: BaseException | None, *, asked: bool, commits: bool
    ) -> list[Callback]:
        """Give what must be called now; an inner block passes its own to the one around it.

        Args:
            failure: What went wrong at the end.
            asked: Whether the code in the block came to its end.
            commits: Whether it was to be committed.
        """
        callbacks, self.callbacks = self.callbacks, []
        undos, self.undos = self.undos, []
        if not commits or failure is not None:
            for undo in reversed(undos):
                undo()
            self._judge(failure, asked=asked, commits=commits)
            return []
        if self.root is self or self.parent is None:
            self.has_committed = True
            return callbacks
        self.parent.undos += undos
        self.parent.callbacks += callbacks
        return []

    def _judge(self, failure: BaseException | None, *, asked: bool, commits: bool) -> None:
        """Raise what the code around the block must know of its rollback."""
        if isinstance(failure, DatabaseError) and not commits:
            # Nothing of it is stored all the same: its connection was thrown away, or will be.
            logger.warning("A transaction could not be rolled back: %s", failure)
            if self.root is not self and self.parent is not None:
                self.parent.is_broken = True
        elif failure is not None:
            raise failure
        if asked and self.is_broken and not self.rolls_back:
            raise build_aborted()


#: The innermost open block of the running code; its threads are those of who holds something.
current: ContextVar[Frame | None] = holder


def leave_frame(frame: Frame, token: Token[Frame | None]) -> None:
    """Make the block around a frame the innermost one again."""
    try:
        current.reset(token)
    except ValueError:
        # Entered in another context (a task of its own), which ends with its variables.
        current.set(frame.parent)


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
        raise TransactionManagementError(
            f"No transaction is open on database {alias!r}.",
            hint="Open one by `with atomic():`.",
            code="db.no-transaction",
        )
    return frame


def on_rollback(undo: Callable[[], None], alias: str) -> None:
    """Call a function if the running code's block, or one around it, is rolled back."""
    if current.get() is not None and (frame := find_frame(alias)) is not None:
        frame.undos.append(undo)


def build_over() -> TransactionManagementError:
    """Build the error for a query that comes after the end of its transaction."""
    return TransactionManagementError(
        "The transaction this query belongs to has ended.",
        hint="A thread or task that goes on after its request needs `atomic()` of its own.",
        code="db.transaction-over",
    )


def build_aborted() -> TransactionManagementError:
    """Build the error for a transaction of which nothing can be committed any more."""
    return TransactionManagementError(
        "A statement of this transaction failed before, so nothing of it can be stored.",
        hint="Put the statement that may fail into its own `atomic()`, and catch its error "
        "outside of that block.",
        code="db.transaction-aborted",
    )


#: Connections of a parent process, kept so that nothing closes them under its feet.
_inherited: list[Link] = []


def _forget() -> None:
    """Part a forked process from its parent's transactions, which only the parent may end."""
    frame = current.get()
    while frame is not None:
        _inherited.extend(frame._close())  # pyright: ignore[reportPrivateUsage] - of this module
        frame = frame.parent


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
