"""The decorators `get`, `post`, `route` and so on, for whatever can add a route."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, Unpack

from undercroft.routing.route import SOCKET, Route, RouteOptions

H = TypeVar("H", bound=Callable[..., Any])


class RouteDecorators(ABC):
    """Give a class that can `add_route` one decorator for each HTTP method.

    A decorator returns the function itself, so it stays what it is, for type checkers too.
    """

    @abstractmethod
    def add_route(
        self,
        path: str,
        handler: Callable[..., Any],
        *,
        methods: Iterable[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> Route:
        """Add a route; no methods means those of the view, or any."""

    def route(
        self,
        path: str,
        *,
        methods: Iterable[str] = ("GET",),
        **options: Unpack[RouteOptions],
    ) -> Callable[[H], H]:
        """Answer the path for the given methods."""

        def register(handler: H) -> H:
            self.add_route(path, handler, methods=methods, **options)
            return handler

        return register

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Answer GET, and HEAD with it."""
        return self.route(path, methods=("GET",), **options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Answer POST."""
        return self.route(path, methods=("POST",), **options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Answer PUT."""
        return self.route(path, methods=("PUT",), **options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Answer PATCH."""
        return self.route(path, methods=("PATCH",), **options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Answer DELETE."""
        return self.route(path, methods=("DELETE",), **options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Answer HEAD apart from GET."""
        return self.route(path, methods=("HEAD",), **options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[H], H]:
        """Answer OPTIONS in place of the automatic answer."""
        return self.route(path, methods=("OPTIONS",), **options)

    def websocket(self, path: str, *, name: str | None = None) -> Callable[[H], H]:
        """Serve WebSockets at the path."""
        return self.route(path, methods=(SOCKET,), name=name)
