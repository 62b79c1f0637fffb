"""Violated constraints: what each driver tells of them, and the error made of it.

PostgreSQL tells table, constraint and columns in fields of their own, SQLite and MariaDB in words.
What is missing there, and the model with its fields, comes from the models, which this room does
not know: `use_names` is told who finds them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from undercroft.db.connections.mariadb_drivers import find_number
from undercroft.errors import (
    CheckViolation,
    ExclusionViolation,
    ForeignKeyViolation,
    IntegrityError,
    NotNullViolation,
    ProtectedError,
    UniqueViolation,
)

#: SQLSTATE class 23 (ISO 9075), which PostgreSQL's drivers pass on.
_STATES: Final[dict[str, type[IntegrityError]]] = {
    "23001": ForeignKeyViolation,
    "23502": NotNullViolation,
    "23503": ForeignKeyViolation,
    "23505": UniqueViolation,
    "23514": CheckViolation,
    "23P01": ExclusionViolation,
}

#: How SQLite's messages begin.
_SQLITE: Final[dict[str, type[IntegrityError]]] = {
    "UNIQUE": UniqueViolation,
    "FOREIGN KEY": ForeignKeyViolation,
    "NOT NULL": NotNullViolation,
    "CHECK": CheckViolation,
}
_SQLITE_MESSAGE: Final = re.compile(r"([A-Z ]+) constraint failed(?:: (.+))?")

#: MariaDB's and MySQL's error numbers.
_NUMBERS: Final[dict[int, type[IntegrityError]]] = {
    1048: NotNullViolation,
    1062: UniqueViolation,
    1364: NotNullViolation,
    1451: ForeignKeyViolation,
    1452: ForeignKeyViolation,
    3819: CheckViolation,
    4025: CheckViolation,
}

#: PostgreSQL: `Key (email)=(ada@example.org) already exists.` in whatever language.
_KEY: Final = re.compile(r"\(([^()]+)\)=\(")
#: MariaDB, in whatever language: `db`.`table`, then the constraint and its columns.
_TABLE: Final = re.compile(r"`[^`]+`\.`([^`]+)`")
_CONSTRAINT: Final = re.compile(r"CONSTRAINT `([^`]+)`(?: FOREIGN KEY \(([^)]+)\))?")
_QUOTED: Final = re.compile(r"'([^']*)'")


#: MariaDB: a subquery has several rows, which those of ours have where it must fail.
_SEVERAL_ROWS: Final = 1242
GUARD: Final = "SELECT 1 UNION SELECT 2"


@dataclass(frozen=True, slots=True)
class Violation:
    """What a database said of a refused row; empty where it said nothing.

    Attributes:
        kind: The error it becomes.
        table: The table of the row.
        columns: The columns it is about.
        constraint: The constraint's name.
    """

    kind: type[IntegrityError]
    table: str = ""
    columns: tuple[str, ...] = ()
    constraint: str = ""


class Names(NamedTuple):
    """What the models know of a violation.

    Attributes:
        violation: With what they added to it.
        model: The model whose row breaks the constraint.
        fields: Its fields.
        target: The name of the model that a foreign key refers to.
        candidates: Which foreign keys it may have been, where the database does not say.
    """

    violation: Violation
    model: type[Any] | None = None
    fields: tuple[str, ...] = ()
    target: str = ""
    candidates: tuple[str, ...] = ()


#: Finds names for a violation, given the statement's model and its text.
FindNames = Callable[[Violation, type[Any] | None, str], Names]

_finders: list[FindNames] = []


def use_names(find: FindNames) -> None:
    """Let the models be asked for names from now on."""
    _finders[:] = [find]


def read_violation(error: BaseException, sql: str = "") -> Violation | None:
    """Read what a driver's error says of a violated constraint; None where it is about another.

    Args:
        error: The driver's.
        sql: The statement.
    """
    verb = sql.lstrip()[:6].upper()
    found = _read_mariadb(error, sql) or _read_fields(error, verb) or _read_sqlite(error)
    if found is not None and found.kind is ForeignKeyViolation and verb == "DELETE":
        return replace(found, kind=ProtectedError)
    return found


def _read_fields(error: Any, verb: str) -> Violation | None:
    """Read the fields of PostgreSQL's error: asyncpg's own attributes, psycopg's in `diag`."""
    state = str(getattr(error, "sqlstate", None) or "")
    if not state.startswith("23") or find_number(error):
        return None
    told: Any = getattr(error, "diag", error)
    kind = _STATES.get(state, IntegrityError)
    detail = getattr(error, "detail", None) or getattr(told, "message_detail", None) or ""
    found = _KEY.search(str(detail))
    columns = found[1].split(",") if found else [getattr(told, "column_name", None) or ""]
    if kind is ForeignKeyViolation and verb != "INSERT":
        # These may be the columns that are referred to, of the other table.
        columns = []
    table, constraint = getattr(told, "table_name", None), getattr(told, "constraint_name", None)
    named = tuple(name.strip().strip('"') for name in columns if name)
    return Violation(kind, str(table or ""), named, str(constraint or ""))


def _read_sqlite(error: Any) -> Violation | None:
    """Read SQLite's words: `UNIQUE constraint failed: blog_author.email, blog_author.name`."""
    if not hasattr(error, "sqlite_errorname"):
        return None
    found = _SQLITE_MESSAGE.match(str(error))
    kind = _SQLITE.get(found[1]) if found else None
    if found is None or kind is None:
        return None
    told = found[2] or ""
    if kind is CheckViolation or told.startswith("index '"):
        return Violation(kind, constraint=told.removeprefix("index ").strip("'"))
    places = [place.strip().rpartition(".") for place in told.split(",")] if told else []
    table = places[0][0] if places else ""
    return Violation(kind, table, tuple(column for _, _, column in places))


def _read_mariadb(error: Any, sql: str) -> Violation | None:
    """Read MariaDB's words, by the number of its error."""
    number = find_number(error)
    if number == _SEVERAL_ROWS and GUARD in sql:
        return Violation(UniqueViolation)
    kind = _NUMBERS.get(number)
    if kind is None:
        return None
    text = str(error.args[-1])
    table, constraint, quoted = _TABLE.search(text), _CONSTRAINT.search(text), _QUOTED.findall(text)
    if kind is NotNullViolation:
        return Violation(kind, columns=tuple(quoted[:1]))
    if constraint is not None:
        columns = tuple(name.strip("` ") for name in (constraint[2] or "").split(",") if name)
        return Violation(kind, table[1] if table else "", columns, constraint[1])
    # MySQL puts the table before the name of the key.
    return Violation(kind, constraint=quoted[-1].rpartition(".")[2] if quoted else "")


def build_violation_error(
    violation: Violation, sql: str, model: type[Any] | None, database: str
) -> IntegrityError:
    """Build the error for a violated constraint; values, which may be private, are left out.

    Args:
        violation: What the database said.
        sql: The statement.
        model: What the statement is about, if it is about one model.
        database: The database's name.
    """
    names = _finders[0](violation, model, sql) if _finders else Names(violation)
    violation = names.violation
    message, hint = _DESCRIPTIONS.get(violation.kind, _describe_any)(names, _name_place(names))
    named = f" (constraint {violation.constraint!r})" if violation.constraint else ""
    return violation.kind(
        f"{message}{named}.",
        hint=hint,
        model=names.model,
        fields=names.fields,
        table=violation.table,
        columns=violation.columns,
        constraint=violation.constraint,
        database=database,
    )


# ------------------------------------------------------------------ words

Description = tuple[str, str]


def _name_place(names: Names) -> str:
    """Name the fields with their model, or as much as is known."""
    owner = names.model.__name__ if names.model else names.violation.table
    shown = names.fields or names.violation.columns
    if len(shown) == 1 and owner:
        return f"{owner}.{shown[0]}"
    return " ".join(filter(None, [owner, f"({', '.join(shown)})" if shown else ""]))


def _describe_any(_names: Names, place: str) -> Description:
    return f"The database refused a row of {place or 'a table'}", "Change the values."


def _describe_unique(_names: Names, place: str) -> Description:
    return f"Another row has the same {place or 'values'}", "Change them, or use `get_or_create`."


def _describe_foreign_key(names: Names, place: str) -> Description:
    target = f"a row of {names.target}" if names.target else "a row"
    hint = "Save first what it refers to."
    if names.candidates:
        *others, last = names.candidates
        place = f"{', '.join(others)} or {last}"
    return f"{place or 'A row'} refers to {target} that does not exist", hint


def _describe_protected(_names: Names, place: str) -> Description:
    by = f" by {place}" if place else ""
    hint = "Delete those first, or let them refer to another."
    return f"A row cannot be deleted while others refer to it{by}", hint


def _describe_not_null(_names: Names, place: str) -> Description:
    hint = "Give it one, or a default, or declare it with `null=True`."
    return f"{place or 'A column'} has no value", hint


def _describe_check(_names: Names, place: str) -> Description:
    return f"{place or 'A row'} does not fulfil a check", "Change the values."


def _describe_exclusion(_names: Names, place: str) -> Description:
    return f"Another row overlaps in {place or 'what must not'}", "Change the values."


_DESCRIPTIONS: Final[dict[type[IntegrityError], Callable[[Names, str], Description]]] = {
    UniqueViolation: _describe_unique,
    ForeignKeyViolation: _describe_foreign_key,
    ProtectedError: _describe_protected,
    NotNullViolation: _describe_not_null,
    CheckViolation: _describe_check,
    ExclusionViolation: _describe_exclusion,
}
