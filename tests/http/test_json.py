"""JSON: one form for each value, whatever its size or kind."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from undercroft.errors import BadRequest, SerializationError
from undercroft.http.json import dump_json, load_json


@dataclass
class Point:
    x: int


@pytest.mark.parametrize(
    "value, text",
    [
        ({1: {2, }}, '{"1":[2]}'),
        (MappingProxyType({"a": Decimal("1.10")}), '{"a":"1.10"}'),
        (dt.datetime(2026, 1, 2, 3, 4, 5, 678, dt.UTC), '"2026-01-02T03:04:05.000678Z"'),
        (b"bytes", '"bytes"'),
        (dt.timedelta(days=400, hours=-1, microseconds=5), '"P1Y34DT23H0.000005S"'),
        (-dt.timedelta(minutes=1), '"-PT1M"'),
        (dt.timedelta(), '"PT0S"'),
        (2**64, "18446744073709551616"),
        ({"n": -(10**30), "at": dt.date(2026, 1, 2), "ä": {Decimal(1)}},
         '{"n":-1000000000000000000000000000000,"at":"2026-01-02","ä":["1"]}'),
        ([2**64, float("inf"), float("nan")], "[18446744073709551616,null,null]"),
        ({2**64: (True, 2**64)}, '{"18446744073709551616":[true,18446744073709551616]}'),
        ([Point(2**64), {2**65}], '[{"x":18446744073709551616},[36893488147419103232]]'),
    ],
)  # fmt: skip
def test_every_kind_of_value_has_one_form(value: Any, text: str) -> None:
    """Values are written as Pydantic writes them, integers of any size included."""
    assert dump_json(value).decode() == text


def nest(depth: int, value: Any) -> Any:
    """Put a value into so many lists."""
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {"a": object()},
        b"\xff",
        [2**64, object()],
        [2**64, "\ud800"],
        pytest.param(10**5000, id="long"),
        pytest.param(nest(100_000, 2**64), id="deep"),
    ],
)
def test_what_has_no_form_is_an_error_that_says_so(value: Any) -> None:
    """An unknown object is named, not written as something else."""
    with pytest.raises(SerializationError, match="cannot be written as JSON"):
        dump_json(value)


@pytest.mark.parametrize("raw", [b"", b"{", b"[1,]", b"NaN", b"\xff", b'{"a":1}}', b"[" * 100_000])
def test_malformed_text_is_a_bad_request(raw: bytes) -> None:
    """What is not JSON is a 400, endless nesting included."""
    with pytest.raises(BadRequest, match="not valid JSON"):
        load_json(raw)
