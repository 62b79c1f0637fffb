"""Routers: the addresses of viewsets, with REST framework's names.

    router = DefaultRouter()
    router.register("posts", BlogPostViewSet)

gives `posts/` and `posts/{pk:int}/`, called `blogpost-list` and `blogpost-detail`. As in REST
framework addresses end in a slash unless the router is made with `trailing_slash=False`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from undercroft.api.fields import find_type
from undercroft.api.handlers import ExtraAction
from undercroft.api.viewsets import GenericViewSet
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.url import SAFE_IN_PATH
from undercroft.routing.changes import Changing
from undercroft.routing.route import Route, build_route

_LIST: Final = {"get": "list", "post": "create"}
_DETAIL: Final = {
    "get": "retrieve",
    "put": "update",
    "patch": "partial_update",
    "delete": "destroy",
}
_CONVERTERS: Final[dict[Any, str]] = {int: "int", UUID: "uuid"}


@dataclass(frozen=True, slots=True)
class Registration:
    """A viewset and where it answers."""

    prefix: str
    viewset: type[GenericViewSet]
    basename: str


class SimpleRouter(Changing):
    """Routes of viewsets.

    Args:
        trailing_slash: Addresses end in a slash.
    """

    def __init__(self, *, trailing_slash: bool = True) -> None:
        super().__init__()
        self.slash = "/" if trailing_slash else ""
        self.registry: list[Registration] = []

    def register(
        self, prefix: str, viewset: type[GenericViewSet], basename: str | None = None
    ) -> None:
        """Give a viewset its addresses.

        Args:
            prefix: The first part, `posts`; it may have parameters, `authors/{author:int}/posts`.
            viewset: The class.
            basename: What its routes' names start with; the model's name when left out.

        Raises:
            ImproperlyConfigured: The name is taken, or there is none.
        """
        name = basename or find_basename(viewset)
        if any(each.basename == name for each in self.registry):
            raise ImproperlyConfigured(
                f"The router has a viewset with the basename {name!r} already.",
                hint=f'Register {viewset.__name__} with a basename="..." of its own.',
                code="api.basename",
            )
        self.registry.append(Registration(prefix.strip("/"), viewset, name))
        self.announce_change()

    @property
    def urls(self) -> list[Route]:
        """All routes, for `include(router.urls)` or `path("api/", include(router.urls))`."""
        return [route for each in self.registry for route in self._build_routes(each)]

    @property
    def routes(self) -> list[Route]:
        """All routes; makes the router one that `App.include` takes."""
        return self.urls

    def _build_routes(self, registration: Registration) -> Iterator[Route]:
        viewset, prefix = registration.viewset, registration.prefix
        base = f"/{prefix}" if prefix else ""
        lookup = viewset.lookup_url_kwarg or viewset.lookup_field
        row = f"{base}/{{{lookup}:{find_converter(viewset)}}}"
        # Literal addresses first; the tree would find them in any order.
        for name, extra in list_extra_actions(viewset):
            start = row if extra.detail else base
            actions = dict.fromkeys(extra.methods, name)
            yield self._build_route(
                registration,
                f"{start}/{extra.url_path}{self.slash}",
                extra.url_name,
                actions,
                dict(extra.options),
            )
        for path, suffix, standard in ((base, "list", _LIST), (row, "detail", _DETAIL)):
            actions = {method: name for method, name in standard.items() if hasattr(viewset, name)}
            if actions:
                yield self._build_route(
                    registration, (path + self.slash) or "/", suffix, actions, {}
                )

    def _build_route(
        self,
        registration: Registration,
        path: str,
        suffix: str,
        actions: Mapping[str, str],
        options: dict[str, Any],
    ) -> Route:
        handler = registration.viewset.as_view(actions, **options)
        words = [part for part in registration.prefix.split("/") if part and part[0] != "{"]
        handler.prefix = "_".join(words).replace("-", "_") or registration.basename
        return build_route(
            path,
            handler,
            None,
            {"name": f"{registration.basename}-{suffix}", "tags": [words[-1] if words else "api"]},
        )


class DefaultRouter(SimpleRouter):
    """Routes of viewsets, and at the root a list of them."""

    @property
    def urls(self) -> list[Route]:
        """All routes, the root's first."""
        route = build_route(
            "/", self.show_root, ["GET"], {"name": "api-root", "include_in_schema": False}
        )
        return [route, *super().urls]

    def show_root(self, request: Request) -> dict[str, str]:
        """List the addresses of the registered viewsets."""
        path = quote(request.root_path + request.path.rstrip("/"), safe=SAFE_IN_PATH)
        start = f"{request.scheme}://{request.host}{path}"
        return {
            each.prefix: f"{start}/{each.prefix}{self.slash}"
            for each in self.registry
            if hasattr(each.viewset, "list") and "{" not in each.prefix
        }


def find_basename(viewset: type[GenericViewSet]) -> str:
    """Find what a viewset's routes are called by default: its model's name.

    Raises:
        ImproperlyConfigured: It has no queryset that tells the model.
    """
    model = getattr(viewset.queryset, "model", None)
    if model is None:
        raise ImproperlyConfigured(
            f"{viewset.__name__} has no queryset, so its routes have no name.",
            hint='Register it with basename="...", or set `queryset`.',
            code="api.basename",
        )
    name: str = model.__name__.lower()
    return name


def find_converter(viewset: type[GenericViewSet]) -> str:
    """Find the converter of a viewset's lookup field, by the column's type."""
    model = getattr(viewset.queryset, "model", None)
    if model is None:
        return "str"
    options = model.__options__
    key = options.primary_key if viewset.lookup_field == "pk" else viewset.lookup_field
    if key not in options.columns:
        raise ImproperlyConfigured(
            f"{viewset.__name__}.lookup_field is {viewset.lookup_field!r}, which is no field of"
            f" {options.name}.",
            hint=options.build_unknown(viewset.lookup_field).hint,
            code="api.lookup-field",
        )
    return _CONVERTERS.get(find_type(options, key), "str")


def list_extra_actions(viewset: type[GenericViewSet]) -> list[tuple[str, ExtraAction]]:
    """List the methods marked by `@action`, in the order of their names."""
    found: list[tuple[str, ExtraAction]] = []
    for name in dir(viewset):
        extra = getattr(getattr(viewset, name, None), "extra_action", None)
        if isinstance(extra, ExtraAction):
            found.append((name, extra))
    return found
