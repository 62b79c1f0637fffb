"""What a static file refers to: `url()` and `@import`, imports of JavaScript, source maps."""

import re
from collections.abc import Callable
from posixpath import dirname, join, normpath
from urllib.parse import quote, unquote

#: Given the path of a file below the static folder, returns the path to write instead, or None.
Rename = Callable[[str], str | None]

_COMMENT = r"/\*(?!\#\ sourceMappingURL).*?\*/"
_CSS = re.compile(
    rf"""(?P<skip>{_COMMENT})
    |(?P<head>url\(\s*)(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<bare>[^)'"\s]+))
    |(?P<head2>@import\s+)(?:"(?P<double2>[^"\n]*)"|'(?P<single2>[^'\n]*)')
    |(?P<head3>/\*\#\ sourceMappingURL=)(?P<bare3>[^\s*]+)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_SCRIPT = re.compile(
    r"""(?P<skip>/\*.*?\*/)
    |(?P<head>\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)
        (?:"(?P<double>\.{0,2}/[^"\n]+)"|'(?P<single>\.{0,2}/[^'\n]+)')
    |(?P<head3>^//\#\ sourceMappingURL=)(?P<bare3>\S+)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_PATTERNS = {".css": _CSS, ".js": _SCRIPT, ".mjs": _SCRIPT}

#: A scheme, `data:` among them, another host, or a part of the same document.
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|#|$", re.IGNORECASE)


def can_refer(path: str) -> bool:
    """Tell whether a file is of a kind whose references are rewritten."""
    return _find_pattern(path) is not None


def list_references(path: str, text: str, static_url: str) -> list[str]:
    """List the files below the static folder that a file refers to, by their paths."""
    found: list[str] = []

    def note(target: str) -> None:
        found.append(target)

    rewrite(path, text, static_url, note)
    return found


def rewrite(path: str, text: str, static_url: str, rename: Rename) -> str:
    """Rewrite the references in a file.

    Args:
        path: Of the file, below the static folder.
        text: Its content.
        static_url: What an absolute reference to a static file starts with.
        rename: Gives the new path of each file that is referred to.
    """
    pattern = _find_pattern(path)
    if pattern is None:
        return text

    def replace(found: re.Match[str]) -> str:
        whole, parts = found.group(), found.groupdict()
        for name in ("double", "single", "bare", "double2", "single2", "bare3"):
            written = parts.get(name)
            if written is None:
                continue
            changed = _rename_reference(path, written, static_url, rename)
            begin, end = found.span(name)
            return whole[: begin - found.start()] + changed + whole[end - found.start() :]
        return whole

    return pattern.sub(replace, text)


def _find_pattern(path: str) -> re.Pattern[str] | None:
    return next((found for suffix, found in _PATTERNS.items() if path.endswith(suffix)), None)


def _rename_reference(path: str, written: str, static_url: str, rename: Rename) -> str:
    if _ELSEWHERE.match(written):
        return written
    place = re.split(r"[?#]", written, maxsplit=1)[0]
    rest = written[len(place) :]
    is_absolute = place.startswith("/")
    if is_absolute and not place.startswith(static_url):
        return written
    inside = place.removeprefix(static_url) if is_absolute else join(dirname(path), place)
    target = normpath(unquote(inside))
    if target.startswith("../"):
        return written
    renamed = rename(target)
    if renamed is None:
        return written
    # Only the file's own name changes, so that the rest stays as it was written.
    name = quote(renamed.rpartition("/")[2])
    return place[: place.rfind("/") + 1] + name + rest
