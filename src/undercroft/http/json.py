"""JSON text to values and back: the one owner of the JSON library.

Datetimes are RFC 3339 with `Z`, decimals and UUIDs are strings, sets are lists: what Pydantic
writes, so that the same value looks the same whichever way it leaves.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from pathlib import PurePath
from typing import Any, cast

import orjson

from undercroft.errors import BadRequest, SerializationError

#: How deep lists and objects may be nested, unless the settings say otherwise.
MAX_DEPTH = 100

#: Levels that are taken off as a whole before what is left is counted.
_MOST_PEELED = 8

_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {ord("["): 1, ord("]"): -1}

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_NON_STR_KEYS


def write_duration(value: timedelta) -> str:
    """Write a length of time as Pydantic does: ISO 8601, with years of 365 days."""
    sign = "-" if value < timedelta(0) else ""
    value = abs(value)
    years, days = divmod(value.days, 365)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}".rstrip("0").rstrip(".")
    date = (f"{years}Y" if years else "") + (f"{days}D" if days else "")
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if seconds or fraction or not (date or time):
        time += f"{seconds}{fraction}S"
    return f"{sign}P{date}T{time}" if time else f"{sign}P{date}"


#: What the library does not know, and what it becomes.
_CONVERSIONS: list[tuple[tuple[type, ...], Callable[[Any], Any]]] = [
    ((Decimal, PurePath), str),
    ((set, frozenset), list),
    ((bytes,), bytes.decode),
    ((timedelta,), write_duration),
    ((Mapping,), dict),
]


def _to_plain(value: Any) -> Any:
    """Turn what the library does not know into what it does."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    raise TypeError


def dump_json(value: Any) -> bytes:
    """Write a value as JSON.

    Raises:
        SerializationError: Some part of it has no JSON form.
    """
    try:
        return orjson.dumps(value, _to_plain, _OPTIONS)
    except (TypeError, UnicodeDecodeError) as error:
        if "64-bit" not in str(error):
            raise build_unwritable(value, error) from error
    try:
        options = _OPTIONS | orjson.OPT_PASSTHROUGH_DATACLASS
        return orjson.dumps(_mark_large(value), lambda part: _mark_large(_to_plain(part)), options)
    except (TypeError, ValueError, RecursionError) as error:
        raise build_unwritable(value, error) from error


def _mark_large(value: Any) -> Any:
    """Write integers beyond 64 bits out, which the library leaves to others."""
    if isinstance(value, int):
        return value if value.bit_length() < 64 else orjson.Fragment(str(value))
    if isinstance(value, dict):
        pairs = cast("Mapping[Any, Any]", value).items()
        return {
            str(key) if isinstance(key, int) and key.bit_length() > 63 else key: _mark_large(each)
            for key, each in pairs
        }
    if isinstance(value, list | tuple):
        return [_mark_large(each) for each in cast("Iterable[Any]", value)]
    return value


def build_unwritable(value: Any, error: Exception) -> SerializationError:
    """Build the error for a value that has no JSON form."""
    return SerializationError(
        f"{type(value).__name__} cannot be written as JSON: {error}.",
        hint="Return plain data, or declare a serializer as the return type.",
        code="http.json",
    )


def load_json(raw: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """Read JSON text (RFC 8259; no NaN, no trailing data).

    Raises:
        BadRequest: It is malformed, and the detail names the place; or it is nested too deeply.
    """
    check_depth(raw, max_depth)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise malformed_json(str(error)) from error


def check_depth(raw: bytes, most: int) -> None:
    """Refuse text whose lists and objects are nested more deeply.

    Text with few brackets is only counted. Else all but the brackets is taken out, pairs are
    peeled off as long as most of it goes with them, and the rest is gone through.

    Raises:
        BadRequest: They are.
    """
    if raw.count(b"[") + raw.count(b"{") <= most:
        return
    if b"\\" in raw:
        raw = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Of what quotes separate, every second part is a string.
    left = b"".join(raw.split(b'"')[::2]).translate(_ONE_KIND, _NO_BRACKETS)
    peeled = 0
    while left and peeled < min(most, _MOST_PEELED):
        left = left.replace(b"[]", b"")
        peeled += 1
    depths = accumulate(map(_STEPS.__getitem__, left))
    if any(map((most - peeled).__lt__, depths)):
        raise BadRequest(
            f"The body is not valid JSON: it is nested more deeply than {most} levels.",
            hint="Nest lists and objects less deeply.",
            code="http.malformed-json",
        )


def malformed_json(reason: str) -> BadRequest:
    """Build the one answer to a body that is not JSON."""
    is_deep = any(word in reason.lower() for word in ("recursion", "depth"))
    hint = "Nest lists and objects less deeply." if is_deep else "Send JSON (RFC 8259) in UTF-8."
    return BadRequest(
        f"The body is not valid JSON: {reason}.",
        hint=hint,
        code="http.malformed-json",
    )
