"""Reads a handler's signature: which arguments it has and where each value comes from."""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from undercroft.binding.parameters import (
    MISSING,
    Dependency,
    FindProvider,
    Parameter,
    Provider,
    Source,
)
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request

_SEVERAL = (list, set, frozenset, tuple)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument that is read from the request.

    Attributes:
        name: As the function spells it.
        alias: As the request spells it.
        source: Where the value comes from.
        annotation: The type, with its constraints in `Annotated`.
        default: `MISSING` where the request must have it.
        several: All values of the name are taken, not the last.
        embed: A body argument that is a member of the object even when it stands alone.
        field: Its constraints and description, as Pydantic's field.
        place: The function and its file, for errors.
        is_deprecated: OpenAPI says that it should no longer be sent.
    """

    name: str
    alias: str
    source: Source
    annotation: Any
    default: Any
    several: bool
    embed: bool
    field: FieldInfo | None
    place: str
    is_deprecated: bool = False

    @property
    def is_required(self) -> bool:
        """Tell whether the request must have it."""
        return self.default is MISSING


@dataclass(frozen=True, slots=True)
class Injection:
    """One argument that is made, not read: the request itself or a dependency's value."""

    name: str
    annotation: Any
    dependency: Dependency | Provider | None


def describe_place(function: Callable[..., Any]) -> str:
    """Name a function with its file and line, for errors found at start."""
    function = inspect.unwrap(function)
    name = getattr(function, "__qualname__", repr(function))
    code = getattr(function, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


def read_signature(
    function: Callable[..., Any],
    path_params: Collection[str],
    find_provider: FindProvider,
    *,
    skip_first: bool = False,
) -> list[Argument | Injection]:
    """Read every argument of a handler or dependency.

    Args:
        function: What will be called.
        path_params: Names the route's template captures.
        find_provider: Knows the types that are injected by their name alone.
        skip_first: The first argument is `self`, filled in by the caller.

    Raises:
        ImproperlyConfigured: An annotation cannot be resolved, or an argument has no place
            its value could come from.
    """
    place = describe_place(function)
    try:
        parameters = list(inspect.signature(function).parameters.values())[skip_first:]
        hints = read_hints(function)
    except NameError as error:
        raise ImproperlyConfigured(
            f"An annotation of {place} names {error.name!r}, which is not defined there.",
            hint="Import it at the top of the module, not only under TYPE_CHECKING.",
            code="binding.annotation",
        ) from error
    found: list[Argument | Injection] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD or parameter.kind is parameter.VAR_POSITIONAL:
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ImproperlyConfigured(
                f"Argument {parameter.name!r} of {place} is positional-only.",
                hint="Remove the '/' from the signature: values are passed by name.",
                code="binding.positional-only",
            )
        annotation = hints.get(parameter.name, Any)
        provider = find_provider(annotation)
        if provider is not None:
            found.append(Injection(parameter.name, annotation, provider))
        else:
            found.append(_read_parameter(parameter, annotation, path_params, place))
    return found


def read_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Resolve the annotations of a function, a class's `__init__` or a callable object."""
    if inspect.isclass(function):
        return get_type_hints(function.__init__, include_extras=True)
    if not inspect.isroutine(function):
        function = type(function).__call__
    return get_type_hints(inspect.unwrap(function), include_extras=True)


def _read_parameter(
    parameter: inspect.Parameter, annotation: Any, path_params: Collection[str], place: str
) -> Argument | Injection:
    name, default = parameter.name, parameter.default
    if default is parameter.empty:
        default = MISSING
    plain, marker = split_annotation(annotation)
    if isinstance(default, Parameter | Dependency):
        marker, default = default, MISSING
    if isinstance(marker, Dependency):
        return Injection(name, plain, marker)
    if is_request(plain) or (annotation is Any and name == "request"):
        return Injection(name, Request, None)
    if marker is None:
        marker = Parameter(choose_source(name, plain, path_params), MISSING, None, FieldInfo())
    if marker.source is Source.PATH and (marker.alias or name) not in path_params:
        held = ", ".join(sorted(path_params)) or "none"
        raise ImproperlyConfigured(
            f"{place} reads {name!r} from the path, and its route captures {held}.",
            hint=f"Write {{{name}}} in the route's path.",
            code="binding.path",
        )
    if default is MISSING:
        default = marker.default
    alias = marker.alias or (name.replace("_", "-") if marker.source is Source.HEADER else name)
    several = is_several(plain) and marker.source in {Source.QUERY, Source.HEADER}
    annotation = Annotated[annotation, marker.field]
    return Argument(
        name=name,
        alias=alias,
        source=marker.source,
        annotation=annotation,
        default=default,
        several=several,
        embed=marker.embed,
        field=marker.field,
        place=place,
        is_deprecated=marker.is_deprecated,
    )


def split_annotation(annotation: Any) -> tuple[Any, Parameter | Dependency | None]:
    """Split `Annotated[T, marker]` into T and the last marker of ours."""
    if get_origin(annotation) is not Annotated:
        return annotation, None
    plain, *extras = get_args(annotation)
    markers = [extra for extra in extras if isinstance(extra, Parameter | Dependency)]
    return plain, markers[-1] if markers else None


def choose_source(name: str, annotation: Any, path_params: Collection[str]) -> Source:
    """Choose where an argument without a marker comes from, by FastAPI's rule.

    A name the path captures is from the path, a structured type is the body, all else is
    from the query.
    """
    if name in path_params:
        return Source.PATH
    return Source.BODY if is_structured(annotation) else Source.QUERY


def is_request(annotation: Any) -> bool:
    """Tell whether an argument asks for the request itself."""
    return inspect.isclass(annotation) and issubclass(annotation, Request)


def is_structured(annotation: Any) -> bool:
    """Tell whether a type has members, so that only a JSON body can hold it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return is_structured(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return any(is_structured(part) for part in get_args(annotation) if part is not NoneType)
    if origin in _SEVERAL or annotation in _SEVERAL:
        return any(is_structured(part) for part in get_args(annotation))
    kind = origin or annotation
    if is_typeddict(kind):
        return True
    return inspect.isclass(kind) and (issubclass(kind, BaseModel | dict) or is_dataclass(kind))


def is_several(annotation: Any) -> bool:
    """Tell whether a type takes several values of one name."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return is_several(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return any(is_several(part) for part in get_args(annotation))
    return origin in _SEVERAL or annotation in _SEVERAL
