"""JSON on three databases: what lies at a path, its kind, and the values it holds."""

import json
import re
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.types import Json
from undercroft.db.sql.functions.building import call
from undercroft.db.sql.functions.json import to_json

#: What may be a position in a list as well as a key; negative ones count from the end.
_POSITION = re.compile(r"-?[0-9]{1,9}")

#: Keys that SQLite finds by a path of its own, which knows no escapes.
_PLAIN = re.compile(r"[^\"\\\x00-\x1f\x7f-\uffff\U00010000-\U0010ffff]+")

#: The collation of text on MariaDB, which is not that of JSON.
_COLLATION = "utf8mb4_nopad_bin"

#: What the databases call the kinds of values.
KINDS: dict[str, dict[str, str]] = {
    "mariadb": {
        "array": "ARRAY",
        "boolean": "BOOLEAN",
        "null": "NULL",
        "object": "OBJECT",
        "text": "STRING",
    },
    "postgresql": {"null": "null", "number": "number", "text": "string"},
    "sqlite": {"null": "null", "text": "text"},
}


def extract(builder: Any, source: Any, keys: tuple[str, ...]) -> Any:
    """Build what lies at a path, as JSON; NULL where there is nothing.

    Args:
        builder: Of the statement.
        source: The JSON.
        keys: Names, and positions in lists as digits.
    """
    if builder.vendor == "postgresql":
        texts = [sa.literal(key, sa.Text()) for key in keys]
        return sa.func.jsonb_extract_path(source, *texts, type_=Json)
    for key in keys:
        source = _STEPS[builder.vendor](source, key)
    return source


def _step_on_sqlite(source: Any, key: str) -> Any:
    if not _PLAIN.fullmatch(key):
        return call("undercroft_get", source, sa.literal(key, sa.Text()), type_=Json)
    named = _arrow(source, f'$."{key}"')
    if not _POSITION.fullmatch(key):
        return named
    index = f"#{key}" if key.startswith("-") else key
    return sa.func.coalesce(_arrow(source, f"$[{index}]"), named, type_=Json)


def _arrow(source: Any, path: str) -> Any:
    return source.op("->", return_type=Json)(sa.literal(path, sa.Text()))


def _step_on_mariadb(source: Any, key: str) -> Any:
    if key.startswith("-"):
        named = _find_on_mariadb(source, key)
    else:
        named = _extract_on_mariadb(source, f"$.{json.dumps(key, ensure_ascii=False)}")
    if not _POSITION.fullmatch(key):
        return named
    # To its paths, whatever is no list is a list of one.
    is_list = sa.func.json_type(source, type_=sa.Text()) == sa.literal("ARRAY", sa.Text())
    found = _extract_on_mariadb(source, f"$[{int(key)}]")
    return sa.type_coerce(sa.case((is_list, found), else_=named), Json)


def _extract_on_mariadb(source: Any, path: str) -> Any:
    return sa.func.json_extract(source, sa.literal(path, sa.Text()), type_=Json)


def _find_on_mariadb(source: Any, key: str) -> Any:
    """Build what lies under a key that no path of MariaDB's can name: by its place among all."""
    escaped = key.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    wanted = sa.literal("one", sa.Text()), sa.literal(escaped, sa.Text())
    place = call("json_search", call("json_keys", source, type_=Json), *wanted, type_=Json)
    values = _extract_on_mariadb(source, "$.*")
    return call("json_extract", values, call("json_unquote", place), type_=Json)


_STEPS = {"mariadb": _step_on_mariadb, "sqlite": _step_on_sqlite}


def find_kind(builder: Any, element: Any) -> Any:
    """Build the name of the kind of a value; NULL where there is nothing."""
    name = "jsonb_typeof" if builder.vendor == "postgresql" else "json_type"
    return call(name, element, type_=sa.Text())


def is_kind(builder: Any, element: Any, kind: str) -> Any:
    """Build whether a value is of a kind."""
    return find_kind(builder, element) == sa.literal(KINDS[builder.vendor][kind], sa.Text())


def unquote(builder: Any, element: Any) -> Any:
    """Build the text of a value: of text what it says, of others how they are written."""
    if builder.vendor == "postgresql":
        return element.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'"))
    if builder.vendor == "mariadb":
        return sa.collate(call("json_unquote", element, type_=sa.Text()), _COLLATION)
    said = element.op("->>", return_type=sa.Text())(sa.literal_column("'$'"))
    written = sa.type_coerce(element, sa.Text())
    return sa.case((is_kind(builder, element, "text"), said), else_=written)


def as_text(builder: Any, element: Any) -> Any:
    """Build the text of a value, to be made a value of another type; NULL of `null`."""
    if builder.vendor == "postgresql":
        return unquote(builder, element)
    return sa.case((sa.not_(is_kind(builder, element, "null")), unquote(builder, element)))


def as_truth(builder: Any, element: Any) -> Any:
    """Build whether a value is true; NULL where it is neither true nor false."""
    text = as_text(builder, element)
    branches = [
        (text.in_([sa.literal_column(f"'{word}'", sa.Text()) for word in words]), truth)
        for words, truth in ((("true", "1"), sa.true()), (("false", "0"), sa.false()))
    ]
    return sa.type_coerce(sa.case(*branches), sa.Boolean())


def take_text(builder: Any, element: Any) -> Any:
    """Build what JSON says where it is text, and NULL where it is of another kind."""
    return sa.case((is_kind(builder, element, "text"), unquote(builder, element)))


def wrap(builder: Any, element: Any) -> Any:
    """Build the JSON that stands for any other value; NULL stays NULL."""
    if isinstance(element.type, sa.JSON):
        return element
    name = "jsonb_build_array" if builder.vendor == "postgresql" else "json_array"
    listed = call(name, to_json(builder, element), type_=Json)
    if builder.vendor == "postgresql":
        found = listed.op("->", return_type=Json)(sa.literal_column("0"))
    elif builder.vendor == "sqlite":
        found = _arrow(listed, "$[0]")
    else:
        found = _extract_on_mariadb(listed, "$[0]")
    return sa.type_coerce(sa.case((element.is_not(None), found)), Json)
