"""What the inspector leaves out or guesses at, of SQLite above all, whose SQL it only parses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

_POSTGRESQL = sa.text(
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod)"
    " || repeat('[]', greatest(a.attndims - 1, 0))"
    " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    " WHERE c.relname = :name AND pg_table_is_visible(c.oid)"
    " AND a.attnum > 0 AND NOT a.attisdropped"
)
_MARIADB = sa.text(
    "SELECT column_name, column_type FROM information_schema.columns"
    " WHERE table_schema = DATABASE() AND table_name = :name"
)
_MARIADB_CHECKS = sa.text(
    "SELECT constraint_name, check_clause FROM information_schema.check_constraints"
    " WHERE constraint_schema = DATABASE() AND table_name = :name AND level = 'Column'"
    " ORDER BY constraint_name"
)
_SQLITE = sa.text("SELECT name, type FROM pragma_table_xinfo(:name)")
_SQLITE_KEYS = sa.text(
    'SELECT id, "from", on_delete, on_update FROM pragma_foreign_key_list(:name) ORDER BY id, seq'
)

_SQLITE_UNIQUES = sa.text(
    "SELECT l.name, i.name FROM pragma_index_list(:name) l, pragma_index_info(l.name) i"
    " WHERE l.origin = 'u' ORDER BY l.seq DESC, i.seqno"
)
_SQLITE_SQL = sa.text("SELECT sql FROM sqlite_master WHERE name = :name AND type = 'table'")

_CHECK = re.compile(r"\bCHECK\s*\(", re.IGNORECASE)

_TYPES = {"postgresql": _POSTGRESQL, "mariadb": _MARIADB, "mysql": _MARIADB, "sqlite": _SQLITE}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a database says of a table beside what the inspector reports.

    Attributes:
        types: Of columns, as the database spells them.
        deeds: ON DELETE and ON UPDATE of foreign keys, by their columns; SQLite only.
        uniques: Columns of unique constraints; SQLite only.
        check_count: How many checks there seem to be; SQLite only.
        checks: SQL of checks that stand at a column, by that; MariaDB only.
    """

    types: Mapping[str, str]
    deeds: Mapping[tuple[str, ...], tuple[str, str]] = field(
        default_factory=dict[tuple[str, ...], tuple[str, str]]
    )
    uniques: tuple[tuple[str, ...], ...] = ()
    check_count: int = 0
    checks: Mapping[str, str] = field(default_factory=dict[str, str])


def read_declared(connection: sa.Connection, table: str) -> Declared:
    """Read the declared types of a table's columns."""
    vendor = connection.dialect.name
    rows = connection.execute(_TYPES[vendor], {"name": table})
    types = {str(name): str(declared) for name, declared in rows}
    if vendor == "sqlite":
        sql = connection.scalar(_SQLITE_SQL, {"name": table}) or ""
        return Declared(
            types,
            deeds=_read_deeds(connection, table),
            uniques=_read_uniques(connection, table),
            check_count=len(_CHECK.findall(sql)),
        )
    if vendor == "postgresql":
        return Declared(types)
    checks = connection.execute(_MARIADB_CHECKS, {"name": table})
    return Declared(types, checks={str(column): str(sql) for column, sql in checks})


def _read_uniques(connection: sa.Connection, table: str) -> tuple[tuple[str, ...], ...]:
    """Read unique constraints: the inspector does not see `email VARCHAR(254) UNIQUE`."""
    columns: dict[str, list[str]] = {}
    for index, column in connection.execute(_SQLITE_UNIQUES, {"name": table}):
        columns.setdefault(index, []).append(column)
    return tuple(tuple(names) for names in columns.values())


def _read_deeds(connection: sa.Connection, table: str) -> dict[tuple[str, ...], tuple[str, str]]:
    """Read what SQLite does: the inspector parses it out of text, and not out of all text."""
    columns: dict[int, list[str]] = {}
    deeds: dict[int, tuple[str, str]] = {}
    for key, column, on_delete, on_update in connection.execute(_SQLITE_KEYS, {"name": table}):
        columns.setdefault(key, []).append(column)
        deeds[key] = (on_delete, on_update)
    return {tuple(names): deeds[key] for key, names in columns.items()}
