"""Migrations take as long as they take: the limits for requests do not hold for them."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from undercroft.db.connections.databases import Database
from undercroft.db.connections.sqlite import is_in_memory


@contextmanager
def lift_limits(database: Database) -> Generator[Database]:
    """Give a database to work on without limits of time; itself where nothing limits it."""
    options = replace(
        database.options,
        statement_timeout=None,
        lock_timeout=None,
        idle_in_transaction_timeout=None,
    )
    in_memory = database.vendor == "sqlite" and is_in_memory(database.sync_url)
    if options == database.options or in_memory:
        yield database
        return
    lifted = Database(database.alias, database.configuration)
    lifted.options = options
    try:
        yield lifted
    finally:
        lifted.dispose()
