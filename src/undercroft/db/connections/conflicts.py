"""Drivers' errors for a database that is busy: deadlocks, locks not given, statements cut short.

Each means that nothing is wrong with the statement, and that the same may work a little later.
"""

from collections.abc import Callable
from typing import Any, Final

from undercroft.db.connections.mariadb_drivers import find_number
from undercroft.db.connections.turns import build_locked
from undercroft.errors import DatabaseError, DatabaseTimeout, LockTimeout, TransactionConflict


def find_conflict(error: BaseException) -> DatabaseError | None:
    """Find what an error means if it means that the database is busy; None otherwise.

    Args:
        error: A driver's, SQLAlchemy's around it, or ours.
    """
    for each in list_told(error):
        if isinstance(each, DatabaseError):
            return each
        if (build := _BUILDERS.get(_find_code(each))) is not None:
            return build()
    return None


def list_told(error: BaseException) -> list[BaseException]:
    """List an error with those it was made of, the driver's own first."""
    found = [error]
    while (cause := getattr(found[0], "orig", None) or found[0].__cause__) is not None:
        if cause in found:
            break
        found.insert(0, cause)
    return found


def _find_code(error: Any) -> str | int:
    """Find the SQLSTATE of PostgreSQL, the result code of SQLite, the number of MariaDB."""
    # Its drivers tell a SQLSTATE, too, which is one for several of these.
    if number := find_number(error):
        return number
    if (state := getattr(error, "sqlstate", None)) is not None:
        return str(state)
    if (code := getattr(error, "sqlite_errorcode", None)) is not None:
        # The higher bits say more than is asked here, but for one.
        return f"sqlite {code if code == _BUSY_SNAPSHOT else code & 0xFF}"
    return ""


#: SQLite: others have written since this transaction read (sqlite.org/rescode.html).
_BUSY_SNAPSHOT: Final = 517


def _build_deadlock() -> TransactionConflict:
    return TransactionConflict(
        "Two transactions waited for each other, and the database ended this one.",
        hint="Run it again: `@atomic(retry=3)` does. Transactions that lock rows in the same order "
        "do not meet like this.",
        code="db.deadlock",
    )


def _build_unserializable() -> TransactionConflict:
    return TransactionConflict(
        "Others changed what this transaction has read, so it cannot be stored.",
        hint="Run it again: `@atomic(retry=3)` does.",
        code="db.serialization",
    )


def build_outdated() -> TransactionConflict:
    """Build the error for a statement whose table was changed in the middle of the transaction."""
    return TransactionConflict(
        "A table has changed since its statement was prepared, so the transaction was ended.",
        hint="Run it again: `@atomic(retry=3)` does.",
        code="db.schema-changed",
    )


def _build_slow() -> DatabaseTimeout:
    return DatabaseTimeout(
        "A statement was cancelled: it took longer than `statement_timeout`.",
        hint="Look at it by `explain()` for an index that is missing, or raise the limit in the "
        "database's settings.",
    )


def _build_idle() -> DatabaseTimeout:
    return DatabaseTimeout(
        "The transaction was ended: it did nothing for longer than `idle_in_transaction_timeout`.",
        hint="Do what takes long before the transaction or after it, or raise the limit in the "
        "database's settings.",
        code="db.idle-in-transaction",
    )


def _build_locked_row() -> LockTimeout:
    return LockTimeout(
        "A row or table is locked by another transaction, for longer than this one would wait.",
        hint="Look for long transactions, or raise `lock_timeout` in the database's settings.",
    )


def _build_read_only() -> DatabaseError:
    return DatabaseError(
        "This transaction or database can only be read.",
        hint="Leave `read_only` out of `atomic(...)`, or write to the primary database.",
        code="db.read-only",
    )


_BUILDERS: Final[dict[str | int, Callable[[], DatabaseError]]] = {
    # PostgreSQL (Appendix A of its manual).
    "40001": _build_unserializable,
    "40P01": _build_deadlock,
    "55P03": _build_locked_row,
    "57014": _build_slow,
    "25006": _build_read_only,
    "25P03": _build_idle,
    # SQLite: BUSY and LOCKED, then INTERRUPT, then READONLY.
    "sqlite 5": build_locked,
    "sqlite 6": build_locked,
    f"sqlite {_BUSY_SNAPSHOT}": _build_unserializable,
    "sqlite 9": _build_slow,
    "sqlite 8": _build_read_only,
    # MariaDB and MySQL: deadlock and changed row, lock wait, execution time, read only.
    1213: _build_deadlock,
    1020: _build_unserializable,
    1205: _build_locked_row,
    1969: _build_slow,
    3024: _build_slow,
    1792: _build_read_only,
}
