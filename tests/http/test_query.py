"""Query strings: what browsers write, and nothing that servers read differently."""

import pytest

from undercroft.errors import BadRequest
from undercroft.http.query import QueryParams, parse_pairs


def test_values_are_decoded_and_kept_in_order() -> None:
    """Percent and plus are decoded, empty values kept, the last of several counts."""
    params = QueryParams.from_bytes(b"a=1&b=%C3%A4+%26&a=2&empty=&flag")
    assert params["a"] == "2"
    assert params.getlist("a") == ["1", "2"]
    assert params["b"] == "ä &"
    assert params["empty"] == "" == params["flag"]
    assert str(params.replace(a=3, b=None)) == "empty=&flag=&a=3"


def test_semicolon_is_data() -> None:
    """A semicolon separates nothing: caches and servers must not disagree."""
    assert parse_pairs(b"a=1;b=2&c=3") == [("a", "1;b=2"), ("c", "3")]


def test_too_many_fields_are_refused_unread() -> None:
    """More fields than the limit answer 400 before they are decoded."""
    with pytest.raises(BadRequest, match="more than 1000 fields"):
        parse_pairs(b"a&" * 100_000)


def test_broken_utf8_does_no_harm() -> None:
    """Bytes that are no UTF-8 become replacement characters."""
    assert parse_pairs(b"a=%ff&b=\xff") == [("a", "\ufffd"), ("b", "\ufffd")]
