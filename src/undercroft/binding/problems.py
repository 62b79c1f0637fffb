"""Pydantic's findings as problem details: every mistake, where it is, how to name it."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from undercroft.errors import BadRequest, RequestValidationError
from undercroft.http.json import malformed_json

#: A value, or the name of a member, that is longer is not sent back to the one who sent it.
LONGEST_SHOWN = 200

#: More mistakes are counted and not listed: a list takes a hundred times the memory of a body that
#: is wrong throughout.
MOST_LISTED = 1000

#: Stands for all of them then.
_TOO_MANY = "too_many_mistakes"


def list_mistakes(error: ValidationError) -> list[ErrorDetails]:
    """List what Pydantic found, or only how much of it there is."""
    count = error.error_count()
    if count <= MOST_LISTED:
        return error.errors(include_url=False)
    message = f"{count:,} values are not as expected, too many to be listed"
    return [{"type": _TOO_MANY, "loc": (), "msg": message, "input": None}]


def build_problem(found: Sequence[tuple[str, ErrorDetails]]) -> BadRequest | RequestValidationError:
    """Build the answer to wrong input.

    Args:
        found: Each mistake with the part of the request it was found in, whose own location
            starts with the name the request uses.
    """
    for _, error in found:
        if error["type"] == "json_invalid":
            return malformed_json(str(error.get("ctx", {}).get("error", error["msg"])))
    return RequestValidationError([describe_error(source, error) for source, error in found])


def describe_error(source: str, error: ErrorDetails) -> dict[str, Any]:
    """Describe one mistake: `location`, `message`, `code`, and `value` where it can be shown."""
    described: dict[str, Any] = {
        "location": [source, *map(shorten_name, error["loc"])],
        "message": error["msg"],
        "code": error["type"],
    }
    value = error["input"]
    if error["type"] not in {"missing", _TOO_MANY} and is_showable(value):
        described["value"] = value
    return described


def shorten_name(part: str | int) -> str | int:
    """Shorten the name of a member, which the client may have chosen."""
    return (
        f"{part[:LONGEST_SHOWN]}…" if isinstance(part, str) and len(part) > LONGEST_SHOWN else part
    )


def is_showable(value: Any) -> bool:
    """Tell whether a value can be sent back: plain, short, and a number of 64 bits at most.

    Writing out a larger number takes time that grows with the square of its digits.
    """
    if isinstance(value, int):
        return value.bit_length() < 64
    return (
        value is None
        or isinstance(value, float)
        or (isinstance(value, str) and len(value) <= LONGEST_SHOWN)
    )
