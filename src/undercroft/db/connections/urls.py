"""What a database's URL says: the vendor, a driver for each kind of code, and our own limits."""

from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl, urlencode

from undercroft.errors import ImproperlyConfigured

#: The scheme as people write it, then the drivers for sync and for async code. SQLite has no
#: async driver of its own: on the event loop a whole call hops to a thread once. Whoever says MySQL
#: may mean MariaDB; the server itself is asked at the first connection.
DRIVERS = {
    "sqlite": ("sqlite+pysqlite", None),
    "postgresql": ("postgresql+psycopg", "postgresql+asyncpg"),
    "postgres": ("postgresql+psycopg", "postgresql+asyncpg"),
    "mysql": ("mariadb+pymysql", "mariadb+asyncmy"),
    "mariadb": ("mariadb+pymysql", "mariadb+asyncmy"),
}


#: One name for each database that has several.
VENDORS = {"postgres": "postgresql", "mysql": "mariadb"}


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """The limits of a database's pools; each may stand in the URL's query.

    Attributes:
        pool_size: Connections at most, for sync code and for each event loop.
        pool_timeout: Seconds to wait for a connection before `DatabaseUnavailable`.
        connect_timeout: Seconds to wait for the server to accept a connection.
        busy_timeout: Seconds SQLite waits for another writer.
    """

    pool_size: int = 8
    pool_timeout: float = 30.0
    connect_timeout: float = 10.0
    busy_timeout: float = 30.0


def parse_url(url: str) -> tuple[str, str, str | None, PoolOptions]:
    """Split a URL into vendor, URL for sync code, URL for async code, and pool options.

    Raises:
        ImproperlyConfigured: The scheme is unknown or an option is no number.
    """
    scheme, separator, rest = url.partition("://")
    vendor, _, driver = scheme.partition("+")
    if not separator or vendor not in DRIVERS:
        close = get_close_matches(vendor, DRIVERS, n=1)
        hint = f"Did you mean {close[0]}://?" if close else f"Known: {', '.join(sorted(DRIVERS))}."
        # The rest of the URL may hold a password, so only the scheme is shown.
        raise ImproperlyConfigured(
            f"Database URL scheme {scheme!r} is not known.", hint=hint, code="db.url"
        )
    sync_scheme, async_scheme = DRIVERS[vendor]
    vendor = VENDORS.get(vendor, vendor)
    if driver and f"{vendor}+{driver}" not in (sync_scheme, async_scheme):
        sync_scheme = f"{vendor}+{driver}"
    rest, options = _take_options(rest)
    async_url = f"{async_scheme}://{rest}" if async_scheme else None
    return vendor, f"{sync_scheme}://{rest}", async_url, options


def _take_options(rest: str) -> tuple[str, PoolOptions]:
    """Take our own options out of the query; what is left belongs to the driver."""
    address, _, query = rest.partition("?")
    kinds = {field.name: field.type for field in fields(PoolOptions)}
    options = PoolOptions()
    others: list[tuple[str, str]] = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in kinds:
            others.append((name, value))
            continue
        try:
            number = int(value) if name == "pool_size" else float(value)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"Database option {name}={value!r} is no number.", code="db.url"
            ) from error
        changed: dict[str, Any] = {name: number}
        options = replace(options, **changed)
    return (f"{address}?{urlencode(others)}" if others else address), options
