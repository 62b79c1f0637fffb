"""Writes the module of all models that were drafted."""

import ast
import re
from collections.abc import Iterator, Sequence

from undercroft.db.inspection import code
from undercroft.db.inspection.fields import FieldWriter
from undercroft.db.inspection.meta import MetaWriter
from undercroft.db.inspection.relations import ModelDraft, find_joined, is_plain_join
from undercroft.db.inspection.schema import CheckSchema, TableSchema

#: What has to be imported, by the name that is used, in the order formatters like.
_STANDARD = {
    "dt": "import datetime as dt",
    "Decimal": "from decimal import Decimal",
    "Any": "from typing import Any",
    "UUID": "from uuid import UUID",
}
_FOREIGN = {
    "sa": "import sqlalchemy as sa",
    "mysql": "from sqlalchemy.dialects import mysql",
    "postgresql": "from sqlalchemy.dialects import postgresql",
    "sqlite": "from sqlalchemy.dialects import sqlite",
}

#: How MariaDB checks that text is JSON.
_JSON_CHECK = re.compile(r"json_valid\(`((?:[^`]|``)+)`\)", re.IGNORECASE)


class ModuleWriter:
    """Writes a module of models.

    Args:
        fields: Writes their fields.
        meta: Writes their `Meta`.
        summary: What the module says of itself.
    """

    def __init__(self, fields: FieldWriter, meta: MetaWriter, summary: str) -> None:
        self._fields = fields
        self._meta = meta
        self._summary = summary

    def write(self, drafts: Sequence[ModelDraft]) -> str:
        """Write the module."""
        classes = [
            "\n".join(self.write_class(draft, drafts[:position]))
            for position, draft in enumerate(drafts)
        ]
        body = "\n\n\n".join(classes)
        head = "\n\n".join([f'"""{self._summary}"""', *list_imports(body)])
        return "\n\n\n".join(filter(None, [head, body])) + "\n"

    def write_class(self, draft: ModelDraft, defined: Sequence[ModelDraft]) -> Iterator[str]:
        """Write the lines of one class."""
        table = draft.table
        for note in self.list_notes(draft):
            yield from code.write_comment(note, 0)
        yield f"class {draft.name}(models.Model):"
        docstring = list(code.write_docstring(table.comment, 1))
        yield from [*docstring, ""] if docstring else ()
        # On MariaDB a check says that text is JSON, elsewhere the type does.
        is_text = self._fields.vendor == "mariadb"
        json_checks = {each: name for each in table.checks if is_text and (name := find_json(each))}
        json = json_checks.values() if is_text else [each.name for each in table.columns]
        for column in table.columns:
            relation = draft.relations.get(column.name)
            if relation is not None:
                yield from self._fields.write_relation(draft, relation, defined)
            else:
                yield from self._fields.write_column(draft, column, json=json)
        for many in draft.many:
            yield from self._fields.write_many(draft, many, defined)
        yield from self._write_key(draft)
        yield from self._write_table_options(draft)
        yield ""
        yield from self._meta.write(draft, json_checks)

    def list_notes(self, draft: ModelDraft) -> Iterator[str]:
        """List what the reader should know of a table."""
        table = draft.table
        yield from table.notes
        if not table.primary_key:
            kind = "view" if table.is_view else "table"
            by = ", ".join(repr(each) for each in choose_key(table))
            yield f"The {kind} has no primary key: rows are told apart by {by}."
        for key in draft.strange:
            columns = ", ".join(repr(each) for each in key.columns)
            place = ".".join(filter(None, [key.schema, key.table]))
            yield f"The foreign key of {columns} to {place!r} cannot be declared here."
        joined = find_joined(draft)
        if joined and not is_plain_join(draft):
            names = " and ".join(draft.relations[each].target.name for each in joined)
            yield f"Joins {names}, many to many, with values of its own."

    def _write_key(self, draft: ModelDraft) -> Iterator[str]:
        """Write what the key is where no single field says so."""
        table = draft.table
        if len(table.primary_key) > 1:
            names = [code.constant(draft.get_field(each)) for each in table.primary_key]
            value = code.call("models.CompositePrimaryKey", *names)
            yield from code.write_assignment("pk", value, 1)
        elif not table.primary_key:
            keys = [code.constant(draft.attributes[each]) for each in choose_key(table)]
            yield ""
            yield from code.write_assignment(
                "__mapper_args__",
                ast.Dict([code.constant("primary_key")], [ast.List(keys, ast.Load())]),
                1,
            )

    def _write_table_options(self, draft: ModelDraft) -> Iterator[str]:
        options = self._meta.list_table_options(draft)
        if options:
            yield ""
            yield from code.write_assignment("__table_args__", code.constant(options), 1)


def choose_key(table: TableSchema) -> tuple[str, ...]:
    """Choose the columns by which rows of a table without a key are told apart."""
    needed = {each.name for each in table.columns if not each.nullable}
    candidates = [each.columns for each in table.uniques if needed.issuperset(each.columns)]
    for index in table.indexes:
        columns = tuple(each for each in index.parts if isinstance(each, str))
        if index.is_unique and not index.options and needed.issuperset(index.parts):
            candidates.append(columns)
    if candidates:
        return min(candidates, key=len)
    names = tuple(each.name for each in table.columns)
    return ("id",) if table.is_view and "id" in names else names


def find_json(check: CheckSchema) -> str | None:
    """Find the column that a check of MariaDB's says has JSON."""
    found = _JSON_CHECK.fullmatch(check.sql.strip())
    return found[1].replace("``", "`") if found else None


def list_imports(body: str) -> Iterator[str]:
    """List the blocks of imports that the classes need."""
    names = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    orm = [name for name in ("Mapped", "mapped_column") if name in names]
    standard = [line for name, line in _STANDARD.items() if name in names]
    standard.sort(key=lambda line: line.startswith("from"))
    if standard:
        yield "\n".join(standard)
    foreign = [line for name, line in _FOREIGN.items() if name in names]
    if orm:
        foreign.append(f"from sqlalchemy.orm import {', '.join(orm)}")
    if foreign:
        yield "\n".join(foreign)
    yield "from undercroft import models"
