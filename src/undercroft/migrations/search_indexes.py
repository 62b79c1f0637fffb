"""Makes and drops search indexes in migrations: `op.create_search_index` and its opposite."""

from collections.abc import Mapping, Sequence
from typing import Any

from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import renderers
from alembic.operations import Operations, ops

from undercroft.db.connections.search_indexes import Search
from undercroft.db.connections.searching import create_search, drop_search
from undercroft.migrations.recording import Recorder


@Operations.register_operation("create_search_index")
class CreateSearchIndexOp(ops.MigrateOperation):
    """Makes a search index.

    Args:
        search: The index.
    """

    def __init__(self, search: Search) -> None:
        self.search = search

    @classmethod
    def create_search_index(  # noqa: PLR0913 - as `op.create_index`, with what search needs
        cls,
        operations: Operations,
        index_name: str,
        table_name: str,
        columns: Sequence[str],
        *,
        config: str = "english",
        weights: Mapping[str, str] | None = None,
    ) -> None:
        """Make an index for full-text search; rows that are there are found by it.

        Args:
            operations: Carries it out.
            index_name: The index's name.
            table_name: The table's.
            columns: The names of the columns.
            config: What makes words of text.
            weights: How much the words of a column count, from A to D, by its name.
        """
        letters = tuple((weights or {}).get(each, "") for each in columns)
        operations.invoke(cls(Search(index_name, table_name, tuple(columns), config, letters)))


@Operations.register_operation("drop_search_index")
class DropSearchIndexOp(ops.MigrateOperation):
    """Drops a search index.

    Args:
        index_name: The index's name.
        table_name: The table's.
    """

    def __init__(self, index_name: str, table_name: str) -> None:
        self.search = Search(index_name, table_name, (), "", ())

    @classmethod
    def drop_search_index(cls, operations: Operations, index_name: str, table_name: str) -> None:
        """Drop an index for full-text search.

        Args:
            operations: Carries it out.
            index_name: The index's name.
            table_name: The table's.
        """
        operations.invoke(cls(index_name, table_name))


@Operations.implementation_for(CreateSearchIndexOp)
def carry_out_create(operations: Operations, operation: CreateSearchIndexOp) -> None:
    """Make the index, or record it."""
    impl: Any = operations.impl
    if isinstance(impl, Recorder):
        impl.create_search(operation.search)
    else:
        create_search(impl.connection, operation.search)


@Operations.implementation_for(DropSearchIndexOp)
def carry_out_drop(operations: Operations, operation: DropSearchIndexOp) -> None:
    """Drop the index, or forget it."""
    impl: Any = operations.impl
    if isinstance(impl, Recorder):
        impl.drop_search(operation.search)
    else:
        drop_search(impl.connection, operation.search)


@renderers.dispatch_for(CreateSearchIndexOp)
def render_create(_context: AutogenContext, operation: CreateSearchIndexOp) -> str:
    """Write what makes an index."""
    search = operation.search
    named = zip(search.columns, search.weights, strict=True)
    weights = {column: weight for column, weight in named if weight}
    given = [repr(search.name), repr(search.table), repr(list(search.columns))]
    given.append(f"config={search.config!r}")
    if weights:
        given.append(f"weights={weights!r}")
    return f"op.create_search_index({', '.join(given)})"


@renderers.dispatch_for(DropSearchIndexOp)
def render_drop(_context: AutogenContext, operation: DropSearchIndexOp) -> str:
    """Write what drops an index."""
    return f"op.drop_search_index({operation.search.name!r}, {operation.search.table!r})"
