"""Files as answers: type by name, ETag and Last-Modified, conditions and ranges.

What is sent may lie on the disk, be at hand as bytes, or be an open file: `FileResponse` is for
the first, `send_file` for all of them.
"""

import os
import re
import stat
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from io import BytesIO
from mimetypes import guess_type
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from undercroft.concurrency import run_in_thread
from undercroft.errors import NotFound
from undercroft.http.conditions import (
    Validators,
    format_date,
    is_not_modified,
    is_range_current,
    quote_etag,
)
from undercroft.http.ranges import find_range
from undercroft.http.request import Request
from undercroft.http.responses import Background, Pieces, Response

CHUNK_SIZE = 256 * 1024


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that is open, and what is known of it.

    Attributes:
        file: Where it is read from.
        size: In bytes, from `start`.
        validators: Which version it is.
        start: Where in the file it begins.
    """

    file: BinaryIO
    size: int
    validators: Validators
    start: int = 0


class FileResponse(Response):
    """A file from the disk, sent in pieces, whole or the range that was asked for.

    Args:
        path: An existing regular file; it is opened when the answer is sent.
        status_code: 200 unless told otherwise.
        headers: Fields by name.
        media_type: What Content-Type says; guessed from the name when left out.
        filename: What a browser should save it as; makes Content-Disposition.
        as_attachment: Whether it is saved or shown; left out, it is saved if it has a `filename`.
        background: Awaited once it has been sent.
    """

    def __init__(  # noqa: PLR0913 - Starlette's, Flask's and Django's options for a file
        self,
        path: str | os.PathLike[str],
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        filename: str | None = None,
        as_attachment: bool | None = None,
        background: Background | None = None,
    ) -> None:
        self.path = Path(path)
        name = filename or self.path.name
        kind = media_type or guess_media_type(name)
        super().__init__(b"", status_code, headers, kind, background)
        if filename is not None or as_attachment:
            is_saved = as_attachment or as_attachment is None
            disposition = format_disposition("attachment" if is_saved else "inline", name)
            self.headers["content-disposition"] = disposition

    def open(self) -> OpenedFile:
        """Open it; called in a thread, for every request anew.

        Raises:
            NotFound: There is no regular file at `path`.
        """
        return open_file(self.path)

    async def settle(self, request: Request) -> Response:
        """Open the file, answer the request's conditions, choose the range.

        Raises:
            NotFound: There is no regular file at `path`.
            RangeNotSatisfiable: The range lies behind the end.
            HTTPException: 412, for the client wants another version only.
        """
        opened = await run_in_thread(self.open)
        try:
            return self.copy()._choose_part(request, opened)
        except BaseException:
            opened.file.close()
            raise

    def _choose_part(self, request: Request, opened: OpenedFile) -> Response:
        headers, size = self.headers, opened.size
        validators = self._set_validators(opened.validators)
        headers.setdefault("accept-ranges", "bytes")
        # Conditions are those of a good answer to a read (RFC 9110, section 13.2.1): what a POST
        # answers with is no version of its target.
        is_selected = self.status_code == 200 and request.method in {"GET", "HEAD"}
        if is_selected and is_not_modified(request, validators):
            opened.file.close()
            self.status_code = 304
            del headers["content-length"]
            return self.without_body()
        start, end = 0, size
        # Ranges are defined for GET alone (RFC 9110, section 14.2).
        asked = request.headers.get("range") if request.method == "GET" else None
        if asked and is_selected and is_range_current(request, validators):
            found = find_range(asked, size)
            if found is not None:
                start, end = found
                self.status_code = 206
                headers["content-range"] = f"bytes {start}-{end - 1}/{size}"
        headers["content-length"] = str(end - start)
        pieces = read_pieces(opened.file, opened.start + start, opened.start + end)
        self.stream = Pieces(pieces, opened.file)
        return self

    def _set_validators(self, validators: Validators) -> Validators:
        """Set the fields that say which version it is; those of the handler count."""
        headers, (etag, modified) = self.headers, validators
        if etag is not None:
            headers.setdefault("etag", etag)
        if modified is not None:
            headers.setdefault("last-modified", format_date(modified))
        return Validators(headers.get("etag"), modified)


class HeldFile(FileResponse):
    """Bytes that are at hand, or an open file, answered like a file from the disk.

    Args:
        content: An open file is read from where it stands, once, and closed.
        media_type: What Content-Type says.
        filename: What a browser should save it as.
        as_attachment: Whether it is saved or shown.
    """

    def __init__(
        self,
        content: bytes | BinaryIO,
        *,
        media_type: str | None,
        filename: str | None,
        as_attachment: bool,
    ) -> None:
        super().__init__(
            filename or "",
            media_type=media_type,
            filename=filename,
            as_attachment=as_attachment,
        )
        self._content = content

    def open(self) -> OpenedFile:
        """Measure it; bytes are told apart by their hash.

        Raises:
            ValueError: The file cannot be measured, or was sent before.
        """
        content = self._content
        if isinstance(content, bytes):
            etag = quote_etag(blake2b(content, digest_size=16).hexdigest())
            return OpenedFile(BytesIO(content), len(content), Validators(etag))
        start = content.tell()
        return OpenedFile(content, content.seek(0, os.SEEK_END) - start, Validators(), start)


def send_file(  # noqa: PLR0913 - Flask's options
    path_or_file: str | os.PathLike[str] | bytes | BinaryIO,
    mimetype: str | None = None,
    *,
    as_attachment: bool = False,
    download_name: str | None = None,
    etag: str | None = None,
    last_modified: datetime | None = None,
    max_age: int | None = None,
) -> FileResponse:
    """Answer with a file from the disk, with bytes, or with an open file that can seek.

    Args:
        path_or_file: A path is the application's own word: below a folder, and from the client,
            `send_from_directory` is meant.
        mimetype: What Content-Type says; guessed from the name when left out.
        as_attachment: Whether a browser saves it or shows it.
        download_name: What a browser should save it as.
        etag: Which version it is, where you know better than the file or the bytes.
        last_modified: When it was changed; with its zone.
        max_age: Seconds for which a browser need not ask again.
    """
    if isinstance(path_or_file, str | os.PathLike):
        response = FileResponse(
            path_or_file,
            media_type=mimetype,
            filename=download_name,
            as_attachment=as_attachment,
        )
    else:
        response = HeldFile(
            path_or_file,
            media_type=mimetype,
            filename=download_name,
            as_attachment=as_attachment,
        )
    if etag is not None:
        response.headers["etag"] = quote_etag(etag)
    if last_modified is not None:
        response.headers["last-modified"] = format_date(last_modified)
    if max_age is not None:
        response.headers["cache-control"] = f"max-age={int(max_age)}"
    return response


def open_file(path: Path) -> OpenedFile:
    """Open a regular file and read its status from the same handle, so both agree.

    Raises:
        NotFound: There is none.
    """
    try:
        file = path.open("rb")
    except (OSError, ValueError):
        raise NotFound from None
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise NotFound
    etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    modified = datetime.fromtimestamp(int(status.st_mtime), UTC)
    return OpenedFile(file, status.st_size, Validators(etag, modified))


async def read_pieces(file: BinaryIO, start: int, end: int) -> AsyncGenerator[bytes]:
    """Yield the bytes from `start` up to `end`, read beside the loop; closes the file."""
    with file:
        file.seek(start)
        left = end - start
        while left > 0:
            piece = await run_in_thread(file.read, min(CHUNK_SIZE, left))
            if not piece:
                # The file shrank: ending short makes the server drop the connection,
                # which tells the client that the promised length was not kept.
                return
            left -= len(piece)
            yield piece


def guess_media_type(name: str) -> str:
    """Guess a type by a file's name; what is compressed has that of its bytes."""
    guessed, encoding = guess_type(name)
    return (guessed if encoding is None else None) or "application/octet-stream"


def format_disposition(kind: str, filename: str) -> str:
    """Format Content-Disposition so that no name can end or split it (RFC 6266, RFC 8187)."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    if plain == name:
        return f'{kind}; filename="{name}"'
    encoded = quote(name, safe="", errors="replace")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
