"""Ranges (RFC 9110, section 14): the part of something that a client asks for.

One range is honoured. A list of them is answered with the whole, as the RFC allows, so that no
request can multiply the work.
"""

import re

from undercroft.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def find_range(header: str, size: int) -> tuple[int, int] | None:
    """Find the one range a Range header asks for, as start and exclusive end.

    Returns None where the header is malformed or lists several ranges: the whole is sent.

    Raises:
        RangeNotSatisfiable: It lies behind the end.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start = int(first)
        end = min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        raise RangeNotSatisfiable(
            f"Range {header!r} lies behind the end of {size} bytes.",
            headers={"content-range": f"bytes */{size}"},
        )
    return start, end
