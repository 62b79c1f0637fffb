"""Reads all arguments of a plan from a request in one pass and validates them at once."""

from collections.abc import Sequence
from copy import deepcopy
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Protocol
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from undercroft.binding.bodies import JSONBody, RawBody
from undercroft.binding.forms import FormBody
from undercroft.binding.parameters import Source
from undercroft.binding.problems import build_problem
from undercroft.binding.sources import build_readers
from undercroft.binding.validating import Slot, build_validator
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request

_IMMUTABLE = (NoneType, bool, int, float, str, bytes, Decimal, Enum, UUID, date, time, timedelta)


#: What is read from the body.
_BODIES = frozenset({Source.BODY, Source.FORM, Source.FILE})


class Reading:
    """The prepared reading of every value a plan takes from the request.

    Args:
        slots: The arguments of the handler and of all its dependencies.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        parameters = [slot for slot in slots if slot.argument.source not in _BODIES]
        self._defaults = {
            slot.key: slot.argument.default for slot in slots if not slot.argument.is_required
        }
        # What could be changed belongs to one request at a time, as if it were made anew.
        self._mutable = [
            key for key, default in self._defaults.items() if not isinstance(default, _IMMUTABLE)
        ]
        self.has_parameters = bool(parameters)
        self.has_defaults = bool(self._defaults)
        self.body = build_body(slots)
        self._readers = build_readers(parameters)
        self._locations = {
            slot.key: (slot.argument.source.value, slot.argument.alias) for slot in parameters
        }
        self._groups = {slot.key for slot in parameters if slot.argument.members is not None}
        self._validate = build_validator(parameters) if parameters else dict[str, Any]

    def read_parameters(self, request: Request) -> dict[str, Any]:
        """Read and validate path, query, headers and cookies, where there is no body to read.

        Raises:
            RequestValidationError: With every mistake.
        """
        values: dict[str, Any] = {}
        for reader in self._readers:
            reader(request, values)
        try:
            return {**self.build_defaults(), **self._validate(values)}
        except ValidationError as error:
            raise build_problem(self._locate(error)) from None

    def build_defaults(self) -> dict[str, Any]:
        """Build what the arguments are where the request says nothing."""
        values = self._defaults.copy()
        for key in self._mutable:
            values[key] = deepcopy(values[key])
        return values

    async def read(self, request: Request) -> dict[str, Any]:
        """Read and validate everything, the body included.

        Raises:
            BadRequest: The body is not JSON at all, or a malformed form.
            RequestValidationError: With every mistake of parameters and body together.
        """
        values: dict[str, Any] = {}
        for reader in self._readers:
            reader(request, values)
        problems: list[tuple[str, ErrorDetails]] = []
        read = self.build_defaults()
        if self.has_parameters:
            try:
                read.update(self._validate(values))
            except ValidationError as error:
                problems += self._locate(error)
        if self.body is not None:
            raw = await self.body.fetch(request)
            try:
                read.update(self.body.validate(raw))
            except ValidationError as error:
                problems += self.body.locate(error)
        if problems:
            raise build_problem(problems)
        return read

    def _locate(self, error: ValidationError) -> list[tuple[str, ErrorDetails]]:
        located: list[tuple[str, ErrorDetails]] = []
        for details in error.errors(include_url=False):
            key, *rest = details["loc"]
            source, alias = self._locations[str(key)]
            name = [] if key in self._groups and rest else [alias]
            located.append((source, {**details, "loc": (*name, *rest)}))
        return located


class Body(Protocol):
    """What is read from a body: fetched, then validated together with everything else."""

    annotation: Any
    is_required: bool

    async def fetch(self, request: Request) -> Any:
        """Read it; what cannot be read at all is an error by itself."""

    def validate(self, raw: Any, /) -> dict[str, Any]:
        """Validate what was read; the values come by their keys."""
        ...

    def locate(self, error: ValidationError) -> list[tuple[str, ErrorDetails]]:
        """Tell where each mistake is."""
        ...


def build_body(slots: Sequence[Slot]) -> Body | None:
    """Build the reading of the body, if anything is read from there.

    Raises:
        ImproperlyConfigured: One argument wants JSON and another one a form.
    """
    bodies = [slot for slot in slots if slot.argument.source is Source.BODY]
    fields = [slot for slot in slots if slot.argument.source in (_BODIES - {Source.BODY})]
    if bodies and fields:
        json, form = bodies[0].argument, fields[0].argument
        raise ImproperlyConfigured(
            f"{json.place} reads JSON into {json.name!r} and a form into {form.name!r}, and a body"
            " is one or the other.",
            hint="Mark both with Form(), or give the two kinds of body two routes.",
            code="binding.body",
        )
    if fields:
        return FormBody(fields)
    raw = [slot for slot in bodies if slot.argument.is_raw and not slot.argument.embed]
    if raw and len(bodies) == 1:
        return RawBody(raw[0])
    if any(slot.argument.is_stream for slot in bodies):
        raise ImproperlyConfigured(
            f"{raw[0].argument.place} reads the body as a stream and as something else.",
            hint="Keep one of its body arguments.",
            code="binding.body",
        )
    return JSONBody(bodies) if bodies else None
