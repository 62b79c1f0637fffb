"""Tables as plain values, so that what models say and what migrations built can be compared."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from undercroft.db.mapping.names import hash_text, shorten_name
from undercroft.migrations.internals import (
    build_offline_context,
    is_bound_to_type,
    render_type_text,
)

Kind = Literal["primary", "unique", "foreign", "check"]

#: Databases a type may differ on.
_DIALECTS: tuple[Dialect, ...] = tuple(
    make_url(f"{name}://").get_dialect()() for name in ("sqlite", "postgresql", "mysql")
)
#: What expressions are written for: words that all databases know, `true` and not 1 among them.
_PLAIN = DefaultDialect()
_PLAIN.supports_native_boolean = True

#: Alembic writes PostgreSQL's own types rightly only for PostgreSQL; all others it does anywhere.
RENDERING: MigrationContext = build_offline_context(make_url("postgresql://").get_dialect()())


@dataclass(frozen=True, slots=True)
class ColumnState:
    """A column. Its type is compared by how it is written in a migration: exactly.

    Attributes:
        default: What the database fills in: a literal, an expression, or nothing.
        is_expression: Whether the default is SQL rather than a literal.
        computed: The expression of a generated column.
    """

    name: str
    type_text: str
    nullable: bool
    default: str | None = None
    is_expression: bool = False
    computed: str | None = None
    is_stored: bool | None = None
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
    """A table, and which app it belongs to."""

    name: str
    columns: dict[str, ColumnState] = field(default_factory=dict[str, ColumnState])
    constraints: dict[str, ConstraintState] = field(default_factory=dict[str, ConstraintState])
    indexes: dict[str, IndexState] = field(default_factory=dict[str, IndexState])
    label: str = field(default="", compare=False)

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
        plain,
        column,
    )


def describe_default(default: Any) -> tuple[str | None, bool]:
    """Describe what the database fills in, and whether that is SQL."""
    argument = getattr(default, "arg", default)
    if argument is None or isinstance(default, sa.Computed | sa.Identity):
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
            name = name_constraint(constraint, f"uq_{table}_{joined}")
            return ConstraintState("unique", name, columns)
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
    options = dict(index.dialect_kwargs)
    shown = ", ".join(f"{key}={compile_option(options[key])}" for key in sorted(options))
    return IndexState(str(index.name or default), expressions, bool(index.unique), shown, options)


def compile_option(value: Any) -> str:
    """Write a dialect option of an index down for comparison."""
    return compile_text(value) if isinstance(value, sa.ClauseElement) else repr(value)


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
    if not isinstance(column_type, TypeDecorator):
        return column_type
    plain: TypeEngine[Any] = find_plain_type(column_type.impl_instance)
    parents = type(column_type).__mro__
    own = parents[: parents.index(TypeDecorator)]
    if not any("load_dialect_impl" in vars(parent) for parent in own):
        return plain
    for dialect in _DIALECTS:
        special = find_plain_type(column_type.load_dialect_impl(dialect))
        if render_type_text(special, RENDERING) != render_type_text(plain, RENDERING):
            plain = plain.with_variant(special, dialect.name)
    return plain
