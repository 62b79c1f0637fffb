"""Serves what was collected: every file is known at start, small ones are held in memory."""

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from undercroft.errors import NotFound
from undercroft.http.conditions import Validators, is_not_modified
from undercroft.http.files import FileResponse
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.staticfiles.encodings import SUFFIXES, choose_coding
from undercroft.staticfiles.media_types import MEDIA_TYPES

#: Files up to so many bytes are held in memory, all together up to the other number.
LARGEST_HELD = 64 * 1024
MOST_HELD = 32 * 1024 * 1024

_HASHED = re.compile(r"\.[0-9a-f]{12}(?:\.(?!gz$|br$|zst$)[^.]+)?$")

#: RFC 8246: under a name with a hash nothing ever changes.
FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Variant:
    """A file in one content coding.

    Attributes:
        file: Where it lies.
        etag: Its entity tag.
        body: Its bytes, where they are held.
    """

    file: Path
    etag: str
    body: bytes | None


class CollectedFile(FileResponse):
    """A collected file; one object answers all requests for it.

    Args:
        name: Of the file, which tells its type.
        variants: By content coding, best first; "" is the file itself.
        is_immutable: Whether its name has the hash of its content.
        modified: When it was collected.
    """

    def __init__(
        self, name: str, variants: dict[str, Variant], is_immutable: bool, modified: datetime
    ) -> None:
        headers = {"cache-control": FOREVER if is_immutable else "no-cache"}
        if len(variants) > 1:
            headers["vary"] = "Accept-Encoding"
        super().__init__(
            variants[""].file,
            media_type=MEDIA_TYPES.get(Path(name).suffix.lower()),
            headers=headers,
        )
        self._variants = variants
        self._codings = [coding for coding in variants if coding]
        self._modified = modified

    async def settle(self, request: Request) -> Response:
        """Choose the coding, answer the request's conditions, send from memory or disk."""
        coding = self._choose(request)
        variant = self._variants[coding]
        answer = self.copy()
        answer.path = variant.file
        headers = answer.headers
        headers["etag"] = variant.etag
        if coding:
            headers["content-encoding"] = coding
        if variant.body is None or "range" in request.headers:
            return await FileResponse.settle(answer, request)
        if is_not_modified(request, Validators(variant.etag, self._modified)):
            answer.status_code = 304
            del headers["content-length"]
            return answer
        headers["accept-ranges"] = "bytes"
        headers["content-length"] = str(len(variant.body))
        answer.body = variant.body
        return answer

    def _choose(self, request: Request) -> str:
        if not self._codings:
            return ""
        accepted = request.headers.get("accept-encoding", "")
        return choose_coding(accepted, self._codings) or ""


def build_collected_handler(
    root: Path, names: dict[str, str]
) -> Callable[[str], Coroutine[Any, Any, FileResponse]]:
    """Build a handler that serves collected files under both of their names.

    Args:
        root: Where they were collected.
        names: The manifest. Names with a hash that were collected before are still served, for
            pages that are open.
    """
    index = build_index(root, list_hashed(root) | set(names.values()), set(names))

    async def serve_static(path: str) -> FileResponse:
        """Serve a static file.

        Raises:
            NotFound: It was not collected.
        """
        found = index.get(path)
        if found is None:
            raise NotFound
        return found

    return serve_static


def list_hashed(root: Path) -> set[str]:
    """List the files whose names have a hash."""
    files = (file for file in root.rglob("*") if _HASHED.search(file.name) and file.is_file())
    return {file.relative_to(root).as_posix() for file in files}


def build_index(root: Path, hashed: set[str], plain: set[str]) -> dict[str, CollectedFile]:
    """Build the answers to all files; those that are not there any more are left out."""
    index: dict[str, CollectedFile] = {}
    held = 0
    for name in sorted(hashed | plain):
        variants = find_variants(root / name, held)
        if variants:
            held += sum(len(variant.body or b"") for variant in variants.values())
            modified = datetime.fromtimestamp(int((root / name).stat().st_mtime), UTC)
            index[name] = CollectedFile(name, variants, name in hashed, modified)
    return index


def find_variants(file: Path, held: int) -> dict[str, Variant]:
    """Find a file and its compressed variants, best first."""
    found: dict[str, Variant] = {}
    for coding, suffix in (*SUFFIXES.items(), ("", "")):
        variant = file.with_name(file.name + suffix)
        if variant.is_file():
            status = variant.stat()
            is_held = status.st_size <= LARGEST_HELD and held + status.st_size <= MOST_HELD
            etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}{suffix.replace(".", "-")}"'
            found[coding] = Variant(variant, etag, variant.read_bytes() if is_held else None)
            held += status.st_size if is_held else 0
    return found if "" in found else {}
