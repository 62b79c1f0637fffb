"""Conditional requests (RFC 9110, section 13): whether the client's copy is current.

Validators say which version of something is sent: an entity tag, a moment of change, or both.
"""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import NamedTuple

from undercroft.errors import HTTPException
from undercroft.http.request import Request

#: RFC 9110, section 8.8.3: what stands between the quotes holds no quote and no space.
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


class Validators(NamedTuple):
    """Which version it is; with neither, there is none yet.

    Attributes:
        etag: The entity tag, in its quotes, `W/` before it where it is weak.
        modified: The moment of the last change, in whole seconds.
    """

    etag: str | None = None
    modified: datetime | None = None


def is_not_modified(request: Request, validators: Validators) -> bool:
    """Tell whether the client's copy is current, by the order of RFC 9110, section 13.2.2.

    Raises:
        HTTPException: 412, for the client wants to go on with another version only.
    """
    _check_wanted(request, validators)
    is_read = request.method in {"GET", "HEAD"}
    held = request.headers.getlist("if-none-match")
    if not held:
        since = find_date(request.headers.get("if-modified-since")) if is_read else None
        return (
            since is not None and validators.modified is not None and validators.modified <= since
        )
    matches = is_listed(validators, held)
    if matches and not is_read:
        raise build_failed("If-None-Match")
    return matches


def _check_wanted(request: Request, validators: Validators) -> None:
    """Refuse to go on where If-Match or If-Unmodified-Since names another version."""
    wanted = request.headers.getlist("if-match")
    if wanted:
        if not is_listed(validators, wanted, weak=False):
            raise build_failed("If-Match")
        return
    until = find_date(request.headers.get("if-unmodified-since"))
    if until is not None and validators.modified is not None and validators.modified > until:
        raise build_failed("If-Unmodified-Since")


def build_failed(name: str) -> HTTPException:
    """Build the answer to a condition that does not hold."""
    return HTTPException(
        412,
        f"{name} names another version than the one that is here.",
        hint="Read it again, and repeat the change on what is there now.",
        code="http.precondition",
    )


def is_listed(validators: Validators, lines: list[str], *, weak: bool = True) -> bool:
    """Tell whether a version is among those of a header, or there is any and the header is `*`.

    Args:
        validators: Of the current version.
        lines: The header's values.
        weak: Versions that only mean the same count as equal (RFC 9110, section 8.8.3.2).
    """
    if any(line.strip() == "*" for line in lines):
        return validators != Validators()
    etag = validators.etag
    if etag is None:
        return False
    if not weak and etag.startswith("W/"):
        return False
    tags = {tag for line in lines for tag in _TAG.findall(line)}
    if weak:
        return etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}
    return etag in tags


def is_range_current(request: Request, validators: Validators) -> bool:
    """Tell whether If-Range, when sent, names the version as it is (RFC 9110, section 13.1.5)."""
    condition = request.headers.get("if-range")
    if condition is None:
        return True
    condition = condition.strip()
    if condition.endswith('"'):
        return condition == validators.etag and not condition.startswith("W/")
    return validators.modified is not None and find_date(condition) == validators.modified


def find_date(value: str | None) -> datetime | None:
    """Read an HTTP date (RFC 9110, section 5.6.7); None where it is absent or malformed."""
    try:
        moment = parsedate_to_datetime(value) if value else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def format_date(moment: datetime) -> str:
    """Write an HTTP date."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def quote_etag(tag: str) -> str:
    """Put an entity tag into its quotes, unless it has them.

    Raises:
        ValueError: It holds a quote, a space or a control character.
    """
    quoted = tag if tag.endswith('"') else f'"{tag}"'
    if not _TAG.fullmatch(quoted):
        raise ValueError(
            f"The entity tag {tag!r} holds a quote, a space or a control character; a hash in"
            " hexadecimal digits is a good one."
        )
    return quoted
