"""What a name or an expression turns out to be: its node, its type, and when it can be told."""

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.arrays import Array
from undercroft.db.fields.time_types import Duration, UTCDateTime
from undercroft.db.fields.types import BigId, DecimalResult, Json
from undercroft.db.fields.values import Convert, build_converter
from undercroft.db.queries.shape import Node, TypeKey

#: When an expression can be told: of a row, of a group of rows, of a window over the result.
ROW, GROUP, WINDOW = 0, 1, 2

#: What a condition on an expression of each level is wrapped in.
LEVELS = {GROUP: "having", WINDOW: "qualify"}

#: The types of expressions, by the name a shape has for them.
TYPES: dict[str, TypeEngine[Any]] = {
    "any": sa.types.NullType(),
    "bool": sa.Boolean(),
    "bytes": sa.LargeBinary(),
    "date": sa.Date(),
    "datetime": UTCDateTime(),
    "decimal": DecimalResult(),
    "double": sa.Double(),
    "float": sa.Float(53),
    "int": sa.Integer(),
    "bigint": sa.BigInteger(),
    "id": BigId,
    "interval": Duration(),
    "json": Json,
    "text": sa.Text(),
    "time": sa.Time(),
    "uuid": sa.Uuid(),
}


@dataclass(frozen=True, slots=True)
class Term:
    """An expression with what is known of it.

    Attributes:
        node: The expression as part of a shape.
        type: Of its values.
        level: `ROW`, `GROUP` or `WINDOW`.
        null: Whether it may be NULL.
        many: Whether it is reached through a relation to several rows.
        owner: The name of the model it belongs to, for messages.
        name: What it is called there.
        convert: Checks and converts a value compared with it.
        source: What it is a part of, such as the moment of a year.
    """

    node: Node
    type: TypeEngine[Any]
    level: int = ROW
    null: bool = True
    many: bool = False
    owner: str = ""
    name: str = "expression"
    convert: Convert | None = None
    source: "Term | None" = None

    def get_converter(self) -> Convert:
        """Get what checks and converts a value compared with it."""
        return self.convert or build_type_converter(self.type)


def build_type_converter(column_type: TypeEngine[Any]) -> Convert:
    """Build what checks and converts the values of a type."""
    return build_converter(sa.Column("value", column_type))


def match_lists(terms: list[Term]) -> list[Term]:
    """Let plain lists beside an array be arrays of its type; by themselves they are JSON."""
    array = next((each.type for each in terms if isinstance(each.type, Array)), None)
    if array is None:
        return terms
    node = ("bind", TypeKey(array))
    return [
        replace(each, node=node, type=array) if each.node == ("bind", "json") else each
        for each in terms
    ]


#: Nodes within which is none of the query's own.
_APART = frozenset({"exists", "subquery"})


def has_node(node: Any, kind: str) -> bool:
    """Tell whether a node, or one within it, is of a kind; subqueries have their own."""
    if not issubclass(type(node), tuple) or not node or node[0] in _APART:
        return False
    return node[0] == kind or any(has_node(part, kind) for part in node)


def has_aggregate(node: Any) -> bool:
    """Tell whether a node is, or has within it, an aggregate that needs groups."""
    if not issubclass(type(node), tuple) or not node or node[0] in (*_APART, "window"):
        return False
    return node[0] == "aggregate" or any(map(has_aggregate, node))
