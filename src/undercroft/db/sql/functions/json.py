"""The SQL of functions that make JSON, of values that JSON can hold and of others as text."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

from undercroft.db.fields.types import Json
from undercroft.db.fields.values import find_python_type
from undercroft.db.sql.functions.building import Build, call
from undercroft.errors import FieldError

_TEXT = sa.Text()

#: ISO 8601 with microseconds, as each database is asked for it.
_DATETIME = {
    "postgresql": 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"',
    "mariadb": "%Y-%m-%dT%H:%i:%s.%f+00:00",
}
_TIME = {"postgresql": "HH24:MI:SS.US", "mariadb": "%H:%i:%s.%f"}

#: The collation of MariaDB's JSON.
JSON_COLLATION = "utf8mb4_bin"


def to_json(builder: Any, element: Any) -> Any:
    """Build what stands for a value in JSON, the same on every database.

    Raises:
        FieldError: Nothing does: it is bytes.
    """
    if isinstance(element.type, sa.JSON):
        return element if builder.vendor == "postgresql" else _read(builder, element)
    make = _MAKERS.get(find_python_type(element.type))
    made = element if make is None else make(builder, element)
    if builder.vendor == "mariadb" and isinstance(made.type, sa.String):
        # Text beside JSON must be of the collation that JSON has.
        return sa.collate(made, JSON_COLLATION)
    return made


def _read(builder: Any, text: Any) -> Any:
    """Build JSON of text that is JSON."""
    return call("json" if builder.vendor == "sqlite" else "json_compact", text, type_=Json)


def _from_bool(builder: Any, element: Any) -> Any:
    if builder.vendor == "postgresql":
        return element
    yes, no = (sa.literal_column(f"'{word}'", _TEXT) for word in ("true", "false"))
    text = sa.case((element == sa.true(), yes), (element == sa.false(), no))
    return _read(builder, text)


def _from_datetime(builder: Any, element: Any) -> Any:
    if builder.vendor == "sqlite":
        return call("replace", element, " ", "T", type_=sa.Text()) + sa.literal("+00:00")
    return _format(builder, element, _DATETIME)


def _from_time(builder: Any, element: Any) -> Any:
    return element if builder.vendor == "sqlite" else _format(builder, element, _TIME)


def _format(builder: Any, element: Any, formats: dict[str, str]) -> Any:
    name = "to_char" if builder.vendor == "postgresql" else "date_format"
    layout = sa.literal(formats[builder.vendor], sa.Text())
    return call(name, element, layout, type_=sa.Text())


def _from_date(builder: Any, element: Any) -> Any:
    return element if builder.vendor == "sqlite" else sa.cast(element, sa.Text())


def _from_span(builder: Any, element: Any) -> Any:
    if builder.vendor == "postgresql":
        return sa.extract("epoch", element)
    return sa.type_coerce(element, sa.BigInteger()) / sa.literal_column("1000000.0")


def _from_uuid(builder: Any, element: Any) -> Any:
    if builder.vendor != "sqlite":
        return sa.cast(element, sa.Text())
    ranges = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    pieces = [call("substr", element, *each, type_=sa.Text()) for each in ranges]
    text = pieces[0]
    for piece in pieces[1:]:
        text = text + sa.literal("-") + piece
    return text


def _refuse(_builder: Any, _element: Any) -> Any:
    raise FieldError(
        "JSON cannot hold bytes.",
        hint="Leave them out, or put text in their place.",
        code="db.function",
    )


_MAKERS: dict[type[Any], Callable[[Any, Any], Any]] = {
    bool: _from_bool,
    bytes: _refuse,
    dt.date: _from_date,
    dt.datetime: _from_datetime,
    dt.time: _from_time,
    dt.timedelta: _from_span,
    uuid.UUID: _from_uuid,
}


def _object(builder: Any, arguments: Sequence[Any], keys: Any) -> Any:
    name = "jsonb_build_object" if builder.vendor == "postgresql" else "json_object"
    values = [to_json(builder, each) for each in arguments]
    pairs = zip((sa.literal(key, sa.Text()) for key in keys), values, strict=True)
    return call(name, *chain.from_iterable(pairs), type_=Json)


def _array(builder: Any, arguments: Sequence[Any], _option: Any) -> Any:
    name = "jsonb_build_array" if builder.vendor == "postgresql" else "json_array"
    return call(name, *(to_json(builder, each) for each in arguments), type_=Json)


#: The functions.
JSON: dict[str, Build] = {"json_array": _array, "json_object": _object}
