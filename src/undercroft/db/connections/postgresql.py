"""PostgreSQL: what its two drivers are told at connection, and who is in autocommit when."""

from typing import Any

from sqlalchemy import Engine, event


def build_connect_args(driver: str, connect_timeout: float) -> dict[str, Any]:
    """Build what a driver is told at connection: times are in UTC, and waiting has an end."""
    if driver == "asyncpg":
        return {"server_settings": {"timezone": "UTC"}, "timeout": connect_timeout}
    return {"options": "-c timezone=UTC", "connect_timeout": max(1, round(connect_timeout))}


def rest_in_autocommit(engine: Engine) -> None:
    """Keep psycopg's idle connections in autocommit, which the lane reads in.

    SQLAlchemy's own connections leave it at checkout and come back to it; changing the flag of
    an idle connection needs no round trip.
    """

    def rest(connection: Any, *_others: object) -> None:
        if connection is not None and not connection.closed:
            connection.autocommit = True

    def work(connection: Any, *_others: object) -> None:
        connection.autocommit = False

    event.listen(engine, "connect", rest)
    event.listen(engine, "checkin", rest)
    event.listen(engine, "checkout", work)
