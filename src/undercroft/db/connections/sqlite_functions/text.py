"""Functions of text."""

import hashlib
import re
import uuid
from collections.abc import Callable
from typing import Any

#: What SQLite takes for text at most, in characters of one byte.
_MAX_TEXT = 1_000_000_000


def _lower(value: Any) -> str:
    return str(value).lower()


def _upper(value: Any) -> str:
    return str(value).upper()


def _matches(pattern: str, value: Any) -> bool:
    return re.search(pattern, str(value)) is not None


def _right(value: Any, size: int) -> str:
    return str(value)[-size:] if size > 0 else ""


def _reverse(value: Any) -> str:
    return str(value)[::-1]


def _repeat(value: Any, number: int) -> str:
    text = str(value)
    if len(text) * number > _MAX_TEXT:
        raise ValueError("more text than SQLite takes")
    return text * number


def _fill(value: str, size: int, fill: str) -> str:
    """Give what is to be added to a text to make it so long."""
    missing = size - len(value)
    if missing <= 0 or not fill:
        return ""
    return _repeat(fill, missing // len(fill) + 1)[:missing]


def _pad_left(value: Any, size: int, fill: str) -> str:
    text = str(value)
    return _fill(text, size, fill) + text[: max(size, 0)]


def _pad_right(value: Any, size: int, fill: str) -> str:
    text = str(value)
    return text[: max(size, 0)] + _fill(text, size, fill)


def _ord(value: Any) -> int:
    text = str(value)
    return ord(text[0]) if text else 0


def _write_uuid(value: Any) -> str:
    return str(uuid.UUID(str(value)))


def _build_digest(name: str) -> Callable[[Any], str]:
    def digest(value: Any) -> str:
        return hashlib.new(name, str(value).encode(), usedforsecurity=False).hexdigest()

    return digest


#: The functions, and how many arguments they take.
TEXT: dict[str, tuple[int, Callable[..., Any]]] = {
    "regexp": (2, _matches),
    "undercroft_chr": (1, chr),
    "undercroft_lower": (1, _lower),
    "undercroft_lpad": (3, _pad_left),
    "undercroft_ord": (1, _ord),
    "undercroft_repeat": (2, _repeat),
    "undercroft_reverse": (1, _reverse),
    "undercroft_right": (2, _right),
    "undercroft_rpad": (3, _pad_right),
    "undercroft_upper": (1, _upper),
    "undercroft_uuid": (1, _write_uuid),
    **{
        f"undercroft_{name}": (1, _build_digest(name))
        for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
    },
}
