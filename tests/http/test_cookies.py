"""Cookies: safe by default, and never more than one header."""

from datetime import UTC, datetime

import pytest

from undercroft.http.cookies import Cookies, format_cookie
from undercroft.http.headers import Headers


def test_cookies_are_read_from_every_header() -> None:
    """Names and values are read, quotes removed, nonsense passed over, the first name kept."""
    headers = Headers([(b"cookie", b'a=1; b="two"; nonsense; a=3'), (b"cookie", b"c=x=y")])
    assert dict(Cookies.from_headers(headers)) == {"a": "1", "b": "two", "c": "x=y"}


@pytest.mark.parametrize("space", [b"\xa0", b"\x85", b"\x0c", b"\x1c"])
def test_no_other_name_counts_for_a_prefixed_one(space: bytes) -> None:
    """Only a space and a tab are taken away: a name with a stranger's space is another name."""
    sent = [(b"cookie", space + b"__Host-a=1; __Host-b" + space + b"=2;\t__Host-c =3")]
    assert [name for name in Cookies.from_headers(Headers(sent)) if name.startswith("__Host")] == [
        "__Host-b" + space.decode("latin-1"),
        "__Host-c",
    ]


def test_one_pair_of_quotes_is_taken_away() -> None:
    """What stands in the quotes is the value, further quotes among it."""
    headers = Headers([(b"cookie", b'a=""1""; b="; c="d; e=')])
    assert dict(Cookies.from_headers(headers)) == {"a": '"1"', "b": '"', "c": '"d', "e": ""}


def test_values_are_not_shown_in_logs() -> None:
    """The representation names cookies and hides what they hold."""
    assert "secret" not in repr(Cookies({"session": "secret"}))


def test_a_cookie_is_httponly_and_lax_by_default() -> None:
    """The safe attributes are there without being asked for."""
    assert format_cookie("a", "b") == "a=b; Path=/; HttpOnly; SameSite=Lax"


def test_every_attribute_is_written() -> None:
    """Each attribute appears as RFC 6265 spells it."""
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    cookie = format_cookie(
        "a", "b", max_age=5, expires=moment, path="/x", domain="example.org", samesite="strict"
    )
    assert "Max-Age=5" in cookie
    assert "Expires=Wed, 02 Jan 2030 03:04:05 GMT" in cookie
    assert "Domain=example.org" in cookie
    assert cookie.endswith("SameSite=Strict")


@pytest.mark.parametrize("name", ["__Host-a", "__Secure-a"])
def test_prefixed_cookies_are_secure(name: str) -> None:
    """A cookie whose name promises safety is sent over HTTPS only."""
    assert "; Secure" in format_cookie(name, "b")
    assert "; Secure" in format_cookie("a", "b", samesite="none")


@pytest.mark.parametrize(
    "parts",
    [
        ("a b", "x", "/"),
        ("a", "x;y", "/"),
        ("a", "x\r\ny", "/"),
        ("a", 'x"', "/"),
        ("a", "x", "/;z"),
    ],
)
def test_no_part_can_end_its_header(parts: tuple[str, str, str]) -> None:
    """A character that would end or split the header is refused."""
    name, value, path = parts
    with pytest.raises(ValueError, match="Cookie"):
        format_cookie(name, value, path=path)
