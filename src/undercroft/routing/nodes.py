"""The compiled form of routes: nodes by segment, edges for parameters, tails for the rest."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from undercroft.errors import RouteConflictError
from undercroft.routing.converters import NO_MATCH
from undercroft.routing.route import Route
from undercroft.routing.template import PathParam, Piece

Names = tuple[str, ...]
Leaf = dict[str, tuple[Route, Names]]
"""What answers at a place: by method, the route and the names of its parameters."""

_LONGEST = {1: 1 << 62, 2: 255, 3: 100}
"""How long a segment with so many parameters may be; matching takes about length ** (n - 1)."""


class Edge:
    """A step down by a segment that holds parameters.

    `match` converts the text of the segment into one value, or with `several` into a tuple.
    """

    __slots__ = ("key", "match", "node", "order", "several")

    def __init__(self, pieces: tuple[Piece, ...]) -> None:
        self.key = get_shape(pieces)
        self.several = len(pieces) > 1
        self.match: Callable[[str], Any]
        if self.several:
            self.match = build_matcher(pieces, None)
        elif isinstance(pieces[0], PathParam):
            self.match = pieces[0].converter.match
        self.order = get_order(pieces)
        self.node = Node()


class Tail:
    """The end of the way for paths whose rest is matched as a whole, slashes included."""

    __slots__ = ("key", "leaf", "match", "order")

    def __init__(self, pieces: tuple[Piece, ...], regex: str | None) -> None:
        self.key = (*get_shape(pieces), regex)
        self.match = build_matcher(pieces, regex)
        self.order = (regex is not None, *get_order(pieces))
        self.leaf: Leaf = {}


class Node:
    """A place in the tree: what answers here, and the ways on, the most specific first."""

    __slots__ = ("edges", "leaf", "static", "tails")

    def __init__(self) -> None:
        self.static: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.tails: list[Tail] = []
        self.leaf: Leaf = {}

    def add(self, route: Route) -> None:
        """Put a route below this root.

        Raises:
            RouteConflictError: Another route of the same shape answers one of its methods.
        """
        node = self
        segments, tail = route.template.split()
        for pieces in segments:
            node = node.step(pieces)
        leaf = node.leaf if tail is None else node.get_tail(tail, route.template.regex).leaf
        names = tuple(param.name for param in route.params)
        for method in sorted(route.methods):
            known = leaf.get(method)
            if known is not None:
                raise build_conflict(method, known[0], route)
            leaf[method] = (route, names)

    def finish(self) -> None:
        """Let HEAD fall to GET here and below, and order the ways on; stable for equals."""
        self.edges.sort(key=lambda edge: edge.order)
        self.tails.sort(key=lambda tail: tail.order)
        for leaf in (self.leaf, *(tail.leaf for tail in self.tails)):
            if "GET" in leaf:
                leaf.setdefault("HEAD", leaf["GET"])
        for node in (*self.static.values(), *(edge.node for edge in self.edges)):
            node.finish()

    def walk(self, prefix: str = "") -> Iterator[tuple[str, "Node"]]:
        """List the nodes reached by static segments alone, each with its path."""
        yield prefix, self
        for segment, node in self.static.items():
            yield from node.walk(f"{prefix}/{segment}")

    def step(self, pieces: tuple[Piece, ...]) -> "Node":
        """Get the node one segment further, made when there is none."""
        if not pieces or (len(pieces) == 1 and isinstance(pieces[0], str)):
            text = "".join(piece for piece in pieces if isinstance(piece, str))
            return self.static.setdefault(text, Node())
        key = get_shape(pieces)
        for edge in self.edges:
            if edge.key == key:
                return edge.node
        edge = Edge(pieces)
        self.edges.append(edge)
        return edge.node

    def get_tail(self, pieces: tuple[Piece, ...], regex: str | None) -> Tail:
        """Get the tail of this form, made when there is none."""
        tail = Tail(pieces, regex)
        for known in self.tails:
            if known.key == tail.key:
                return known
        self.tails.append(tail)
        return tail


def get_shape(pieces: tuple[Piece, ...]) -> tuple[object, ...]:
    """Get what two sequences of pieces share when they match the same texts: all but names."""
    return tuple(piece.converter if isinstance(piece, PathParam) else piece for piece in pieces)


def get_order(pieces: tuple[Piece, ...]) -> tuple[int, int]:
    """Get the place among equals: more literal text first, then the more specific converter."""
    literal = sum(len(piece) for piece in pieces if isinstance(piece, str))
    params = [piece for piece in pieces if isinstance(piece, PathParam)]
    return -literal, max((param.converter.specificity for param in params), default=0)


def build_matcher(pieces: tuple[Piece, ...], regex: str | None) -> Callable[[str], Any]:
    """Build a function that turns text into the tuple of values, or `NO_MATCH`.

    The values of a regular expression's groups are strings, None where a group took no part.
    """
    params = [piece for piece in pieces if isinstance(piece, PathParam)]
    head = "".join(_to_regex(piece) for piece in pieces)
    pattern = re.compile(f"{head}(?:{regex})" if regex else head)
    groups = [f"{_GROUP}{param.name}" for param in params]
    own = [name for name in pattern.groupindex if not name.startswith(_GROUP)]
    longest = _LONGEST.get(len(params), _LONGEST[1]) if regex is None else _LONGEST[1]

    def match(text: str) -> Any:
        found = pattern.fullmatch(text) if len(text) <= longest else None
        if found is None:
            return NO_MATCH
        try:
            values = [
                param.converter.convert(found[group])
                for param, group in zip(params, groups, strict=True)
            ]
        except ValueError:
            return NO_MATCH
        return (*values, *(found[name] for name in own))

    return match


def build_conflict(method: str, known: Route, route: Route) -> RouteConflictError:
    """Say which two routes answer the same requests, and where they were declared."""
    hint = "Give one of them another path or another method."
    if known.source == route.source:
        hint = "It is declared twice at the same place: is the same module included twice?"
    return RouteConflictError(
        f"{method} {route.path} ({route.source}) would never be reached: "
        f"{method} {known.path} ({known.source}) answers the same requests.",
        hint=hint,
    )


_GROUP = "undercroft_"


def _to_regex(piece: Piece) -> str:
    if isinstance(piece, str):
        return re.escape(piece)
    return f"(?P<{_GROUP}{piece.name}>{piece.converter.regex})"
