"""The databases of the process by name: their URLs, engines and limits.

Nothing here imports SQLAlchemy until an engine is asked for: an application without models never
pays for it.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from undercroft.db.connections.budget import Budget, PoolState
from undercroft.db.connections.replicas import Replicas
from undercroft.db.connections.urls import parse_url
from undercroft.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

#: What serves a project that configured nothing.
DEFAULT_URL = "sqlite:///db.sqlite3"


#: A URL, or options by name, `url` among them.
Configuration: TypeAlias = str | Mapping[str, Any]


def split_configuration(alias: str, configuration: Configuration) -> tuple[str, Mapping[str, Any]]:
    """Split what a database was configured with into its URL and its options.

    Raises:
        ImproperlyConfigured: There is no URL.
    """
    if isinstance(configuration, str):
        return configuration, {}
    options = dict(configuration)
    url = options.pop("url", None)
    if not isinstance(url, str):
        raise ImproperlyConfigured(
            f"Database {alias!r} has no URL.",
            hint='Write for example {"url": "sqlite:///db.sqlite3", "pool_size": 4}.',
            code="db.url",
        )
    return url, options


class Database:
    """One configured database; engines are made at first use.

    Args:
        alias: The name it is configured under.
        configuration: A URL, for example `sqlite:///db.sqlite3` or
            `postgresql://user@host/name?pool_size=20`; or options by name, `url` among them.

    Attributes:
        vendor: "sqlite", "postgresql" or "mariadb".
        options: What was given and what was not.

    Raises:
        ImproperlyConfigured: The URL or an option is wrong.
    """

    def __init__(self, alias: str, configuration: Configuration) -> None:
        self.alias = alias
        self.configuration = configuration
        self.url, given = split_configuration(alias, configuration)
        self.vendor, self.sync_url, self.async_url, self.options = parse_url(self.url, given)
        self._lock = RLock()
        self._budget = self._build_budget()
        self._sync_engine: Engine | None = None
        # By event loop: a connection belongs to the loop it was opened on.
        self._async_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncEngine] = (
            WeakKeyDictionary()
        )
        #: Where `lane` keeps what it prepared for this database.
        self.lane: Any = None
        self.replicas = self._build_replicas(given)

    def _build_replicas(self, given: Mapping[str, Any]) -> Replicas | None:
        """Build the copies; what the primary was told besides its URL counts for them, too."""
        if not self.options.replicas:
            return None
        shared = {name: value for name, value in given.items() if not name.startswith("replica")}
        copies = [
            Database(f"{self.alias}.replica{number}", {**shared, "url": url})
            for number, url in enumerate(self.options.replicas)
        ]
        for copy in copies:
            if copy.vendor != self.vendor or copy.replicas is not None:
                raise ImproperlyConfigured(
                    f"Replica {copy.alias!r} is no plain {self.vendor} database.",
                    hint="A replica is a copy, made by the server itself.",
                    code="db.replica",
                )
        return Replicas(self.alias, copies, self.options.replica_sticky)

    def list_copies(self) -> "list[Database]":
        """List the replicas as databases."""
        return [replica.database for replica in self.replicas or ()]

    def _build_budget(self) -> Budget | None:
        limit = self.options.max_connections
        return None if limit is None else Budget(limit)

    def __repr__(self) -> str:
        return f"<Database {self.alias!r} {self.vendor}>"

    @property
    def sync_engine(self) -> "Engine":
        """The SQLAlchemy engine for sync code."""
        if self._sync_engine is None:
            with self._lock:
                if self._sync_engine is None:
                    # Slow to import (SQLAlchemy), and not needed before the first query.
                    from undercroft.db.connections.engines import build_sync_engine  # noqa: PLC0415

                    self._sync_engine = build_sync_engine(self.sync_url, self.options, self._budget)
        return self._sync_engine

    @property
    def async_engine(self) -> "AsyncEngine":
        """The SQLAlchemy engine of the running event loop.

        Raises:
            ImproperlyConfigured: The database has no async driver (SQLite).
        """
        loop = asyncio.get_running_loop()
        engine = self._async_engines.get(loop)
        if engine is None:
            engine = self._open_async_engine(loop)
        return engine

    def _open_async_engine(self, loop: asyncio.AbstractEventLoop) -> "AsyncEngine":
        if self.async_url is None:
            raise ImproperlyConfigured(
                f"Database {self.alias!r} ({self.vendor}) has no async engine.",
                hint="Querysets work in async code all the same; for a SQLAlchemy session use a "
                "`def` handler, or PostgreSQL.",
                code="db.no-async-engine",
            )
        # Slow to import (SQLAlchemy), and not needed before the first query.
        from undercroft.db.connections.engines import build_async_engine  # noqa: PLC0415

        with self._lock:
            # A pooled connection refers to its loop, so a dead loop's entry never dies by itself.
            for dead in [known for known in self._async_engines if known.is_closed()]:
                pool: Any = self._async_engines.pop(dead).sync_engine.pool
                if self._budget is not None:
                    self._budget.release(pool.give_up_idle())
            engine = build_async_engine(self.async_url, self.options, self._budget)
            self._async_engines[loop] = engine
        return engine

    def list_pools(self) -> list[PoolState]:
        """List how many connections this process has, pool by pool."""
        engines: list[Any] = [self._sync_engine] if self._sync_engine is not None else []
        engines += [engine.sync_engine for engine in [*self._async_engines.values()]]
        return [engine.pool.state for engine in engines]

    def dispose(self) -> None:
        """Close the idle connections of sync code; the next query opens new ones."""
        with self._lock:
            engine, self._sync_engine, self.lane = self._sync_engine, None, None
        if engine is not None:
            engine.dispose()
        for copy in self.list_copies():
            copy.dispose()

    def forget(self) -> tuple[object, ...]:
        """Give up every engine without closing a connection; gives what was given up."""
        copies = [copy.forget() for copy in self.list_copies()]
        forgotten = (self._sync_engine, dict(self._async_engines), self.lane, copies)
        self._lock = RLock()
        self._budget = self._build_budget()
        self._sync_engine = self.lane = None
        self._async_engines = WeakKeyDictionary()
        return forgotten

    async def adispose(self) -> None:
        """Close the idle connections of the running loop and of sync code."""
        engine = self._async_engines.pop(asyncio.get_running_loop(), None)
        if engine is not None:
            await engine.dispose()
        for copy in self.list_copies():
            await copy.adispose()
        self.dispose()


class Databases(Mapping[str, Database]):
    """All configured databases; `databases["default"]` is there even when nothing is."""

    def __init__(self) -> None:
        self._databases: dict[str, Database] = {"default": Database("default", DEFAULT_URL)}

    def configure(self, configurations: Mapping[str, Configuration]) -> None:
        """Replace the configuration.

        A database whose configuration stays the same keeps its engines.

        Args:
            configurations: For each name a URL, or options with a `url` among them; `default` is
                what models use.

        Raises:
            ImproperlyConfigured: A URL or an option is wrong; nothing has changed then.
        """
        known = {"default": DEFAULT_URL, **configurations}
        databases: dict[str, Database] = {}
        for alias, configuration in known.items():
            present = self._databases.get(alias)
            keep = present is not None and present.configuration == configuration
            databases[alias] = present if keep and present else Database(alias, configuration)
        replaced = [old for old in self._databases.values() if old not in databases.values()]
        self._databases = databases
        for database in replaced:
            database.dispose()

    def __getitem__(self, alias: str) -> Database:
        try:
            return self._databases[alias]
        except KeyError:
            close = get_close_matches(alias, self._databases, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {sorted(self._databases)}."
            shown = alias if len(alias) <= 60 else f"{alias[:57]}..."
            raise ImproperlyConfigured(
                f"Database {shown!r} is not configured.", hint=hint, code="db.unknown-database"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._databases)

    def __len__(self) -> int:
        return len(self._databases)

    def dispose(self) -> None:
        """Close the idle connections of every database."""
        for database in self.values():
            database.dispose()

    async def adispose(self) -> None:
        """Close the idle connections of every database, those of the running loop included."""
        for database in self.values():
            await database.adispose()


databases = Databases()

#: What a forked process inherited, kept so that nothing closes its parent's connections.
_inherited: list[object] = []


def _forget() -> None:
    """Start without connections in a forked process: the sockets are its parent's."""
    _inherited.extend(database.forget() for database in databases.values())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
