"""Turns what a handler returns into a response, as its return type and its route declare.

The choice is made once, from the annotation; a request only calls the chosen function.
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from collections.abc import Generator as SyncGenerator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from markupsafe import Markup
from pydantic import BaseModel, TypeAdapter, ValidationError

from undercroft.binding.events import EventSourceResponse, ServerSentEvent
from undercroft.binding.shaping import NO_SHAPE, Shape, build_dump_options, build_response
from undercroft.concurrency import iterate
from undercroft.errors import ImproperlyConfigured, SerializationError
from undercroft.http.json import dump_json
from undercroft.http.request import Request
from undercroft.http.responses import (
    BODILESS,
    Response,
    StreamingResponse,
    check_status,
    content_type,
)

Answer = Callable[[Any], Response]
#: Writes a handler's value as JSON, at once or when awaited.
Render = Callable[[Any], bytes | Awaitable[bytes]]

JSON = content_type("application/json")
TEXT = content_type("text/plain")
HTML = content_type("text/html")
BYTES = content_type("application/octet-stream")

_PLAIN = (str, int, float, bool, NoneType, date, datetime, time, UUID, Decimal, timedelta)
#: What is declared to be sent while it is made; any other iterable is one JSON value.
STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator, Iterator, SyncGenerator)
_CONTAINERS = (list, dict, tuple)


@dataclass(frozen=True, slots=True)
class Returns:
    """What a handler returns.

    Attributes:
        annotation: The declared type; `None` stands for "nothing", `Any` for "not declared".
        status_code: The status of a good answer.
        place: The handler and its file, for errors.
        shape: What the route says of it.
    """

    annotation: Any
    status_code: int
    place: str
    shape: Shape = NO_SHAPE

    def __post_init__(self) -> None:
        """Refuse a status that no answer can have."""
        try:
            check_status(self.status_code)
        except ValueError as error:
            raise ImproperlyConfigured(f"{self.place}: {error}", code="binding.status") from error


def build_answer(returns: Returns) -> Answer:
    """Choose how to answer from the declared return type."""
    answer = _choose_answer(returns)

    def answer_or_pass(value: Any) -> Response:
        return value if isinstance(value, Response) else answer(value)

    return answer_or_pass


def _choose_answer(returns: Returns) -> Answer:
    annotation, status = strip_annotated(returns.annotation), returns.status_code
    kind = get_origin(annotation) or annotation
    if annotation is None or annotation is NoneType or status in BODILESS:
        return _answer_nothing(returns)
    if kind in STREAMS and not returns.shape.dump:
        return _answer_stream(annotation, status)
    if returns.shape.response_class is not None:
        return build_response(returns.shape.response_class, status)
    if returns.shape.dump:
        check_shapeable(annotation, returns)
        return _answer_declared(annotation, returns)
    if annotation is Any or is_class(kind, Response) or is_class(annotation, (str, bytes)):
        return _answer_by_value(returns)
    if is_plain(annotation):
        return lambda value: Response.from_bytes(dump_json(value), JSON, status)
    render = find_renderer(annotation)
    if render is not None:
        return _answer_rendered(render, status)
    return _answer_declared(annotation, returns)


def strip_annotated(annotation: Any) -> Any:
    """Return the type inside `Annotated`, and the type beside `Response` in a union."""
    if get_origin(annotation) is Annotated:
        return strip_annotated(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if not is_class(part, Response)]
        if len(parts) == 1:
            return strip_annotated(parts[0])
        if parts and len(parts) < len(get_args(annotation)):
            return Union[tuple(parts)]  # noqa: UP007 - made at run time
    return annotation


def is_class(annotation: Any, kind: type | tuple[type, ...]) -> bool:
    """Tell whether an annotation is a class of this kind, or of one of these."""
    return isinstance(annotation, type) and issubclass(annotation, kind)


def is_plain(annotation: Any) -> bool:
    """Tell whether a type is made of JSON's own values only, which need no serializer."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return is_plain(parts[0])
    if origin in _CONTAINERS or origin in (Union, UnionType):
        return all(part is ... or part is Any or is_plain(part) for part in parts)
    return annotation in _PLAIN or annotation in _CONTAINERS


def find_renderer(annotation: Any) -> Render | None:
    """Find how a declared class writes itself, alone or as a list, where it knows a way.

    Such a class has a method `build_renderer(many=...)`. What that returns is called with the
    handler's value and returns JSON, or on the event loop something that gives it when awaited:
    a query still to run.
    """
    many = get_origin(annotation) is list
    item = get_args(annotation)[0] if many else annotation
    build = getattr(item, "build_renderer", None) if isinstance(item, type) else None
    render: Render | None = build(many=many) if build is not None else None
    return render


# ------------------------------------------------------------------------------- the answers


def _answer_nothing(returns: Returns) -> Answer:
    status = 204 if returns.status_code == 200 else returns.status_code

    def answer(value: Any) -> Response:
        if value is not None:
            raise SerializationError(
                f"{returns.place} answers with status {status}, which has no body,"
                f" and returned {type(value).__name__}.",
                hint="Return None, or declare another return type or status.",
            )
        return Response(b"", status)

    return answer


class _RenderedLater(Response):
    """An answer whose body is awaited once the handler has returned."""

    is_deferred = True

    def __init__(self, rendering: Awaitable[bytes], status_code: int) -> None:
        super().__init__(b"", status_code)
        self._rendering = rendering

    async def settle(self, request: Request) -> Response:
        """Await the body."""
        return Response.from_bytes(await self._rendering, JSON, self.status_code)


def _answer_rendered(render: Render, status: int) -> Answer:
    """Answer with what a declared class makes of the value."""

    def answer(value: Any) -> Response:
        rendered = render(value)
        if isinstance(rendered, bytes):
            return Response.from_bytes(rendered, JSON, status)
        return _RenderedLater(rendered, status)

    return answer


def _answer_declared(annotation: Any, returns: Returns) -> Answer:
    """Answer with a declared serializer: its fields and nothing else leave."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    except Exception as error:
        raise ImproperlyConfigured(
            f"{returns.place} returns {annotation!r}, which cannot be serialized.",
            hint="Declare a Pydantic model, a serializer or plain types.",
            code="binding.return-type",
        ) from error
    to_json, validate = adapter.serializer.to_json, adapter.validator.validate_python
    trusted = annotation if is_class(annotation, BaseModel) else None
    status, options = returns.status_code, build_dump_options(returns.shape.dump, annotation)

    def answer(value: Any) -> Response:
        if type(value) is not trusted:
            try:
                value = validate(value, from_attributes=True)
            except ValidationError as error:
                raise SerializationError(
                    f"{returns.place} returned a value that does not fit its return type: {error}"
                ) from error
        return Response.from_bytes(to_json(value, **options), JSON, status)

    return answer


def check_shapeable(annotation: Any, returns: Returns) -> None:
    """Refuse to leave fields out of what is not made of fields that are declared.

    Raises:
        ImproperlyConfigured: The answer is a stream, or writes itself.
    """
    kind = get_origin(annotation) or annotation
    is_open = annotation is Any or is_class(kind, (str, bytes, Response)) or kind in STREAMS
    if is_open or find_renderer(annotation) is not None:
        raise ImproperlyConfigured(
            f"{returns.place} returns {annotation!r}, and its route has"
            f" {', '.join(f'response_model_{name}' for name in returns.shape.dump)}.",
            hint="Declare a Pydantic model, or a list of them, as the return type; a serializer's"
            " `Meta` says which fields it has.",
            code="binding.response-model",
        )


def _answer_by_value(returns: Returns) -> Answer:
    """Answer by the kind of the value, where the return type does not say."""
    status = returns.status_code

    def answer(value: Any) -> Response:
        if isinstance(value, str):
            kind = HTML if isinstance(value, Markup) else TEXT
            return Response.from_bytes(value.encode(), kind, status)
        if isinstance(value, dict | list | int | float):
            return Response.from_bytes(dump_json(value), JSON, status)
        if isinstance(value, BaseModel):
            body = value.__pydantic_serializer__.to_json(value, by_alias=True)
            return Response.from_bytes(body, JSON, status)
        if isinstance(value, bytes):
            return Response.from_bytes(value, BYTES, status)
        if isinstance(value, AsyncIterator | SyncGenerator):
            return _answer_stream(AsyncIterator[Any], status)(value)
        check_answerable(value, returns)
        return Response.from_bytes(dump_json(value), JSON, status)

    return answer


def check_answerable(value: Any, returns: Returns) -> None:
    """Refuse what must not, or cannot, be sent without a declaration.

    Raises:
        SerializationError: The value is None, a model or a query set.
    """
    if value is None:
        raise SerializationError(
            f"{returns.place} returned None.",
            hint="Return an answer, or declare `-> None` to answer 204 No Content.",
        )
    kind: Any = value.__class__
    if kind is tuple and any(type(part) is int for part in value[1:2]):
        raise SerializationError(
            f"{returns.place} returned a tuple with the number {value[1]}, which looks like a"
            " status.",
            hint="Declare it on the route, `status_code=201`, or return JSONResponse(data, 201).",
            code="binding.tuple",
        )
    if hasattr(kind, "__mapper__") or hasattr(getattr(value, "model", None), "__mapper__"):
        raise SerializationError(
            f"{returns.place} returned {kind.__name__}, a model or query set, and declares"
            " no serializer: no column leaves by accident.",
            hint="Declare the serializer as the return type, for example `-> PostSerializer` or"
            " `-> list[PostSerializer]`.",
            code="binding.bare-model",
        )


def _answer_stream(annotation: Any, status: int) -> Answer:
    """Answer with a stream: bytes and text as they are, events as SSE, all else JSON Lines."""
    item = strip_annotated((*get_args(annotation), Any)[0])
    if (get_origin(item) or item) is ServerSentEvent:
        dump = build_item_dump((*get_args(item), Any)[0])
        return lambda value: EventSourceResponse(value, status, dump=dump)
    if is_class(item, bytes):
        return lambda value: StreamingResponse(value, status, None, "application/octet-stream")
    if is_class(item, str):
        kind = "text/html" if is_class(item, Markup) else "text/plain"
        return lambda value: StreamingResponse(value, status, None, kind)
    to_json = build_item_dump(item)
    return lambda value: StreamingResponse(
        encode_lines(value, to_json), status, None, "application/jsonl"
    )


def build_item_dump(item: Any) -> Callable[[Any], bytes]:
    """Build what checks and writes one item of a declared type."""
    if item is Any or is_plain(item):
        return dump_json
    adapter: TypeAdapter[Any] = TypeAdapter(item)

    def dump(value: Any) -> bytes:
        checked = adapter.validator.validate_python(value, from_attributes=True)
        return adapter.serializer.to_json(checked, by_alias=True)

    return dump


async def encode_lines(
    items: AsyncIterable[Any] | Iterable[Any], to_json: Callable[[Any], bytes]
) -> AsyncGenerator[bytes]:
    """Yield each item as one line of JSON (JSON Lines)."""
    source = iterate(items)
    try:
        async for item in source:
            yield to_json(item) + b"\n"
    finally:
        await source.aclose()
