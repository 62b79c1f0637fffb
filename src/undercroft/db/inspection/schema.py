"""What a live database says of a table, as SQLAlchemy's inspector reports it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.types import TypeEngine

from undercroft.db.connections.search_indexes import Search


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """A column.

    Attributes:
        declared: The type as the database spells it.
        default: SQL; None when there is none.
        is_counted: Whether the database numbers the rows by it.
        identity: The options of an identity column; None for others.
        computed: SQL of a generated column, and whether its values are stored; None for others.
    """

    name: str
    type: TypeEngine[Any]
    declared: str
    nullable: bool
    default: str | None
    is_counted: bool
    identity: Mapping[str, Any] | None
    computed: tuple[str, bool | None] | None
    comment: str


@dataclass(frozen=True, slots=True)
class ForeignKeySchema:
    """A foreign key.

    Attributes:
        schema: That of the table it refers to; None for the same.
        options: `ondelete` and the like, where they are not what holds anyway.
    """

    name: str | None
    columns: tuple[str, ...]
    schema: str | None
    table: str
    referred: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UniqueSchema:
    """A unique constraint; `options` by SQLAlchemy's names."""

    name: str | None
    columns: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expression:
    """SQL where a column could stand."""

    sql: str


@dataclass(frozen=True, slots=True)
class IndexSchema:
    """An index; `options` by SQLAlchemy's names."""

    name: str | None
    parts: tuple[str | Expression, ...]
    is_unique: bool
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckSchema:
    """A check constraint."""

    name: str | None
    sql: str


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table or view.

    Attributes:
        options: What else is said of it, by SQLAlchemy's names.
        notes: What could not be read.
        searches: Indexes for full-text search; SQLite only.
    """

    name: str
    is_view: bool
    columns: tuple[ColumnSchema, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKeySchema, ...]
    uniques: tuple[UniqueSchema, ...]
    indexes: tuple[IndexSchema, ...]
    checks: tuple[CheckSchema, ...]
    comment: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    notes: tuple[str, ...] = ()
    searches: tuple[Search, ...] = ()

    def get_column(self, name: str) -> ColumnSchema:
        """Get a column by its name."""
        return next(column for column in self.columns if column.name == name)

    def is_unique(self, columns: tuple[str, ...]) -> bool:
        """Tell whether no two rows have the same values in columns, whatever their order."""
        wanted = set(columns)
        keys = [self.primary_key, *(each.columns for each in self.uniques)]
        keys += [
            tuple(part for part in each.parts if isinstance(part, str))
            for each in self.indexes
            if each.is_unique and not each.options and all(isinstance(p, str) for p in each.parts)
        ]
        return any(set(key) == wanted for key in keys)
