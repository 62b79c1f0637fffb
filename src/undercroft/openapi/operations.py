"""Describes one method of one route as OpenAPI's operation object."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from undercroft.binding.parameters import Source
from undercroft.binding.plan import Plan
from undercroft.openapi.answers import describe_answer
from undercroft.openapi.merging import merge
from undercroft.openapi.parameters import describe_body, describe_parameters
from undercroft.openapi.problems import refer_to_problem
from undercroft.openapi.responses import describe_others
from undercroft.openapi.schemas import Schema, SchemaCollector
from undercroft.openapi.security import describe_requirements, insists
from undercroft.routing.route import Route
from undercroft.security.schemes import SecurityScheme


class Described(Protocol):
    """One method of one route with its compiled handler; the composition root makes them."""

    @property
    def method(self) -> str:
        """The HTTP method in upper case."""
        ...

    @property
    def route(self) -> Route:
        """Where it answers."""
        ...

    @property
    def plan(self) -> Plan:
        """What it reads and answers with."""
        ...


@dataclass(slots=True)
class Mentioned:
    """What operations mention and share: components of the document.

    Attributes:
        schemas: The types.
        statuses: Of the errors that are described once for all.
        has_problems: Whether one describes a problem of its own.
        ways: In which users are found.
    """

    schemas: SchemaCollector = field(default_factory=SchemaCollector)
    statuses: set[int] = field(default_factory=set[int])
    has_problems: bool = False
    ways: Sequence[SecurityScheme[Any]] = ()


def describe_operation(operation: Described, operation_id: str, mentioned: Mentioned) -> Schema:
    """Describe one operation, with what its route spells out put over what is known of it."""
    options, plan = operation.route.options, operation.plan
    summary, description = read_docstring(plan.handler)
    described: Schema = {}
    if options.get("tags"):
        described["tags"] = list(options.get("tags", []))
    described["summary"] = options.get("summary") or summary or to_words(operation_id)
    texts = [options.get("description") or description, describe_host(operation.route)]
    if any(texts):
        described["description"] = "\n\n".join(filter(None, texts))
    described["operationId"] = operation_id
    parameters = describe_parameters(operation.route.params, plan.arguments, mentioned.schemas)
    if parameters:
        described["parameters"] = parameters
    body = describe_body(plan.arguments, mentioned.schemas)
    if body is not None:
        described["requestBody"] = body
    described["responses"] = describe_responses(operation, mentioned)
    requirements = describe_requirements(plan, options, mentioned.ways)
    if requirements:
        described["security"] = requirements
    if options.get("deprecated"):
        described["deprecated"] = True
    return merge(described, options.get("openapi_extra", {}))


def describe_host(route: Route) -> str:
    """Say where a route answers to one host only, which paths cannot tell."""
    return f"Answers at the host `{route.host.text}`." if route.host is not None else ""


def describe_responses(operation: Described, mentioned: Mentioned) -> Schema:
    """Describe every answer by its status: the good one, errors, and what the route tells of."""
    route, plan = operation.route, operation.plan
    found = describe_answer(plan.returns, mentioned.schemas)
    for good in found.values():
        good["description"] = route.options.get("response_description", good["description"])
    told: Mapping[Any, Any] = route.options.get("responses", {})
    others = describe_others(route, mentioned.schemas)
    for status in {str(each) for each, what in told.items() if isinstance(what, Mapping)}:
        if status in found:
            others[status] = merge(found[status], others[status])
    statuses = list_errors(operation)
    # The house's own exceptions share a description; they need its component.
    mentioned.statuses.update(
        statuses, (int(each) for each in others if others[each].keys() == {"$ref"})
    )
    mentioned.has_problems = mentioned.has_problems or bool(others)
    problems = {str(status): refer_to_problem(status) for status in statuses}
    return {**found, **problems, **others}


def list_errors(operation: Described) -> list[int]:
    """List the error statuses an operation may answer with.

    A handler tells of more by an attribute `error_statuses`.
    """
    arguments = operation.plan.arguments
    statuses: set[int] = set(getattr(operation.plan.handler, "error_statuses", ()))
    if operation.route.params:
        statuses.add(404)
    if insists(operation.plan):
        statuses.add(401)
    if arguments:
        statuses.add(422)
    for argument in arguments:
        if argument.is_raw:
            statuses |= {415} if argument.media_type not in {None, "*/*"} else set()
        elif argument.source in {Source.BODY, Source.FORM, Source.FILE}:
            statuses |= {400, 415}
    return sorted(statuses)


def read_docstring(handler: Any) -> tuple[str, str]:
    r"""Read a handler's docstring: its first paragraph, and what follows up to its sections.

    What stands after a form feed (`\f`) is for the code's readers only.
    """
    text = inspect.getdoc(handler) if inspect.isroutine(handler) else None
    if not text:
        return "", ""
    for end in ("\f", "\nArgs:\n", "\nReturns:\n", "\nRaises:\n", "\nYields:\n"):
        text = text.partition(end)[0]
    summary, _, description = text.strip().partition("\n\n")
    return " ".join(summary.split()), description.strip()


def to_words(operation_id: str) -> str:
    """Write an operation id as a title, `posts_list` as `Posts list`."""
    return operation_id.replace("_", " ").strip().capitalize()
