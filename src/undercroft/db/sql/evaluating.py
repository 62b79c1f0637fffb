"""Asks a condition about a row that is not stored: its values take the table's place."""

from typing import Any

import sqlalchemy as sa

from undercroft.db.mapping.rules import Rule, swap_columns
from undercroft.db.sql.builder import Builder

#: Types that SQLite compares by, whatever was bound; its CAST would spoil all others.
_NUMBERS = (sa.Integer, sa.Numeric, sa.Boolean)


def build_evaluation(builder: Builder, rule: Rule, *, negated: bool) -> Any:
    """Build the query that gives a row where a rule's condition is true, or where it is false.

    Args:
        builder: Hands out the values, one for each of the rule's columns.
        rule: Has a condition.
        negated: Ask whether it is false.
    """
    options = builder.options
    columns = {key: options.columns[key] for key in rule.keys}
    values = [_cast(builder, column).label(column.name) for column in columns.values()]
    # Under the table's own name, which a condition written as text may use.
    row = sa.select(*values).subquery(options.table.name)

    condition = swap_columns(rule.condition, options.table, lambda column: row.c[column.name])
    wanted = sa.not_(condition) if negated else condition
    return sa.select(sa.literal_column("1", sa.Integer())).select_from(row).where(wanted)


def _cast(builder: Builder, column: "sa.Column[Any]") -> Any:
    """Bind a value as what the column would make of it."""
    value = builder.bind(column.type)
    plain: Any = column.type.dialect_impl(builder.dialect)
    plain = getattr(plain, "impl_instance", plain)
    match builder.dialect.name:
        case "postgresql":
            return sa.cast(value, column.type)
        case "sqlite" if isinstance(plain, _NUMBERS):
            return sa.cast(value, column.type)
        case _:
            return value
