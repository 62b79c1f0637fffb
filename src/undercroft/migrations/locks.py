"""One `migrate` at a time: of several servers that start at once, the first one does the work."""

from collections.abc import Generator
from contextlib import contextmanager

import sqlalchemy as sa

#: "undercroft migrate", shortened to a number nobody else uses by chance.
_KEY = 7_310_592_044_617_283


@contextmanager
def hold_lock(connection: sa.Connection) -> Generator[None]:
    """Wait for our turn on PostgreSQL; SQLite lets one write at a time anyway."""
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _KEY})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _KEY})
        connection.commit()
