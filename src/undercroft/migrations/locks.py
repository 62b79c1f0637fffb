"""One `migrate` at a time: of several servers that start at once, the first one does the work."""

from collections.abc import Generator
from contextlib import contextmanager

import sqlalchemy as sa

#: "undercroft migrate", shortened to a number nobody else uses by chance.
_KEY = 7_310_592_044_617_283


#: In seconds; MariaDB knows no waiting without end.
_YEAR = 31_536_000

#: How a lock is taken and given back. PostgreSQL's belong to a database, MariaDB's to the server.
_LOCKS = {
    "postgresql": (f"SELECT pg_advisory_lock({_KEY})", f"SELECT pg_advisory_unlock({_KEY})"),
    "mariadb": (
        f"SELECT GET_LOCK(CONCAT({_KEY}, '-', MD5(DATABASE())), {_YEAR})",
        f"SELECT RELEASE_LOCK(CONCAT({_KEY}, '-', MD5(DATABASE())))",
    ),
}


@contextmanager
def hold_lock(connection: sa.Connection) -> Generator[None]:
    """Wait for our turn; SQLite lets one write at a time anyway."""
    lock, unlock = _LOCKS.get(connection.dialect.name, ("", ""))
    if not lock:
        yield
        return
    connection.execute(sa.text(lock))
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(sa.text(unlock))
        connection.commit()
