"""Writes the fields of a model that was drafted."""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from undercroft.db.inspection import code
from undercroft.db.inspection.column_types import ColumnTypes, FieldChoice, TypeChoice
from undercroft.db.inspection.relations import ManyDraft, ModelDraft, RelationDraft
from undercroft.db.inspection.schema import ColumnSchema

#: What the database does, by its words.
_ON_DELETE = {
    "CASCADE": "models.CASCADE",
    "RESTRICT": "models.RESTRICT",
    "SET NULL": "models.SET_NULL",
    "SET DEFAULT": "models.SET_DEFAULT",
}

#: Text as a default, with the type that PostgreSQL puts behind; no backslashes, which databases
#: read in different ways.
_TEXT = re.compile(r"'((?:[^'\\]|'')*)'(?:::(?:character varying|text|bpchar)(?:\(\d+\))?)?")

#: What SQLite takes as a default without brackets.
_BARE = re.compile(
    r"[+-]?[\d.]+(e[+-]?\d+)?|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|x'[0-9a-f]*'"
    r"|null|true|false|current_(time|date|timestamp)",
    re.IGNORECASE,
)

#: Types whose fields are keys that the database numbers.
_AUTOMATIC = {
    "IntegerField": "AutoField",
    "BigIntegerField": "BigAutoField",
    "SmallIntegerField": "SmallAutoField",
}

_IGNORE = "# type: ignore[assignment]  # Model.id is an int"


@dataclass(frozen=True, slots=True)
class FieldWriter:
    """Writes fields of models of one database.

    Attributes:
        types: Chooses fields for types.
        vendor: The database's kind.
        is_exact: Whether every name and detail of the database is kept, for its tables are to be
            managed from now on.
    """

    types: ColumnTypes
    vendor: str
    is_exact: bool

    # -------------------------------------------------------------- plain columns

    def write_column(
        self, draft: ModelDraft, column: ColumnSchema, *, json: Collection[str]
    ) -> Iterator[str]:
        """Write the field of a column that is no foreign key."""
        choice = self.types.choose(column, holds_json=column.name in json)
        attribute = draft.attributes[column.name]
        yield from code.write_comment(choice.note, 1)
        is_readable = column.computed is None or bool(column.computed[0])
        if (
            isinstance(choice, FieldChoice)
            and is_readable
            and not self._needs_column(draft, column)
        ):
            yield from self._write_field(draft, column, choice)
            return
        value = self._build_mapped_column(draft, column, choice, attribute)
        annotation = f"{choice.annotation} | None" if column.nullable else choice.annotation
        annotation = "Any" if choice.annotation == "Any" else annotation
        trail = self._trail(attribute, annotation)
        yield from code.write_assignment(f"{attribute}: Mapped[{annotation}]", value, 1, trail)

    def _needs_column(self, draft: ModelDraft, column: ColumnSchema) -> bool:
        """Tell whether a column has what no field has an argument for."""
        if column.name in draft.table.primary_key and len(draft.table.primary_key) == 1:
            # A number is a key that counts, unless it is said that it does not.
            is_number = self.types.spell(column.type).partition("(")[0] in _NUMBERS
            return (is_number and not column.is_counted) or self._is_identity(column)
        return column.identity is not None or column.is_counted

    def _is_identity(self, column: ColumnSchema) -> bool:
        identity = column.identity
        return identity is not None and (self.is_exact or bool(identity.get("always")))

    def _write_field(
        self, draft: ModelDraft, column: ColumnSchema, choice: FieldChoice
    ) -> Iterator[str]:
        attribute = draft.attributes[column.name]
        options = self._build_options(draft, column, attribute)
        field = choice.name
        if column.is_counted:
            field = _AUTOMATIC.get(self._find_counter(choice), field)
            options.pop("primary_key", None)
        value = code.call(f"models.{field}", **choice.arguments, **options)
        if column.computed is not None:
            value = self._build_generated(column, choice, options)
        annotation = f"{choice.annotation} | None" if column.nullable else choice.annotation
        trail = self._trail(attribute, annotation)
        yield from code.write_assignment(attribute, value, 1, trail)

    def _find_counter(self, choice: FieldChoice) -> str:
        # SQLite counts by a column called INTEGER only, whose numbers have 64 bits.
        return "BigIntegerField" if self.vendor == "sqlite" else choice.name

    def _build_generated(
        self, column: ColumnSchema, choice: FieldChoice, options: dict[str, ast.expr]
    ) -> ast.Call:
        sql, is_stored = column.computed or ("", None)
        null = {"null": options.pop("null")} if "null" in options else {}
        return code.call(
            "models.GeneratedField",
            expression=code.sql_text(sql),
            output_field=code.call(f"models.{choice.name}", **choice.arguments, **null),
            db_persist=code.constant(bool(is_stored)),
            **options,
        )

    def _trail(self, attribute: str, annotation: str) -> str:
        return _IGNORE if attribute == "id" and annotation not in ("int", "Any") else ""

    # -------------------------------------------------------------- options

    def _build_options(
        self, draft: ModelDraft, column: ColumnSchema, attribute: str
    ) -> dict[str, ast.expr]:
        """Build what is said of a column beside its type."""
        table = draft.table
        options: dict[str, ast.expr] = {}
        is_key = table.primary_key == (column.name,)
        if column.nullable:
            options["null"] = code.constant(True)
        if is_key:
            options["primary_key"] = code.constant(True)
        elif self.is_unique(draft, column.name):
            options["unique"] = code.constant(True)
        elif self.has_index(draft, column.name):
            options["index"] = code.constant(True)
        if column.default is not None and column.computed is None and not table.is_view:
            options["db_default"] = self.build_default(column.default)
        if attribute != column.name:
            options["db_column"] = code.constant(column.name)
        if column.comment:
            options["help_text"] = code.constant(column.comment)
            if self.is_exact:
                options["db_comment"] = code.constant(column.comment)
        return options

    def build_default(self, sql: str) -> ast.expr:
        """Build a default: plain text as such, all else as SQL."""
        text = _TEXT.fullmatch(sql)
        if text is not None:
            return code.constant(text[1].replace("''", "'"))
        is_bare = _BARE.fullmatch(sql) is not None
        if self.is_exact and sql.upper() == "CURRENT_TIMESTAMP":
            # Our dialect has its own word for this one, with microseconds.
            is_bare = False
        if self.vendor == "sqlite" and not is_bare:
            sql = f"({sql})"
        return code.sql(sql)

    def is_unique(self, draft: ModelDraft, column: str) -> bool:
        """Tell whether `unique=True` says of a column what the database says."""
        table = draft.table
        if not self.is_exact:
            return table.is_unique((column,))
        return any(
            each.name in (None, f"uq_{table.name}_{column}")
            for each in table.uniques
            if each.columns == (column,) and not each.options
        )

    def has_index(self, draft: ModelDraft, column: str) -> bool:
        """Tell whether `index=True` says of a column what the database says."""
        names = [
            each.name
            for each in draft.table.indexes
            if each.parts == (column,) and not each.is_unique and not each.options
        ]
        if not self.is_exact:
            return bool(names)
        return f"ix_{draft.table.name}_{column}" in names

    # -------------------------------------------------------------- SQLAlchemy's way

    def _build_mapped_column(
        self,
        draft: ModelDraft,
        column: ColumnSchema,
        choice: FieldChoice | TypeChoice,
        attribute: str,
    ) -> ast.Call:
        arguments: list[ast.expr] = []
        if attribute != column.name:
            arguments.append(code.constant(column.name))
        arguments.append(
            choice.expression
            if isinstance(choice, TypeChoice)
            else self.types.choose_type(column).expression
        )
        if column.identity is not None:
            arguments.append(build_identity(column))
        if column.computed is not None:
            sql, is_stored = column.computed
            arguments.append(
                code.call("sa.Computed", code.sql_text(sql), persisted=code.constant(is_stored))
                if sql
                else code.call("sa.FetchedValue")
            )
        options = self._build_options(draft, column, attribute)
        options.pop("db_column", None)
        options.pop("help_text", None)
        named = {"db_default": "server_default", "db_comment": "comment", "null": "nullable"}
        keywords = {named.get(key, key): value for key, value in options.items()}
        if choice.annotation != "Any":
            keywords.pop("nullable", None)
        elif not column.nullable:
            keywords["nullable"] = code.constant(False)
        if column.is_counted != ("primary_key" in keywords):
            # Of a key by itself a number counts, of a key with others it does not.
            keywords["autoincrement"] = code.constant(column.is_counted)
        return code.call("mapped_column", *arguments, **keywords)

    # -------------------------------------------------------------- relations

    def write_relation(
        self, draft: ModelDraft, relation: RelationDraft, defined: Collection[ModelDraft]
    ) -> Iterator[str]:
        """Write the field of a foreign key.

        Args:
            draft: The model that has it.
            relation: The foreign key.
            defined: The models that stand above.
        """
        column = draft.table.get_column(relation.column)
        target = self._refer(draft, relation.target, defined)
        deed = relation.key.options.get("ondelete", "")
        options = self._build_options(draft, column, f"{relation.name}_id")
        indexed = options.pop("index", None)
        if relation.is_single:
            options.pop("unique", None)
        elif "unique" not in options and "primary_key" not in options and indexed is None:
            options["index"] = code.constant(False)
        keywords: dict[str, ast.expr] = {}
        if relation.target_column is not None:
            keywords["to_field"] = code.constant(relation.target.attributes[relation.target_column])
        if relation.related_name is not None:
            keywords["related_name"] = code.constant(relation.related_name)
        if self.needs_constraint(draft, relation):
            keywords["db_constraint"] = code.constant(False)
        field = "models.OneToOneField" if relation.is_single else "models.ForeignKey"
        on_delete = code.name(_ON_DELETE.get(deed, "models.DO_NOTHING"))
        value = code.call(field, target, **{"on_delete": on_delete, **keywords, **options})
        yield from code.write_assignment(relation.name, value, 1)
        yield f"    {relation.name}_id: Mapped[{self._annotate_key(relation, column)}]"

    def needs_constraint(self, draft: ModelDraft, relation: RelationDraft) -> bool:
        """Tell whether a foreign key has to be declared as a constraint too, to be kept exactly."""
        key, table = relation.key, draft.table.name
        others = key.options.keys() - {"ondelete"}
        usual = (None, f"fk_{table}_{relation.column}_{key.table}")
        return self.is_exact and (bool(others) or key.name not in usual)

    def _refer(
        self, draft: ModelDraft, target: ModelDraft, defined: Collection[ModelDraft]
    ) -> ast.expr:
        if target is draft:
            return code.constant("self")
        return code.name(target.name) if target in defined else code.constant(target.name)

    def _annotate_key(self, relation: RelationDraft, column: ColumnSchema) -> str:
        target = relation.target
        name = relation.target_column or target.table.primary_key[0]
        while name in target.relations:
            inner = target.relations[name]
            target, name = inner.target, inner.target_column or inner.target.table.primary_key[0]
        choice = self.types.choose(target.table.get_column(name), holds_json=False)
        if choice.annotation == "Any":
            return "Any"
        return f"{choice.annotation} | None" if column.nullable else choice.annotation

    def write_many(
        self, draft: ModelDraft, many: ManyDraft, defined: Collection[ModelDraft]
    ) -> Iterator[str]:
        """Write a relation of many to many."""
        target = self._refer(draft, many.far.target, defined)
        keywords: dict[str, ast.expr] = {"through": code.constant(many.through.name)}
        if many.far.target is draft:
            keywords["through_fields"] = ast.Tuple(
                [code.constant(many.near.name), code.constant(many.far.name)], ast.Load()
            )
            keywords["symmetrical"] = code.constant(False)
        if many.related_name is not None:
            keywords["related_name"] = code.constant(many.related_name)
        value = code.call("models.ManyToManyField", target, **keywords)
        yield from code.write_assignment(many.name, value, 1)


_NUMBERS = frozenset({"INTEGER", "BIGINT", "SMALLINT", "MEDIUMINT", "TINYINT"})

#: What an identity column has where nothing is said.
_USUAL = {"start": 1, "increment": 1, "minvalue": 1, "cache": 1, "cycle": False, "always": False}
_GREATEST = frozenset({2**15 - 1, 2**31 - 1, 2**63 - 1})


def build_identity(column: ColumnSchema) -> ast.Call:
    """Build what makes a column an identity column."""
    said = {
        key: code.constant(value)
        for key, value in (column.identity or {}).items()
        if value is not None
        and _USUAL.get(key) != value
        and not (key == "maxvalue" and value in _GREATEST)
    }
    return code.call("sa.Identity", **said)
