"""What a query is apart from its values: a hashable shape, which keys the compiled statements.

A shape is made of tuples whose first element names them; the room `sql` gives each its SQL. Values
are kept beside it, in the order in which the tuples name them.

Operations of a queryset, in the order they were asked for:

    ("together", conditions)           one call of filter(), whose conditions share their joins
    ("annotate", name, node, level) those of the node; levels are those of `terms`
    ("alias", name, node, level)    as "annotate", without showing it
    ("group", nodes)                GROUP BY these; by the row's key when None
    ("order", ())                   forgets the order so far
    ("order-add", terms)            terms are `OrderTerm`
    ("reverse",)
    ("related", paths)              relations to load along
    ("defer", keys)                 columns that instances do without
    ("distinct", nodes)             of whole rows when empty
    ("lock", options)               FOR UPDATE
    ("combine", name, all, shapes)  the rows of several queries take the table's place
    ("rank", node)                  the slice counts within each group of rows alike in this
    ("offset",), ("limit",)         one value each, always last

Conditions, which are operations too:

    ("where", lookup)               one value
    ("where-to", lookup, node)      those of the node
    ("in", lookup, length)          one value, a tuple of that length
    ("in-nodes", lookup, nodes)     those of the nodes
    ("in-query", lookup, shape)     those of the shape
    ("keys-in-query", lookup, shape)    likewise, of a key of several columns
    ("json-null", lookup)           none
    ("json-keys", lookup, count)    as many
    ("null", lookup, is_null)       none
    ("range", lookup)               two
    ("range-to", lookup, nodes)     those of the two nodes
    ("true", node)                  those of the node
    ("and" | "or" | "xor" | "not", conditions)
    ("having" | "qualify", condition)   on an aggregate, on a window

Nodes, which are expressions:

    ("column", path, key)           at the end of a path of relations
    ("ref", name)                   an annotation
    ("bind", type)                  one value
    ("null",), ("star",)
    ("math", operator, left, right)
    ("call", function, nodes, option)
    ("transform", name, node)       a part of a date, a length
    ("json", node, keys)            what lies within JSON
    ("cast", node, type)
    ("case", ((conditions, node), ...), otherwise)
    ("aggregate", function, nodes, distinct, conditions, order, option)
    ("window", node, partition, order, frame)
    ("subquery" | "exists", shape)
    ("outer", name, depth)          a column of the query around
    ("conditions", conditions)      as a value, true or false
    ("adopted", expression)         SQLAlchemy's; as many values as it has
"""

from collections.abc import Hashable
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa

from undercroft.db.internals import describe_expression
from undercroft.errors import FieldError

Operation: TypeAlias = tuple[Any, ...]
Operations: TypeAlias = tuple[Operation, ...]
Parameters: TypeAlias = tuple[Any, ...]
Node: TypeAlias = tuple[Any, ...]

#: A slice: its first row, and the one behind its last.
Window: TypeAlias = tuple[int, int | None]

#: The slice that leaves nothing out.
WHOLE: Window = (0, None)


class Shape(NamedTuple):
    """What a statement is apart from its values.

    Attributes:
        kind: What is asked for or done; `sql.statements` lists the kinds.
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
    """An expression to order by.

    Attributes:
        node: The expression.
        descending: Whether the greatest comes first.
        nulls: `first`, `last`, or empty for the database's way.
    """

    node: Node
    descending: bool
    nulls: str = ""


class Adopted:
    """A SQLAlchemy expression as part of a shape: equal to another that differs in values only.

    Args:
        element: The expression.

    Raises:
        FieldError: One of ours stands within it as a value.

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
            _check_values(self.parameters)
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
        return isinstance(other, Adopted) and self.key is not None and self.key == other.key


def _check_values(values: Parameters) -> None:
    """Check that no expression of ours was taken for a value.

    Raises:
        FieldError: One was.
    """
    for value in values:
        if hasattr(value.__class__, "resolve_in"):
            raise FieldError(
                f"{value!r} stands within an expression of SQLAlchemy's, which takes it for a "
                "value.",
                hint=f"Write {value!r} first, on the left, or the mapped column itself.",
                code="db.condition",
            )


class TypeKey:
    """A column type as part of a shape: equal to another that says the same.

    Args:
        type_: SQLAlchemy's.
    """

    __slots__ = ("key", "type")

    def __init__(self, type_: sa.types.TypeEngine[Any]) -> None:
        self.type = type_
        self.key = (type(type_), repr(type_))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeKey) and self.key == other.key
