"""What a query is apart from its values: a hashable shape, which keys the compiled statements.

An operation is a tuple whose first element names it; `statements` gives each its SQL.

    ("where", lookup)               one parameter
    ("in", lookup, length)          one parameter, a tuple of that length
    ("null", lookup, is_null)       none
    ("range", lookup)               two
    ("expression", expression)      as many as the expression has values
    ("exclude", operations)         those of its operations
    ("order", ())                   none; forgets the order so far
    ("order-add", terms)            none; terms are `OrderTerm`
    ("order-expression", expression)
    ("reverse",)
    ("related", paths)              relations to load along
    ("offset",), ("limit",)         one each, always last
"""

from collections.abc import Hashable
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa

from undercroft.db.internals import describe_expression

Operation: TypeAlias = tuple[Any, ...]
Operations: TypeAlias = tuple[Operation, ...]
Parameters: TypeAlias = tuple[Any, ...]


class Shape(NamedTuple):
    """What a statement is apart from its values.

    Attributes:
        kind: `instances`, `dicts`, `tuples`, `count`, `exists`, `insert`, `update` or `delete`.
        model: The model it is about.
        columns: What is selected or written; its form depends on the kind.
        operations: The steps of the queryset, in order.
    """

    kind: str
    model: type[Any]
    columns: Hashable = None
    operations: Operations = ()


class Call(NamedTuple):
    """One statement with its values, to be run on one database."""

    shape: Shape
    parameters: Parameters
    alias: str = "default"


class OrderTerm(NamedTuple):
    """A column to order by, reached through relations."""

    path: tuple[str, ...]
    column: str
    descending: bool


class Expression:
    """A SQLAlchemy expression as part of a shape: equal to another that differs in values only.

    Args:
        element: The expression.

    Attributes:
        binds: The bound parameters in it, in the order of `parameters`.
        parameters: Their values.
        key: What distinguishes it; None when only the object itself can.
    """

    __slots__ = ("_hash", "binds", "element", "key", "parameters")

    def __init__(self, element: sa.ColumnElement[Any]) -> None:
        self.element = element
        described = describe_expression(element)
        self.binds: list[sa.BindParameter[Any]] = []
        self.parameters: Parameters = ()
        self.key: Hashable = None
        if described is not None:
            structure, self.binds = described
            self.parameters = tuple(
                tuple(bind.effective_value or ()) if bind.expanding else bind.effective_value
                for bind in self.binds
            )
            # A list's length is part of the text of the statement.
            lengths = tuple(
                len(value) if bind.expanding else None
                for bind, value in zip(self.binds, self.parameters, strict=True)
            )
            self.key = (structure, lengths)
        self._hash = hash(self.key) if self.key is not None else id(self)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Expression) and self.key is not None and self.key == other.key
