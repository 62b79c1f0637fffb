"""The route that serves static files, collected ones or those in their folders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from undercroft.errors import NotFound
from undercroft.http.files import FileResponse
from undercroft.routing.route import Route, build_route
from undercroft.staticfiles.collected import build_collected_handler
from undercroft.staticfiles.collecting import list_static
from undercroft.staticfiles.finders import find_static
from undercroft.staticfiles.manifest import build_missing, read_manifest
from undercroft.staticfiles.media_types import MEDIA_TYPES


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """The static files of an application.

    Attributes:
        url: The path they are served below, such as `/static/`.
        folders: Where they lie; the first folder that has a file gives it.
        root: Where they were collected.
        names: What was collected, by the manifest; None serves the folders.
    """

    url: str
    folders: tuple[Path, ...]
    root: Path | None = None
    names: dict[str, str] | None = None

    def name_file(self, path: str) -> str:
        """Return the name a file is served under: with a hash where it was collected.

        Raises:
            StaticFileNotFound: There is none; the error names those that are near.
        """
        if self.names is not None:
            found = self.names.get(path)
            if found is None:
                raise build_missing(path, self.names, f"in the manifest of {self.root}")
            return found
        if find_static(path, self.folders) is None:
            tried = ", ".join(map(str, self.folders)) or "none"
            raise build_missing(path, list_static(self.folders), f"in the folders {tried}")
        return path

    def build_routes(self) -> list[Route]:
        """Build the route `static`, for `url_for("static", path="blog.css")`."""
        handler: Callable[..., Any] = build_static_handler(self.folders)
        if self.names is not None and self.root is not None:
            handler = build_collected_handler(self.root, self.names)
        template = f"{self.url.removesuffix('/')}/{{path:path}}"
        return [
            build_route(template, handler, ("GET",), {"name": "static", "include_in_schema": False})
        ]


def find_static_files(url: str, folders: Sequence[Path], root: Path, debug: bool) -> StaticFiles:
    """Find the static files of an application: the collected ones, in debug those in the folders.

    Raises:
        ImproperlyConfigured: The manifest cannot be read.
    """
    names = None if debug else read_manifest(root)
    return StaticFiles(url, tuple(folders), root, names)


def build_static_routes(url: str, folders: Sequence[Path]) -> list[Route]:
    """Build the route `static` for folders.

    Args:
        url: The path the files are served below, such as `/static/`.
        folders: Where they lie; the first folder that has a file gives it.
    """
    return StaticFiles(url, tuple(folders)).build_routes()


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
