"""Reads forms, field by field or as a whole, with their files."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from undercroft.binding.parameters import Source
from undercroft.binding.signature import Argument, Member
from undercroft.binding.validating import Slot, build_validator
from undercroft.http.forms import CSRF_FIELD, MULTIPART, URLENCODED, FormData
from undercroft.http.request import Request
from undercroft.http.uploads import UploadFile


class FormBody:
    """The form in the body: a value for each field that is asked for, or one made of all of them.

    A field that was left empty counts as not given: a browser sends every field of a form.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = slots
        self._aliases = {slot.key: slot.argument.alias for slot in slots}
        self._validate = build_validator(slots)
        self.is_required = any(slot.argument.is_required for slot in slots)
        #: No one type: OpenAPI describes the members.
        self.annotation: Any = None

    async def fetch(self, request: Request) -> Any:
        """Read the form, and take what is asked for; no body at all is an empty form.

        Raises:
            UnsupportedMediaType: It is declared as something else.
            BadRequest: It is malformed.
            ContentTooLarge: It passes a limit.
        """
        is_form = request.media_type in {URLENCODED, MULTIPART}
        form = FormData() if not is_form and await _is_empty(request) else await request.form()
        values: dict[str, Any] = {}
        for slot in self._slots:
            argument = slot.argument
            if argument.members is None:
                found = await read_field(form, argument)
            else:
                found = read_members(form, argument.members)
            if found is not None:
                values[slot.key] = found
        return values

    def validate(self, values: Any) -> dict[str, Any]:
        """Validate the values."""
        return self._validate(values)

    def locate(self, error: ValidationError) -> list[tuple[str, ErrorDetails]]:
        """Tell where each mistake is: by the field's name, also within a whole form."""
        located: list[tuple[str, ErrorDetails]] = []
        groups = {slot.key for slot in self._slots if slot.argument.members is not None}
        for details in error.errors(include_url=False):
            key, *rest = details["loc"]
            name = [] if key in groups and rest else [self._aliases[str(key)]]
            located.append(("body", {**details, "loc": (*name, *rest)}))
        return located


async def _is_empty(request: Request) -> bool:
    return not await request.body()


async def read_field(form: FormData, argument: Argument) -> Any:
    """Read what an argument asks for; None where the form has none, or it was left empty."""
    found: list[Any] = [value for value in form.getlist(argument.alias) if value != ""]
    if not found:
        return None
    if argument.source is Source.FILE and argument.takes_bytes:
        found = [await value.read() if isinstance(value, UploadFile) else value for value in found]
    return found if argument.several else found[-1]


def read_members(form: FormData, members: Sequence[Member]) -> dict[str, Any]:
    """Read all fields, those no member is named after included, for a model may forbid them."""
    known = {member.alias: member for member in members}
    values: dict[str, Any] = {}
    for alias in form:
        member = known.get(alias)
        if member is None and alias == CSRF_FIELD:
            continue
        found = [value for value in form.getlist(alias) if value != ""]
        if found:
            name = alias if member is None else member.name
            values[name] = found if member is not None and member.several else found[-1]
    return values
