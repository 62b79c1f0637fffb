"""Writes the `Meta` of a model that was drafted."""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from undercroft.db.connections.search_indexes import Search
from undercroft.db.inspection import code
from undercroft.db.inspection.fields import FieldWriter
from undercroft.db.inspection.relations import ModelDraft
from undercroft.db.inspection.schema import (
    CheckSchema,
    Expression,
    ForeignKeySchema,
    IndexSchema,
    UniqueSchema,
)

#: Bytes of the longest name our own constraints and indexes take.
_LONGEST = 63

#: Options of a table that say what holds anyway, or are written in other ways.
_USUAL_OPTIONS = frozenset(
    {
        ("mariadb_engine", "InnoDB"),
        ("mysql_engine", "InnoDB"),
        ("sqlite_with_rowid", True),
        ("sqlite_strict", False),
    }
)


@dataclass(frozen=True, slots=True)
class MetaWriter:
    """Writes what is said of a table as a whole.

    Attributes:
        fields: Writes its fields.
        app_label: Of the models; the module tells it when empty.
    """

    fields: FieldWriter
    app_label: str

    @property
    def _is_exact(self) -> bool:
        return self.fields.is_exact

    def write(self, draft: ModelDraft, json_checks: Collection[CheckSchema]) -> Iterator[str]:
        """Write the inner class.

        Args:
            draft: The model.
            json_checks: Checks that a JSON field stands for.
        """
        yield "    class Meta:"
        for name, value in self.list_options(draft, json_checks):
            yield from code.write_assignment(name, value, 2)

    def list_options(
        self, draft: ModelDraft, json_checks: Collection[CheckSchema]
    ) -> Iterator[tuple[str, ast.expr]]:
        """List the options with their values."""
        table = draft.table
        if self.app_label:
            yield "app_label", code.constant(self.app_label)
        yield "db_table", code.constant(table.name)
        if table.comment and self._is_exact:
            yield "db_table_comment", code.constant(table.comment)
        if table.is_view or not self._is_exact:
            yield "managed", code.constant(False)
        constraints = [
            *self._list_uniques(draft),
            *self._list_checks(draft, json_checks),
            *self._list_foreign_keys(draft),
        ]
        if constraints:
            yield "constraints", ast.List(constraints, ast.Load())
        indexes = [
            self._write_index(draft, each)
            for each in table.indexes
            if not self._is_said(draft, each)
        ]
        indexes += [self._write_search(draft, each) for each in table.searches]
        if indexes:
            yield "indexes", ast.List(indexes, ast.Load())

    # -------------------------------------------------------------- constraints

    def _list_uniques(self, draft: ModelDraft) -> Iterator[ast.expr]:
        for each in draft.table.uniques:
            if not self._is_field(draft, each.columns) or each.options:
                yield self._write_unique(draft, each)

    def _is_field(self, draft: ModelDraft, columns: tuple[str, ...]) -> bool:
        """Tell whether a field says by itself that its value is unique."""
        if len(columns) != 1:
            return False
        relation = draft.relations.get(columns[0])
        return (relation is not None and relation.is_single) or self.fields.is_unique(
            draft, columns[0]
        )

    def _write_unique(self, draft: ModelDraft, unique: UniqueSchema) -> ast.expr:
        if unique.options or not is_short(unique.name):
            columns = [code.constant(each) for each in unique.columns]
            return code.call("sa.UniqueConstraint", *columns, **self._name(unique.name, unique))
        fields = [code.constant(draft.get_field(each)) for each in unique.columns]
        keywords: dict[str, ast.expr] = {"fields": ast.List(fields, ast.Load())}
        if unique.name is not None:
            keywords["name"] = code.constant(unique.name.replace("%", "%%"))
        return code.call("models.UniqueConstraint", **keywords)

    def _list_checks(
        self, draft: ModelDraft, json_checks: Collection[CheckSchema]
    ) -> Iterator[ast.expr]:
        for number, each in enumerate(draft.table.checks, 1):
            if each in json_checks:
                continue
            name = each.name or f"ck_{draft.lower}_{number}"
            if is_short(name):
                named = code.constant(name.replace("%", "%%"))
                condition = code.sql_text(each.sql)
                yield code.call("models.CheckConstraint", condition=condition, name=named)
            else:
                named = code.call("sa.schema.conv", code.constant(name))
                yield code.call("sa.CheckConstraint", code.sql_text(each.sql), name=named)

    def _list_foreign_keys(self, draft: ModelDraft) -> Iterator[ast.expr]:
        exact = [
            each.key
            for each in draft.relations.values()
            if self.fields.needs_constraint(draft, each)
        ]
        for key in [*exact, *draft.constraints]:
            yield self._write_foreign_key(key)

    def _write_foreign_key(self, key: ForeignKeySchema) -> ast.expr:
        columns = [code.constant(each) for each in key.columns]
        targets = [code.constant(f"{key.table}.{each}") for each in key.referred]
        options = {name: code.constant(value) for name, value in key.options.items()}
        return code.call(
            "sa.ForeignKeyConstraint",
            ast.List(columns, ast.Load()),
            ast.List(targets, ast.Load()),
            **self._name(key.name),
            **options,
        )

    def _name(self, name: str | None, unique: UniqueSchema | None = None) -> dict[str, ast.expr]:
        said: dict[str, ast.expr] = {} if name is None else {"name": code.constant(name)}
        if unique is not None:
            said |= {key: write_option(key, value) for key, value in unique.options.items()}
        return said

    # -------------------------------------------------------------- indexes

    def _is_said(self, draft: ModelDraft, index: IndexSchema) -> bool:
        """Tell whether a field says that there is this index."""
        if len(index.parts) != 1 or index.options or isinstance(index.parts[0], Expression):
            return False
        column = index.parts[0]
        if index.is_unique:
            return self._is_field(draft, (column,))
        usual = index.name == f"ix_{draft.table.name}_{column}"
        return self.fields.has_index(draft, column) and (usual or not self._is_exact)

    def _write_index(self, draft: ModelDraft, index: IndexSchema) -> ast.expr:
        plain = [each for each in index.parts if isinstance(each, str)]
        if (
            len(plain) == len(index.parts)
            and not index.options
            and not index.is_unique
            and is_short(index.name)
        ):
            fields = [code.constant(draft.get_field(each)) for each in plain]
            named = code.constant((index.name or "").replace("%", "%%"))
            return code.call("models.Index", fields=ast.List(fields, ast.Load()), name=named)
        parts = [
            code.sql(each.sql) if isinstance(each, Expression) else code.constant(each)
            for each in index.parts
        ]
        options = {key: write_option(key, value) for key, value in index.options.items()}
        if index.is_unique:
            options = {"unique": code.constant(True), **options}
        return code.call("sa.Index", code.constant(index.name), *parts, **options)

    def _write_search(self, draft: ModelDraft, search: Search) -> ast.expr:
        fields = [code.constant(draft.get_field(each)) for each in search.columns]
        return code.call(
            "models.SearchIndex",
            fields=ast.List(fields, ast.Load()),
            name=code.constant(search.name.replace("%", "%%")),
            config=code.constant(search.config),
        )

    # -------------------------------------------------------------- the table

    def list_table_options(self, draft: ModelDraft) -> dict[str, Any]:
        """List what else is said of a table, where it is to be made anew."""
        if not self._is_exact:
            return {}
        return {
            key.replace(" ", "_"): value
            for key, value in sorted(draft.table.options.items())
            if value is not None
            and (key, value) not in _USUAL_OPTIONS
            and not key.endswith("_comment")
        }


def is_short(name: str | None) -> bool:
    """Tell whether our own constraints and indexes take a name."""
    return name is None or len(name.encode()) <= _LONGEST


def write_option(name: str, value: Any) -> ast.expr:
    """Write an option of a dialect: conditions are SQL."""
    return code.sql(str(value)) if name.endswith("_where") else code.constant(value)
