"""The OpenAPI 3.1.1 document of an application, from its compiled operations.

An operation is described unless its route says `include_in_schema=False`. Pages are for people
and are left out unless their route says `include_in_schema=True`: handlers declared to return
`Markup` or an `HTMLResponse`, and functions without a return type that answer any method, which
is what Django's `path()` makes of a plain view. Routes of `re_path()` have no template OpenAPI
could show. It has no converters either: of `/x/{id:int}` and `/x/{id:slug}` the operation declared
first is described, and its description names the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from undercroft.openapi.answers import is_page
from undercroft.openapi.info import Info
from undercroft.openapi.names import choose_operation_ids
from undercroft.openapi.operations import Described, Mentioned, describe_operation
from undercroft.openapi.problems import build_problem_components
from undercroft.openapi.schemas import Schema
from undercroft.openapi.security import build_schemes
from undercroft.routing.route import ANY_METHOD
from undercroft.security.schemes import SecurityScheme

VERSION = "3.1.1"

#: The methods a path item has a member for, in the order they are written.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")


def build_document(
    info: Info,
    operations: Sequence[Described],
    webhooks: Sequence[Described] = (),
    ways: Sequence[SecurityScheme[Any]] = (),
) -> Schema:
    """Build the document, as JSON's own values.

    Args:
        info: What is said of the API as a whole.
        operations: What it answers.
        webhooks: What it sends to others, which their handlers only stand for.
        ways: In which the users are found that operations ask for.
    """
    api = [operation for operation in operations if is_described(operation)]
    chosen, repeated = tell_apart(api)
    chosen.sort(key=lambda operation: METHODS.index(operation.method))
    everything = [*chosen, *webhooks]
    mentioned = Mentioned(ways=ways)
    paths: dict[str, Schema] = {operation.route.plain_path: {} for operation in api}
    hooks: dict[str, Schema] = {}
    ids = choose_operation_ids(everything, info.generate_unique_id_function)
    for operation, operation_id in zip(everything, ids, strict=True):
        described = describe_operation(operation, operation_id, mentioned)
        path, method = operation.route.plain_path, operation.method.lower()
        if operation in webhooks:
            hooks.setdefault(path.strip("/"), {})[method] = described
        else:
            paths[path][method] = mention_repeated(described, repeated[find_place(operation)])
    document: Schema = {"openapi": VERSION, "info": info.describe(), "paths": paths}
    # Said, not left out: an operation without a requirement of its own is open to everybody.
    document["security"] = []
    servers = [dict(server) for server in info.servers]
    tags = list_tags(everything, info.tags)
    members = {
        "webhooks": hooks,
        "servers": servers,
        "tags": tags,
        "externalDocs": dict(info.external_docs),
        "components": build_components(everything, mentioned),
    }
    # OpenAPI wants no empty servers or tags; clients of code generators stumble over them.
    return document | {
        name: member for name, member in members.items() if member or name == "components"
    }


def build_components(operations: Sequence[Described], mentioned: Mentioned) -> Schema:
    """Build what the operations refer to."""
    schemas = mentioned.schemas.resolve()
    shared, responses = build_problem_components(
        mentioned.statuses, is_needed=mentioned.has_problems
    )
    components = {
        "schemas": {**schemas, **shared},
        "responses": responses,
        "securitySchemes": build_schemes(
            [operation.plan for operation in operations], mentioned.ways
        ),
    }
    return {name: part for name, part in components.items() if part}


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


def list_tags(operations: Sequence[Described], known: Sequence[Mapping[str, Any]]) -> list[Schema]:
    """List every tag once: those the options describe first, then in the order of first use."""
    tags: dict[str, Schema] = {str(tag["name"]): dict(tag) for tag in known}
    for operation in operations:
        for name in operation.route.options.get("tags", []):
            tags.setdefault(name, {"name": name})
    return list(tags.values())
