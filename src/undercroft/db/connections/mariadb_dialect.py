"""How SQLAlchemy spells SQL for MariaDB, so that a model is and answers what it does elsewhere."""

from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.mysql.base import MySQLCompiler, MySQLDDLCompiler, MySQLTypeCompiler
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql import operators

from undercroft.db.connections.mariadb_indexes import (
    check_expressions,
    find_condition,
    requote,
    write_conditional,
    write_drop,
)

#: Characters are equal when they are the same, and blanks at the end count; the order is that of
#: code points, as in PostgreSQL's "C" and in SQLite.
COLLATION = "utf8mb4_nopad_bin"

#: Characters, of four bytes, that fit a key of InnoDB (3072 bytes), and a row (65,535 bytes).
_MAX_KEY, _MAX_VARCHAR = 768, 16_383

#: Compared with a number, because MariaDB takes a JSON_EQUALS that is NULL for true.
_EQUALITIES = {operators.eq: "1", operators.ne: "0"}


class MariaDBTypes(MySQLTypeCompiler):
    """Spells SQLAlchemy's generic types; those of its `mysql` dialect mean what they say."""

    def visit_DATETIME(self, type_: Any, **kw: Any) -> str:
        """Keep microseconds, which a plain DATETIME drops."""
        if isinstance(type_, mysql.DATETIME):
            return super().visit_DATETIME(type_, **kw)
        return "DATETIME(6)"

    def visit_TIME(self, type_: Any, **kw: Any) -> str:
        """Keep microseconds, which a plain TIME drops."""
        fsp = getattr(type_, "fsp", None)
        return "TIME(6)" if fsp is None else f"TIME({fsp})"

    def visit_TEXT(self, type_: Any, **kw: Any) -> str:
        """Hold text of any length, of which TEXT holds 64 kB."""
        if isinstance(type_, mysql.TEXT) or type_.length is not None:
            return super().visit_TEXT(type_, **kw)
        return self._extend_string(type_, {}, "LONGTEXT")

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:
        """Hold what no VARCHAR of this character set can be declared for as text."""
        if isinstance(type_, mysql.VARCHAR) or (type_.length or 0) <= _MAX_VARCHAR:
            return super().visit_VARCHAR(type_, **kw)
        return self._extend_string(type_, {}, "LONGTEXT")

    def visit_BLOB(self, type_: Any, **kw: Any) -> str:
        """Hold bytes of any length, of which BLOB holds 64 kB."""
        return super().visit_BLOB(type_, **kw) if type_.length is not None else "LONGBLOB"


class MariaDBStatements(MySQLCompiler):
    """Writes statements."""

    def visit_binary(self, binary: Any, *arguments: Any, **kw: Any) -> str:
        """Compare documents by what they say: to `=` they are text."""
        if binary.operator in _EQUALITIES and isinstance(binary.left.type, sa.JSON):
            left, right = self.process(binary.left, **kw), self.process(binary.right, **kw)
            return f"(JSON_EQUALS({left}, {right}) = {_EQUALITIES[binary.operator]})"
        parent: Any = super()
        text: str = parent.visit_binary(binary, *arguments, **kw)
        return text

    def visit_nulls_first_op_unary_modifier(self, element: Any, _operator: Any, **kw: Any) -> str:
        """Order NULLs first by whether there is something, in words that MariaDB has."""
        return f"{self._ask_for_null(element, **kw)} DESC, {self.process(element.element, **kw)}"

    def visit_nulls_last_op_unary_modifier(self, element: Any, _operator: Any, **kw: Any) -> str:
        """Order NULLs last by whether there is something, in words that MariaDB has."""
        return f"{self._ask_for_null(element, **kw)}, {self.process(element.element, **kw)}"

    def _ask_for_null(self, element: Any, **kw: Any) -> str:
        ordered = element.element
        if getattr(ordered, "modifier", None) in (operators.asc_op, operators.desc_op):
            ordered = ordered.element
        return f"{self.process(ordered, **kw)} IS NULL"

    def visit_textclause(self, textclause: Any, *arguments: Any, **kw: Any) -> str:
        """Take what stands in double quotes within a table's definition for a name."""
        parent: Any = super()
        text: str = parent.visit_textclause(textclause, *arguments, **kw)
        return requote(text) if is_definition(kw) else text

    def visit_column(self, column: Any, *arguments: Any, **kw: Any) -> str:
        """Take what stands in double quotes within a table's definition for a name."""
        text = super().visit_column(column, *arguments, **kw)
        return requote(text) if column.is_literal and is_definition(kw) else text


def is_definition(kw: dict[str, Any]) -> bool:
    """Tell whether SQL is part of a table's definition, which names no table."""
    return kw.get("include_table") is False


class MariaDBTables(MySQLDDLCompiler):
    """Writes CREATE TABLE and CREATE INDEX."""

    def define_constraint_deferrability(self, constraint: Any) -> str:
        """Say nothing of when a constraint is checked: at once, there is no other time."""
        return ""

    def get_column_default_string(self, column: Any) -> str | None:
        """Fill moments in with their microseconds, which CURRENT_TIMESTAMP has not."""
        default = super().get_column_default_string(column)
        is_moment = column.type._type_affinity is sa.DateTime
        is_now = default is not None and default.upper() in ("CURRENT_TIMESTAMP", "NOW()")
        return "CURRENT_TIMESTAMP(6)" if is_now and is_moment else default

    def post_create_table(self, table: sa.Table) -> str:
        """Add an engine with transactions, and how text is compared, where nothing is said."""
        prefix = f"{self.dialect.name}_"
        said = " ".join(name for name in table.kwargs if name.startswith(prefix))
        options = [super().post_create_table(table)]
        if "engine" not in said:
            options.append("ENGINE=InnoDB")
        if "char" not in said and "collate" not in said:
            options.append(f"DEFAULT CHARACTER SET utf8mb4 COLLATE {COLLATION}")
        return " ".join(filter(None, options))

    def visit_create_index(self, create: CreateIndex, **kw: Any) -> str:  # type: ignore[override]  # as its parent
        """Index the beginning of a column without a length, which can be no key as a whole.

        Raises:
            ImproperlyConfigured: It is over an expression.
        """
        index = create.element
        check_expressions(index)
        if index.unique and find_condition(index) is not None:
            return write_conditional(index, self)
        lengths = {
            column.name: _MAX_KEY
            for column in index.expressions
            if isinstance(column, sa.Column) and is_endless(column.type, self.dialect)
        }
        given = index.get_dialect_option(self.dialect, "length")
        # A unique index takes text of any length, by hashing it.
        if lengths and not index.unique and given is None:
            shortened: Any = SimpleNamespace(
                element=ShortenedIndex(index, lengths), if_not_exists=create.if_not_exists
            )
            return super().visit_create_index(shortened, **kw)
        return super().visit_create_index(create, **kw)

    def visit_drop_index(self, drop: Any, **kw: Any) -> str:
        """Drop an index with what stands for its condition."""
        return write_drop(drop.element, self)


class ShortenedIndex:
    """An index as it is, except that it says how much of which column it is about.

    Args:
        index: The index.
        lengths: Characters, by the names of columns.
    """

    def __init__(self, index: sa.Index, lengths: dict[str, int]) -> None:
        self._index = index
        self._lengths = lengths

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    def get_dialect_option(self, dialect: Dialect, name: str, **options: Any) -> Any:
        """Give an option of the index, or the lengths."""
        if name == "length":
            return self._lengths
        return self._index.get_dialect_option(dialect, name, **options)


def teach(dialect: Any) -> None:
    """Have an engine's dialect spell SQL this way."""
    dialect.statement_compiler = MariaDBStatements
    dialect.ddl_compiler = MariaDBTables
    dialect.type_compiler_instance = MariaDBTypes(dialect)


def is_endless(column_type: Any, dialect: Dialect) -> bool:
    """Tell whether a type is one of text or bytes without a length."""
    if isinstance(column_type, sa.types.NullType):
        return False
    spelled = dialect.type_compiler_instance.process(column_type)
    return spelled.startswith(("LONG", "TEXT", "BLOB", "JSON"))
