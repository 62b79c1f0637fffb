"""How a transaction is begun: its isolation, and whether it may write.

| asked for | PostgreSQL | MariaDB | SQLite |
|---|---|---|---|
| nothing | the server's default, read committed | read committed | serializable |
| read committed | each statement sees what is committed by then | likewise | serializable |
| repeatable read | one snapshot; lost updates are refused | one snapshot | serializable |
| serializable | as one after the other, or refused | reads lock | serializable |

SQLite has one writer at a time, so that everything else is given more than it asked for.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal, TypeAlias, get_args

from undercroft.errors import ImproperlyConfigured

Isolation: TypeAlias = Literal["read committed", "repeatable read", "serializable"]

ISOLATIONS: Final[tuple[str, ...]] = get_args(Isolation)


@dataclass(frozen=True, slots=True)
class Mode:
    """How a transaction is begun.

    Attributes:
        isolation: In lower case; None for the database's default.
        read_only: Whether the database refuses to write in it.
    """

    isolation: str | None = None
    read_only: bool = False

    def list_beginnings(self, vendor: str) -> tuple[str, ...]:
        """List the statements that begin a transaction."""
        if self is DEFAULT:
            # SQLite's writers wait for their turn here; later they could only fail.
            return ("BEGIN IMMEDIATE",) if vendor == "sqlite" else ("BEGIN",)
        if vendor == "sqlite":
            read = ("PRAGMA query_only = ON", "BEGIN DEFERRED")
            return read if self.read_only else ("BEGIN IMMEDIATE",)
        level = f"ISOLATION LEVEL {self.isolation.upper()}" if self.isolation else ""
        access = "READ ONLY" if self.read_only else ""
        if vendor == "postgresql":
            return (" ".join(filter(None, ["BEGIN", level, access])),)
        set_level = (f"SET TRANSACTION {level}",) if level else ()
        return (*set_level, f"START TRANSACTION {access}".rstrip())

    def list_endings(self, vendor: str) -> tuple[str, ...]:
        """List what is left to do for the connection once the transaction has ended."""
        return ("PRAGMA query_only = OFF",) if vendor == "sqlite" and self.read_only else ()


DEFAULT: Final = Mode()


def build_mode(isolation: str | None, read_only: bool) -> Mode:
    """Build a mode from what a user asked for.

    Raises:
        ImproperlyConfigured: There is no such isolation.
    """
    if isolation is None and not read_only:
        return DEFAULT
    level = None if isolation is None else isolation.lower()
    if level is not None and level not in ISOLATIONS:
        close = get_close_matches(level, ISOLATIONS, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(ISOLATIONS)}."
        raise ImproperlyConfigured(
            f"Isolation {isolation!r} does not exist.", hint=hint, code="db.isolation"
        )
    return Mode(level, read_only)
