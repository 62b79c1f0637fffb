"""The SQL of functions that compare."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from undercroft.db.sql import decimals
from undercroft.db.sql.functions.building import Build, call, same


def _extreme(name: str, short: str) -> Build:
    """Build the greatest or least; PostgreSQL's leave NULLs out, the others' answer NULL."""

    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        if decimals.is_worked_out(builder, *arguments):
            return decimals.change(name, *arguments)
        called = short if builder.vendor == "sqlite" else name
        found = call(called, *arguments, type_=arguments[0].type)
        if builder.vendor != "postgresql":
            return found
        missing = sa.or_(*(each.is_(None) for each in arguments))
        return sa.case((missing, sa.null()), else_=found)

    return build


#: The functions.
COMPARISON: dict[str, Build] = {
    "coalesce": same("coalesce"),
    "greatest": _extreme("greatest", "max"),
    "least": _extreme("least", "min"),
    "nullif": same("nullif"),
}
