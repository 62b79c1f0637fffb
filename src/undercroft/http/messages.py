"""Typed messages: a text frame's JSON, validated as what a handler expects."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from undercroft.errors import HTTPException, WebSocketException
from undercroft.http.json import MAX_DEPTH, load_json

#: Kinds of message whose readers are kept; a program has a few.
_MOST_KEPT = 256


@lru_cache(_MOST_KEPT)
def find_reader(kind: Any) -> Callable[[str], Any]:
    """Find what reads messages of a kind; made once.

    What it raises closes the connection: with 1007 where a message is no JSON, with 1008 where it
    is not of its kind.
    """
    # Slow to import, and only sockets with typed messages need it.
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    validate = TypeAdapter(kind).validator.validate_json

    def read(text: str) -> Any:
        if "NaN" in text or "Infinity" in text or text.count("[") + text.count("{") > MAX_DEPTH:
            check_strictly(text)
        try:
            return validate(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            code = 1007 if first["type"] == "json_invalid" else 1008
            place = ".".join(map(str, first["loc"]))
            reason = f"{place}: {first['msg']}" if place else first["msg"]
            raise WebSocketException(code, reason) from error

    return read


def check_strictly(text: str) -> None:
    """Refuse numbers that RFC 8259, section 6, does not know and Pydantic does, and depths.

    Raises:
        WebSocketException: It has some, or is nested too deeply.
    """
    try:
        load_json(text.encode())
    except HTTPException as error:
        raise WebSocketException(1007, error.detail) from error
