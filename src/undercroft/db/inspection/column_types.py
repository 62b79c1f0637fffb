"""Chooses a field for a column's type: the one that makes the very same column, or none."""

import ast
import re
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import SET, TINYINT
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import CompileError
from sqlalchemy.types import NullType, TypeEngine

from undercroft.db.fields.database_type import is_spelling
from undercroft.db.fields.documents import BinaryField, JSONField
from undercroft.db.fields.keys import UUIDField
from undercroft.db.fields.moments import DateField, DateTimeField, DurationField, TimeField
from undercroft.db.fields.numbers import (
    BigIntegerField,
    BooleanField,
    DecimalField,
    FloatField,
    IntegerField,
    SmallIntegerField,
)
from undercroft.db.fields.text import CharField, TextField
from undercroft.db.fields.values import find_python_type
from undercroft.db.inspection import code
from undercroft.db.inspection.schema import ColumnSchema

#: Fields without arguments of their own, those people mean most often first.
_PLAIN: dict[str, Callable[..., Any]] = {
    "BooleanField": BooleanField,
    "IntegerField": IntegerField,
    "BigIntegerField": BigIntegerField,
    "SmallIntegerField": SmallIntegerField,
    "FloatField": FloatField,
    "TextField": TextField,
    "DateTimeField": DateTimeField,
    "DateField": DateField,
    "TimeField": TimeField,
    "DurationField": DurationField,
    "UUIDField": UUIDField,
    "JSONField": JSONField,
    "BinaryField": BinaryField,
}

#: How a type's Python class is written in an annotation.
_ANNOTATIONS = {
    "builtins.bool": "bool",
    "builtins.bytes": "bytes",
    "builtins.float": "float",
    "builtins.int": "int",
    "builtins.str": "str",
    "datetime.date": "dt.date",
    "datetime.datetime": "dt.datetime",
    "datetime.time": "dt.time",
    "datetime.timedelta": "dt.timedelta",
    "decimal.Decimal": "Decimal",
    "uuid.UUID": "UUID",
}

#: What MariaDB makes of a type's spelling, and what is as good as another on SQLite.
_SPELLINGS: dict[str, list[tuple[re.Pattern[str], str]]] = {
    "mariadb": [
        (re.compile(r"^BOOL$"), "TINYINT(1)"),
        (re.compile(r"^FLOAT\(53\)$"), "DOUBLE"),
        (re.compile(r"^NUMERIC\b"), "DECIMAL"),
        (re.compile(r"^JSON$"), "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
        (re.compile(r"^((?:SMALL|MEDIUM|BIG)?INT(?:EGER)?|TINYINT(?!\(1\)))\(\d+\)"), r"\1"),
    ],
    "sqlite": [
        (re.compile(r"^(FLOAT|DOUBLE|DOUBLE PRECISION)$"), "REAL"),
        (re.compile(r"^DECIMAL\b"), "NUMERIC"),
    ],
    "postgresql": [(re.compile(r"^FLOAT\(53\)$"), "DOUBLE PRECISION")],
}

#: Arguments that are what they would be anyway.
_NEEDLESS = frozenset({"astext_type", "text_type"})

#: A text of this type may be a UUID, as SQLite has no type for these.
_HEX = "CHAR(32)"


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """A field for a column.

    Attributes:
        name: The field function.
        arguments: Those the type asks for.
        annotation: The type of its values in Python.
        note: What the reader should know.
    """

    name: str
    arguments: dict[str, ast.expr]
    annotation: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class TypeChoice:
    """A type for a column that no field makes.

    Attributes:
        expression: Makes the type.
        annotation: The type of its values in Python.
        note: What the reader should know.
    """

    expression: ast.expr
    annotation: str
    note: str = ""


class ColumnTypes:
    """Chooses for the columns of one database.

    Args:
        dialect: Of the database.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._vendor = "mariadb" if dialect.name == "mysql" else dialect.name
        module = "mysql" if self._vendor == "mariadb" else self._vendor
        self._module = import_module(f"sqlalchemy.dialects.{module}")
        self._module_name = module

    def choose(self, column: ColumnSchema, *, holds_json: bool) -> FieldChoice | TypeChoice:
        """Choose a field, or else a type.

        Args:
            column: The column.
            holds_json: Whether the database checks that its text is JSON.
        """
        if self._is_guess(column):
            return self._name_type(column)
        if isinstance(column.type, sa.ARRAY):
            return self._choose_array(column) or self.choose_type(column)
        return self._choose_field(column, holds_json=holds_json) or self.choose_type(column)

    def spell(self, column_type: TypeEngine[Any]) -> str:
        """Spell a type as the database does; nothing for one it does not have."""
        try:
            text = column_type.compile(self._dialect)
        except (CompileError, NotImplementedError):
            return ""
        for pattern, spelling in _SPELLINGS[self._vendor]:
            text = pattern.sub(spelling, text)
        return text

    def _is_guess(self, column: ColumnSchema) -> bool:
        """Tell whether the inspector does not know the type, or has taken SQLite's last guess.

        MariaDB's BLOB is known, but our dialect makes a longer one.
        """
        if isinstance(column.type, NullType) or (
            self._vendor == "mariadb" and column.declared == "blob"
        ):
            return True
        word = column.declared.partition("(")[0].strip().upper()
        is_number = isinstance(column.type, sa.Numeric)
        return (
            self._vendor == "sqlite"
            and is_number
            and self.spell(column.type) == "NUMERIC"
            and (word not in ("NUMERIC", "DECIMAL"))
        )

    # -------------------------------------------------------------- fields

    def _choose_field(self, column: ColumnSchema, *, holds_json: bool) -> FieldChoice | None:
        wanted = self.spell(column.type)
        for name, arguments, made in list_candidates(column.type):
            if self.spell(made) != wanted or (name == "JSONField" and not holds_json):
                continue
            if name == "UUIDField" and wanted == _HEX:
                # Of text nobody knows whether it is one.
                continue
            annotation = "Any" if name == "JSONField" else self._annotate(made)
            note = ""
            if name == "BooleanField" and isinstance(column.type, TINYINT):
                note = "TINYINT(1), by custom true or false; a SmallIntegerField if it counts."
            return FieldChoice(name, arguments, annotation, note)
        return None

    def _choose_array(self, column: ColumnSchema) -> FieldChoice | None:
        """Choose the field of an array of one dimension, whose items have a field."""
        item_type: TypeEngine[Any] = column.type.item_type  # type: ignore[attr-defined]  # an array
        item = self._choose_field(replace(column, type=item_type), holds_json=True)
        if item is None or not column.declared.endswith("[]") or "[][]" in column.declared:
            return None
        base = code.call(f"models.{item.name}", **item.arguments)
        return FieldChoice(
            "ArrayField", {"base_field": base}, f"list[{item.annotation}]", item.note
        )

    # -------------------------------------------------------------- types

    def choose_type(self, column: ColumnSchema) -> TypeChoice:
        """Choose SQLAlchemy's own type, if what is written for it makes the same column."""
        written = self._write_type(column.type)
        if written is None or self.spell(self._evaluate(written)) != self.spell(column.type):
            return self._name_type(column)
        note = ""
        if self._vendor == "sqlite" and self.spell(column.type) == _HEX:
            note = "Text; models.UUIDField makes the same column, if it holds UUIDs."
        return TypeChoice(written, self._annotate(column.type), note)

    def _name_type(self, column: ColumnSchema) -> TypeChoice:
        """Take the type by its name in the database."""
        shown = f"{column.declared!r}" if column.declared else "no type at all"
        note = f"The database has {shown} here: values are what its driver gives and takes."
        if is_spelling(column.declared):
            named = code.call("models.DatabaseType", code.constant(column.declared))
            return TypeChoice(named, "Any", note)
        unnamed = code.call("models.DatabaseType", code.constant(""))
        return TypeChoice(unnamed, "Any", f"{note} create_all() cannot make such a column.")

    def _write_type(self, column_type: TypeEngine[Any]) -> ast.expr | None:
        """Write what makes a type, out of SQLAlchemy's own description of it."""
        if isinstance(column_type, DOMAIN):
            return self._write_domain(column_type)
        if getattr(column_type, "display_width", 1) != 1 and isinstance(column_type, sa.Integer):
            # How many digits a client may show says nothing of the column.
            column_type = copy(column_type)
            column_type.display_width = None  # type: ignore[attr-defined]  # asked for above
        try:
            described = ast.parse(repr(column_type), mode="eval").body
        except SyntaxError:
            return None
        return self._rewrite(described, type(column_type))

    def _write_domain(self, domain: DOMAIN) -> ast.expr | None:
        """Write a domain of PostgreSQL's, whose description leaves its check out."""
        inner = self._write_type(domain.data_type)
        if inner is None:
            return None
        options: dict[str, ast.expr] = {}
        if domain.not_null:
            options["not_null"] = code.constant(True)
        if domain.default is not None:
            options["default"] = code.sql(str(domain.default))
        if domain.check is not None:
            options["constraint_name"] = code.constant(domain.constraint_name)
            options["check"] = code.sql(str(domain.check))
        return code.call("postgresql.DOMAIN", code.constant(domain.name), inner, **options)

    def _rewrite(self, node: ast.expr, kind: type[Any] | None = None) -> ast.expr | None:
        """Give names their module; nothing but calls of types and plain values comes through."""
        match node:
            case ast.Constant():
                return node
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                parts = [self._rewrite(each) for each in elements]
                return ast.List([each for each in parts if each is not None], ast.Load())
            case ast.Call(func=ast.Name(id=word)):
                function = self._find_type(word, kind)
                arguments = [self._rewrite(each) for each in node.args]
                named = [
                    (each.arg, self._rewrite(each.value))
                    for each in node.keywords
                    if each.arg not in _NEEDLESS
                ]
                if function is None or None in arguments or None in dict(named).values():
                    return None
                return ast.Call(
                    function,
                    [each for each in arguments if each is not None],
                    [ast.keyword(key, value) for key, value in named if value is not None],
                )
            case _:
                return None

    def _find_type(self, word: str, kind: type[Any] | None) -> ast.expr | None:
        for module, prefix in ((sa, "sa"), (self._module, self._module_name)):
            found = getattr(module, word, None)
            is_type = isinstance(found, type) and issubclass(found, TypeEngine)
            if is_type and kind in (None, found):
                return code.name(f"{prefix}.{word}")
        return None

    def _evaluate(self, written: ast.expr) -> TypeEngine[Any]:
        """Make the type that was written, which is nothing but types and plain values."""
        names = {"sa": sa, self._module_name: self._module}
        tree = ast.fix_missing_locations(ast.Expression(written))
        made: TypeEngine[Any] = eval(compile(tree, "<type>", "eval"), names)  # noqa: S307 - see `_rewrite`
        return made

    def _annotate(self, column_type: TypeEngine[Any]) -> str:
        if isinstance(column_type, sa.ARRAY):
            # PostgreSQL itself does not mind how many dimensions there are.
            return "list[Any]"
        if isinstance(column_type, SET):
            return "set[str]"
        kind = find_python_type(column_type)
        return _ANNOTATIONS.get(f"{kind.__module__}.{kind.__qualname__}", "Any")


def list_candidates(
    column_type: TypeEngine[Any],
) -> Iterator[tuple[str, dict[str, ast.expr], TypeEngine[Any]]]:
    """List fields that may make a column of a type: name, arguments, the type they make."""
    length = getattr(column_type, "length", None)
    if isinstance(column_type, sa.String) and length:
        arguments = {"max_length": code.constant(length)}
        yield "CharField", arguments, _get_type(CharField(max_length=length))
    if isinstance(column_type, sa.Numeric) and column_type.precision is not None:
        digits, places = column_type.precision, column_type.scale or 0
        if 0 <= places <= digits:
            made = DecimalField(max_digits=digits, decimal_places=places)
            numbers = {"max_digits": digits, "decimal_places": places}
            arguments = {key: code.constant(value) for key, value in numbers.items()}
            yield "DecimalField", arguments, _get_type(made)
    for name, field in _PLAIN.items():
        yield name, {}, _get_type(field())


def _get_type(field: Any) -> TypeEngine[Any]:
    made: TypeEngine[Any] = field.column.type
    return made
