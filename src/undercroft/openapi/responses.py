"""Describes what a route says of its other answers: the errors it raises, and those spelled out."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from undercroft.errors import HTTPException, ImproperlyConfigured, find_phrase
from undercroft.openapi.problems import MEDIA_TYPE, refer_to_problem
from undercroft.openapi.schemas import Schema, SchemaCollector
from undercroft.routing.route import Route

#: A status as OpenAPI writes it (3.1, section 4.8.16).
_STATUS = re.compile(r"[1-5](?:\d\d|XX)|default")


def check_others(route: Route) -> None:
    """Check, when the application is built, what a route says of its other answers.

    Raises:
        ImproperlyConfigured: What is raised is no `HTTPException`, or a status none.
    """
    raised: Any = route.options.get("raises", ())
    for kind in raised:
        if not (inspect.isclass(kind) and issubclass(kind, HTTPException)):
            raise ImproperlyConfigured(
                f"raises={kind!r} of {route.path} ({route.source}) is no HTTPException.",
                hint="Name classes: raises=[NotFound, OutOfStock].",
                code="openapi.raises",
            )
    for status in route.options.get("responses", {}):
        if not _STATUS.fullmatch(str(status)):
            raise ImproperlyConfigured(
                f"responses={{{status!r}: ...}} of {route.path} ({route.source}) is no status.",
                hint="Write 404, '4XX' or 'default'.",
                code="openapi.responses",
            )


def describe_others(route: Route, collector: SchemaCollector) -> dict[str, Schema]:
    """Describe the answers named by a route's `raises` and `responses`, by status."""
    described = describe_raised(route)
    for status, told in route.options.get("responses", {}).items():
        described[str(status)] = describe_told(status, told, collector)
    return described


def describe_raised(route: Route) -> dict[str, Schema]:
    """Describe the exceptions a route may raise: those of one status together, told by code."""
    by_status: dict[int, list[type[HTTPException]]] = {}
    for kind in route.options.get("raises", ()):
        by_status.setdefault(kind.status_code, []).append(kind)
    return {str(status): describe_kinds(status, kinds) for status, kinds in by_status.items()}


def describe_kinds(status: int, kinds: Iterable[type[HTTPException]]) -> Schema:
    """Describe one status by the exceptions behind it; the house's own ones need no words."""
    own = [kind for kind in kinds if not kind.__module__.startswith("undercroft.")]
    if not own:
        return refer_to_problem(status)
    lines = [f"`{kind.code}`: {read_summary(kind)}" for kind in own]
    examples = {kind.code: {"value": build_example(kind)} for kind in own}
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
    return {"description": "\n\n".join(lines), "content": {MEDIA_TYPE: content}}


def read_summary(kind: type[HTTPException]) -> str:
    """Read the first paragraph of an exception's docstring."""
    text = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]
    return " ".join(text.split()) or find_phrase(kind.status_code)


def build_example(kind: type[HTTPException]) -> dict[str, Any]:
    """Build the problem details an exception answers with."""
    status = kind.status_code
    detail = getattr(kind, "default_detail", None) or read_summary(kind)
    title = find_phrase(status)
    problem = {"type": "about:blank", "title": title, "status": status}
    return {**problem, "detail": detail, "code": kind.code}


def describe_told(status: int | str, told: Any, collector: SchemaCollector) -> Schema:
    """Describe an answer that is spelled out.

    Args:
        status: Its status.
        told: A type; or FastAPI's mapping, with a `model` beside members of OpenAPI.
        collector: Of types.
    """
    phrase = find_phrase(int(status)) if str(status).isdigit() else "Another answer"
    if not isinstance(told, Mapping):
        content = {"application/json": {"schema": collector.add(told, "serialization")}}
        return {"description": phrase, "content": content}
    described: Schema = {"description": phrase, **told}  # pyright: ignore[reportUnknownArgumentType] - OpenAPI
    model = described.pop("model", None)
    if model is not None:
        media: Schema = described.setdefault("content", {}).setdefault("application/json", {})
        media["schema"] = collector.add(model, "serialization")
    return described
