"""JSON on three databases: what lies at a path, compared as JSON and not as text."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from undercroft.db.fields.types import Json
from undercroft.db.queries.lookups import JSON_LOOKUPS, TEXT_LOOKUPS, Lookup
from undercroft.db.queries.terms import TYPES
from undercroft.db.sql import texts
from undercroft.db.sql.functions.text import lower

#: The comparisons that are JSON's own.
LOOKUPS = JSON_LOOKUPS | {"exact", "gt", "gte", "lt", "lte"}

_SYMBOLS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class JSONPath:
    """What lies within a JSON value; remembered so that it can be asked for as text, too.

    Args:
        source: The JSON value.
        keys: Names, and positions in lists as digits.
    """

    __slots__ = ("keys", "source")

    def __init__(self, source: Any, keys: tuple[str, ...]) -> None:
        self.source = source
        self.keys = keys

    @property
    def path(self) -> str:
        """The path as SQLite and MariaDB write it."""
        return "$" + "".join(
            f"[{key}]" if key.isdigit() else "." + json.dumps(key) for key in self.keys
        )


#: The paths behind the expressions built from them.
_NOTE = "undercroft_json_path"


def extract(builder: Any, source: Any, keys: tuple[str, ...]) -> Any:
    """Build what lies at a path, as JSON."""
    path = JSONPath(source, keys)
    if builder.vendor == "postgresql":
        found: Any = sa.func.jsonb_extract_path(source, *_list_texts(keys), type_=Json)
    elif builder.vendor == "sqlite":
        found = sa.func.json_quote(sa.func.json_extract(source, sa.literal(path.path)), type_=Json)
    else:
        found = sa.func.json_extract(source, sa.literal(path.path), type_=Json)
    return found._annotate({_NOTE: path})


def _list_texts(keys: Sequence[str]) -> list[Any]:
    return [sa.literal(key, sa.Text()) for key in keys]


def _find_path(element: Any) -> JSONPath | None:
    found: JSONPath | None = element._annotations.get(_NOTE)
    return found


def as_text(builder: Any, element: Any) -> Any:
    """Build the text of what lies at a path: a string without its quotes."""
    path = _find_path(element)
    source, keys = (element, ()) if path is None else (path.source, path.keys)
    if builder.vendor == "postgresql":
        return sa.func.jsonb_extract_path_text(source, *_list_texts(keys), type_=sa.Text())
    text = "$" if path is None else path.path
    found = sa.func.json_extract(source, sa.literal(text), type_=sa.Text())
    if builder.vendor == "sqlite":
        return sa.cast(found, sa.Text())
    return sa.func.json_unquote(found, type_=sa.Text())


def find_kind(builder: Any, element: Any) -> Any:
    """Build the name of the kind of value at a path; NULL where there is nothing."""
    path = _find_path(element)
    if builder.vendor == "postgresql":
        return sa.func.jsonb_typeof(element, type_=sa.Text())
    source, text = (element, "$") if path is None else (path.source, path.path)
    if builder.vendor == "sqlite":
        return sa.func.json_type(source, sa.literal(text), type_=sa.Text())
    return sa.func.json_type(sa.func.json_extract(source, sa.literal(text)), type_=sa.Text())


def get_null_kind(builder: Any) -> str:
    """Get what the database calls the kind of JSON's `null`."""
    return "NULL" if builder.vendor == "mariadb" else "null"


def compare(builder: Any, lookup: Lookup, left: Any, right: Any) -> Any:
    """Compare JSON with a value of the call, or with an expression.

    Args:
        builder: Of the statement.
        lookup: The comparison.
        left: The JSON.
        right: The expression; None for the next value of the call.
    """
    operator = lookup.operator
    if operator == "has_key":
        return has_key(builder, left, builder.bind(sa.Text()) if right is None else right)
    if (operator in TEXT_LOOKUPS and operator not in JSON_LOOKUPS) or _is_deep_text(left, operator):
        return _compare_text(builder, lookup, as_text(builder, left), right)
    right = builder.bind(Json) if right is None else right
    if operator in ("contains", "contained_by"):
        return _contains(builder, left, right, operator)
    if operator == "exact":
        return _normalize(builder, left) == _normalize(builder, right)
    return _to_value(builder, left).op(_SYMBOLS[operator], is_comparison=True)(
        _to_value(builder, right)
    )


def _is_deep_text(left: Any, operator: str) -> bool:
    return operator == "contains" and _find_path(left) is not None


def _compare_text(builder: Any, lookup: Lookup, left: Any, right: Any) -> Any:
    operator = lookup.operator
    if right is None and operator.removeprefix("i") in ("contains", "startswith", "endswith"):
        return texts.match_pattern(builder, left, operator)
    right = builder.bind(sa.Text()) if right is None else right
    if operator.endswith("regex"):
        return texts.match_regex(builder, left, operator, right)
    if operator.startswith("i"):
        left, right = lower(builder, left), lower(builder, right)
    return texts.search(builder, left, operator.removeprefix("i"), right)


def _normalize(builder: Any, element: Any) -> Any:
    """Build JSON as the database writes it, so that equal values are equal text."""
    if builder.vendor == "postgresql" or _find_path(element) is not None:
        return element
    if builder.vendor == "sqlite":
        return sa.func.json_quote(sa.func.json_extract(element, sa.literal("$")), type_=Json)
    return sa.func.json_compact(element, type_=Json)


def _to_value(builder: Any, element: Any) -> Any:
    """Build the number or text that JSON holds, to be told greater or less."""
    if builder.vendor == "postgresql":
        return element
    path = _find_path(element)
    source, text = (element, "$") if path is None else (path.source, path.path)
    found: ColumnElement[Any] = sa.func.json_extract(source, sa.literal(text))
    return found if builder.vendor == "sqlite" else sa.cast(found, TYPES["double"])


def _contains(builder: Any, left: Any, right: Any, operator: str) -> Any:
    if operator == "contained_by":
        left, right = right, left
    if builder.vendor == "postgresql":
        return left.op("@>", is_comparison=True)(right)
    function = sa.func.json_contains if builder.vendor == "mariadb" else sa.func.undercroft_contains
    return function(left, right) == 1


def has_key(builder: Any, left: Any, key: Any) -> Any:
    """Build whether JSON has a key."""
    if builder.vendor == "postgresql":
        return sa.func.jsonb_exists(left, key, type_=sa.Boolean())
    if builder.vendor == "sqlite":
        return sa.func.undercroft_has_key(left, key) == 1
    return sa.func.json_contains(sa.func.json_keys(left), sa.func.json_quote(key)) == 1
