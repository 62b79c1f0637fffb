"""Whether the databases answer, and how far their replicas are behind: for health checks."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

from undercroft.concurrency import check_not_on_loop, run_in_thread
from undercroft.db.connections.databases import Database, databases

#: Seconds since what a copy of PostgreSQL has last repeated was committed; NULL on a primary.
_LAG = (
    "SELECT EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp()) WHERE pg_is_in_recovery()"
)


@dataclass(frozen=True, slots=True)
class Health:
    """What a database answered.

    Attributes:
        alias: Its name; those of replicas end in `.replica0` and so on.
        is_up: Whether it answered.
        milliseconds: How long it took.
        lag: Seconds a replica of PostgreSQL is behind; None where that is not told.
        error: What went wrong, without addresses and passwords.
    """

    alias: str
    is_up: bool
    milliseconds: float
    lag: float | None = None
    error: str = ""


def check_health(alias: str = "default") -> list[Health]:
    """Ask a database and its replicas for a sign of life, each on a connection of its pool.

    Args:
        alias: Its name.
    """
    check_not_on_loop("check_health()", "await acheck_health()")
    database = databases[alias]
    return [_ask(each) for each in (database, *database.list_copies())]


async def acheck_health(alias: str = "default") -> list[Health]:
    """As `check_health`, from async code."""
    return await run_in_thread(check_health, alias)


def _ask(database: Database) -> Health:
    started = perf_counter()
    lag: float | None = None
    try:
        with database.sync_engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
            if database.vendor == "postgresql":
                found: Any = connection.exec_driver_sql(_LAG).scalar()
                lag = None if found is None else float(found)
    except Exception as error:  # noqa: BLE001 - whatever it is, the database does not answer
        took = (perf_counter() - started) * 1000
        return Health(database.alias, False, took, error=type(error).__name__)
    return Health(database.alias, True, (perf_counter() - started) * 1000, lag)
