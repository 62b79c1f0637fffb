"""The manifest: under which name, with a hash of its content, each static file was collected."""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from undercroft.errors import ImproperlyConfigured, StaticFileNotFound

NAME = "staticfiles.json"
VERSION = 1


def write_manifest(root: Path, names: Mapping[str, str]) -> None:
    """Write the manifest, in one step, so that nobody reads half of it."""
    content = json.dumps({"version": VERSION, "paths": dict(sorted(names.items()))}, indent=1)
    temporary = root / f".{NAME}.new"
    temporary.write_text(content + "\n", "utf-8")
    temporary.replace(root / NAME)


def read_manifest(root: Path) -> dict[str, str] | None:
    """Read the manifest of a folder; None where nothing was collected there.

    Raises:
        ImproperlyConfigured: It cannot be read.
    """
    try:
        content = json.loads((root / NAME).read_text("utf-8"))
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']!r}")
        names: dict[str, str] = content["paths"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImproperlyConfigured(
            f"{root / NAME} cannot be read: {error}.",
            hint="Run `undercroft collectstatic`.",
            code="static.manifest",
        ) from error
    return names


def build_missing(path: str, known: Iterable[str], where: str) -> StaticFileNotFound:
    """Build the error for a static file that does not exist, with those that are near."""
    names = list(known)
    close = get_close_matches(path, names, n=2, cutoff=0.6) or [
        name for name in names if Path(name).name == Path(path).name
    ]
    hint = f"Did you mean {' or '.join(map(repr, close[:2]))}?" if close else ""
    return StaticFileNotFound(f"There is no static file {path!r} {where}.", hint=hint)
