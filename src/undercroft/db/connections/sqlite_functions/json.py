"""Functions of JSON."""

import json
from collections.abc import Callable
from typing import Any


def _contains(document: str, part: str) -> bool:
    return _has_part(json.loads(document), json.loads(part))


def _has_part(whole: Any, part: Any) -> bool:
    """Tell whether JSON contains other JSON, as PostgreSQL's `@>` does."""
    kind, part_kind = whole.__class__, part.__class__
    if part_kind is dict:
        return kind is dict and all(
            key in whole and _has_part(whole[key], value) for key, value in part.items()
        )
    if kind is not list:
        return part_kind is not list and _is_same(whole, part)
    items = part if part_kind is list else [part]
    return all(any(_has_part(each, item) for each in whole) for item in items)


def _is_same(left: Any, right: Any) -> bool:
    # True == 1 to Python, and not to JSON.
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _has_key(document: str, key: str) -> bool:
    found: Any = json.loads(document)
    return key in found if isinstance(found, (dict, list)) else found == key


#: The functions, and how many arguments they take.
JSON: dict[str, tuple[int, Callable[..., Any]]] = {
    "undercroft_contains": (2, _contains),
    "undercroft_has_key": (2, _has_key),
}
