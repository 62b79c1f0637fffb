"""What JSON Schema says of a column beyond its type: formats, patterns, limits of validators."""

import re
from collections.abc import Callable
from typing import Any, Final

from undercroft.db.fields.info import FieldInfo
from undercroft.db.fields.validators import (
    MaxLengthValidator,
    MaxValueValidator,
    MinLengthValidator,
    MinValueValidator,
    RegexValidator,
    StepValueValidator,
)

#: The largest whole number that JavaScript holds exactly (ECMA-262, Number.MAX_SAFE_INTEGER).
_SAFE: Final = 2**53 - 1

_FORMATS: Final = {"EmailField": "email", "URLField": "uri"}

#: How Pydantic names the format of an address of either kind; the other two are standard's.
_PROTOCOLS: Final = {"both": "ipvanyaddress", "ipv4": "ipv4", "ipv6": "ipv6"}

#: Validators of a limit and the word for it.
_LIMITS: Final[dict[type[Any], str]] = {
    MaxLengthValidator: "maxLength",
    MaxValueValidator: "maximum",
    MinLengthValidator: "minLength",
    MinValueValidator: "minimum",
    StepValueValidator: "multipleOf",
}

#: Groups and flags that Python's expressions have and JSON Schema's (ECMA-262) have not.
_FOREIGN: Final = re.compile(r"\(\?(?!:|=|!|<=|<!)|\\[AZz]|[*+?}]\+")


def describe_column(info: FieldInfo, *, is_written: bool) -> Callable[[dict[str, Any]], None]:
    """Build what completes the schema of a column.

    Args:
        info: What the column says of itself.
        is_written: Say also what validators ask for; a stored value may be older than they.
    """
    known = {"format": _FORMATS.get(info.kind) or _PROTOCOLS.get(info.protocol)}
    if is_written:
        for validator in info.validators:
            known.update(describe_validator(validator))

    def complete(schema: dict[str, Any]) -> None:
        drop_large(schema)
        schema.update({name: value for name, value in known.items() if value is not None})

    return complete


def describe_validator(validator: Any) -> dict[str, Any]:
    """Describe what a validator asks for, as far as JSON Schema has a word for it."""
    word = _LIMITS.get(validator.__class__)
    if word is not None:
        limit = validator.limit
        return {word: limit} if isinstance(limit, (int, float)) else {}
    if isinstance(validator, RegexValidator) and not validator.inverse_match:
        pattern = validator.regex
        text = pattern if isinstance(pattern, str) else pattern.pattern
        return {} if validator.flags or _FOREIGN.search(text) else {"pattern": text}
    return {}


def drop_large(schema: dict[str, Any]) -> None:
    """Drop the bounds that JavaScript would round, from what is shown; they hold all the same.

    A page that makes an example of the smallest 64-bit number would send one that is too small.
    """
    for name in ("minimum", "maximum"):
        if abs(schema.get(name, 0)) > _SAFE:
            del schema[name]
