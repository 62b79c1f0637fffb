"""Collects static files into one folder, under names that have a hash of their content.

The hash is that of a file and of all it refers to, however indirectly, so that a changed image
changes the name of the style sheet that shows it; files may refer to each other in circles.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from undercroft.errors import ImproperlyConfigured
from undercroft.staticfiles.encodings import compress
from undercroft.staticfiles.finders import find_static, is_safe_path
from undercroft.staticfiles.manifest import NAME, build_missing, write_manifest
from undercroft.staticfiles.references import can_refer, list_references, rewrite

_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected.

    Attributes:
        names: The hashed name of each file, by its path.
        written: How many files were not there yet, compressed ones included.
    """

    names: dict[str, str]
    written: int


def list_static(folders: Sequence[Path]) -> dict[str, Path]:
    """List every static file by its path; the first folder that has one gives it."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in _walk(folder):
            if path not in found and is_safe_path(path):
                file = find_static(path, [folder])
                if file is not None:
                    found[path] = file
    return dict(sorted(found.items()))


def _walk(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder, followlinks=False):
        for name in names:
            yield (Path(parent) / name).relative_to(folder).as_posix()


class Collector:
    """Collects static files.

    Args:
        folders: Where they lie.
        root: Where they are collected.
        static_url: Where they are served.

    Raises:
        ImproperlyConfigured: The root is, holds, or lies in one of the folders.
    """

    def __init__(self, folders: Sequence[Path], root: Path, static_url: str) -> None:
        check_apart(folders, root)
        self.files = list_static(folders)
        self._root = root
        self._url = static_url
        self._contents: dict[str, bytes] = {}
        self._needs: dict[str, list[str]] = {}

    def collect(
        self, *, clear: bool = False, advance: Callable[[float], None] = lambda done: None
    ) -> Collected:
        """Write all files and the manifest.

        Args:
            clear: Remove what was collected before; else older names stay, for pages that are open.
            advance: Called with 1 for each file.

        Raises:
            StaticFileNotFound: A style sheet refers to a file that does not exist.
        """
        self._contents = {path: file.read_bytes() for path, file in self.files.items()}
        self._needs = {path: self._find_needs(path) for path in self.files}
        names = {path: self._name(path) for path in self.files}
        if clear and (self._root / NAME).exists():
            rmtree(self._root)
        written = 0
        for path in self.files:
            written += self._write(path, names)
            advance(1)
        self._root.mkdir(parents=True, exist_ok=True)
        write_manifest(self._root, names)
        return Collected(names, written)

    def _find_needs(self, path: str) -> list[str]:
        if not can_refer(path):
            return []
        needs = list_references(path, self._read_text(path), self._url)
        missing = [need for need in needs if need not in self.files]
        # A script's words may only look like an import, and source maps are often left out.
        if path.endswith(".css"):
            for need in missing:
                if not need.endswith(".map"):
                    raise build_missing(need, self.files, f"which {path!r} refers to")
        return [need for need in needs if need in self.files]

    def _read_text(self, path: str) -> str:
        # Bytes that are no UTF-8 come out as they went in.
        return self._contents[path].decode("utf-8", "surrogateescape")

    def _name(self, path: str) -> str:
        reached: set[str] = set()
        waiting = [path]
        while waiting:
            each = waiting.pop()
            if each not in reached:
                reached.add(each)
                waiting += self._needs[each]
        digest = sha256(self._contents[path])
        for each in sorted(reached - {path}):
            digest.update(each.encode() + sha256(self._contents[each]).digest())
        stem, dot, suffix = path.rpartition(".")
        if not dot or "/" in suffix:
            return f"{path}.{digest.hexdigest()[:_DIGITS]}"
        return f"{stem}.{digest.hexdigest()[:_DIGITS]}.{suffix}"

    def _write(self, path: str, names: Mapping[str, str]) -> int:
        """Write a file under both of its names, and what compresses well compressed as well."""
        content = self._contents[path]
        if can_refer(path):
            text = rewrite(path, self._read_text(path), self._url, names.get)
            content = text.encode("utf-8", "surrogateescape")
        hashed = self._root / names[path]
        written = 0
        if not hashed.exists():
            for suffix, variant in compress(Path(path).suffix, content):
                written += write_file(hashed.with_name(hashed.name + suffix), variant)
            # Last of all: where it is, its variants are.
            written += write_file(hashed, content)
        return written + write_file(self._root / path, content)


def write_file(file: Path, content: bytes) -> int:
    """Write a file in one step, unless it is there like this; returns how many were written."""
    if file.exists() and file.stat().st_size == len(content) and file.read_bytes() == content:
        return 0
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.new")
    temporary.write_bytes(content)
    temporary.replace(file)
    return 1


def check_apart(folders: Sequence[Path], root: Path) -> None:
    """Refuse to collect into a folder that is collected from.

    Raises:
        ImproperlyConfigured: They are not apart.
    """
    target = root.resolve()
    for folder in map(Path.resolve, folders):
        if target.is_relative_to(folder) or folder.is_relative_to(target):
            raise ImproperlyConfigured(
                f"static_root is {str(root)!r}, and static files lie in {str(folder)!r}.",
                hint="Collect them into a folder of its own.",
                code="static.root",
            )
