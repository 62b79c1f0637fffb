"""Indexes that MariaDB has no words for: a unique one with a condition, by a column that tells it.

In a unique index, rows with a NULL are never alike. So a hidden column that is NULL where the
condition does not hold, and 1 where it does, leaves only the rows for which it holds to compare.
"""

import re
from typing import Any

import sqlalchemy as sa

from undercroft.errors import ImproperlyConfigured

#: Begins the name of the hidden column; nobody else's column is dropped with an index.
_PREFIX = "_uq_"

#: MariaDB's longest identifier in characters.
_LONGEST = 64


#: A column's name in SQL, with a direction.
_ORDERED = re.compile(r'("?)\w+\1( (ASC|DESC))?', re.IGNORECASE)

#: Text in single quotes, or a name in double ones.
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"((?:[^"]|"")+)\"""")


def requote(text: str) -> str:
    """Write names in the quotes that MariaDB has for them; its double ones are those of text."""

    def swap(found: re.Match[str]) -> str:
        name = found.group(1)
        return found.group() if name is None else f"`{name.replace('`', '``')}`"

    return _QUOTED.sub(swap, text)


def find_condition(index: Any) -> Any:
    """Find the condition of an index, whichever database it was given for."""
    options = index.dialect_kwargs
    condition = options.get("mariadb_where", options.get("postgresql_where"))
    return sa.text(condition) if isinstance(condition, str) else condition


def check_expressions(index: Any) -> None:
    """Check that an index is over columns.

    Raises:
        ImproperlyConfigured: It is over an expression.
    """
    for expression in index.expressions:
        found: Any = getattr(expression, "element", expression)
        text = getattr(found, "text", None) or getattr(found, "name", "")
        is_written = isinstance(found, (sa.TextClause, sa.ColumnClause))
        if not isinstance(found, sa.Column) and not (is_written and _ORDERED.fullmatch(str(text))):
            raise ImproperlyConfigured(
                f"Index {index.name!r} is over the expression {str(expression)!r}, and MariaDB "
                "knows indexes over columns only.",
                hint="Give the model a GeneratedField of this expression, and index that.",
                code="db.index",
            )


def name_hidden(index: Any) -> str:
    """Name the column that tells whether an index's condition holds."""
    return f"{_PREFIX}{index.name}"[:_LONGEST]


def write_conditional(index: Any, compiler: Any) -> str:
    """Write the statement that makes a unique index with a condition."""
    quote = compiler.preparer.quote
    table = compiler.preparer.format_table(index.table)
    hidden, name = quote(name_hidden(index)), quote(str(index.name))
    condition = compiler.sql_compiler.process(
        find_condition(index), include_table=False, literal_binds=True
    )
    columns = [
        compiler.sql_compiler.process(each, include_table=False, literal_binds=True)
        for each in index.expressions
    ]
    return (
        f"ALTER TABLE {table} ADD COLUMN {hidden} TINYINT "
        f"AS (CASE WHEN {condition} THEN 1 END) VIRTUAL INVISIBLE, "
        f"ADD UNIQUE INDEX {name} ({', '.join([*columns, hidden])})"
    )


def write_drop(index: Any, compiler: Any) -> str:
    """Write the statement that drops an index, with the hidden column of one with a condition."""
    table = compiler.preparer.format_table(index.table)
    quote = compiler.preparer.quote
    hidden, name = quote(name_hidden(index)), quote(str(index.name))
    return f"ALTER TABLE {table} DROP INDEX {name}, DROP COLUMN IF EXISTS {hidden}"
