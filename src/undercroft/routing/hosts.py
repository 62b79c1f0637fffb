"""HostTree: the routes of each host compiled on their own, before those that have none."""

from collections.abc import Iterable

from undercroft.errors import MethodNotAllowed, NotFound
from undercroft.routing.host_names import HostTemplate, read_host
from undercroft.routing.route import Route
from undercroft.routing.tree import AnswerOptions, Found, RouteTree


class HostTree:
    """The routes of all hosts; a host without parameters is looked at before others.

    Args:
        routes: All routes of the app.
        answer_options: As for `RouteTree`.

    Raises:
        RouteConflictError: Two routes of one host answer the same requests.
    """

    def __init__(
        self, routes: Iterable[Route], answer_options: AnswerOptions | None = None
    ) -> None:
        groups: dict[HostTemplate | None, list[Route]] = {None: []}
        for route in routes:
            groups.setdefault(route.host, []).append(route)
        trees = {host: RouteTree(group, answer_options) for host, group in groups.items()}
        self._default = trees.pop(None)
        named = [(host, tree) for host, tree in trees.items() if host is not None]
        self._hosts = sorted(named, key=lambda pair: len(pair[0].params))

    def match(self, method: str, path: str, host: str) -> Found:
        """Find the route for a request, and the values of its path's and its host's parameters.

        Raises:
            NotFound: No route has this path.
            MethodNotAllowed: Routes have this path, for other methods.
        """
        name = read_host(host)
        refused: MethodNotAllowed | None = None
        for template, tree in self._hosts:
            captured = template.match(name)
            if captured is None:
                continue
            try:
                route, params = tree.match(method, path)
            except NotFound:
                continue
            except MethodNotAllowed as error:
                refused = refused or error
                continue
            return route, {**captured, **params}
        try:
            return self._default.match(method, path)
        except NotFound:
            if refused is not None:
                raise refused from None
            raise
