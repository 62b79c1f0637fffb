"""Header fields: looked up in any case, never split by what they hold."""

import pytest

from undercroft.http.headers import Headers, MutableHeaders


def test_names_are_found_in_any_case() -> None:
    """A field is found by its name in any case, and the first of several counts."""
    headers = Headers([(b"accept", b"a"), (b"accept", b"b"), (b"x-one", b"1")])
    assert headers["Accept"] == "a"
    assert headers.getlist("ACCEPT") == ["a", "b"]
    assert "X-One" in headers
    assert "X-Two" not in headers
    assert list(headers) == ["accept", "x-one"]


def test_setting_replaces_and_appending_adds() -> None:
    """Setting a name leaves one value, appending adds one."""
    headers = MutableHeaders([(b"vary", b"Accept")])
    headers.append("Vary", "Cookie")
    assert headers.getlist("vary") == ["Accept", "Cookie"]
    headers["Vary"] = "Origin"
    assert headers.getlist("vary") == ["Origin"]
    del headers["vary"]
    assert "vary" not in headers


def test_vary_names_each_header_once() -> None:
    """Adding to Vary keeps what is there and repeats nothing."""
    headers = MutableHeaders([(b"vary", b"Accept, Cookie")])
    headers.add_vary("cookie")
    headers.add_vary("Origin")
    assert headers["vary"] == "Accept, Cookie, Origin"


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x=1", "a\nb", "a\0b", "a\x7fb"])
def test_a_value_cannot_split_the_answer(value: str) -> None:
    """A line break or other control character in a value is refused, not cleaned."""
    with pytest.raises(ValueError, match="control characters"):
        MutableHeaders([])["x-test"] = value


@pytest.mark.parametrize("name", ["a b", "a:", "", "a\r\n", "ä"])
def test_a_name_is_a_token(name: str) -> None:
    """A name that is no token is refused."""
    with pytest.raises(ValueError, match="token"):
        MutableHeaders([])[name] = "x"
