"""What groups have to be told by beside what they are made of: what is shown, or asked, of them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from undercroft.db.queries.lookups import KeyLookup, Lookup
from undercroft.db.queries.shape import Node, Operation, Shape

#: The kinds of statements that show columns by name.
_SHOWING = frozenset({"count", "exists", "rows"})

#: Within these are no columns of the group: of many rows, or of another query.
_APART = frozenset({"aggregate", "exists", "subquery", "window"})


def list_further(
    shape: Shape, group: Sequence[Node] | None, tested: Iterable[Operation]
) -> list[Node]:
    """List the columns that GROUP BY has to name as well.

    Args:
        shape: Of the statement.
        group: What rows are grouped by; None for the key of their own table.
        tested: The conditions on groups.
    """
    described: Any = shape.columns if shape.kind in _SHOWING else None
    shown: list[Node] = [] if described is None else [*_list_columns(described[2])]
    if group is None:
        # The key says what stands beside it in its table, but not to MariaDB's HAVING.
        shown = [node for node in shown if node[1]]
    needed = [*shown, *_list_columns(tuple(tested))]
    return [node for node in dict.fromkeys(needed) if node not in (group or ())]


def _list_columns(node: Any) -> Iterator[Node]:
    if isinstance(node, Lookup):
        yield from _list_columns(node.left)
    elif isinstance(node, KeyLookup):
        yield from _list_columns(tuple(part.left for part in node.parts))
    elif issubclass(type(node), tuple) and node and node[0] not in _APART:
        if node[0] == "column":
            yield node
        else:
            for part in node:
                yield from _list_columns(part)
