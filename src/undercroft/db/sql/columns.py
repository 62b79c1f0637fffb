"""The columns of a SELECT, which its other clauses refer to.

PostgreSQL takes an expression with bound values for another one wherever it stands again: what is
selected, grouped and ordered by has to be written once, and referred to.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors

#: A name without a table, and text as it is; both of no type that a checker could know.
_name: Any = sa.column
_write: Any = sa.literal_column


class Columns:
    """What a SELECT shows, in order.

    Args:
        elements: The columns to begin with.

    Attributes:
        elements: The columns; those referred to are labelled.
    """

    def __init__(self, elements: Iterable[Any] = ()) -> None:
        self.elements = list(elements)

    def find(self, element: Any) -> int | None:
        """Find the position of an expression, the same object and not only an equal one."""
        wanted = _unlabel(element)
        for index, column in enumerate(self.elements):
            if _unlabel(column) is wanted:
                return index
        return None

    def add(self, element: Any) -> int:
        """Show an expression, once; give its position."""
        index = self.find(element)
        if index is None:
            index = len(self.elements)
            self.elements.append(_unlabel(element))
        self.name(index)
        return index

    def name(self, index: int) -> str:
        """Give a column a name, if it has none; tell it."""
        column = self.elements[index]
        if not issubclass(type(column), sa.Label):
            column = self.elements[index] = column.label(f"c{index}")
        return str(column.name)

    def refer(self, element: Any) -> Any:
        """Refer to a column by its name, where it has values and is shown."""
        index = self.find(element) if has_binds(element) else None
        # A column without a table is one of this SELECT.
        return element if index is None else _name(self.name(index), element.type)

    def count(self, element: Any) -> Any:
        """Refer to a column by its position, where it has values and is shown."""
        index = self.find(element) if has_binds(element) else None
        return element if index is None else _write(str(index + 1))


def _unlabel(element: Any) -> Any:
    return element.element if issubclass(type(element), sa.Label) else element


def has_binds(element: Any) -> bool:
    """Tell whether there are bound values in an expression."""
    return any(isinstance(part, sa.BindParameter) for part in visitors.iterate(element))
