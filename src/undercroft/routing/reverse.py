"""Reverser: from a route's name and parameters back to its path, quoted."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from undercroft.errors import ImproperlyConfigured, NoReverseMatch
from undercroft.routing.regex import reverse_regex
from undercroft.routing.route import Route, join_names
from undercroft.routing.template import PathParam, Piece

_SAFE = "~:@+,="
"""Left as they are in a segment besides letters, digits and `-._` (RFC 3986, section 3.3)."""


class Reverser:
    """The names of all routes.

    A route without a name can be reversed by its function's name, when only one has it.

    Raises:
        ImproperlyConfigured: Two paths have the same name and the same parameters.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._named: dict[str, list[_Pattern]] = {}
        self._instances: dict[str, dict[str, list[_Pattern]]] = {}
        self._handlers: dict[str, list[_Pattern]] = {}
        for route in routes:
            pattern = _Pattern(route)
            if route.name is not None:
                patterns = self._named.setdefault(route.name, [])
                _check_distinct(route.name, pattern, patterns)
                self._add_instance(route, patterns)
            else:
                function = str(getattr(route.handler, "__name__", ""))
                name = join_names(route.namespace, function)
                patterns = self._handlers.setdefault(name, [])
            if all(pattern.key != known.key for known in patterns):
                patterns.append(pattern)

    def _add_instance(self, route: Route, patterns: "list[_Pattern]") -> None:
        if route.name is None or route.app_namespace == route.namespace:
            return
        local = route.name.removeprefix(f"{route.namespace}:")
        alias = join_names(route.app_namespace, local)
        self._instances.setdefault(alias, {})[route.namespace] = patterns

    def url_for(self, name: str, /, **params: Any) -> str:
        """Build the path of the route with this name, with its values percent-encoded.

        That of a route with a host begins with two slashes and the host.

        Raises:
            NoReverseMatch: No route has the name, the parameters are not its own, or a value
                does not fit its converter.
        """
        return self.url_for_within("", name, params)

    def url_for_within(self, namespace: str, name: str, params: Mapping[str, Any]) -> str:
        """Build the path of a route, as seen from a route in a namespace.

        Raises:
            NoReverseMatch: As for `url_for`.
        """
        fitting = self._find_patterns(namespace, name, params.keys())
        if len(fitting) > 1:
            sources = " and ".join(pattern.route.source for pattern in fitting)
            raise NoReverseMatch(
                f"Several functions called {name!r} answer with these parameters: {sources}.",
                hint="Give the route you mean a name=.",
            )
        return fitting[0].build(params)

    def check(self, name: str, given: Collection[str] | None) -> None:
        """Check that there is such a route, which takes parameters of these names.

        Args:
            name: The route's.
            given: The names, or None where they are not known.

        Raises:
            NoReverseMatch: There is none.
        """
        self._find_patterns("", name, given)

    def _find_patterns(
        self, namespace: str, name: str, given: Collection[str] | None
    ) -> "list[_Pattern]":
        instances = self._instances.get(name, {})
        patterns = instances.get(namespace) or self._named.get(name)
        if patterns is None and instances:
            patterns = [*instances.values()][-1]
        patterns = patterns or self._handlers.get(name)
        if patterns is None:
            raise self._build_unknown(name)
        fitting = [each for each in patterns if given is None or each.names == frozenset(given)]
        if not fitting:
            raise _build_wrong_params(name, given or (), patterns)
        return fitting

    def _build_unknown(self, name: str) -> NoReverseMatch:
        known = [*self._named, *self._instances, *self._handlers]
        close = get_close_matches(name, known, n=3) or [
            full for full in known if full.rpartition(":")[2] == name.rpartition(":")[2]
        ]
        hint = f"Did you mean {' or '.join(repr(other) for other in close)}?" if close else ""
        return NoReverseMatch(f"No route is called {name!r}.", hint=hint)


class _Pattern:
    """One route, prepared for writing its path."""

    __slots__ = ("host", "key", "names", "pieces", "route")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.host: tuple[Piece, ...] = () if route.host is None else route.host.pieces
        self.key = route.path if route.host is None else f"//{route.host.text}{route.path}"
        self.names = frozenset(param.name for param in route.all_params)
        regex = route.template.regex
        tail = () if regex is None else reverse_regex(regex)
        self.pieces: tuple[Piece, ...] | None = None
        if tail is not None:
            pieces = (*route.template.pieces, *tail)
            self.pieces = tuple(p if isinstance(p, PathParam) else _quote(p) for p in pieces)

    def build(self, params: Mapping[str, Any]) -> str:
        if self.pieces is None:
            raise NoReverseMatch(
                f"The regular expression {self.route.template.regex!r} ({self.route.source}) "
                "cannot be turned into a path.",
                hint="Use path() for routes that are reversed, or literals and named groups only.",
            )
        path = "".join(
            piece if isinstance(piece, str) else self._write(piece, params[piece.name])
            for piece in self.pieces
        )
        if path.startswith("//") or not _has_plain_segments(path):
            raise NoReverseMatch(
                f"The path {path!r} would lead elsewhere: a browser resolves '//' to another host "
                "and '.' and '..' to another path.",
                hint="Check the values before building a URL from them.",
            )
        return self._build_host(params) + path if self.host else path

    def _build_host(self, params: Mapping[str, Any]) -> str:
        return "//" + "".join(
            piece if isinstance(piece, str) else self._write(piece, params[piece.name])
            for piece in self.host
        )

    def _write(self, param: PathParam, value: object) -> str:
        converter = param.converter
        if value is None:
            raise self._build_misfit(param, value)
        try:
            text = converter.to_url(value)
            fits = converter.fits(text)
            quoted = _quote(text, _SAFE + "/" * converter.spans_segments)
        except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
            raise self._build_misfit(param, value) from error
        if not fits:
            raise self._build_misfit(param, value)
        return quoted

    def _build_misfit(self, param: PathParam, value: object) -> NoReverseMatch:
        return NoReverseMatch(
            f"{value!r:.200} does not fit the parameter {param.name!r} of "
            f"{self.route.path} ({self.route.source}); "
            f"the text must match {param.converter.regex!r}."
        )


def _quote(text: str, safe: str = _SAFE + "/") -> str:
    return quote(text, safe=safe)


def _has_plain_segments(path: str) -> bool:
    return not ("/." in path and any(part in (".", "..") for part in path.split("/")))


def _check_distinct(name: str, pattern: _Pattern, patterns: list[_Pattern]) -> None:
    for known in patterns:
        if known.names == pattern.names and known.key != pattern.key:
            raise ImproperlyConfigured(
                f"Two routes are called {name!r} and take the same parameters: "
                f"{known.key} ({known.route.source}) and {pattern.key} ({pattern.route.source}).",
                hint="Give one of them another name, or include them with a namespace.",
                code="routing.name",
            )


def _build_wrong_params(
    name: str, names: Collection[str], patterns: list[_Pattern]
) -> NoReverseMatch:
    given = ", ".join(sorted(names)) or "none"
    expected = " or ".join(
        f"{', '.join(sorted(pattern.names)) or 'none'} for {pattern.key}" for pattern in patterns
    )
    return NoReverseMatch(
        f"The route {name!r} takes other parameters: given {given}; expected {expected}."
    )
