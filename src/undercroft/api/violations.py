"""Violated constraints as problems a client can act on: which field, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any, Final

from undercroft.api.twins import run_twin
from undercroft.db.mapping.options import ModelOptions
from undercroft.errors import (
    Conflict,
    ForeignKeyViolation,
    HTTPException,
    IntegrityError,
    NotNullViolation,
    RequestValidationError,
    UniqueViolation,
)

#: The codes that clients see.
_KINDS: Final[dict[type[IntegrityError], str]] = {
    UniqueViolation: "unique",
    ForeignKeyViolation: "foreign",
    NotNullViolation: "null",
}


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
    kind = _KINDS.get(type(error), "")
    told = error.columns if error.model is options.model else ()
    keys = [key for key, column in options.columns.items() if column.name in told]
    if kind == "foreign" and not keys:
        keys = await find_missing(options, values, error.database)
    names = [name for name, key in fields.items() if key in keys]
    if not names or len(names) < len(keys):
        return Conflict(
            "The row does not fit what is stored.",
            hint="Another row may have the same values, or one it refers to may be gone.",
            code="api.conflict",
        )
    location = ["body", names[0]] if len(names) == 1 else ["body"]
    message = describe_violation(kind, options, names)
    return RequestValidationError(
        [{"location": location, "message": message, "code": kind or "constraint"}]
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


async def find_missing(
    options: ModelOptions, values: Mapping[str, Any], database: str
) -> list[str]:
    """Find the keys that refer to no row of a database; SQLite does not say which it was."""
    missing: list[str] = []
    for relation in options.relations.values():
        value = values.get(relation.column)
        if value is None:
            continue
        rows = relation.target.objects.using(database or "default")
        rows = rows.filter(**{relation.target_column: value})
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
