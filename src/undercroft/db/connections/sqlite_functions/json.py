"""Functions of JSON, whose numbers are exact whatever their size."""

import json
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any


def _read(document: Any) -> Any:
    # A number by itself is one to SQLite, whatever the type of its column.
    text = document if isinstance(document, str) else repr(document)
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _get(document: Any, key: str) -> str | None:
    """Get what lies under a key, as JSON."""
    found: Any = json.loads(str(document))
    if not isinstance(found, dict) or key not in found:
        return None
    return json.dumps(found[key], ensure_ascii=False)


# ------------------------------------------------------------------ equal, less, greater


def _normalize(document: Any) -> str:
    """Write JSON so that equal values are the same text."""
    return _write(_read(document))


def _write(value: Any) -> str:
    kind = value.__class__
    if kind is Decimal:
        return _write_number(value)
    if kind is list:
        return f"[{','.join(map(_write, value))}]"
    if kind is dict:
        pairs = (f"{json.dumps(key)}:{_write(value[key])}" for key in sorted(value))
        return f"{{{','.join(pairs)}}}"
    return json.dumps(value)


def _write_number(number: Decimal) -> str:
    """Write a number by its digits, without zeros at their end, and an exponent."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits))
    short = text.rstrip("0")
    if not short:
        return "0"
    return f"{'-' if sign else ''}{short.lstrip('0')}e{int(exponent) + len(text) - len(short)}"


def _compare(left: Any, right: Any) -> int | None:
    """Compare numbers with numbers and texts with texts; all else is neither less nor greater."""
    one, other = _read(left), _read(right)
    kind = one.__class__
    if kind is not other.__class__ or kind not in (Decimal, str):
        return None
    return int(one > other) - int(one < other)


#: The kinds of values in their order, which is PostgreSQL's.
_RANKS = {type(None): 0, str: 1, Decimal: 2, bool: 3, list: 4, dict: 5}


def _build_sort_key(document: Any) -> bytes:
    """Build bytes that are ordered as values are: by kind, then by value."""
    value = _read(document)
    return bytes([_RANKS[type(value)]]) + _order(value)


def _order(value: Any) -> bytes:
    kind = value.__class__
    if kind is str:
        return bytes(value.encode("utf-8", "surrogatepass"))
    if kind is Decimal:
        (bits,) = struct.unpack(">Q", struct.pack(">d", float(value) + 0.0))
        # Negative numbers count down.
        return struct.pack(">Q", bits ^ (0xFFFFFFFFFFFFFFFF if bits >> 63 else 1 << 63))
    if kind in (list, dict):
        return struct.pack(">I", len(value))
    return bytes([value is True])


# ------------------------------------------------------------------ members


def _contains(document: Any, part: Any) -> bool:
    """Tell whether JSON contains other JSON, as PostgreSQL's `@>` does."""
    whole, wanted = _read(document), _read(part)
    if whole.__class__ is list and wanted.__class__ not in (list, dict):
        # The one exception: a list contains its plain values.
        return any(_is_same(each, wanted) for each in whole)
    return _has_part(whole, wanted)


def _has_part(whole: Any, part: Any) -> bool:
    kind = whole.__class__
    if kind is not part.__class__:
        return False
    if kind is dict:
        return all(key in whole and _has_part(whole[key], value) for key, value in part.items())
    if kind is list:
        return all(any(_has_part(each, item) for each in whole) for item in part)
    return _is_same(whole, part)


def _is_same(left: Any, right: Any) -> bool:
    # True == 1 to Python, and not to JSON.
    return type(left) is type(right) and bool(left == right)


def _has_key(document: Any, key: str) -> bool:
    found: Any = json.loads(str(document))
    return key in found if isinstance(found, (dict, list)) else found == key


#: The functions, and how many arguments they take.
JSON: dict[str, tuple[int, Callable[..., Any]]] = {
    "undercroft_compare": (2, _compare),
    "undercroft_contains": (2, _contains),
    "undercroft_get": (2, _get),
    "undercroft_has_key": (2, _has_key),
    "undercroft_normal": (1, _normalize),
    "undercroft_sort_key": (1, _build_sort_key),
}
