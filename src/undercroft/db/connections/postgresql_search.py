"""Search indexes on PostgreSQL: a GIN index over the words of the columns."""

from collections.abc import Callable

import sqlalchemy as sa

from undercroft.db.connections.search_indexes import Search, build_unknown_config

_CONFIGS = sa.text("SELECT cfgname FROM pg_ts_config")


def list_creating(connection: sa.Connection, search: Search) -> list[str]:
    """List the statements that make an index.

    Raises:
        ImproperlyConfigured: The database does not have its configuration.
    """
    known = frozenset(str(name) for name in connection.execute(_CONFIGS).scalars())
    if search.config.rpartition(".")[2] not in known:
        raise build_unknown_config(search.config, known)
    quote = connection.dialect.identifier_preparer.quote
    vector = write_vector(search, quote)
    return [f"CREATE INDEX {quote(search.name)} ON {quote(search.table)} USING gin (({vector}))"]


def list_dropping(connection: sa.Connection, search: Search) -> list[str]:
    """List the statements that drop an index."""
    return [f"DROP INDEX {connection.dialect.identifier_preparer.quote(search.name)}"]


def write_vector(search: Search, quote: Callable[[str], str]) -> str:
    """Write the words of the columns as SQL, just as queries ask for them."""
    words = [
        f"to_tsvector('{search.config}', coalesce({quote(each)}, ''))" for each in search.columns
    ]
    weighed = zip(words, search.weights, strict=True)
    return " || ".join(f"setweight({word}, '{each}')" if each else word for word, each in weighed)
