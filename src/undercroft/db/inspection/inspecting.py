"""Writes the models of a database that is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

import sqlalchemy as sa

from undercroft.concurrency import check_not_on_loop, run_in_thread
from undercroft.db.connections.databases import databases
from undercroft.db.connections.failures import raise_translated
from undercroft.db.inspection.column_types import ColumnTypes
from undercroft.db.inspection.fields import FieldWriter
from undercroft.db.inspection.meta import MetaWriter
from undercroft.db.inspection.reading import list_tables, read_table
from undercroft.db.inspection.relations import draft_models
from undercroft.db.inspection.schema import TableSchema
from undercroft.db.inspection.writing import ModuleWriter
from undercroft.db.model import Model
from undercroft.errors import ImproperlyConfigured

#: Tables of migrations, which have no models.
_OWN_TABLES: Final = frozenset({"alembic_version", "undercroft_migrations"})

_NAMES: Final = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """Which tables are written, and how.

    Attributes:
        using: The database's name.
        tables: Their names; all when empty.
        include_views: Views as well.
        label: The app the models are for: names of classes leave it out of the tables'.
        managed: Migrations take care of the tables from now on, so every name and detail of the
            database is kept; otherwise they are left alone.
        on_table: Called with each table's name once it was read, and how many there are.
    """

    using: str = "default"
    tables: Sequence[str] = ()
    include_views: bool = False
    label: str = ""
    managed: bool = False
    on_table: Callable[[str, int], None] = field(default=lambda _name, _count: None)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was written.

    Attributes:
        source: A module of Python, laid out as formatters do.
        tables: How many tables and views it is about.
        notes: What could not be read, by table.
    """

    source: str
    tables: int
    notes: dict[str, tuple[str, ...]]


def inspect_database(options: InspectOptions | None = None) -> Inspection:
    """Write the models of a database's tables.

    Raises:
        ImproperlyConfigured: A table that is named does not exist.
        DatabaseError: The database refuses to tell, or cannot be reached.
    """
    check_not_on_loop("inspect_database(...)", "await ainspect_database(...)")
    options = options or InspectOptions()
    database = databases[options.using]
    try:
        with database.sync_engine.connect() as connection:
            tables = read_tables(connection, options)
            dialect = connection.dialect
            fields = FieldWriter(ColumnTypes(dialect), database.vendor, options.managed)
            summary = f"Models of the tables that were found on {_NAMES[database.vendor]}."
            writer = ModuleWriter(fields, MetaWriter(fields, options.label), summary)
            prefix = f"{options.label}_" if options.label else ""
            source = writer.write(draft_models(tables, dir(Model), prefix))
    except Exception as error:  # noqa: BLE001 - translated
        raise_translated(error)
    notes = {table.name: table.notes for table in tables if table.notes}
    return Inspection(source, len(tables), notes)


async def ainspect_database(options: InspectOptions | None = None) -> Inspection:
    """As `inspect_database`, from async code."""
    return await run_in_thread(inspect_database, options)


def read_tables(connection: sa.Connection, options: InspectOptions) -> list[TableSchema]:
    """Read the tables that are asked for.

    Raises:
        ImproperlyConfigured: One does not exist.
    """
    known = list_tables(
        sa.inspect(connection), include_views=options.include_views or bool(options.tables)
    )
    for name in options.tables:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
            raise ImproperlyConfigured(
                f"There is no table {name!r} in database {options.using!r}.",
                hint=hint,
                code="inspection.unknown-table",
            )
    names = options.tables or [name for name in known if name not in _OWN_TABLES]
    tables: list[TableSchema] = []
    for name in names:
        tables.append(read_table(connection, name, is_view=known[name]))
        options.on_table(name, len(names))
    return tables
