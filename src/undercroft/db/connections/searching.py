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
    _run(connection, _get_vendor(connection, search).list_creating(connection, search))


def drop_search(connection: sa.Connection, search: Search) -> None:
    """Drop an index."""
    _run(connection, _get_vendor(connection, search).list_dropping(connection, search))


def _get_vendor(connection: sa.Connection, search: Search) -> ModuleType:
    found = _VENDORS.get(connection.dialect.name)
    if found is None:
        raise ImproperlyConfigured(
            f"SearchIndex {search.name!r} on {search.table!r} cannot be made on "
            f"{connection.dialect.name}: expected PostgreSQL or SQLite.",
            hint="Use one of them, or take the index out and look for text by `icontains`.",
            code="db.search-index",
        )
    return found


def _run(connection: sa.Connection, statements: list[str]) -> None:
    for statement in statements:
        # No value is bound: a colon is a colon.
        connection.execute(sa.text(statement.replace(":", "\\:")))
