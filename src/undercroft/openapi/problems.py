"""Describes how errors answer: problem details (RFC 9457), as components every operation shares."""

from typing import Any, Final

from undercroft.errors import find_phrase
from undercroft.openapi.schemas import Schema

MEDIA_TYPE: Final = "application/problem+json"

_PROBLEM: Final[Schema] = {
    "title": "Problem",
    "description": "Problem details (RFC 9457).",
    "type": "object",
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "default": "about:blank"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What was wrong with this request."},
        "code": {"type": "string", "description": "A stable name of the problem."},
        "hint": {"type": "string", "description": "How to mend it."},
    },
    "required": ["type", "title", "status", "detail", "code"],
}

_MISTAKE: Final[Schema] = {
    "title": "Mistake",
    "description": "One value that is not as expected.",
    "type": "object",
    "properties": {
        "location": {
            "description": "The part of the request, then the way to the value.",
            "type": "array",
            "items": {"type": ["string", "integer"]},
            "examples": [["query", "page"], ["body", "author", "name"]],
        },
        "message": {"type": "string"},
        "code": {"type": "string"},
        "value": {"description": "What was sent, where it can be shown."},
    },
    "required": ["location", "message", "code"],
}

_INVALID: Final[Schema] = {
    "title": "ValidationProblem",
    "description": "Every mistake of a request at once.",
    "allOf": [
        {"$ref": "#/components/schemas/Problem"},
        {
            "type": "object",
            "properties": {
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Mistake"}}
            },
            "required": ["errors"],
        },
    ],
}

#: What each status of an error means here; others are described by their phrase.
_MEANINGS: Final = {
    400: "The request cannot be read, for example malformed JSON.",
    401: "No credentials came with the request, or none that count.",
    404: "There is nothing at this address.",
    409: "The request does not fit what is stored.",
    415: "The body is not declared as JSON.",
    422: "Values of the request are not as expected.",
}


def build_problem_components(
    statuses: set[int], *, is_needed: bool = False
) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Build the shared schemas and responses for the error statuses a document uses.

    Args:
        statuses: Those of shared responses.
        is_needed: Whether the schema of a problem is referred to in any case.
    """
    schemas = {"Problem": _PROBLEM}
    if 422 in statuses:
        schemas |= {"Mistake": _MISTAKE, "ValidationProblem": _INVALID}
    responses = {
        name_problem(status): {
            "description": _MEANINGS.get(status, find_phrase(status)),
            "content": {MEDIA_TYPE: {"schema": _refer_to_schema(status)}},
        }
        for status in sorted(statuses)
    }
    return (schemas if statuses or is_needed else {}), responses


def refer_to_problem(status: int) -> dict[str, Any]:
    """Refer to the shared response of an error status."""
    return {"$ref": f"#/components/responses/{name_problem(status)}"}


def name_problem(status: int) -> str:
    """Name the shared response of an error status by its phrase: `NotFound`."""
    return find_phrase(status).title().replace(" ", "").replace("-", "")


def _refer_to_schema(status: int) -> dict[str, str]:
    name = "ValidationProblem" if status == 422 else "Problem"
    return {"$ref": f"#/components/schemas/{name}"}
