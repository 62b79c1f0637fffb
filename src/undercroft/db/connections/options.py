"""The options of a database, from its URL's query or from settings: read, checked, completed.

Each means the same on every database. Where one means nothing it is refused, for an option that is
passed over in silence is a limit that somebody relies on and that is not there.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, Final

from undercroft.errors import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """The options of a database; times are in seconds, None leaves it to the database.

    Attributes:
        pool_size: Connections at most, for sync code and for each event loop.
        max_connections: Connections at most for the process, whichever pools they are in.
        pool_timeout: How long to wait for a connection before `DatabaseUnavailable`.
        pool_recycle: The age at which a connection is replaced.
        connect_timeout: How long to wait for the server to accept a connection.
        statement_timeout: How long a statement may take before `DatabaseTimeout`.
        lock_timeout: How long to wait for what others hold before `LockTimeout`.
        idle_in_transaction_timeout: How long a transaction may do nothing before the server ends
            it with its connection.
        application_name: What the server calls the process in its lists.
        replicas: URLs of copies that answer reads.
        replica_sticky: How long who has written reads from the primary.
    """

    pool_size: int = 8
    max_connections: int | None = None
    pool_timeout: float = 30.0
    pool_recycle: float | None = None
    connect_timeout: float = 10.0
    statement_timeout: float | None = None
    lock_timeout: float | None = None
    idle_in_transaction_timeout: float | None = None
    application_name: str | None = None
    replicas: tuple[str, ...] = ()
    replica_sticky: float = 5.0


#: What SQLite waits for its lock where nothing is said: writers come one after the other.
SQLITE_LOCK_TIMEOUT: Final = 30.0

#: The names an option has for some people.
_SYNONYMS: Final = {"sqlite": {"busy_timeout": "lock_timeout"}}

_COUNTS: Final = frozenset({"pool_size", "max_connections"})
_TEXTS: Final = frozenset({"application_name"})
#: To wait no time at all is a wish here; with the others it would mean the opposite.
_MAY_BE_ZERO: Final = frozenset({"pool_timeout"})

_NO_SERVER: Final = "SQLite is a file and has no server"

#: What means nothing where, and why.
_REFUSED: Final[dict[str, dict[str, str]]] = {
    "sqlite": {
        "connect_timeout": f"{_NO_SERVER} to wait for.",
        "idle_in_transaction_timeout": f"{_NO_SERVER} to end a transaction.",
        "application_name": f"{_NO_SERVER} that would list it.",
    },
    "postgresql": {"busy_timeout": "It is SQLite's; write `lock_timeout`."},
    "mariadb": {"busy_timeout": "It is SQLite's; write `lock_timeout`."},
}

#: Options of other packages that people look for.
_ELSEWHERE: Final = {
    "max_overflow": "`pool_size` is the most there can be; `max_connections` bounds the process.",
    "pool_pre_ping": "Dead connections are noticed without it.",
    "conn_max_age": "Write `pool_recycle`.",
    "pool_max": "Write `pool_size`.",
    "pool_min": "Connections are opened when they are needed.",
}

#: What `sqlite3` takes from a URL, and SQLite itself where `uri=true` stands beside it
#: (sqlite.org/uri.html); anything else would be passed over.
_DRIVER_NAMES: Final = frozenset(
    {"cached_statements", "check_same_thread", "detect_types", "isolation_level", "timeout", "uri"}
)
_FILE_NAMES: Final = frozenset({"cache", "immutable", "mode", "modeof", "nolock", "psow", "vfs"})

#: All that is an option of ours, whatever the database.
NAMES: Final = frozenset(field.name for field in fields(DatabaseOptions))


def is_option(vendor: str, name: str) -> bool:
    """Tell whether a part of a URL's query is for us and not for the driver."""
    return (
        name in NAMES
        or name in _SYNONYMS.get(vendor, {})
        or name in _REFUSED[vendor]
        or name in _ELSEWHERE
    )


def build_options(vendor: str, given: Iterable[tuple[str, Any]]) -> DatabaseOptions:
    """Build the options of a database from what was given; texts are read as numbers.

    Raises:
        ImproperlyConfigured: An option does not exist, means nothing here, or has a wrong value.
    """
    values: dict[str, Any] = {}
    for written, value in given:
        name = _SYNONYMS.get(vendor, {}).get(written, written)
        check_name(vendor, name)
        if name in values:
            raise _build_error(f"Database option {written!r} is given twice.", "Give it once.")
        values[name] = read_value(name, value)
    return DatabaseOptions(**values)


def check_name(vendor: str, name: str) -> None:
    """Refuse an option that would be passed over.

    Raises:
        ImproperlyConfigured: It does not exist, or means nothing for this kind of database.
    """
    reason = _REFUSED[vendor].get(name)
    if reason is not None:
        raise _build_error(f"Database option {name!r} means nothing here.", reason)
    if name not in NAMES:
        close = get_close_matches(name, NAMES, n=1)
        known = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(sorted(NAMES))}."
        hint = _ELSEWHERE.get(name.lower(), known)
        raise _build_error(f"Database option {name!r} does not exist.", hint)


def check_foreign(vendor: str, others: Mapping[str, str]) -> None:
    """Refuse what is left of a URL's query where SQLite's driver would pass over it.

    Those of servers refuse by themselves what they do not know.

    Raises:
        ImproperlyConfigured: It is nobody's option.
    """
    if vendor != "sqlite":
        return
    for name in others:
        if name in _DRIVER_NAMES or (name in _FILE_NAMES and "uri" in others):
            continue
        if name in _FILE_NAMES:
            raise _build_error(
                f"Database option {name!r} is of SQLite's own URIs.",
                f"Write `sqlite:///file:name.db?{name}=...&uri=true`.",
            )
        check_name(vendor, name)


def read_replicas(value: Any) -> tuple[str, ...]:
    """Read the URLs of replicas; in a URL's own query they cannot stand.

    Raises:
        ImproperlyConfigured: They are no list of URLs.
    """
    listed: list[Any] = [] if isinstance(value, str) else list(value)
    if not listed or not all(isinstance(each, str) and "://" in each for each in listed):
        raise _build_error(
            "Database option 'replicas' is no list of URLs.",
            'Write {"url": "postgresql://...", "replicas": ["postgresql://..."]}.',
        )
    return tuple(listed)


def read_value(name: str, value: Any) -> Any:
    """Read the value of an option.

    Raises:
        ImproperlyConfigured: It is none that the option can have.
    """
    if name in _TEXTS:
        return str(value)
    if name == "replicas":
        return read_replicas(value)
    kind, least = (int, 1) if name in _COUNTS else (float, 0)
    try:
        number = kind(value)
    except (TypeError, ValueError) as error:
        raise _build_error(f"Database option {name}={value!r} is no number.") from error
    if not math.isfinite(number) or number < least or (number == 0 and name not in _MAY_BE_ZERO):
        expected = "a number from 1 on" if name in _COUNTS else "a number of seconds above 0"
        hint = "Leave it out for no limit." if name.endswith("_timeout") else ""
        raise _build_error(f"Database option {name}={value!r}: expected {expected}.", hint)
    return number


def describe_options(options: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """List what was given beside a URL, without what was not given."""
    return tuple((name, value) for name, value in options.items() if value is not None)


def _build_error(message: str, hint: str = "") -> ImproperlyConfigured:
    return ImproperlyConfigured(message, hint=hint, code="db.option")
