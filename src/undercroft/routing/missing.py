"""What is said where no route has a path: the near address, and to a developer the routes tried."""

from collections.abc import Callable, Sequence

from undercroft.errors import MethodNotAllowed, NotFound
from undercroft.routing.route import Route


class RouteNotFound(NotFound):
    """404: no route has the path.

    Attributes:
        tried: The routes there are, for the page a developer sees; else empty.
    """

    tried: Sequence[Route] = ()


def find_near(match: Callable[[str], object], path: str) -> tuple[str, bool] | None:
    """Find the address that differs by the slash at the end, where a route has it.

    Args:
        match: Finds a route for a path, or raises.
        path: What no route has, percent-decoded.

    Returns:
        The path, and whether it answers the request's method; None where there is none. A path
        of two slashes at the start is never near: a browser would read a host in it.
    """
    near = path[:-1] if path.endswith("/") else f"{path}/"
    if not near.startswith("/") or near.startswith("//"):
        return None
    try:
        match(near)
    except NotFound:
        return None
    except MethodNotAllowed:
        return near, False
    return near, True


def build_not_found(near: str | None, tried: Sequence[Route] = ()) -> RouteNotFound:
    """Build the 404, which names the near address where there is one."""
    hint = ""
    if near is not None:
        slash = "with" if near.endswith("/") else "without"
        hint = f"There is {near!r}, {slash} a slash at the end."
    error = RouteNotFound(hint=hint)
    error.tried = tried
    return error
