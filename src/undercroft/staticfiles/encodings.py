"""Content codings (RFC 9110, section 8.4): which there are, and which a client takes."""

import gzip
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

# What compresses well; everything else, such as images and WOFF2, is compressed already.
_TEXT = {".css", ".csv", ".htm", ".html", ".js", ".json", ".map", ".md", ".mjs", ".svg", ".txt"}
_OTHERS = {".eot", ".ico", ".otf", ".ttf", ".wasm", ".webmanifest", ".xhtml", ".xml"}
COMPRESSIBLE = frozenset(_TEXT | _OTHERS)

#: Below so many bytes nothing is gained.
SMALLEST = 500

#: A variant must be smaller than this part of the file.
_WORTH = 0.95

#: How the file of a coding ends, best coding first.
SUFFIXES = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}

#: Parts of Accept-Encoding that are looked at.
_MOST_PARTS = 20


def find_compressors() -> dict[str, Callable[[bytes], bytes]]:
    """Find the codings that can be made here: gzip, and Brotli and Zstandard where installed."""
    found: dict[str, Callable[[bytes], bytes]] = {
        "gzip": lambda data: gzip.compress(data, 9, mtime=0)
    }
    brotli = find_module("brotli")
    if brotli is not None:
        found["br"] = lambda data: bytes(brotli.compress(data, quality=11))
    zstd = find_module("compression.zstd") or find_module("zstandard")
    if zstd is not None:
        found["zstd"] = lambda data: bytes(zstd.compress(data, 19))
    return found


def find_module(name: str) -> Any:
    """Find a module that may not be installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


def compress(suffix: str, data: bytes) -> Iterable[tuple[str, bytes]]:
    """Yield the variants of a file that are worth having, with the endings of their names."""
    if suffix.lower() not in COMPRESSIBLE or len(data) < SMALLEST:
        return
    for coding, encode in find_compressors().items():
        encoded = encode(data)
        if len(encoded) < len(data) * _WORTH:
            yield SUFFIXES[coding], encoded


def choose_coding(accepted: str, available: Iterable[str]) -> str | None:
    """Choose the best coding that a client takes (RFC 9110, section 12.5.3); None sends it plain.

    Args:
        accepted: The value of Accept-Encoding.
        available: Codings there are, best first.
    """
    takes: dict[str, bool] = {}
    for part in accepted.lower().split(",")[:_MOST_PARTS]:
        coding, _, options = part.partition(";")
        weight = options.replace(" ", "").removeprefix("q=")
        takes[coding.strip()] = weight.strip("0.") != "" if options else True
    return next((name for name in available if takes.get(name, takes.get("*", False))), None)
