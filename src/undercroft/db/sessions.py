"""SQLAlchemy sessions that share the open transaction, or stand alone when none is open."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from undercroft.concurrency import check_not_on_loop
from undercroft.db.connections.databases import databases
from undercroft.db.connections.frames import find_frame
from undercroft.db.internals import wait_in_greenlet
from undercroft.db.lane import get_lane

__all__ = ["AsyncSession", "Session", "SharedSession", "async_session", "session"]


class SharedSession(Session):
    """A session on the connection of the open transaction, which it takes at its first use.

    What it commits is a savepoint: the transaction itself ends with its block or request.

    Args:
        find_connection: Gives the connection.
        options: Of `Session`.
    """

    def __init__(self, *, find_connection: Callable[[], sa.Connection], **options: Any) -> None:
        super().__init__(join_transaction_mode="create_savepoint", **options)
        self._find_connection = find_connection

    def get_bind(self, *_arguments: Any, **_options: Any) -> sa.Connection:
        """Give the transaction's connection, whatever the mapper."""
        return self._find_connection()


def build_reading_engine(engine: sa.Engine) -> sa.Engine:
    """Build the view of an engine whose transactions on SQLite lock nothing before they write."""
    return engine.execution_options(sqlite_begin="DEFERRED")


@contextmanager
def session(alias: str = "default") -> Generator[Session, None, None]:
    """Open a SQLAlchemy session for sync code.

    Within `atomic()` or a request's transaction it works on that connection, and what it still
    holds is flushed at the end; otherwise it has a connection of its own and commits only when
    told to. On SQLite it then locks the database at its first write, not at its first read; and
    as its connection is its own, a query of a manager takes a second one from the pool meanwhile,
    which an in-memory SQLite does not have.

    Raises:
        SynchronousOnlyOperation: An event loop runs in this thread.
    """
    check_not_on_loop("session()", "async with async_session() as session")
    if find_frame(alias) is None:
        with Session(build_reading_engine(databases[alias].sync_engine)) as alone:
            yield alone
        return
    lane = get_lane(alias)
    with SharedSession(find_connection=lambda: lane.get_link().share()) as shared:
        yield shared
        shared.commit()


@asynccontextmanager
async def async_session(alias: str = "default") -> AsyncGenerator[AsyncSession, None]:
    """Open a SQLAlchemy session for async code; as `session`, on the event loop.

    Where each of many requests has such a session and queries a manager besides, without a
    transaction, `pool_size` must allow for two connections each.

    Raises:
        ImproperlyConfigured: The database has no async driver (SQLite).
    """
    engine = databases[alias].async_engine
    if find_frame(alias) is None:
        async with AsyncSession(engine) as alone:
            yield alone
        return
    lane = get_lane(alias)

    def find_connection() -> sa.Connection:
        return wait_in_greenlet(lane.aget_link()).share()

    async with AsyncSession(
        sync_session_class=SharedSession, find_connection=find_connection
    ) as shared:
        yield shared
        await shared.commit()
