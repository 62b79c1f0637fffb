"""Uploaded files: what a form sent, kept in memory while small and on disk from then on."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from undercroft.concurrency import run_in_thread
from undercroft.http.headers import Headers

#: A file up to this many bytes is kept in memory.
SPOOL_SIZE = 1024 * 1024

#: Bytes read at once where a file is iterated over or saved.
CHUNK_SIZE = 64 * 1024


class UploadFile:
    """A file that came with a form; it is closed once the request has been answered.

    Args:
        filename: What the client calls it, without folders; never to be trusted as a path.
        headers: The fields of its part.

    Attributes:
        file: The file itself, for sync code.
        size: In bytes.
    """

    def __init__(self, filename: str, headers: Headers | None = None) -> None:
        self.filename = filename
        self.headers = Headers() if headers is None else headers
        self.file = cast("BinaryIO", SpooledTemporaryFile(max_size=SPOOL_SIZE))  # noqa: SIM115 - closed with the request
        self.size = 0

    @property
    def content_type(self) -> str:
        """The media type the client claims, in lower case; "" where it says none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def write(self, data: bytes) -> None:
        """Append bytes, beside the loop once they go to disk."""
        self.size += len(data)
        if self.size > SPOOL_SIZE:
            await run_in_thread(self.file.write, data)
        else:
            self.file.write(data)

    async def read(self, size: int = -1) -> bytes:
        """Read so many bytes from where the last read ended; all of them when negative."""
        if self.size > SPOOL_SIZE:
            return await run_in_thread(self.file.read, size)
        return self.file.read(size)

    async def seek(self, offset: int) -> None:
        """Go to a byte, for the next read."""
        if self.size > SPOOL_SIZE:
            await run_in_thread(self.file.seek, offset)
        else:
            self.file.seek(offset)

    async def save(self, path: Path | str) -> None:
        """Write the whole file to a path, which must not be there yet.

        Raises:
            FileExistsError: It is.
        """
        await run_in_thread(self._save, Path(path))

    def _save(self, path: Path) -> None:
        self.file.seek(0)
        with path.open("xb") as target:
            while piece := self.file.read(CHUNK_SIZE):
                target.write(piece)

    async def close(self) -> None:
        """Close the file, which removes it from disk."""
        self.file.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the whole file in pieces."""
        await self.seek(0)
        while piece := await self.read(CHUNK_SIZE):
            yield piece

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """Tell Pydantic that it is taken as it is, so that models of forms may have files."""
        from pydantic_core import core_schema  # noqa: PLC0415 - only Pydantic asks

        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, str]:
        """Describe it as OpenAPI 3.1 does; the format is for tools that know the older one."""
        described = {"contentMediaType": "application/octet-stream", "format": "binary"}
        return {"type": "string", **described}

    def __repr__(self) -> str:
        """Show name, type and size."""
        return f"<UploadFile {self.filename!r} {self.content_type or 'unknown type'} {self.size:,}>"
