"""Keeps search indexes of SQLite in step with tables that are renamed, made anew or dropped.

An index is a table of its own there, which refers to the table and its columns by name.
"""

from collections.abc import Callable, Generator, Set
from contextlib import contextmanager

import sqlalchemy as sa

from undercroft.db.connections.search_indexes import Search
from undercroft.db.connections.searching import create_search, drop_search
from undercroft.db.connections.sqlite_search import find_searches, quote, write_rebuild


@contextmanager
def moved_searches(
    connection: sa.Connection, table: str, move: Callable[[Search], Search]
) -> Generator[None]:
    """Make the indexes of a table anew after what is renamed in the block.

    Args:
        connection: To the database.
        table: The table.
        move: Gives an index under the new names.
    """
    found = [each for each in find_searches(connection) if each.table == table]
    moved = [(each, move(each)) for each in found]
    changed = [(before, after) for before, after in moved if before != after]
    for before, _ in changed:
        drop_search(connection, before)
    yield
    for _, after in changed:
        create_search(connection, after)


def mend_searches(connection: sa.Connection, made_anew: Set[str]) -> None:
    """Drop indexes that lost a column or their table, and fill those of tables made anew.

    Args:
        connection: To the database.
        made_anew: Tables whose rows came back without their triggers.
    """
    for search in find_searches(connection):
        rows = connection.exec_driver_sql(f"PRAGMA table_info({quote(search.table)})").all()
        if not set(search.columns) <= {row[1] for row in rows}:
            drop_search(connection, search)
        elif search.table in made_anew:
            connection.exec_driver_sql(write_rebuild(search))
