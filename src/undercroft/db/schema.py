"""Make or drop all tables at once, for tests and scripts; a project's database has migrations."""

import sqlalchemy as sa

from undercroft.concurrency import run_in_thread
from undercroft.db.connections.databases import databases
from undercroft.db.connections.failures import raise_translated
from undercroft.db.connections.searching import get_vendor
from undercroft.db.fields.arrays import Array
from undercroft.db.internals import keep_constraints
from undercroft.db.mapping import registry
from undercroft.db.mapping.completing import UNMANAGED
from undercroft.db.mapping.search_indexes import get_searches
from undercroft.db.model import Model
from undercroft.db.queries.expressions import resolve_own_order
from undercroft.errors import ImproperlyConfigured


def create_all(alias: str = "default") -> None:
    """Create the tables of every model that has none yet, but for those with `managed = False`.

    Raises:
        DatabaseUnavailable: The database cannot be reached.
        FieldError: A model's `Meta.ordering` names what is no field.
        ImproperlyConfigured: A model has a field or search index that this kind of database does
            not know.
    """
    engine, tables = databases[alias].sync_engine, list_tables()
    check_orderings()
    check_types(tables, engine.dialect.name)
    check_searches(tables, engine.dialect.name)
    try:
        with keep_constraints(tables):
            Model.metadata.create_all(engine, tables)
    except Exception as error:  # noqa: BLE001 - translated
        raise_translated(error)


def drop_all(alias: str = "default") -> None:
    """Drop the tables of every model, but for those with `managed = False`.

    Raises:
        DatabaseUnavailable: The database cannot be reached.
    """
    engine, tables = databases[alias].sync_engine, list_tables()
    try:
        with keep_constraints(tables):
            Model.metadata.drop_all(engine, tables)
    except Exception as error:  # noqa: BLE001 - translated
        raise_translated(error)


async def acreate_all(alias: str = "default") -> None:
    """As `create_all`, from async code."""
    await run_in_thread(create_all, alias)


async def adrop_all(alias: str = "default") -> None:
    """As `drop_all`, from async code."""
    await run_in_thread(drop_all, alias)


def list_tables() -> list[sa.Table]:
    """List the tables that are made here."""
    registry.settle()
    return [table for table in Model.metadata.tables.values() if not table.info.get(UNMANAGED)]


def check_orderings() -> None:
    """Check that every model's `Meta.ordering` names fields.

    Raises:
        FieldError: One does not; the model is named.
    """
    for model in registry.all_models():
        resolve_own_order(model.__options__, {})


def check_types(tables: list[sa.Table], vendor: str) -> None:
    """Check that a kind of database knows the types of all columns.

    Raises:
        ImproperlyConfigured: It does not.
    """
    for table in tables:
        for column in table.columns:
            if isinstance(column.type, Array) and vendor != "postgresql":
                raise ImproperlyConfigured(
                    f"{table.name}.{column.name} is an ArrayField, which {vendor} does not know: "
                    "expected PostgreSQL.",
                    hint="Use a JSONField, or a model of its own for the values.",
                    code="db.array",
                )


def check_searches(tables: list[sa.Table], vendor: str) -> None:
    """Check, before any table is made, that a kind of database can search.

    Raises:
        ImproperlyConfigured: It cannot.
    """
    for table in tables:
        for search in get_searches(table).values():
            get_vendor(vendor, search)
