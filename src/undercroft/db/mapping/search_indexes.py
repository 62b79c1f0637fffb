"""The index in `Meta.indexes` that makes a model one to be searched for words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from undercroft.db.connections.search_indexes import SEARCHES, Search
from undercroft.db.connections.searching import create_search, drop_search
from undercroft.db.mapping.names import find_column, name_declared
from undercroft.errors import ImproperlyConfigured

#: A configuration's name, with that of its schema where it needs one.
_CONFIG = re.compile(r"(?:[a-z_]\w{0,62}\.)?[a-z_]\w{0,62}", re.ASCII)

#: How much a word counts, from much to little.
WEIGHTS = "ABCD"


class SearchIndex:
    """An index for full-text search, on PostgreSQL and SQLite.

    `SearchIndex(fields=["title", "body"], name="post_search", weights={"title": "A"})`

    Args:
        fields: Names of fields with text.
        name: The index's, which may hold `%(app_label)s` and `%(class)s`.
        config: What makes words of text, by PostgreSQL's name: `english` knows the endings of
            English words, `simple` takes them as they are.
        weights: How much the words of a field count, from A to D, by its name.

    Raises:
        ImproperlyConfigured: There are no fields, or a weight or configuration is none.
    """

    def __init__(
        self,
        *,
        fields: Sequence[str],
        name: str,
        config: str = "english",
        weights: Mapping[str, str] | None = None,
    ) -> None:
        if not fields or isinstance(fields, str):
            raise ImproperlyConfigured(
                f"SearchIndex(fields={fields!r}): expected a list of fields.",
                code="db.search-index",
            )
        self.fields = tuple(fields)
        self.name = name
        self.config = check_config(config)
        self.weights = dict(weights or {})
        for field, weight in self.weights.items():
            check_weight(weight)
            if field not in self.fields:
                raise ImproperlyConfigured(
                    f"SearchIndex {name!r} weighs {field!r}, which is none of its fields "
                    f"{', '.join(self.fields)}.",
                    code="db.search-index",
                )

    def __repr__(self) -> str:
        return f"<SearchIndex {self.name!r}>"

    def attach(self, model: Any) -> None:
        """Let the table of a mapped class be made and dropped with its index."""
        table: sa.Table = model.__table__
        columns = [find_column(model, each) for each in self.fields]
        for field, column in zip(self.fields, columns, strict=True):
            if not isinstance(column.type, sa.String):
                raise ImproperlyConfigured(
                    f"SearchIndex {self.name!r} is over {model.__name__}.{field}, which is no "
                    f"text but {column.type!r}.",
                    code="db.search-index",
                )
        add_search(
            table,
            Search(
                name_declared(model, self.name),
                table.name,
                tuple(column.name for column in columns),
                self.config,
                tuple(self.weights.get(each, "") for each in self.fields),
            ),
        )


def add_search(table: sa.Table, search: Search) -> None:
    """Let a table be made and dropped with an index."""
    searches: dict[str, Search] = table.info.setdefault(SEARCHES, {})
    if search.name in searches:
        raise ImproperlyConfigured(
            f"{table.name!r} has two search indexes called {search.name!r}.",
            code="db.search-index",
        )
    searches[search.name] = search

    def create(_table: sa.Table, connection: sa.Connection, **_options: object) -> None:
        create_search(connection, search)

    def drop(_table: sa.Table, connection: sa.Connection, **_options: object) -> None:
        drop_search(connection, search)

    event.listen(table, "after_create", create)
    event.listen(table, "before_drop", drop)


def get_searches(table: Any) -> dict[str, Search]:
    """Get the search indexes of a table by name."""
    found: dict[str, Search] = table.info.get(SEARCHES, {})
    return found


def check_config(config: str) -> str:
    """Check that what becomes part of a statement as a configuration's name is one.

    Raises:
        ImproperlyConfigured: It is none.
    """
    if _CONFIG.fullmatch(config):
        return config
    raise ImproperlyConfigured(
        f"{config!r} is no name of a search configuration: expected one such as 'english' or "
        "'simple'.",
        code="db.search-config",
    )


def check_weight(weight: str) -> str:
    """Check a weight.

    Raises:
        ImproperlyConfigured: It is none.
    """
    if weight in tuple(WEIGHTS):
        return weight
    raise ImproperlyConfigured(
        f"{weight!r} is no weight: expected 'A', 'B', 'C' or 'D'.", code="db.search-index"
    )


def find_searches(columns: Sequence[Any]) -> list[Search]:
    """Find the indexes that have all of some columns of one table, that with the fewest first.

    Args:
        columns: Columns of a table or of an alias; anything else is in no index.
    """
    names: set[str] = set()
    tables: set[Any] = set()
    for column in columns:
        if not isinstance(column, sa.Column):
            return []
        names.add(column.name)
        tables.add(column.table)
    if len(tables) != 1:
        return []
    (table,) = tables
    declared: Any = getattr(table, "element", table)
    if not isinstance(declared, sa.Table):
        return []
    found = [each for each in get_searches(declared).values() if names <= set(each.columns)]
    return sorted(found, key=lambda each: len(each.columns))
