"""Describes what an operation answers with, from its declared return type and status."""

from http import HTTPStatus
from types import NoneType
from typing import Any, Final, get_args, get_origin

from markupsafe import Markup

from undercroft.binding.answers import STREAMS, Returns, is_class, strip_annotated
from undercroft.binding.events import ServerSentEvent
from undercroft.errors import find_phrase
from undercroft.http.files import FileResponse
from undercroft.http.responses import BODILESS, HTMLResponse, RedirectResponse, Response
from undercroft.openapi.schemas import Schema, SchemaCollector

_TEXT: Final[Schema] = {"type": "string"}


def describe_answer(returns: Returns, collector: SchemaCollector) -> dict[str, Schema]:
    """Describe the good answer, by its status."""
    annotation, status = strip_annotated(returns.annotation), returns.status_code
    if is_class(annotation, RedirectResponse):
        return {"3XX": {"description": "The answer is elsewhere."}}
    nothing = annotation is None or annotation is NoneType
    if nothing and status == HTTPStatus.OK:
        status = HTTPStatus.NO_CONTENT
    described: Schema = {"description": find_phrase(status)}
    if not nothing and status not in BODILESS:
        content = describe_content(annotation, collector)
        if content:
            described["content"] = content
    return {str(int(status)): described}


def describe_content(annotation: Any, collector: SchemaCollector) -> dict[str, Schema]:
    """Describe the body by its media type; empty where nothing is known of it."""
    kind = get_origin(annotation) or annotation
    if kind in STREAMS:
        return describe_stream(annotation, collector)
    if is_class(kind, FileResponse):
        return {"application/octet-stream": {}}
    if is_class(kind, Response):
        return {kind.default_media_type: {}} if kind.default_media_type else {}
    if is_class(kind, Markup):
        return {"text/html": {"schema": _TEXT}}
    if is_class(kind, str):
        return {"text/plain": {"schema": _TEXT}}
    return {"application/json": {"schema": collector.add(annotation, "serialization")}}


def describe_stream(annotation: Any, collector: SchemaCollector) -> dict[str, Schema]:
    """Describe a stream by what its items are."""
    item = strip_annotated((*get_args(annotation), Any)[0])
    if (get_origin(item) or item) is ServerSentEvent:
        return describe_events((*get_args(item), Any)[0], collector)
    if is_class(item, bytes):
        return {"application/octet-stream": {}}
    if is_class(item, str):
        return {("text/html" if is_class(item, Markup) else "text/plain"): {"schema": _TEXT}}
    return {"application/jsonl": {"schema": collector.add(item, "serialization")}}


def describe_events(data: Any, collector: SchemaCollector) -> dict[str, Schema]:
    """Describe a stream of events, by what their data is where it is declared.

    There is no `schema`: some tools hold the whole stream against it, others each event.
    """
    if data is Any or is_class(data, str):
        return {"text/event-stream": {}}
    # OpenAPI 3.1 has no word for the data of an event; this is 3.2's `itemSchema`.
    described = {"data": collector.add(data, "serialization")}
    item = {"type": "object", "properties": {**described, "event": _TEXT, "id": _TEXT}}
    return {"text/event-stream": {"x-item-schema": item}}


def is_page(returns: Returns) -> bool:
    """Tell whether the answer is declared as a page for people."""
    annotation = strip_annotated(returns.annotation)
    return is_class(annotation, Markup) or is_class(annotation, HTMLResponse)
