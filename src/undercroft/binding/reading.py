"""Reads all arguments of a plan from a request in one pass and validates them at once."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, NotRequired
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from undercroft.binding.parameters import Source
from undercroft.binding.problems import build_problem
from undercroft.binding.signature import Argument
from undercroft.errors import BadRequest, ImproperlyConfigured, UnsupportedMediaType
from undercroft.http.json import load_json
from undercroft.http.query import parse_pairs
from undercroft.http.request import Request

Reader = Callable[[Request, dict[str, Any]], None]

_IMMUTABLE = (NoneType, bool, int, float, str, bytes, Decimal, Enum, UUID, date, time, timedelta)


@dataclass(frozen=True, slots=True)
class Slot:
    """One argument and the key its value has among all values of a plan."""

    key: str
    argument: Argument


class Reading:
    """The prepared reading of every value a plan takes from the request.

    Args:
        slots: The arguments of the handler and of all its dependencies.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        parameters = [slot for slot in slots if slot.argument.source is not Source.BODY]
        bodies = [slot for slot in slots if slot.argument.source is Source.BODY]
        self._defaults = {
            slot.key: slot.argument.default for slot in slots if not slot.argument.is_required
        }
        # What could be changed belongs to one request at a time, as if it were made anew.
        self._mutable = [
            key for key, default in self._defaults.items() if not isinstance(default, _IMMUTABLE)
        ]
        self.has_parameters = bool(parameters)
        self.body = _BodyReading(bodies) if bodies else None
        self._readers = _build_readers(parameters)
        self._locations = {
            slot.key: (slot.argument.source.value, slot.argument.alias) for slot in parameters
        }
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
            BadRequest: The body is not JSON at all.
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
                problems += [("body", details) for details in error.errors(include_url=False)]
        if problems:
            raise build_problem(problems)
        return read

    def _locate(self, error: ValidationError) -> list[tuple[str, ErrorDetails]]:
        located: list[tuple[str, ErrorDetails]] = []
        for details in error.errors(include_url=False):
            key, *rest = details["loc"]
            source, alias = self._locations[str(key)]
            located.append((source, {**details, "loc": (alias, *rest)}))
        return located


def build_validator(slots: Sequence[Slot]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Build one validator for all values: a dict in, the dict of converted values out."""
    with explaining_types(slots):
        arguments = {slot.key: slot.argument for slot in slots}
        adapter = TypeAdapter[dict[str, Any]](build_typed_dict("Arguments", arguments))
    return adapter.validator.validate_python


def build_typed_dict(name: str, arguments: Mapping[str, Argument]) -> Any:
    """Build a TypedDict of arguments; those with a default may be absent."""
    make: Any = TypedDict  # type checkers only know one that is written out
    return make(
        name,
        {
            key: each.annotation if each.is_required else NotRequired[each.annotation]
            for key, each in arguments.items()
        },
    )


@contextmanager
def explaining_types(slots: Sequence[Slot]) -> Generator[None]:
    """Say whose argument it is when Pydantic cannot validate a type.

    Raises:
        ImproperlyConfigured: An argument's type cannot be validated; the message names it.
    """
    try:
        yield
    except Exception as error:
        argument = find_culprit(slots)
        raise ImproperlyConfigured(
            f"Argument {argument.name!r} of {argument.place} has a type that cannot be validated:"
            f" {error}",
            hint="Use a type Pydantic knows, or inject the value by Depends.",
            code="binding.type",
        ) from error


def find_culprit(slots: Sequence[Slot]) -> Argument:
    """Find the first argument whose own type fails, once they failed together."""
    for slot in slots:
        try:
            TypeAdapter(slot.argument.annotation)
        except Exception:  # noqa: BLE001 - any failure is the one looked for
            return slot.argument
    return slots[0].argument


# --------------------------------------------------------------------- one reader a source


def _build_readers(slots: Sequence[Slot]) -> list[Reader]:
    groups: dict[Source, list[tuple[str, str, bool]]] = {}
    for slot in slots:
        entry = (slot.key, slot.argument.alias, slot.argument.several)
        groups.setdefault(slot.argument.source, []).append(entry)
    builders = {
        Source.PATH: _path_reader,
        Source.QUERY: _query_reader,
        Source.HEADER: _header_reader,
        Source.COOKIE: _cookie_reader,
    }
    return [builders[source](entries) for source, entries in groups.items()]


def _path_reader(entries: list[tuple[str, str, bool]]) -> Reader:
    names = [(key, alias) for key, alias, _ in entries]

    def read(request: Request, values: dict[str, Any]) -> None:
        captured = request.path_params
        for key, alias in names:
            values[key] = captured[alias]

    return read


def _query_reader(entries: list[tuple[str, str, bool]]) -> Reader:
    singles = [(key, alias) for key, alias, several in entries if not several]
    lists = [(key, alias) for key, alias, several in entries if several]

    def read(request: Request, values: dict[str, Any]) -> None:
        raw = request.raw_query
        if not raw:
            return
        pairs = parse_pairs(raw)
        given = dict(pairs)
        for key, alias in singles:
            if alias in given:
                values[key] = given[alias]
        for key, alias in lists:
            if alias in given:
                values[key] = [value for name, value in pairs if name == alias]

    return read


def _header_reader(entries: list[tuple[str, str, bool]]) -> Reader:
    def read(request: Request, values: dict[str, Any]) -> None:
        headers = request.headers
        for key, alias, several in entries:
            found = headers.getlist(alias)
            if found:
                values[key] = found if several else found[0]

    return read


def _cookie_reader(entries: list[tuple[str, str, bool]]) -> Reader:
    def read(request: Request, values: dict[str, Any]) -> None:
        cookies = request.cookies
        for key, alias, _ in entries:
            if alias in cookies:
                values[key] = cookies[alias]

    return read


# ----------------------------------------------------------------------------------- body


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


class _BodyReading:
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

    async def fetch(self, request: Request) -> bytes:
        """Fetch the body's bytes.

        Raises:
            UnsupportedMediaType: It is not declared as JSON. A form or text/plain body can be
                sent by any web page without asking; JSON cannot.
            BadRequest: There is none, and one is required.
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
        if request.headers.find(b"content-type") != b"application/json":
            check_json_type(request.media_type)
        return raw

    def validate(self, raw: bytes) -> dict[str, Any]:
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
