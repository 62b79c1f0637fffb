"""Operation ids: the function's name, made unique only where two operations share it."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from undercroft.routing.route import Route

_OTHER = re.compile(r"[^a-zA-Z0-9]+")
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def choose_operation_ids(
    operations: Sequence[Any], generate: Callable[[Route], str] | None = None
) -> list[str]:
    """Choose a unique id for each operation, whatever the order they are declared in.

    Those that share a name are told apart by namespace, then by method, then by path.

    Args:
        operations: In any order.
        generate: Names those whose routes do not.
    """
    names = [name_operation(operation, generate) for operation in operations]
    for extend in (_add_namespace, _add_method, _add_path):
        counted = Counter(names)
        if len(counted) == len(names):
            break
        names = [
            name if counted[name] == 1 else extend(name, operation)
            for name, operation in zip(names, operations, strict=True)
        ]
    return names


def name_operation(operation: Any, generate: Callable[[Route], str] | None = None) -> str:
    """Name an operation: what the route says, or the function's name, with its view's before it."""
    declared: str | None = operation.route.options.get("operation_id")
    if declared:
        return declared
    if generate is not None:
        return generate(operation.route)
    handler: Callable[..., Any] = operation.plan.handler
    name = getattr(handler, "__name__", type(handler).__name__)
    view = getattr(operation.route.handler, "view_class", None)
    if view is not None and name.upper() == operation.method:
        name = f"{view.__name__}_{name}"
    return to_snake(name)


def to_snake(name: str) -> str:
    """Write a name in lower case with underscores, `BlogPost` as `blog_post`."""
    return _OTHER.sub("_", _BOUNDARY.sub("_", name)).strip("_").lower()


def _add_namespace(name: str, operation: Any) -> str:
    namespace: str = operation.route.namespace
    return f"{to_snake(namespace)}_{name}" if namespace else name


def _add_method(name: str, operation: Any) -> str:
    return f"{name}_{operation.method.lower()}"


def _add_path(name: str, operation: Any) -> str:
    return f"{name}_{to_snake(operation.route.plain_path)}".rstrip("_")
