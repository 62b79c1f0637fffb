"""Checks of values with a format; each is linear in its input."""

import json
import re
from datetime import UTC, datetime, time
from typing import Any, Final
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


def check_json(value: Any) -> Any:
    """Check that a value is JSON for others, too: no NaN, no infinity, no endless nesting."""
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        raise PydanticCustomError("json", "Expected plain JSON with finite numbers") from None
    return value


def check_naive(value: time) -> time:
    """Check that a time of day has no zone, which a column of times would not keep."""
    if value.tzinfo is not None:
        raise PydanticCustomError("time", "Expected a time of day without a zone, such as 12:30")
    return value


def to_utc(value: datetime) -> datetime:
    """Bring a moment into UTC, as it is stored and read back."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("moment", "Expected a moment from year 1 to 9999") from None


def is_domain(domain: str) -> bool:
    """Tell whether text is a domain name with a dot (RFC 1035, section 2.3.1; IDN allowed)."""
    if len(domain) > 253 or "." not in domain:
        return False
    labels = domain.split(".")
    return all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
