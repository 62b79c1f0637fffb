"""The route that serves static files straight from their folders."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from undercroft.errors import NotFound
from undercroft.http.files import FileResponse
from undercroft.routing.route import Route, build_route
from undercroft.staticfiles.finders import find_static

MEDIA_TYPES: Final = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
"""Types that a browser insists on, whatever the system's own table says."""


def build_static_routes(url: str, folders: Sequence[Path]) -> list[Route]:
    """Build the route `static`, so that `url_for("static", path="blog.css")` leads to a file.

    Args:
        url: The path the files are served below, such as `/static/`.
        folders: Where they lie; the first folder that has a file gives it.
    """
    template = f"{url.removesuffix('/')}/{{path:path}}"
    handler = build_static_handler(folders)
    return [
        build_route(template, handler, ("GET",), {"name": "static", "include_in_schema": False})
    ]


def build_static_handler(folders: Sequence[Path]) -> Callable[[str], FileResponse]:
    """Build a handler that serves files below the folders; its one parameter is `path`.

    Browsers keep a file and ask each time whether it has changed, which costs a 304 without a
    body, so that an edited file is seen at once.
    """
    folders = tuple(folders)

    def serve_static(path: str) -> FileResponse:
        """Serve a static file.

        Raises:
            NotFound: No folder holds it, or its path is not safe.
        """
        file = find_static(path, folders)
        if file is None:
            raise NotFound
        media_type = MEDIA_TYPES.get(file.suffix.lower())
        return FileResponse(file, media_type=media_type, headers={"cache-control": "no-cache"})

    return serve_static
