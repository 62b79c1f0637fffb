"""Makes the functions known to a connection."""

from collections.abc import Callable
from typing import Any

from undercroft.db.connections.sqlite_functions.aggregates import AGGREGATES
from undercroft.db.connections.sqlite_functions.json import JSON
from undercroft.db.connections.sqlite_functions.moments import MOMENTS
from undercroft.db.connections.sqlite_functions.numbers import NUMBERS
from undercroft.db.connections.sqlite_functions.search import SEARCH
from undercroft.db.connections.sqlite_functions.text import TEXT

#: The functions, and how many arguments they take.
_FUNCTIONS = {**JSON, **MOMENTS, **NUMBERS, **SEARCH, **TEXT}


def register_functions(connection: Any) -> None:
    """Make the functions known to a connection.

    Args:
        connection: `sqlite3`'s.
    """
    for name, (arity, function) in _FUNCTIONS.items():
        connection.create_function(name, arity, _skip_null(function), deterministic=True)
    for name, (arity, aggregate) in AGGREGATES.items():
        connection.create_window_function(name, arity, aggregate)


def _skip_null(function: Callable[..., Any]) -> Callable[..., Any]:
    """Answer NULL when an argument is NULL, as SQL's own functions do."""

    def call(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return call
