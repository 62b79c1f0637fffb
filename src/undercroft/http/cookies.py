"""Cookies (RFC 6265): reading the Cookie header, writing Set-Cookie."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal, TypedDict

from undercroft.http.headers import TOKEN, Headers

SameSite = Literal["lax", "strict", "none"]

#: RFC 6265, section 4.1.1: cookie-octet.
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
#: RFC 6265, section 4.1.1: path-value and domain-value hold no control character and no `;`.
_ATTRIBUTE = re.compile(r"[\x20-\x3a\x3c-\x7e]*")


class CookieOptions(TypedDict, total=False):
    """The attributes of a cookie; what is left out has the safe default of `format_cookie`."""

    max_age: int | None
    expires: datetime | None
    path: str
    domain: str | None
    secure: bool
    httponly: bool
    samesite: SameSite


class Cookies(Mapping[str, str]):
    """The cookies of a request, by name; the first of equal names counts, as browsers order."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @classmethod
    def from_headers(cls, headers: Headers) -> "Cookies":
        """Read every Cookie header; what is not `name=value` is passed over.

        Only RFC 6265's white space is taken away. With any other, `__Host-` would no longer be
        what a browser has seen, and a name that another host may set could pass for ours.
        """
        values: dict[str, str] = {}
        for header in headers.getlist("cookie"):
            for part in header.split(";"):
                name, equals, value = part.partition("=")
                name, value = name.strip(" \t"), value.strip(" \t")
                if equals and name:
                    is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
                    values.setdefault(name, value[1:-1] if is_quoted else value)
        return cls(values)

    def __getitem__(self, name: str) -> str:
        """Return a cookie's value."""
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._values)

    def __len__(self) -> int:
        """Count the cookies."""
        return len(self._values)

    def __repr__(self) -> str:
        """Show the names only: values are often secrets."""
        return f"Cookies({sorted(self._values)!r})"


def format_cookie(  # noqa: PLR0913 - RFC 6265's attributes, typed by CookieOptions
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    expires: datetime | None = None,
    path: str = "/",
    domain: str | None = None,
    secure: bool = False,
    httponly: bool = True,
    samesite: SameSite = "lax",
) -> str:
    """Format a Set-Cookie value, HttpOnly and SameSite=Lax unless told otherwise.

    Args:
        name: A token; a `__Host-` or `__Secure-` prefix makes the cookie secure.
        value: Printable ASCII without space, `"`, `,`, `;` and backslash.
        max_age: Seconds to live; 0 removes the cookie; None lives as long as the browser.
        expires: A moment with its zone, for clients that know no Max-Age.
        path: Sent back below this path only.
        domain: Sent back to this domain and those below it; None for this host alone.
        secure: Sent back over HTTPS only.
        httponly: Hidden from scripts.
        samesite: Whether other sites' requests carry it; "none" makes it secure.

    Raises:
        ValueError: A part holds a character that would end or split the header.
    """
    if not TOKEN.fullmatch(name):
        raise ValueError(f"Cookie name {name!r} is not a token of letters, digits and '-'.")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"Cookie {name!r} may not hold {value!r}; encode it, as base64 does.")
    for part in (path, domain or ""):
        if not _ATTRIBUTE.fullmatch(part):
            raise ValueError(f"Cookie {name!r} may not have path or domain {part!r}.")
    parts = [f"{name}={value}", f"Path={path}"]
    if domain:
        parts.append(f"Domain={domain}")
    if max_age is not None:
        parts.append(f"Max-Age={int(max_age)}")
    if expires is not None:
        parts.append(f"Expires={format_datetime(expires.astimezone(UTC), usegmt=True)}")
    if secure or samesite == "none" or name.startswith(("__Host-", "__Secure-")):
        parts.append("Secure")
    if httponly:
        parts.append("HttpOnly")
    parts.append(f"SameSite={samesite.capitalize()}")
    return "; ".join(parts)
