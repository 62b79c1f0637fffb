"""The SQL of a queryset, to be looked at: the text, and its values apart from it."""

from typing import Any, NamedTuple

from undercroft.db.lane import get_lane
from undercroft.db.queries.shape import Call


class QuerySQL(NamedTuple):
    """What a queryset asks its database; `str()` gives the text.

    Attributes:
        sql: The text as the driver of sync code gets it, with a mark for each value.
        values: The values, in the order of the marks. They are never written into the text.
    """

    sql: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        return self.sql


def show(call: Call, alias: str) -> QuerySQL:
    """Show what a call asks; a server may be asked for its version first, rows never are."""
    compiled = get_lane(alias).prepare(call)
    return QuerySQL(compiled.sql, tuple(compiled.bind(call.parameters)))
