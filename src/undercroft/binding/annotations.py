"""Reads types: what is behind an alias, which marker it carries, what shape its values have."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    NewType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import typing_extensions
from pydantic import BaseModel

from undercroft.binding.parameters import Dependency, Parameter
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request

_SEVERAL = (list, set, frozenset, tuple, Sequence, AbstractSet)
_STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator)
_UNIONS = (Union, UnionType)


def unwrap_alias(annotation: Any) -> Any:
    """Return the type that a `type` statement (PEP 695) or a `NewType` gives another name."""
    while True:
        if isinstance(annotation, typing_extensions.TypeAliasType) or (
            type(annotation).__name__ == "TypeAliasType"  # the interpreter's own, from 3.12 on
        ):
            annotation = annotation.__value__
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        else:
            return annotation


def split_annotation(annotation: Any, place: str) -> tuple[Any, list[Parameter | Dependency]]:
    """Split an annotation into the plain type and the markers of ours, behind aliases too.

    Raises:
        ImproperlyConfigured: A marker stands inside a union, where it says nothing of the whole.
    """
    annotation = unwrap_alias(annotation)
    if get_origin(annotation) is not Annotated:
        check_union(annotation, place)
        return annotation, []
    inner, *extras = get_args(annotation)
    plain, markers = split_annotation(inner, place)
    return plain, [*markers, *(extra for extra in extras if is_marker(extra))]


def is_marker(value: Any) -> bool:
    """Tell whether a value is one of ours, such as `Query()` or `Depends()`."""
    return isinstance(value, Parameter | Dependency)


def check_union(annotation: Any, place: str) -> None:
    """Refuse `Annotated[int, Query(ge=1)] | None`.

    Raises:
        ImproperlyConfigured: A member of the union carries a marker.
    """
    if get_origin(annotation) not in _UNIONS:
        return
    for part in map(unwrap_alias, get_args(annotation)):
        if get_origin(part) is Annotated and any(map(is_marker, get_args(part)[1:])):
            raise ImproperlyConfigured(
                f"An argument of {place} has a marker inside a union: {annotation}.",
                hint="Put the union inside: Annotated[int | None, Query(ge=1)].",
                code="binding.marker",
            )


def is_request(annotation: Any) -> bool:
    """Tell whether an argument asks for the request itself."""
    return inspect.isclass(annotation) and issubclass(annotation, Request)


def is_byte_stream(annotation: Any) -> bool:
    """Tell whether an argument asks for the body in pieces."""
    return get_origin(annotation) in _STREAMS and get_args(annotation)[0] is bytes


def is_structured(annotation: Any) -> bool:
    """Tell whether a type has members, so that only a JSON body can hold it."""
    annotation = unwrap_alias(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return is_structured(get_args(annotation)[0])
    if origin in _UNIONS:
        return any(is_structured(part) for part in get_args(annotation) if part is not NoneType)
    if origin in _SEVERAL or annotation in _SEVERAL:
        return any(is_structured(part) for part in get_args(annotation))
    kind = origin or annotation
    if is_typeddict(kind):
        return True
    return inspect.isclass(kind) and (issubclass(kind, BaseModel | Mapping) or is_dataclass(kind))


def is_several(annotation: Any) -> bool:
    """Tell whether a type takes several values of one name."""
    annotation = unwrap_alias(annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return is_several(get_args(annotation)[0])
    if origin in _UNIONS:
        return any(is_several(part) for part in get_args(annotation))
    return origin in _SEVERAL or annotation in _SEVERAL


def names_type(annotation: Any, wanted: type[Any]) -> bool:
    """Tell whether a type is, or within a union or list has, a certain one."""
    annotation = unwrap_alias(annotation)
    if annotation is wanted:
        return True
    return any(names_type(part, wanted) for part in get_args(annotation))


@dataclass(frozen=True, slots=True)
class ModelField:
    """A field of a model, dataclass or `TypedDict`.

    Attributes:
        name: As validation knows it; of a model its alias.
        annotation: Its type, constraints included.
        is_required: Whether there is no default.
        description: What is said of it.
        default: Its default, if that is a plain value.
        is_deprecated: It should no longer be sent.
    """

    name: str
    annotation: Any
    is_required: bool
    description: str = ""
    default: Any = None
    is_deprecated: bool = False


def find_fields(annotation: Any) -> list[ModelField] | None:
    """Find the fields of a model, dataclass or `TypedDict`, optional or not.

    None for any other type.
    """
    annotation = unwrap_alias(annotation)
    if get_origin(annotation) is Annotated:
        return find_fields(get_args(annotation)[0])
    if get_origin(annotation) in _UNIONS:
        parts = [part for part in get_args(annotation) if part is not NoneType]
        return find_fields(parts[0]) if len(parts) == 1 else None
    kind = get_origin(annotation) or annotation
    if inspect.isclass(kind) and issubclass(kind, BaseModel):
        return [_read_field(name, field) for name, field in kind.model_fields.items()]
    if is_typeddict(kind):
        required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
        hints = get_type_hints(kind, include_extras=True)
        return [ModelField(name, each, name in required) for name, each in hints.items()]
    if inspect.isclass(kind) and is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        return [
            ModelField(
                each.name,
                hints[each.name],
                each.default is MISSING and each.default_factory is MISSING,
            )
            for each in fields(kind)
        ]
    return None


def _read_field(name: str, field: Any) -> ModelField:
    alias = field.validation_alias or field.alias
    called = alias if isinstance(alias, str) else name
    kind: Any = field.annotation
    for constraint in field.metadata:
        kind = Annotated[kind, constraint]
    described = field.description or ""
    is_deprecated = bool(field.deprecated)
    return ModelField(called, kind, field.is_required(), described, field.default, is_deprecated)
