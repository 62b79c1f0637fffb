"""The encodings that answers can be compressed with: gzip always, br and zstd where they are there.

gzip is Python's own, and from 3.14 on zstd is, too. The extra `compression` brings the others.
"""

import sys
import zlib
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

from undercroft.errors import ImproperlyConfigured

#: Levels that make small answers at a few milliseconds a megabyte or so.
_GZIP_LEVEL, _BROTLI_QUALITY, _ZSTD_LEVEL = 6, 4, 3

#: The window a browser must have for zstd (RFC 9659): 8 MB, as a power of two.
_ZSTD_WINDOW = 23


class Encoder(Protocol):
    """Compresses one stream."""

    def encode(self, piece: bytes) -> bytes:
        """Compress a piece, so that it can be read without what follows."""
        ...

    def finish(self) -> bytes:
        """End the stream."""
        ...


class Encoding(NamedTuple):
    """A way to compress.

    Attributes:
        name: As Content-Encoding says it.
        begin: Makes what compresses one stream.
    """

    name: str
    begin: Callable[[], Encoder]

    def compress(self, body: bytes) -> bytes:
        """Compress a whole body."""
        encoder = self.begin()
        return encoder.encode(body) + encoder.finish()


class _Gzip:
    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def encode(self, piece: bytes) -> bytes:
        return self._compressor.compress(piece) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._compressor.flush()


class _Brotli:
    def __init__(self) -> None:
        brotli: Any = import_module("brotli")
        self._compressor = brotli.Compressor(quality=_BROTLI_QUALITY)

    def encode(self, piece: bytes) -> bytes:
        return bytes(self._compressor.process(piece) + self._compressor.flush())

    def finish(self) -> bytes:
        return bytes(self._compressor.finish())


class _Zstandard:
    def __init__(self) -> None:
        zstd: Any = import_module(_ZSTD_MODULE)
        parameters = zstd.CompressionParameter
        options = {
            parameters.compression_level: _ZSTD_LEVEL,
            parameters.window_log: min(_ZSTD_WINDOW, 21),
        }
        self._compressor = zstd.ZstdCompressor(options=options)
        self._flush = zstd.ZstdCompressor.FLUSH_BLOCK

    def encode(self, piece: bytes) -> bytes:
        return bytes(self._compressor.compress(piece, self._flush))

    def finish(self) -> bytes:
        return bytes(self._compressor.flush())


#: The backport has the names of Python's own.
_ZSTD_MODULE = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"

#: The best first; with the module that must be there.
_KNOWN: dict[str, tuple[str, Callable[[], Encoder]]] = {
    "zstd": (_ZSTD_MODULE, _Zstandard),
    "br": ("brotli", _Brotli),
    "gzip": ("zlib", _Gzip),
}


def list_encodings(names: Sequence[str] | None = None) -> list[Encoding]:
    """List encodings, the best first.

    Args:
        names: Those that are wanted; left out, all that can be made here.

    Raises:
        ImproperlyConfigured: One is unknown, or its library is not installed.
    """
    wanted = list(_KNOWN) if names is None else list(names)
    found: list[Encoding] = []
    for name in wanted:
        module, begin = _KNOWN.get(name, ("", _Gzip))
        if module and is_installed(module):
            found.append(Encoding(name, begin))
        elif names is not None:
            raise ImproperlyConfigured(
                f"Answers cannot be compressed with {name!r} here.",
                hint=f"Choose among {', '.join(each.name for each in list_encodings())}, or install"
                " `undercroft[compression]`.",
                code="middleware.encoding",
            )
    return found


def is_installed(module: str) -> bool:
    """Tell whether a module can be imported, without doing so."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
