"""Violated constraints as problems a client can act on: which field, and what is wrong with it."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from undercroft.api.twins import run_twin
from undercroft.db.mapping.options import ModelOptions
from undercroft.errors import Conflict, HTTPException, IntegrityError, RequestValidationError

#: SQLSTATE class 23 (ISO 9075), which PostgreSQL's drivers pass on.
_STATES: Final = {"23505": "unique", "23503": "foreign", "23502": "null"}

#: SQLite's extended result codes.
_SQLITE: Final = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "foreign",
    "SQLITE_CONSTRAINT_NOTNULL": "null",
}

#: PostgreSQL: `Key (email)=(ada@example.org) already exists.` in whatever language.
_KEY: Final = re.compile(r"\(([^()]+)\)=\(")
#: SQLite: `UNIQUE constraint failed: blog_author.email, blog_author.name`.
_FAILED: Final = re.compile(r"constraint failed: (.+)")


class Violation(NamedTuple):
    """What a database said of a refused row.

    Attributes:
        kind: "unique", "foreign", "null" or "" for any other constraint.
        columns: The names of the columns, where it told them.
    """

    kind: str
    columns: tuple[str, ...]


def read_violation(error: IntegrityError) -> Violation:
    """Read what a driver's error says, whichever driver's it is."""
    cause: Any = error.__cause__
    cause = getattr(cause, "orig", None) or cause
    diagnosis: Any = getattr(cause, "diag", None)
    kind = _STATES.get(str(getattr(cause, "sqlstate", "")), "")
    kind = kind or _SQLITE.get(str(getattr(cause, "sqlite_errorname", "")), "")
    detail = getattr(cause, "detail", None) or getattr(diagnosis, "message_detail", None) or ""
    column = getattr(cause, "column_name", None) or getattr(diagnosis, "column_name", None)
    if kind == "null" and column:
        return Violation(kind, (str(column),))
    found = _KEY.search(str(detail)) or _FAILED.search(str(cause))
    names = found[1].split(",") if found else []
    return Violation(kind, tuple(name.strip().rpartition(".")[2].strip('"') for name in names))


async def build_write_problem(
    error: IntegrityError,
    options: ModelOptions,
    fields: Mapping[str, str],
    values: Mapping[str, Any],
) -> HTTPException:
    """Build the answer to a write that a constraint forbids.

    Args:
        error: What the data layer raised.
        options: Of the model.
        fields: Column attributes by the names the client uses.
        values: What was to be written, by column attribute.
    """
    violation = read_violation(error)
    keys = [key for key, column in options.columns.items() if column.name in violation.columns]
    if violation.kind == "foreign" and not keys:
        keys = await find_missing(options, values)
    names = [name for name, key in fields.items() if key in keys]
    if not names or len(names) < len(keys):
        return Conflict(
            "The row does not fit what is stored.",
            hint="Another row may have the same values, or one it refers to may be gone.",
            code="api.conflict",
        )
    location = ["body", names[0]] if len(names) == 1 else ["body"]
    message = describe_violation(violation.kind, options, names)
    return RequestValidationError(
        [{"location": location, "message": message, "code": violation.kind or "constraint"}]
    )


def describe_violation(kind: str, options: ModelOptions, names: list[str]) -> str:
    """Describe a violation to a client."""
    shown = ", ".join(names)
    if kind == "unique":
        same = f"this {shown}" if len(names) == 1 else f"the same {shown}"
        return f"Another {options.verbose_name} has {same} already."
    if kind == "foreign":
        return f"There is no {shown} with this key."
    if kind == "null":
        return "Expected a value."
    return f"The database refuses this {shown}."


async def find_missing(options: ModelOptions, values: Mapping[str, Any]) -> list[str]:
    """Find the keys that refer to no row; SQLite does not say which it was."""
    missing: list[str] = []
    for relation in options.relations.values():
        value = values.get(relation.column)
        if value is None:
            continue
        rows = relation.target.objects.filter(**{relation.target_column: value})
        if not await run_twin(rows, "exists"):
            missing.append(relation.column)
    return missing


def build_delete_problem() -> HTTPException:
    """Build the answer to a deletion that other rows forbid."""
    return Conflict(
        "Other rows refer to this one, so it cannot be deleted.",
        hint="Delete those first, or let them refer to another.",
        code="api.protected",
    )
