"""Makes and drops search indexes, on the databases that know how."""

from types import ModuleType

import sqlalchemy as sa

from undercroft.db.connections import postgresql_search, sqlite_search
from undercroft.db.connections.search_indexes import Search
from undercroft.errors import ImproperlyConfigured

_VENDORS: dict[str, ModuleType] = {"postgresql": postgresql_search, "sqlite": sqlite_search}


def create_search(connection: sa.Connection, search: Search) -> None:
    """Make an index; rows that are there are found by it.

    Raises:
        ImproperlyConfigured: The database cannot search, or not so, or not this table.
    """
    vendor = get_vendor(connection.dialect.name, search)
    _run(connection, vendor.list_creating(connection, search))


def drop_search(connection: sa.Connection, search: Search) -> None:
    """Drop an index."""
    vendor = get_vendor(connection.dialect.name, search)
    _run(connection, vendor.list_dropping(connection, search))


def get_vendor(name: str, search: Search) -> ModuleType:
    """Get what knows how an index is made on a kind of database.

    Raises:
        ImproperlyConfigured: It cannot search.
    """
    found = _VENDORS.get(name)
    if found is None:
        raise ImproperlyConfigured(
            f"SearchIndex {search.name!r} on {search.table!r} cannot be made on {name}: expected "
            "PostgreSQL or SQLite.",
            hint="Use one of them, or take the index out and look for text by `icontains`.",
            code="db.search-index",
        )
    return found


def _run(connection: sa.Connection, statements: list[str]) -> None:
    for statement in statements:
        # No value is bound: a colon is a colon.
        connection.execute(sa.text(statement.replace(":", "\\:")))
