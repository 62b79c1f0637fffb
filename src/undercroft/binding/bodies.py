"""Reads JSON bodies, whole or by members."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from undercroft.binding.problems import list_mistakes
from undercroft.binding.validating import Slot, build_typed_dict, explaining_types
from undercroft.errors import BadRequest, ImproperlyConfigured, UnsupportedMediaType
from undercroft.http.json import load_json
from undercroft.http.request import Request


def check_media_type(media_type: str, wanted: str) -> None:
    """Refuse a body that is not declared as what a route asks for.

    Raises:
        UnsupportedMediaType: It is declared as something else, or not at all.
    """
    if wanted not in {"*/*", media_type}:
        raise UnsupportedMediaType(
            f"The body is declared as {media_type or 'nothing'!r}, and this address reads"
            f" {wanted!r}.",
            hint=f"Send Content-Type: {wanted}.",
        )


def check_json_type(media_type: str) -> None:
    """Refuse a body that is not declared as JSON.

    Raises:
        UnsupportedMediaType: It is declared as something else, or not at all.
    """
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(
            f"The body is declared as {media_type or 'nothing'!r}, and this address reads JSON.",
            hint="Send Content-Type: application/json.",
        )


class JSONBody:
    """The JSON body: one value, or an object with a member for each argument."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        first = slots[0].argument
        self._key = slots[0].key
        self.is_whole = len(slots) == 1 and not first.embed
        self.is_required = any(slot.argument.is_required for slot in slots)
        self._keys = {slot.argument.alias: slot.key for slot in slots}
        with explaining_types(slots):
            members = {slot.argument.alias: slot.argument for slot in slots}
            whole = self.is_whole
            self.annotation = first.annotation if whole else build_typed_dict("Body", members)
            self._validate = TypeAdapter[Any](self.annotation).validator.validate_json
        self._media_type = find_one(slots, "media_type")
        extra = find_one(slots, "extra")
        if extra is not None:
            self._validate = partial(self._validate, extra=extra)

    async def fetch(self, request: Request) -> Any:
        """Fetch the body's bytes.

        Raises:
            UnsupportedMediaType: It is not declared as JSON. A form or text/plain body can be
                sent by any web page without asking; JSON cannot.
            BadRequest: There is none, and one is required; or it is nested too deeply.
        """
        raw = await request.body()
        if not raw:
            if self.is_required:
                raise BadRequest(
                    "The body is empty, and this address expects JSON.",
                    hint="Send JSON with Content-Type: application/json.",
                    code="http.empty-body",
                )
            return raw
        if self._media_type is not None:
            check_media_type(request.media_type, self._media_type)
        elif request.headers.find(b"content-type") != b"application/json":
            check_json_type(request.media_type)
        request.check_json_depth(raw)
        return raw

    def locate(self, error: ValidationError) -> list[tuple[str, ErrorDetails]]:
        """Tell where each mistake is."""
        return [("body", details) for details in list_mistakes(error)]

    def validate(self, raw: Any) -> dict[str, Any]:
        """Validate the bytes; the values come by their keys."""
        if not raw:
            return {}
        if b"NaN" in raw or b"Infinity" in raw:
            # Pydantic reads these as numbers, which RFC 8259, section 6, does not know. Within
            # a string they are text, and the strict reader tells the difference.
            load_json(raw)
        value = self._validate(raw)
        if self.is_whole:
            return {self._key: value}
        return {self._keys[alias]: member for alias, member in value.items()}


def find_one(slots: Sequence[Slot], name: str) -> Any:
    """Find what the arguments that share a body say of it; None where none says anything.

    Raises:
        ImproperlyConfigured: They say different things.
    """
    said = {getattr(slot.argument, name) for slot in slots} - {None}
    if len(said) > 1:
        argument = slots[0].argument
        raise ImproperlyConfigured(
            f"Arguments of {argument.place} say different things of the body's {name}.",
            hint=f"Say {name} once.",
            code="binding.body",
        )
    return next(iter(said), None)


class RawBody:
    """The body as it came: its bytes, or their stream."""

    #: OpenAPI has no type for it.
    annotation: Any = None

    def __init__(self, slot: Slot) -> None:
        argument = slot.argument
        self._key = slot.key
        self._is_stream = argument.is_stream
        self._media_type = argument.media_type or "*/*"
        self.is_required = argument.is_required
        with explaining_types([slot]):
            kind: Any = Any if argument.is_stream else argument.annotation
            self._validate = TypeAdapter[Any](kind).validator.validate_python

    async def fetch(self, request: Request) -> Any:
        """Fetch the body, or what will read it.

        Raises:
            UnsupportedMediaType: It is not declared as the route asks for.
        """
        check_media_type(request.media_type, self._media_type)
        return request.stream() if self._is_stream else await request.body()

    def locate(self, error: ValidationError) -> list[tuple[str, ErrorDetails]]:
        """Tell where each mistake is."""
        return [("body", details) for details in error.errors(include_url=False)]

    def validate(self, raw: Any) -> dict[str, Any]:
        """Check the bytes' length; where there are none, a default counts."""
        if not raw and not self.is_required:
            return {}
        return {self._key: self._validate(raw)}
