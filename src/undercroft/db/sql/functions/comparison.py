"""The SQL of functions that compare."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from undercroft.db.sql import casts, decimals
from undercroft.db.sql.functions.building import Build, call, same


def _extreme(name: str, short: str) -> Build:
    """Build the greatest or least; PostgreSQL's leave NULLs out, the others' answer NULL."""

    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        arguments, made = casts.join_types(builder, arguments)
        if decimals.is_worked_out(builder, *arguments):
            return sa.type_coerce(decimals.change(name, *arguments), made)
        called = short if builder.vendor == "sqlite" else name
        found = call(called, *arguments, type_=made)
        if builder.vendor != "postgresql":
            return found
        missing = sa.or_(*(each.is_(None) for each in arguments))
        return sa.case((missing, sa.null()), else_=found)

    return build


def _coalesce(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    arguments, made = casts.join_types(builder, arguments)
    return call("coalesce", *arguments, type_=made)


#: The functions.
COMPARISON: dict[str, Build] = {
    "coalesce": _coalesce,
    "greatest": _extreme("greatest", "max"),
    "least": _extreme("least", "min"),
    "nullif": same("nullif"),
}
