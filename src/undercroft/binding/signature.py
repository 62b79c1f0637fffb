"""Reads a handler's signature: which arguments it has and where each value comes from."""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic.fields import FieldInfo

from undercroft.binding.annotations import (
    ModelField,
    find_fields,
    is_byte_stream,
    is_request,
    is_several,
    is_structured,
    names_type,
    split_annotation,
)
from undercroft.binding.callables import describe_place, list_bound_names, read_hints
from undercroft.binding.parameters import (
    MISSING,
    Dependency,
    Extra,
    FindProvider,
    Parameter,
    Provider,
    Source,
)
from undercroft.binding.scopes import SecurityScopes
from undercroft.errors import ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.http.uploads import UploadFile
from undercroft.http.websockets import WebSocket


@dataclass(frozen=True, slots=True)
class Member:
    """One value of a model that is read value by value, not from JSON.

    Attributes:
        name: As validation knows it.
        alias: As the request spells it.
        several: All values of the name are taken, not the last.
        field: What it is.
    """

    name: str
    alias: str
    several: bool
    field: ModelField


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
        members: Of a model made of values of one source; None for a single value.
        media_type: What the body must be declared as, where that is not JSON.
        extra: What becomes of members of the body that no field has.
        is_raw: It is the body itself, as bytes or as a stream.
        is_stream: It is the body in pieces.
        openapi_examples: OpenAPI's example objects, by name.
        is_shown: OpenAPI tells of it.
        takes_bytes: A file is read into memory, not handed over as an `UploadFile`.
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
    members: tuple[Member, ...] | None = None
    takes_bytes: bool = False
    media_type: str | None = None
    extra: Extra | None = None
    is_raw: bool = False
    is_stream: bool = False
    openapi_examples: Mapping[str, Any] | None = None
    is_shown: bool = True

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
    parameters = list(inspect.signature(function).parameters.values())[skip_first:]
    hints = resolve_hints(function, place)
    bound = list_bound_names(function)
    found: list[Argument | Injection] = []
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}:
            continue
        if parameter.name in bound:
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ImproperlyConfigured(
                f"Argument {parameter.name!r} of {place} is positional-only.",
                hint="Remove the '/' from the signature: values are passed by name.",
                code="binding.positional-only",
            )
        annotation = hints.get(parameter.name, Any)
        plain, marker, default = read_markers(parameter, annotation, place)
        if marker is None:
            found.append(
                find_injection(parameter.name, plain, annotation, find_provider)
                or build_argument(parameter.name, annotation, plain, default, path_params, place)
            )
        elif isinstance(marker, Dependency):
            found.append(Injection(parameter.name, plain, marker))
        else:
            found.append(apply_marker(parameter.name, marker, annotation, plain, default, place))
    for argument in found:
        check_path_argument(argument, path_params)
    return found


def resolve_hints(function: Callable[..., Any], place: str) -> dict[str, Any]:
    """Resolve a function's annotations.

    Raises:
        ImproperlyConfigured: One names something that is not there.
    """
    try:
        return read_hints(function)
    except NameError as error:
        raise ImproperlyConfigured(
            f"An annotation of {place} names {error.name!r}, which is not defined there.",
            hint="Import it at the top of the module, not only under TYPE_CHECKING.",
            code="binding.annotation",
        ) from error
    except Exception as error:
        raise ImproperlyConfigured(
            f"The annotations of {place} cannot be read: {error}.",
            hint="Correct the annotation.",
            code="binding.annotation",
        ) from error


def read_markers(
    parameter: inspect.Parameter, annotation: Any, place: str
) -> tuple[Any, Parameter | Dependency | None, Any]:
    """Find the plain type, the one marker and the default of an argument.

    Raises:
        ImproperlyConfigured: There are two markers, so that one of them would be ignored.
    """
    plain, markers = split_annotation(annotation, place)
    default = MISSING if parameter.default is parameter.empty else parameter.default
    if isinstance(default, Parameter | Dependency):
        markers, default = [*markers, default], MISSING
    if len(markers) > 1:
        raise ImproperlyConfigured(
            f"Argument {parameter.name!r} of {place} has {len(markers)} markers.",
            hint="Keep one: Annotated[int, Query(ge=1)] = 5, the default without a marker.",
            code="binding.marker",
        )
    return plain, markers[0] if markers else None, default


def find_injection(
    name: str, plain: Any, annotation: Any, find_provider: FindProvider
) -> Injection | None:
    """Find what is injected for its type or name alone: the request, a session and so on."""
    if is_request(plain) or (annotation is Any and name == "request"):
        return Injection(name, Request, None)
    if plain is SecurityScopes:
        return Injection(name, SecurityScopes, None)
    provider = find_provider(plain)
    if provider is None and isinstance(plain, type) and issubclass(plain, WebSocket):
        raise ImproperlyConfigured(
            f"Argument {name!r} is a WebSocket, and the handler answers HTTP requests.",
            hint="Declare it by @app.websocket(path), or path(...) without `methods`.",
            code="binding.websocket",
        )
    return Injection(name, plain, provider) if provider is not None else None


def build_argument(  # noqa: PLR0913, PLR0917 - the parts of one argument, together only here
    name: str,
    annotation: Any,
    plain: Any,
    default: Any,
    path_params: Collection[str],
    place: str,
) -> Argument:
    """Build an argument without a marker: its type says where it comes from."""
    marker = Parameter(choose_source(name, plain, path_params), MISSING, None, FieldInfo())
    return apply_marker(name, marker, annotation, plain, default, place)


def apply_marker(  # noqa: PLR0913, PLR0917 - as above
    name: str, marker: Parameter, annotation: Any, plain: Any, default: Any, place: str
) -> Argument:
    """Build an argument as its marker says."""
    source = marker.source
    return Argument(
        name=name,
        alias=marker.alias or (name.replace("_", "-") if source is Source.HEADER else name),
        source=source,
        annotation=Annotated[annotation, marker.field],
        default=marker.default if default is MISSING else default,
        several=is_several(plain) and source in _LISTED,
        embed=marker.embed,
        field=marker.field,
        place=place,
        is_deprecated=marker.is_deprecated,
        members=list_members(plain, source) if source in _GROUPED else None,
        takes_bytes=not names_type(plain, UploadFile),
        media_type=marker.media_type,
        extra=marker.extra,
        is_raw=source is Source.BODY and (plain is bytes or is_byte_stream(plain)),
        is_stream=is_byte_stream(plain),
        openapi_examples=marker.openapi_examples,
        is_shown=marker.is_shown,
    )


#: Where a name may have several values.
_LISTED = frozenset({Source.QUERY, Source.HEADER, Source.FORM, Source.FILE})

#: Where a model may be made of several values.
_GROUPED = frozenset({Source.QUERY, Source.HEADER, Source.COOKIE, Source.FORM})


def list_members(annotation: Any, source: Source) -> tuple[Member, ...] | None:
    """List the members of a model that is made of values of one source; None for other types."""
    fields = find_fields(annotation)
    if fields is None:
        return None
    return tuple(
        Member(
            each.name,
            each.name.replace("_", "-") if source is Source.HEADER else each.name,
            is_several(each.annotation) and source in _LISTED,
            each,
        )
        for each in fields
    )


def check_path_argument(argument: Argument | Injection, path_params: Collection[str]) -> None:
    """Refuse an argument from the path that the route does not capture.

    Raises:
        ImproperlyConfigured: The route has no such parameter.
    """
    if not isinstance(argument, Argument) or argument.source is not Source.PATH:
        return
    if argument.alias not in path_params:
        held = ", ".join(sorted(path_params)) or "none"
        raise ImproperlyConfigured(
            f"{argument.place} reads {argument.alias!r} from the path, and its route captures"
            f" {held}.",
            hint=f"Write {{{argument.alias}}} in the route's path.",
            code="binding.path",
        )


def choose_source(name: str, annotation: Any, path_params: Collection[str]) -> Source:
    """Choose where an argument without a marker comes from, by FastAPI's rule.

    A name the path captures is from the path, an upload from a form, a structured type is the
    body, all else is from the query.
    """
    if name in path_params:
        return Source.PATH
    if names_type(annotation, UploadFile):
        return Source.FILE
    if is_byte_stream(annotation):
        return Source.BODY
    return Source.BODY if is_structured(annotation) else Source.QUERY
