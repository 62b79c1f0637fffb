"""Finding a static file: from the path of a URL to a file below one of the folders, or nothing.

What counts as unsafe does not depend on the system, so that a path which is harmless on the
developer's machine is not a hole on another.
"""

import re
from collections.abc import Sequence
from pathlib import Path

# Separators, drives and streams of Windows, NUL and other control characters.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')
# Names that Windows reads as devices, with any extension; the digits may be superscript.
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:[ .].*)?", re.IGNORECASE
)
_PUBLIC_HIDDEN = ".well-known"


def find_static(path: str, folders: Sequence[Path]) -> Path | None:
    """Find a file by its path below the first folder that holds it; None when none does.

    Symbolic links are followed only within their folder. Hidden files (`.env`, `.git/config`)
    are never found, those of `.well-known` (RFC 8615) are.
    """
    if not is_safe_path(path):
        return None
    for folder in folders:
        found = _find_below(folder, path)
        if found is not None:
            return found
    return None


def is_safe_path(path: str) -> bool:
    """Say whether a decoded path names something below a folder, on every system."""
    return _FORBIDDEN.search(path) is None and all(map(_is_safe_name, path.split("/")))


def _is_safe_name(name: str) -> bool:
    if not name or (name.startswith(".") and name != _PUBLIC_HIDDEN):
        return False
    return not name.endswith((".", " ")) and _DEVICE.fullmatch(name) is None


def _find_below(folder: Path, path: str) -> Path | None:
    try:
        root = folder.resolve()
        file = (root / path).resolve(strict=True)
        return file if file.is_relative_to(root) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):
        # Missing, too long a name, not encodable, or links in a circle: there is no such file.
        return None
