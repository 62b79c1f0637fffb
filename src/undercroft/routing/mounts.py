"""Mounts: somebody else's application below a path of ours."""

from dataclasses import dataclass, replace
from typing import Any

from undercroft.routing.route import Route, build_route

#: What a mount's route says in place of methods: it answers all there are, WebDAV's among them.
ANY = "*"

#: The rest of the path, which the application routes by itself; it may be empty.
_REST = r"(?P<path>[^\x00-\x1f\x7f]*)"


@dataclass(frozen=True, slots=True, eq=False)
class Mount:
    """An application to be put below a path; `path("old/", mount(app))` makes routes of it.

    Attributes:
        application: Speaks ASGI or WSGI.
        name: For `url_for(name, path="...")`, which leads below the mount.
        max_body_size: The largest body it is sent, in bytes; None for `max_upload_size`.
        strip_path: Whether an ASGI application's path leaves the mount out.
    """

    application: Any
    name: str | None = None
    max_body_size: int | None = None
    strip_path: bool = False

    def __call__(self) -> Any:
        """Return the application."""
        return self.application


def mount(
    application: Any,
    name: str | None = None,
    *,
    max_body_size: int | None = None,
    strip_path: bool = False,
) -> Mount:
    """Mount an ASGI or WSGI application, as the second argument of `path()`.

    Args:
        application: What is to answer below the path: any, an `App` too.
        name: For `url_for(name, path="users/1")`.
        max_body_size: The largest body it is sent, in bytes; the setting `max_upload_size`
            when left out.
        strip_path: Give an ASGI application the path below the mount alone, as Falcon wants it, not
            with the mount as the specification says.
    """
    return Mount(application, name, max_body_size, strip_path)


def build_mount_routes(path: str, mounted: Mount) -> list[Route]:
    """Build the routes of a mount: all below the path, and the path without its last slash."""
    path = path.removesuffix("/")
    below = build_route(
        f"{path}/",
        mounted,
        None,
        {"name": mounted.name, "include_in_schema": False},
        regex=_REST,
    )
    routes = [replace(below, methods=frozenset((ANY,)))]
    if path:
        exact = build_route(path, mounted, None, {"include_in_schema": False})
        routes.append(replace(exact, methods=frozenset((ANY,))))
    return routes
