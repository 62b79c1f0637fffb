"""What a database's URL says: the vendor, a driver for each kind of code, and our own options."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl, urlencode

from undercroft.db.connections.options import (
    DatabaseOptions,
    build_options,
    check_foreign,
    describe_options,
    is_option,
)
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


def parse_url(
    url: str, given: Mapping[str, Any] | None = None
) -> tuple[str, str, str | None, DatabaseOptions]:
    """Split a URL into vendor, URL for sync code, URL for async code, and options.

    Args:
        url: With options in its query, beside those of the driver.
        given: Further options.

    Raises:
        ImproperlyConfigured: The scheme is unknown, or an option is wrong.
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
    if vendor != "sqlite":
        check_port(rest)
    sync_scheme, async_scheme = DRIVERS[vendor]
    vendor = VENDORS.get(vendor, vendor)
    if driver and f"{vendor}+{driver}" not in (sync_scheme, async_scheme):
        sync_scheme = f"{vendor}+{driver}"
    rest, taken = _take_options(vendor, rest)
    options = build_options(vendor, [*taken, *describe_options(given or {})])
    async_url = f"{async_scheme}://{rest}" if async_scheme else None
    return vendor, f"{sync_scheme}://{rest}", async_url, options


def check_port(rest: str) -> None:
    """Refuse a port that is none, before the first query stumbles over it.

    Args:
        rest: Of a URL, behind its scheme.

    Raises:
        ImproperlyConfigured: It is no number, or there are several hosts where one stands.
    """
    address = re.split(r"[/?]", rest.rpartition("@")[2], maxsplit=1)[0]
    port = address.rpartition("]")[2].partition(":")[2]
    if "," in address or not (port == "" or port.isdecimal()):
        # Not shown: what looks like a host may be the end of a password.
        raise ImproperlyConfigured(
            "A database URL has one host, and a number for its port.",
            hint="Several hosts of PostgreSQL stand behind the question mark: "
            "`postgresql://user@/name?host=a:5432&host=b:5432`. In a password write `@` as %40 "
            "and `/` as %2F.",
            code="db.url",
        )


def _take_options(vendor: str, rest: str) -> tuple[str, list[tuple[str, str]]]:
    """Take our own options out of the query; what is left belongs to the driver."""
    address, _, query = rest.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    others = [(name, value) for name, value in pairs if not is_option(vendor, name)]
    check_foreign(vendor, dict(others))
    taken = [(name, value) for name, value in pairs if is_option(vendor, name)]
    return (f"{address}?{urlencode(others)}" if others else address), taken
