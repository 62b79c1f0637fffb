"""Checks of text with a format, addresses of e-mail and of pages; linear in their input."""

import re
from typing import Final
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

#: The longest address SMTP can carry (RFC 5321, section 4.5.3.1, erratum 1690).
LONGEST_EMAIL: Final = 254

#: Schemes a link may have; `javascript:` and `data:` run in the page that shows them.
SCHEMES: Final = frozenset({"http", "https", "ftp", "ftps"})

#: RFC 5322's dot-atom, and UTF-8 beyond ASCII (RFC 6532).
_LOCAL: Final = re.compile(
    r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\].]+(?:\.[^\s\x00-\x20\x7f\"(),:;<>@\[\\\].]+)*"
)
_LABEL: Final = re.compile(r"(?!-)[^\W_](?:[-\w]{0,61}[^\W_])?")
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f\\<>\"]")


def check_email(value: str) -> str:
    """Check an e-mail address: a local part, `@`, and a domain of two labels or more."""
    local, _, domain = value.rpartition("@")
    fits = len(value) <= LONGEST_EMAIL and 0 < len(local) <= 64
    if not (fits and _LOCAL.fullmatch(local) and is_domain(domain)):
        raise PydanticCustomError("email", "Expected an e-mail address such as ada@example.org")
    return value


def check_url(value: str) -> str:
    """Check an absolute URL of a page or file."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in SCHEMES or not parts.hostname or _CONTROL.search(value):
        raise PydanticCustomError("url", "Expected a URL such as https://example.org/page")
    return value


def is_domain(domain: str) -> bool:
    """Tell whether text is a domain name with a dot (RFC 1035, section 2.3.1; IDN allowed)."""
    if len(domain) > 253 or "." not in domain:
        return False
    labels = domain.split(".")
    return all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
