"""How the SQL of a function is built, and the commonest ways to do so."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.functions import Function

from undercroft.db.queries.terms import TYPES

#: Builds a function: with the statement's builder, the arguments, and the option.
Build = Callable[[Any, Sequence[Any], Any], Any]


def same(name: str) -> Build:
    """Build a function that every database has under one name, typed as its first argument."""

    def build(_builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        typed = next((each for each in arguments if not isinstance(each, sa.Null)), arguments[0])
        return call(name, *arguments, type_=typed.type)

    return build


def typed(type_name: str, name: str, **names: str) -> Build:
    """Build a function of one type.

    Args:
        type_name: The type by its name in `terms.TYPES`.
        name: The function's name.
        names: Its name on databases where it has another.
    """

    def build(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
        return call(names.get(builder.vendor, name), *arguments, type_=TYPES[type_name])

    return build


def call(name: str, *arguments: Any, type_: Any = None) -> Any:
    """Call a function by exactly this name: `sa.func` knows better about some."""
    return Function(name, *arguments, type_=type_)


def call_custom(_builder: Any, arguments: Sequence[Any], name: Any) -> Any:
    """Call a function of the user's; its name has been checked."""
    schema, _, own = name.rpartition(".")
    column_type = arguments[0].type if arguments else None
    return Function(own, *arguments, type_=column_type, packagenames=(schema,) if schema else None)
