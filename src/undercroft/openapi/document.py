"""The OpenAPI 3.1.1 document of an application, from its compiled operations.

An operation is described unless its route says `include_in_schema=False`. Pages are for people
and are left out unless their route says `include_in_schema=True`: handlers declared to return
`Markup` or an `HTMLResponse`, and functions without a return type that answer any method, which
is what Django's `path()` makes of a plain view. Routes of `re_path()` have no template OpenAPI
could show. It has no converters either: of `/x/{id:int}` and `/x/{id:slug}` the operation declared
first is described, and its description names the other.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from undercroft.binding.parameters import Source
from undercroft.binding.plan import Plan
from undercroft.openapi.answers import describe_answer, is_page
from undercroft.openapi.info import Info
from undercroft.openapi.names import choose_operation_ids
from undercroft.openapi.parameters import describe_body, describe_parameters
from undercroft.openapi.problems import build_problem_components, refer_to_problem
from undercroft.openapi.responses import describe_others
from undercroft.openapi.schemas import Schema, SchemaCollector
from undercroft.routing.route import ANY_METHOD, Route

VERSION = "3.1.1"

#: The methods a path item has a member for, in the order they are written.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")


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


def build_document(info: Info, operations: Sequence[Described]) -> Schema:
    """Build the document, as JSON's own values."""
    api = [operation for operation in operations if is_described(operation)]
    chosen, repeated = tell_apart(api)
    chosen.sort(key=lambda operation: METHODS.index(operation.method))
    collector = SchemaCollector()
    paths: dict[str, Schema] = {}
    errors: set[int] = set()
    has_problems = False
    for operation in api:
        paths.setdefault(operation.route.plain_path, {})
    for operation, operation_id in zip(chosen, choose_operation_ids(chosen), strict=True):
        statuses = list_errors(operation)
        errors.update(statuses)
        described = describe_operation(operation, operation_id, collector)
        described = mention_repeated(described, repeated[find_place(operation)])
        problems = {str(status): refer_to_problem(status) for status in statuses}
        others = describe_others(operation.route, collector)
        described["responses"] |= {**problems, **others}
        # The house's own exceptions share a description; they need its component.
        errors.update(int(each) for each in others if others[each].keys() == {"$ref"})
        has_problems = has_problems or bool(others)
        paths[operation.route.plain_path][operation.method.lower()] = described
    schemas = collector.resolve()
    shared, responses = build_problem_components(errors, is_needed=has_problems)
    document: Schema = {"openapi": VERSION, "info": info.describe(), "paths": paths}
    # Said, not left out: an operation without a requirement of its own is open to everybody.
    document["security"] = []
    if info.servers:
        document["servers"] = [dict(server) for server in info.servers]
    tags = list_tags(chosen, info.tags)
    if tags:
        document["tags"] = tags
    if info.external_docs:
        document["externalDocs"] = dict(info.external_docs)
    components = {"schemas": {**schemas, **shared}, "responses": responses}
    document["components"] = {name: part for name, part in components.items() if part}
    return document


def is_described(operation: Described) -> bool:
    """Tell whether an operation belongs to the API."""
    route = operation.route
    if route.template.regex is not None or operation.method not in METHODS:
        return False
    declared = route.options.get("include_in_schema")
    if declared is not None:
        return declared
    is_view = hasattr(route.handler, "view_class")
    is_undeclared = operation.plan.returns.annotation is Any
    any_method = route.methods == frozenset(ANY_METHOD)
    return not (is_page(operation.plan.returns) or (is_undeclared and any_method and not is_view))


def find_place(operation: Described) -> tuple[str, str]:
    """Find the one place in the document where an operation may stand."""
    return operation.route.plain_path, operation.method


def tell_apart(
    operations: Sequence[Described],
) -> tuple[list[Described], dict[tuple[str, str], list[Described]]]:
    """Tell the operations that come first at their places from those that come too late."""
    places: dict[tuple[str, str], list[Described]] = {}
    for operation in operations:
        places.setdefault(find_place(operation), []).append(operation)
    return [each[0] for each in places.values()], {
        place: each[1:] for place, each in places.items()
    }


def mention_repeated(described: Schema, repeated: Sequence[Described]) -> Schema:
    """Name in an operation's description those that differ from it by their converters only."""
    if not repeated:
        return described
    also = [f"`{each.method} {each.route.path}`" for each in repeated]
    parts = [described.get("description"), f"Also there: {', '.join(also)}."]
    return {**described, "description": "\n\n".join(filter(None, parts))}


def describe_operation(
    operation: Described, operation_id: str, collector: SchemaCollector
) -> Schema:
    """Describe one operation as OpenAPI's operation object."""
    options, plan = operation.route.options, operation.plan
    summary, description = read_docstring(plan.handler)
    described: Schema = {}
    if options.get("tags"):
        described["tags"] = list(options.get("tags", []))
    described["summary"] = options.get("summary") or summary or to_words(operation_id)
    if options.get("description") or description:
        described["description"] = options.get("description") or description
    described["operationId"] = operation_id
    parameters = describe_parameters(operation.route.params, plan.arguments, collector)
    if parameters:
        described["parameters"] = parameters
    body = describe_body(plan.arguments, collector)
    if body is not None:
        described["requestBody"] = body
    described["responses"] = describe_answer(plan.returns, collector)
    if options.get("deprecated"):
        described["deprecated"] = True
    return described


def list_errors(operation: Described) -> list[int]:
    """List the error statuses an operation may answer with.

    A handler tells of more by an attribute `error_statuses`.
    """
    arguments = operation.plan.arguments
    statuses: set[int] = set(getattr(operation.plan.handler, "error_statuses", ()))
    if operation.route.params:
        statuses.add(404)
    if arguments:
        statuses.add(422)
    sources = {argument.source for argument in arguments}
    if sources & {Source.BODY, Source.FORM, Source.FILE}:
        statuses |= {400, 415}
    return sorted(statuses)


def read_docstring(handler: Any) -> tuple[str, str]:
    """Read a handler's docstring: its first paragraph, and what follows up to its sections."""
    text = inspect.getdoc(handler) if inspect.isroutine(handler) else None
    if not text:
        return "", ""
    for section in ("\nArgs:\n", "\nReturns:\n", "\nRaises:\n", "\nYields:\n"):
        text = text.partition(section)[0]
    summary, _, description = text.strip().partition("\n\n")
    return " ".join(summary.split()), description.strip()


def to_words(operation_id: str) -> str:
    """Write an operation id as a title, `posts_list` as `Posts list`."""
    return operation_id.replace("_", " ").strip().capitalize()


def list_tags(operations: Sequence[Described], known: Sequence[Mapping[str, Any]]) -> list[Schema]:
    """List every tag once: those the options describe first, then in the order of first use."""
    tags: dict[str, Schema] = {str(tag["name"]): dict(tag) for tag in known}
    for operation in operations:
        for name in operation.route.options.get("tags", []):
            tags.setdefault(name, {"name": name})
    return list(tags.values())
