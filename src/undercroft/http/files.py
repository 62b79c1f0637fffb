"""Files as answers: type by name, ETag and Last-Modified, conditions and ranges.

RFC 9110, sections 8.8 (validators), 13 (conditional requests) and 14 (ranges).
"""

import os
import re
import stat
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from mimetypes import guess_type
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import quote

from undercroft.concurrency import run_in_thread
from undercroft.errors import NotFound, RangeNotSatisfiable
from undercroft.http.request import Request
from undercroft.http.responses import Pieces, Response

CHUNK_SIZE = 256 * 1024

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class FileResponse(Response):
    """A file from the disk, sent in pieces, whole or the range that was asked for.

    One range is honoured; a list of ranges is answered with the whole file, as RFC 9110
    allows, so that no request can multiply the work.

    Args:
        path: An existing regular file; it is opened when the answer is sent.
        status_code: 200 unless told otherwise.
        headers: Fields by name.
        media_type: What Content-Type says; guessed from the name when left out.
        filename: What a browser should save it as; makes Content-Disposition.
        disposition: "attachment" saves the file, "inline" shows it.
    """

    def __init__(  # noqa: PLR0913 - Starlette's and Flask's options for a file
        self,
        path: str | os.PathLike[str],
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        filename: str | None = None,
        disposition: Literal["attachment", "inline"] = "attachment",
    ) -> None:
        self.path = Path(path)
        guessed, encoding = guess_type(filename or self.path.name)
        kind = media_type or (guessed if encoding is None else None) or "application/octet-stream"
        super().__init__(b"", status_code, headers, kind)
        if filename is not None:
            self.headers["content-disposition"] = format_disposition(disposition, filename)

    async def resolve(self, request: Request) -> Response:
        """Open the file, answer the request's conditions, choose the range.

        Raises:
            NotFound: There is no regular file at `path`.
            RangeNotSatisfiable: The range lies behind the end.
        """
        file, status = await run_in_thread(open_file, self.path)
        try:
            return self.copy()._choose_part(request, file, status)
        except BaseException:
            file.close()
            raise

    def _choose_part(self, request: Request, file: BinaryIO, status: os.stat_result) -> Response:
        etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        modified = datetime.fromtimestamp(int(status.st_mtime), UTC)
        headers = self.headers
        headers.setdefault("etag", etag)
        headers.setdefault("last-modified", format_datetime(modified, usegmt=True))
        headers.setdefault("accept-ranges", "bytes")
        if is_not_modified(request, headers["etag"], modified):
            file.close()
            self.status_code = 304
            del headers["content-length"]
            return self.without_body()
        start, end = 0, status.st_size
        # Ranges are defined for GET alone (RFC 9110, section 14.2).
        asked = request.headers.get("range") if request.method == "GET" else None
        if asked and self.status_code == 200 and is_range_current(request, headers["etag"]):
            found = find_range(asked, status.st_size)
            if found is not None:
                start, end = found
                self.status_code = 206
                headers["content-range"] = f"bytes {start}-{end - 1}/{status.st_size}"
        headers["content-length"] = str(end - start)
        self.stream = Pieces(read_pieces(file, start, end), file)
        return self


def open_file(path: Path) -> tuple[BinaryIO, os.stat_result]:
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
    return file, status


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


def is_not_modified(request: Request, etag: str, modified: datetime) -> bool:
    """Tell whether the client's copy is current (RFC 9110, section 13.2.2)."""
    if request.method not in {"GET", "HEAD"}:
        return False
    held = request.headers.getlist("if-none-match")
    if held:
        tags = {tag.strip().removeprefix("W/") for line in held for tag in line.split(",")}
        return "*" in tags or etag.removeprefix("W/") in tags
    since = find_date(request.headers.get("if-modified-since"))
    return since is not None and modified <= since


def is_range_current(request: Request, etag: str) -> bool:
    """Tell whether If-Range, when sent, names the file as it is (RFC 9110, section 13.1.5)."""
    condition = request.headers.get("if-range")
    return condition is None or condition.strip() == etag


def find_range(header: str, size: int) -> tuple[int, int] | None:
    """Find the one range a Range header asks for, as start and exclusive end.

    Returns None where the header is malformed or lists several ranges: the whole is sent.

    Raises:
        RangeNotSatisfiable: It lies behind the end.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start = int(first)
        end = min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise RangeNotSatisfiable(
            f"Range {header!r} lies behind the end of {size} bytes.",
            headers={"content-range": f"bytes */{size}"},
        )
    return start, end


def find_date(value: str | None) -> datetime | None:
    """Read an HTTP date (RFC 9110, section 5.6.7); None where it is absent or malformed."""
    try:
        moment = parsedate_to_datetime(value) if value else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def format_disposition(kind: str, filename: str) -> str:
    """Format Content-Disposition so that no name can end or split it (RFC 6266, RFC 8187)."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    if plain == name:
        return f'{kind}; filename="{name}"'
    encoded = quote(name, safe="", errors="replace")
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
