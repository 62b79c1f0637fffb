"""Drivers' errors to ours, by what they are called: no driver is imported for it."""

from typing import Any, NoReturn

from undercroft.db.connections.conflicts import build_outdated, find_conflict, list_told
from undercroft.db.connections.frames import build_aborted
from undercroft.db.connections.mariadb_drivers import find_number
from undercroft.db.connections.violations import build_violation_error, read_violation
from undercroft.errors import (
    DatabaseError,
    DatabaseUnavailable,
    FieldValueError,
    IntegrityError,
    UndercroftError,
)

_INTEGRITY = frozenset({"IntegrityError", "IntegrityConstraintViolationError"})

#: asyncpg's and psycopg's classes for a server that is not there, not ready or gone.
_UNAVAILABLE = frozenset(
    {
        "AdminShutdown",
        "AdminShutdownError",
        "CannotConnectNow",
        "CannotConnectNowError",
        "ConnectionDoesNotExistError",
        "ConnectionFailureError",
        "ConnectionTimeout",
        "CrashShutdown",
        "CrashShutdownError",
        "InvalidAuthorizationSpecificationError",
        "InvalidCatalogNameError",
        "InvalidPasswordError",
        "OSError",
        "PostgresConnectionError",
        "TooManyConnections",
        "TooManyConnectionsError",
    }
)

#: asyncpg's and psycopg's classes for a table or column that is not there.
_UNDEFINED = frozenset(
    {"UndefinedColumn", "UndefinedColumnError", "UndefinedTable", "UndefinedTableError"}
)

#: asyncpg's and psycopg's classes for a statement after one that failed.
_ABORTED = frozenset({"InFailedSQLTransactionError", "InFailedSqlTransaction"})

#: asyncpg's and psycopg's classes for what is not understood, in a statement or in a search.
_SYNTAX = frozenset({"PostgresSyntaxError", "SyntaxError"})

#: asyncpg's class for a statement prepared before its table was changed.
_OUTDATED = "InvalidCachedStatementError"

_VALUE = frozenset({"DataError", "UnicodeEncodeError"})

#: How SQLite begins to speak of values, in errors of no class of their own.
_VALUE_SIGNS = ("integer overflow", "user-defined function raised", "user-defined aggregate's")

#: MariaDB's numbers where its drivers' classes do not say it, as the names used above.
_NUMBERS = {
    1040: "TooManyConnections",
    1044: "InvalidCatalogNameError",
    1045: "InvalidPasswordError",
    1049: "InvalidCatalogNameError",
    1053: "AdminShutdown",
    1054: "UndefinedColumn",
    1146: "UndefinedTable",
    1153: "DataError",  # more than `max_allowed_packet`
    1203: "TooManyConnections",
    1226: "TooManyConnections",
    1292: "DataError",
    1365: "DataError",
    1690: "DataError",
    1698: "InvalidPasswordError",
    1927: "AdminShutdown",
    2002: "ConnectionFailureError",
    2003: "ConnectionFailureError",
    2005: "ConnectionFailureError",
    2006: "ConnectionDoesNotExistError",
    2013: "ConnectionDoesNotExistError",
    2026: "ConnectionFailureError",
    2055: "ConnectionDoesNotExistError",
}


def translate(
    error: BaseException, sql: str = "", model: type[Any] | None = None, database: str = ""
) -> BaseException:
    """Translate an error of a driver or of SQLAlchemy; give any other back as it is.

    Args:
        error: What was raised.
        sql: The statement, without its values, which may be private.
        model: What the statement is about, if it is about one model.
        database: The database's name.
    """
    if isinstance(error, UndercroftError) or not isinstance(error, Exception):
        return error
    told = list_told(error)
    names = {name for each in told for name in _list_names(each)}
    if names & _ABORTED:
        return build_aborted()
    if _OUTDATED in names:
        return build_outdated()
    if (conflict := find_conflict(error)) is not None:
        return conflict
    for each in told:
        if (violation := read_violation(each, sql)) is not None:
            return build_violation_error(violation, sql, model, database)
    return _translate_named(error, names, sql)


def _translate_named(error: Exception, names: set[str], sql: str) -> Exception:
    text = _describe(error)
    if _is_search(names, text, sql):
        return FieldValueError(
            f"The database does not understand what is looked for: {text}",
            hint="Text that people write is search_type='websearch'; `raw` is the database's own "
            "language.",
            code="db.search-query",
        )
    if names & _INTEGRITY:
        return IntegrityError(f"The database refused a row: {text}")
    if names & _UNAVAILABLE or _is_disconnected(names, text):
        return DatabaseUnavailable(
            f"The database cannot be reached: {text}",
            hint="Check that it runs and that the URL in `databases` is right.",
        )
    if names & _VALUE or text.startswith(_VALUE_SIGNS):
        return FieldValueError(f"The database refused a value: {text}")
    if names & _UNDEFINED or text.startswith(("no such table", "no such column")):
        return DatabaseError(
            f"The database does not have what a model needs: {text}",
            hint="Run `undercroft migrate`; `undercroft makemigrations` first if models changed.",
            code="db.not-migrated",
        )
    if names & {"Error", "PostgresError", "InterfaceError", "SQLAlchemyError"}:
        return DatabaseError(f"The database refused a statement: {text}{_show(sql)}")
    return error


def _list_names(error: BaseException) -> set[str]:
    """List what the classes of an error are called."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if "MySQLError" in names:
        number = find_number(error)
        # Without a number it is the driver that refuses, for a connection that is closed.
        is_closed = number == 0 and "InterfaceError" in names
        names.add("ConnectionDoesNotExistError" if is_closed else _NUMBERS.get(number, ""))
    return names


def raise_translated(
    error: Exception, sql: str = "", model: type[Any] | None = None, database: str = ""
) -> NoReturn:
    """Raise what `translate` makes of an error, with the error as its cause."""
    translated = translate(error, sql, model, database)
    if translated is error:
        raise error
    raise translated from error


def _describe(error: BaseException) -> str:
    """Say in the driver's words what was wrong, without statement, values and links."""
    own = getattr(error, "orig", None) or error
    # MariaDB's drivers put a number before the words; SQLAlchemy adds all it knows behind them.
    if find_number(own):
        told = own.args[-1]
    else:
        told = own.args[0] if _is_of_sqlalchemy(own) and own.args else own
    text = " ".join(str(told).split())
    text = (text or type(own).__name__).rstrip(".")
    return text if text.endswith("?") else f"{text}."


def _is_of_sqlalchemy(error: BaseException) -> bool:
    return type(error).__module__.startswith("sqlalchemy.")


def _is_search(names: set[str], text: str, sql: str) -> bool:
    """Tell whether a search in the database's own language is at fault."""
    if " MATCH " in sql:
        # Where we name a column, we name its table.
        is_column = text.startswith("no such column") and "." not in text[:-1]
        signs = ("fts5: ", "unknown special query", "unterminated string")
        return is_column or text.startswith(signs)
    return "tsquery(" in sql and bool(names & _SYNTAX)


def _is_disconnected(names: set[str], text: str) -> bool:
    if names & {"OperationalError", "InterfaceError"}:
        signs = (
            "connection",
            "unable to open database",
            "server closed",
            "timeout expired",
            # psycopg and libpq, of a host without an address.
            "resolve host",
            "translate host name",
        )
        return any(sign in text.lower() for sign in signs)
    return False


def _show(sql: str) -> str:
    return f" (in: {sql if len(sql) <= 500 else sql[:497] + '...'})" if sql else ""
