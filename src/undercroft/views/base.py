"""Class-based views: one class for an address, one method for each HTTP method.

    class Hello(View):
        greeting = "Hello"

        async def get(self, request: Request, name: str) -> dict[str, str]:
            return {"message": f"{self.greeting}, {name}."}

    path("hello/{name}", Hello.as_view(greeting="Welcome"))

A view's methods are bound like any handler: their arguments come by name and type.
"""

from collections.abc import Callable, Mapping
from inspect import getattr_static
from typing import Any

from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request

#: The methods a view may define (RFC 9110 and RFC 5789). Nothing else is ever looked up by
#: the name a client sends.
HTTP_METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")


class ViewMethod:
    """One method of a view, made anew for each request.

    Attributes:
        function: The method as written; its first argument is `self`.
    """

    def __init__(self, handler: "ViewHandler", name: str) -> None:
        self._handler = handler
        self._name = name
        self.function: Callable[..., Any] = getattr(handler.view_class, name)

    def bind(self, request: Request) -> Callable[..., Any]:
        """Make the view for a request and return its bound method."""
        view = self._handler.build_view(request)
        method: Callable[..., Any] = getattr(view, self._name)
        return method


class ViewHandler:
    """What `as_view()` returns: a handler for every method the view has.

    Attributes:
        view_class: The view.
        actions: The view's method names by HTTP method in upper case.
        view_methods: The HTTP methods it answers.
    """

    def __init__(
        self, view_class: type["View"], actions: Mapping[str, str], options: Mapping[str, Any]
    ) -> None:
        self.view_class = view_class
        self.actions = dict(actions)
        self.view_methods = tuple(self.actions)
        self._options = dict(options)
        self.__name__ = view_class.__name__
        self.__doc__ = view_class.__doc__

    def __call__(self, request: Request) -> Any:
        """Refuse to be called directly: a view is compiled by the app it is routed in."""
        raise TypeError(f"Route {self.__name__}.as_view(); it is not called directly.")

    def get_method(self, method: str) -> ViewMethod:
        """Return what answers an HTTP method, given in upper case."""
        return ViewMethod(self, self.actions[method])

    def get_option(self, name: str) -> Any:
        """Return an attribute of the view as this route has it; None where there is none."""
        return self._options.get(name, getattr(self.view_class, name, None))

    def build_view(self, request: Request) -> "View":
        """Make the view for one request, or take the one that was asked who may enter."""
        if request.view is not None:
            made: View = request.view
            return made
        view = self.view_class()
        for name, value in self._options.items():
            setattr(view, name, value)
        view.request = request
        view.kwargs = request.path_params
        view.setup()
        return view


class View:
    """A class that answers an address; define `get`, `post` and so on.

    Attributes:
        request: The request being answered.
        kwargs: What the route's template captured.
    """

    request: Request
    kwargs: Mapping[str, Any]

    def setup(self) -> None:
        """Prepare the view for its request; a hook for subclasses."""

    @classmethod
    def as_view(cls, **options: Any) -> ViewHandler:
        """Make a handler of the class.

        Args:
            options: Class attributes to set differently for this route.

        Raises:
            ImproperlyConfigured: An option names no attribute, or the class has no methods.
        """
        for name in options:
            if not hasattr(cls, name) or name in HTTP_METHODS:
                raise ImproperlyConfigured(
                    f"{cls.__name__}.as_view() got {name!r}, which is no attribute of the class.",
                    hint=f"Write `{name} = ...` in {cls.__name__} first.",
                    code="views.option",
                )
        actions = {name.upper(): name for name in HTTP_METHODS if hasattr(cls, name)}
        for name in actions.values():
            if isinstance(getattr_static(cls, name), staticmethod | classmethod):
                raise ImproperlyConfigured(
                    f"{cls.__name__}.{name} is a static or class method.",
                    hint=f"Write `def {name}(self, ...)`: it is called on the request's own view.",
                    code="views.method",
                )
        if not actions:
            raise ImproperlyConfigured(
                f"{cls.__name__} answers no HTTP method.",
                hint="Define `get`, `post` or another method.",
                code="views.no-methods",
            )
        return ViewHandler(cls, actions, options)
