"""Tables as plain values, so that what models say and what migrations built can be compared."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from undercroft.db.connections.search_indexes import Search
from undercroft.db.mapping.names import hash_text, shorten_name
from undercroft.db.mapping.search_indexes import get_searches
from undercroft.migrations.internals import (
    build_offline_context,
    is_bound_to_type,
    render_type_text,
)

#: What SQLAlchemy would take for the beginning of a bound value.
_BIND = re.compile(r"(?<![:\w\\]):(?=\w)")

Kind = Literal["primary", "unique", "foreign", "check"]

#: Databases a type may differ on.
_DIALECTS: tuple[Dialect, ...] = tuple(
    make_url(f"{name}://").get_dialect()() for name in ("sqlite", "postgresql", "mysql")
)


class _PlainCompiler(SQLCompiler):
    """Writes expressions in words that all databases know."""

    def visit_now_func(self, fn: Any, **options: Any) -> str:
        """Write the present moment as standard SQL."""
        return "CURRENT_TIMESTAMP"


_PLAIN = DefaultDialect()
_PLAIN.statement_compiler = _PlainCompiler
#: `true`, and not 1, which is no truth to PostgreSQL.
_PLAIN.supports_native_boolean = True

#: Alembic writes PostgreSQL's own types rightly only for PostgreSQL; all others it does anywhere.
#: By this style of parameters, a percent sign in SQL stays one.
_WRITING: Any = make_url("postgresql://").get_dialect()
RENDERING: MigrationContext = build_offline_context(_WRITING(paramstyle="named"))


@dataclass(frozen=True, slots=True)
class ColumnState:
    """A column. Its type is compared by how it is written in a migration: exactly.

    Attributes:
        default: What the database fills in: a literal, an expression, or nothing.
        is_expression: Whether the default is SQL rather than a literal.
        computed: The expression of a generated column.
        comment: What the database says of it.
    """

    name: str
    type_text: str
    nullable: bool
    default: str | None = None
    is_expression: bool = False
    computed: str | None = None
    is_stored: bool | None = None
    comment: str | None = None
    column_type: TypeEngine[Any] = field(default_factory=sa.types.NullType, compare=False)
    source: "sa.Column[Any] | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ConstraintState:
    """A constraint; which attributes matter depends on its kind."""

    kind: Kind
    name: str
    columns: tuple[str, ...] = ()
    target: str = ""
    target_columns: tuple[str, ...] = ()
    on_delete: str | None = None
    on_update: str | None = None
    deferrable: bool | None = None
    initially: str | None = None
    condition: str = ""
    #: Of one database alone, such as `postgresql_include`.
    options: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class IndexState:
    """An index over columns or expressions."""

    name: str
    expressions: tuple[str, ...]
    unique: bool = False
    #: Dialect options such as `postgresql_using`, rendered, with the values beside them.
    options_text: str = ""
    options: dict[str, Any] = field(default_factory=dict[str, Any], compare=False)


@dataclass(slots=True)
class TableState:
    """A table, and which app it belongs to.

    Attributes:
        changed_by: The identifier of the migration that made or last changed it.
    """

    name: str
    columns: dict[str, ColumnState] = field(default_factory=dict[str, ColumnState])
    constraints: dict[str, ConstraintState] = field(default_factory=dict[str, ConstraintState])
    indexes: dict[str, IndexState] = field(default_factory=dict[str, IndexState])
    label: str = field(default="", compare=False)
    comment: str | None = None
    searches: dict[str, Search] = field(default_factory=dict[str, Search])
    changed_by: str = field(default="", compare=False)

    def list_targets(self) -> set[str]:
        """List the other tables this one refers to."""
        targets = {each.target for each in self.constraints.values() if each.kind == "foreign"}
        return targets - {self.name}


Tables: TypeAlias = dict[str, TableState]


def describe_table(table: sa.Table, label: str = "") -> TableState:
    """Describe a table by values."""
    constraints = [
        describe_constraint(each) for each in table.constraints if not is_bound_to_type(each)
    ]
    indexes = [describe_index(each) for each in table.indexes]
    return TableState(
        table.name,
        # The key first, where people look for it.
        {
            column.name: describe_column(column)
            for column in sorted(table.columns, key=lambda each: not each.primary_key)
        },
        {each.name: each for each in sort_by_name(constraints)},
        {each.name: each for each in sorted(indexes, key=lambda each: each.name)},
        label,
        table.comment,
        dict(sorted(get_searches(table).items())),
    )


def sort_by_name(constraints: Iterable[ConstraintState | None]) -> list[ConstraintState]:
    """Sort constraints, for a table keeps them in a set: files must not differ by chance."""
    found = [each for each in constraints if each is not None]
    return sorted(found, key=lambda each: (each.kind != "primary", each.name))


def describe_column(column: "sa.Column[Any]") -> ColumnState:
    """Describe a column by values."""
    default, is_expression = describe_default(column.server_default)
    computed = column.computed
    plain = find_plain_type(column.type)
    return ColumnState(
        column.name,
        render_type_text(plain, RENDERING),
        bool(column.nullable),
        default,
        is_expression,
        compile_text(computed.sqltext) if computed is not None else None,
        computed.persisted if computed is not None else None,
        column.comment,
        plain,
        column,
    )


def describe_default(default: Any) -> tuple[str | None, bool]:
    """Describe what the database fills in, and whether that is SQL."""
    argument = getattr(default, "arg", default)
    # A generated column, or what the database fills in without a word of how.
    if argument is None or isinstance(argument, sa.FetchedValue):
        return None, False
    if isinstance(argument, str):
        return argument, False
    return compile_text(argument), True


def describe_constraint(constraint: sa.Constraint) -> ConstraintState | None:
    """Describe a constraint by values; None for a kind that migrations do not handle."""
    table = constraint.table.name
    if isinstance(constraint, sa.CheckConstraint):
        condition = compile_text(constraint.sqltext)
        name = name_constraint(constraint, f"ck_{table}_{abs(hash_text(condition))}")
        return ConstraintState("check", name, condition=condition)
    if not isinstance(constraint, sa.schema.ColumnCollectionConstraint):
        return None
    columns = tuple(column.name for column in constraint.columns)
    joined = "_".join(columns)
    match constraint:
        case sa.PrimaryKeyConstraint():
            if not columns:
                return None
            return ConstraintState("primary", name_constraint(constraint, f"pk_{table}"), columns)
        case sa.UniqueConstraint():
            return ConstraintState(
                "unique",
                name_constraint(constraint, f"uq_{table}_{joined}"),
                columns,
                deferrable=constraint.deferrable,
                initially=constraint.initially,
                options=describe_options(constraint.dialect_kwargs),
            )
        case sa.ForeignKeyConstraint():
            return describe_foreign_key(constraint, f"fk_{table}_{joined}")
        case _:
            return None


def describe_foreign_key(constraint: sa.ForeignKeyConstraint, default: str) -> ConstraintState:
    """Describe a foreign key by values."""
    targets = [element.target_fullname.rpartition(".") for element in constraint.elements]
    return ConstraintState(
        "foreign",
        name_constraint(constraint, default),
        tuple(constraint.column_keys),
        targets[0][0],
        tuple(column for _, _, column in targets),
        constraint.ondelete,
        constraint.onupdate,
        constraint.deferrable,
        constraint.initially,
    )


def name_constraint(constraint: sa.Constraint, default: str) -> str:
    """Name a constraint: without a name it could never be dropped again."""
    # `str` turns a name made by a naming convention into a plain one, which is written plainly.
    name = str(constraint.name) if isinstance(constraint.name, str) else default
    return shorten_name(name)


def describe_index(index: sa.Index) -> IndexState:
    """Describe an index by values."""
    expressions = tuple(
        each.name if isinstance(each, sa.Column) else compile_text(each)
        for each in index.expressions
    )
    default = f"ix_{index.table.name}_{'_'.join(expressions)}" if index.table is not None else ""
    shown = ", ".join(
        f"{key}={compile_text(value) if isinstance(value, sa.ClauseElement) else repr(value)}"
        for key, value in sorted(index.dialect_kwargs.items())
    )
    # As text, which a migration's file says the same of on every database.
    options = {
        key: build_text(compile_text(value)) if isinstance(value, sa.ClauseElement) else value
        for key, value in index.dialect_kwargs.items()
    }
    return IndexState(str(index.name or default), expressions, bool(index.unique), shown, options)


def describe_options(options: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Describe what is for one database alone, in values that can be compared."""
    given = sorted((key, value) for key, value in options.items() if value)
    return tuple(
        (key, tuple(value) if hasattr(value, "__iter__") else value) for key, value in given
    )


def build_text(text: str) -> sa.TextClause:
    """Build SQL of text, so that in a migration's file a colon is no bound value."""
    # Once for the compiler that writes the file, once for the migration that reads it.
    return sa.text(_BIND.sub(r"\\\\:", text))


def compile_text(expression: Any) -> str:
    """Compile an expression to SQL text, values included."""
    if isinstance(expression, str):
        return expression
    compiled = expression.compile(
        dialect=_PLAIN, compile_kwargs={"literal_binds": True, "include_table": False}
    )
    return str(compiled)


def find_plain_type(column_type: TypeEngine[Any]) -> TypeEngine[Any]:
    """Find SQLAlchemy's own type below a decorated one.

    A migration is about the database. What a type does in Python is left to the models, so that
    renaming or removing a type class never breaks an old migration.
    """
    if isinstance(column_type, sa.ARRAY):
        array = cast("Any", column_type)
        return postgresql.ARRAY(find_plain_type(array.item_type), dimensions=array.dimensions)
    if not isinstance(column_type, TypeDecorator):
        return column_type
    plain: TypeEngine[Any] = find_plain_type(column_type.impl_instance)
    parents = type(column_type).__mro__
    own = parents[: parents.index(TypeDecorator)]
    if not any("load_dialect_impl" in vars(parent) for parent in own):
        return plain
    found, text = plain, render_type_text(plain, RENDERING)
    for dialect in _DIALECTS:
        special = find_plain_type(column_type.load_dialect_impl(dialect))
        if render_type_text(special, RENDERING) != text:
            found = found.with_variant(special, dialect.name)
    return found
