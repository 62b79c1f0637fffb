"""Makes the functions known to a connection."""

from collections.abc import Callable
from typing import Any

from undercroft.db.connections.sqlite_functions.aggregates import AGGREGATES
from undercroft.db.connections.sqlite_functions.decimals import DECIMAL_AGGREGATES, DECIMALS
from undercroft.db.connections.sqlite_functions.faults import note_fault
from undercroft.db.connections.sqlite_functions.fitting import FITTING
from undercroft.db.connections.sqlite_functions.json import JSON
from undercroft.db.connections.sqlite_functions.moments import MOMENTS
from undercroft.db.connections.sqlite_functions.numbers import NUMBERS
from undercroft.db.connections.sqlite_functions.search import SEARCH
from undercroft.db.connections.sqlite_functions.text import TEXT

#: The functions, and how many arguments they take.
_FUNCTIONS = {**DECIMALS, **FITTING, **JSON, **MOMENTS, **NUMBERS, **SEARCH, **TEXT}


def register_functions(connection: Any) -> None:
    """Make the functions known to a connection.

    Args:
        connection: `sqlite3`'s.
    """
    for name, (arity, function) in _FUNCTIONS.items():
        connection.create_function(name, arity, _skip_null(function), deterministic=True)
    for name, (arity, aggregate) in {**AGGREGATES, **DECIMAL_AGGREGATES}.items():
        connection.create_window_function(name, arity, aggregate)


def _skip_null(function: Callable[..., Any]) -> Callable[..., Any]:
    """Answer NULL when an argument is NULL, as SQL's own functions do; keep what goes wrong."""

    def call(*arguments: Any) -> Any:
        if None in arguments:
            return None
        try:
            return function(*arguments)
        except Exception as error:
            note_fault(error)
            # An OverflowError would tell SQLite of a text too long.
            raise ValueError from error

    return call
