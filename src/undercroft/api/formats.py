"""Checks of values with a format; each is linear in its input."""

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, time
from typing import Any

from pydantic_core import PydanticCustomError


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


def read_base64(value: Any) -> Any:
    """Read bytes from the text they are in JSON (RFC 4648, section 4)."""
    if not isinstance(value, str):
        return value
    try:
        return b64decode(value, validate=True)
    except ValueError:
        raise PydanticCustomError("base64", "Expected bytes in base64") from None


def write_base64(value: bytes) -> str:
    """Write bytes as the text they are in JSON (RFC 4648, section 4)."""
    return b64encode(value).decode("ascii")
