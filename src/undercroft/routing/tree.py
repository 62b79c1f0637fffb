"""RouteTree: all routes compiled, so that finding one costs the same for ten or a thousand.

A wholly static path is one dictionary look-up. A path whose only parameter is its last segment
is one more. The rest walk a tree of segments: static text first, then parameters in the order
of their converters, then what may hold slashes, and back where a way ends. The order in which
routes were declared decides only between regular expressions and equal converters.

The path given here is already percent-decoded, so `%2F` cannot be told from `/`. A path with a
control character matches no parameter: it would go on into logs, headers and databases.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from undercroft.errors import MethodNotAllowed, NotFound
from undercroft.routing.converters import NO_MATCH
from undercroft.routing.mounts import ANY
from undercroft.routing.nodes import Leaf, Node
from undercroft.routing.route import Endpoint, Route
from undercroft.routing.template import parse_template

Found = tuple[Route, dict[str, Any]]
AnswerOptions = Callable[[tuple[str, ...]], Endpoint]
LastSegment = list[tuple[Callable[[str], Any], Leaf]]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class AutomaticOptions:
    """The handler of the route that a tree makes for OPTIONS where no route declares it.

    Attributes:
        allowed: The methods for the Allow header (RFC 9110, section 9.3.7).
    """

    allowed: tuple[str, ...]

    def __call__(self) -> None:
        """Answer nothing: the status is 204, and the Allow header says the rest."""


class RouteTree:
    """The compiled routes.

    Args:
        routes: All routes of the app.
        answer_options: Makes the endpoint of an automatic OPTIONS route from the methods of
            the Allow header; without it that route has no endpoint.

    Raises:
        RouteConflictError: Two routes answer the same requests.
    """

    def __init__(
        self,
        routes: Iterable[Route],
        answer_options: AnswerOptions | None = None,
    ) -> None:
        self._root = Node()
        self._answer_options = answer_options
        self._options_routes: dict[tuple[str, ...], Route] = {}
        for route in routes:
            self._root.add(route)
        self._root.finish()
        self._static: dict[str, Leaf] = {}
        self._last: dict[str, LastSegment] = {}
        self._last_with_slash: dict[str, LastSegment] = {}
        for path, node in self._root.walk():
            self._add_shortcuts(path, node)

    def match(self, method: str, path: str) -> Found:
        """Find the route for a request and the values of its parameters.

        Raises:
            NotFound: No route has this path.
            MethodNotAllowed: Routes have this path, for other methods.
        """
        leaf = self._static.get(path)
        if leaf is not None:
            target = leaf.get(method)
            if target is not None:
                return target[0], {}
        cut = path.rfind("/", 0, -1) + 1
        text = path[cut:]
        if text.endswith("/"):
            edges = self._last_with_slash.get(path[:cut])
            text = text[:-1]
        else:
            edges = self._last.get(path[:cut])
        if edges is not None and path.isprintable():
            for match, leaf in edges:
                target = leaf.get(method)
                if target is not None:
                    value = match(text)
                    if value is not NO_MATCH:
                        return target[0], {target[1][0]: value}
        return self._search(method, path)

    def _search(self, method: str, path: str) -> Found:
        # Most paths are printable, which is quick to see; `_CONTROL` has the last word.
        if not path.startswith("/") or (not path.isprintable() and _CONTROL.search(path)):
            raise NotFound
        search = _Search(method, path)
        found = search.walk(self._root, 1, ())
        if found is not None:
            return found
        if not search.allowed:
            raise NotFound
        methods = tuple(sorted({*search.allowed, "OPTIONS"}))
        if method == "OPTIONS":
            return self._get_options_route(methods), {}
        raise MethodNotAllowed(method, methods)

    def _get_options_route(self, allowed: tuple[str, ...]) -> Route:
        route = self._options_routes.get(allowed)
        if route is None:
            answer = self._answer_options
            route = self._options_routes[allowed] = Route(
                path="*",
                methods=frozenset(("OPTIONS",)),
                handler=AutomaticOptions(allowed),
                name=None,
                namespace="",
                options={"include_in_schema": False},
                source="",
                template=parse_template("*"),
                params=(),
                endpoint=None if answer is None else answer(allowed),
            )
        return route

    def _add_shortcuts(self, path: str, node: Node) -> None:
        if node.leaf:
            self._static[path] = node.leaf
        if any(edge.several for edge in node.edges):
            return
        plain = [(edge.match, edge.node.leaf) for edge in node.edges if edge.node.leaf]
        if plain:
            self._last[f"{path}/"] = plain
        ends = [(edge.match, edge.node.static.get("")) for edge in node.edges]
        slashed = [(match, end.leaf) for match, end in ends if end is not None and end.leaf]
        if slashed:
            self._last_with_slash[f"{path}/"] = slashed


class _Search:
    """One walk through the tree, for the first place on the way that answers the method."""

    __slots__ = ("allowed", "method", "parts")

    def __init__(self, method: str, path: str) -> None:
        self.method = method
        self.parts = path.split("/")
        self.allowed: set[str] = set()

    def walk(self, node: Node, index: int, values: tuple[Any, ...]) -> Found | None:
        """Find what answers below a node for the segments from `index` on."""
        parts = self.parts
        if index == len(parts):
            return self.pick(node.leaf, values)
        part = parts[index]
        child = node.static.get(part)
        if child is not None:
            found = self.walk(child, index + 1, values)
            if found is not None:
                return found
        for edge in node.edges:
            value = edge.match(part)
            if value is not NO_MATCH:
                further = (*values, *value) if edge.several else (*values, value)
                found = self.walk(edge.node, index + 1, further)
                if found is not None:
                    return found
        for tail in node.tails:
            rest = tail.match("/".join(parts[index:]))
            if rest is not NO_MATCH:
                found = self.pick(tail.leaf, (*values, *rest))
                if found is not None:
                    return found
        return None

    def pick(self, leaf: Leaf, values: tuple[Any, ...]) -> Found | None:
        """Take the route for the method, or remember which methods there are."""
        target = leaf.get(self.method) or leaf.get(ANY)
        if target is None:
            self.allowed.update(leaf)
            return None
        route, names = target
        params = dict(zip(names, values, strict=True))
        if route.template.regex is not None:
            params = {name: value for name, value in params.items() if value is not None}
        return route, params
