"""How SQLAlchemy spells tables for SQLite, so that a model is what it is elsewhere."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteDDLCompiler

#: The present moment in the form that SQLAlchemy stores, which is compared as text.
_NOW = "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


class SQLiteTables(SQLiteDDLCompiler):
    """Writes CREATE TABLE."""

    def define_constraint_deferrability(self, constraint: Any) -> str:
        """Leave out of unique constraints what SQLite knows of foreign keys only."""
        if isinstance(constraint, sa.UniqueConstraint):
            return ""
        return super().define_constraint_deferrability(constraint)

    def get_column_default_string(self, column: Any) -> str | None:
        """Fill moments in with their microseconds, which CURRENT_TIMESTAMP has not."""
        default = super().get_column_default_string(column)
        is_moment = column.type._type_affinity is sa.DateTime
        is_now = default is not None and default.upper() in ("CURRENT_TIMESTAMP", "NOW()")
        return _NOW if is_now and is_moment else default


def teach(dialect: Any) -> None:
    """Have an engine's dialect spell tables this way."""
    dialect.ddl_compiler = SQLiteTables
