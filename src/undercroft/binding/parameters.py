"""What a handler writes in its signature to say where a value comes from.

Each works in `Annotated[int, Query(ge=1)]` and, as in FastAPI, as a default: `q: str = Query("")`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Literal, TypedDict, Unpack

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

#: "No default was given", as Pydantic says it.
MISSING: Final[Any] = PydanticUndefined


Extra = Literal["ignore", "forbid", "allow"]


class Source(StrEnum):
    """Where a value comes from; the first word of an error's location."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    BODY = "body"
    FORM = "form"
    FILE = "file"

    @property
    def location(self) -> str:
        """What an error calls it: forms and files are the body, as FastAPI has it."""
        return "body" if self in {Source.FORM, Source.FILE} else self.value


class Constraints(TypedDict, total=False):
    """What Pydantic checks and OpenAPI says of a parameter; names are `pydantic.Field`'s."""

    title: str
    description: str
    examples: list[Any]
    deprecated: bool
    openapi_examples: Mapping[str, Any]
    include_in_schema: bool
    gt: float
    ge: float
    lt: float
    le: float
    multiple_of: float
    min_length: int
    max_length: int
    pattern: str
    strict: bool
    allow_inf_nan: bool
    max_digits: int
    decimal_places: int
    discriminator: str
    json_schema_extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value read from the request.

    Attributes:
        source: The part of the request it comes from.
        default: Used where the request has none; `MISSING` makes it required.
        alias: Its name in the request, where that is not the argument's.
        field: The constraints, as Pydantic's field.
        embed: A lone body parameter is a member of the JSON object, not the whole.
        is_deprecated: OpenAPI says that it should no longer be sent.
        media_type: What the body must be declared as, where that is not JSON; `*/*` for anything.
        extra: What becomes of members that no field has: "ignore", "forbid" or "allow".
        openapi_examples: OpenAPI's example objects, by name.
        is_shown: OpenAPI tells of it.
    """

    source: Source
    default: Any
    alias: str | None
    field: FieldInfo
    embed: bool = False
    is_deprecated: bool = False
    media_type: str | None = None
    extra: Extra | None = None
    openapi_examples: Mapping[str, Any] | None = None
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class Dependency:
    """A value made by calling something whose own arguments are bound the same way."""

    function: Callable[..., Any] | None
    use_cache: bool = True
    lifetime: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """How a type that a signature merely names is injected, without `Depends`.

    Attributes:
        function: Makes the value; bound like any dependency.
        only_in: The kind of handler that can use the value: "def", "async def" or both ("").
        instead: What the other kind should ask for.
        is_at_hand: The function takes the request and gives the value at once: it is no step of its
            own.
    """

    function: Callable[..., Any]
    only_in: str = ""
    instead: str = ""
    is_at_hand: bool = False


#: Looks up the provider of an annotated type; the composition root knows them.
FindProvider = Callable[[Any], Provider | None]


def find_no_provider(annotation: Any) -> None:
    """Know no type: what a plan compiled outside an application uses."""


def build_parameter(
    source: Source,
    default: Any,
    alias: str | None,
    constraints: Constraints,
    *,
    embed: bool = False,
) -> Any:
    """Build a marker; typed `Any` so that it can stand as a default of any type."""
    # Pydantic warns of a deprecated value that is no model's field; only OpenAPI tells of it.
    is_deprecated = constraints.pop("deprecated", False)
    examples = constraints.pop("openapi_examples", None)
    is_shown = constraints.pop("include_in_schema", True)
    checks: Any = constraints
    field: FieldInfo = Field(**checks)
    default = MISSING if default is ... else default
    return Parameter(
        source,
        default,
        alias,
        field,
        embed,
        is_deprecated,
        openapi_examples=examples,
        is_shown=is_shown,
    )


def Path(  # noqa: N802 - FastAPI's name
    default: Any = MISSING, *, alias: str | None = None, **constraints: Unpack[Constraints]
) -> Any:
    """Read a value that the route's template captured."""
    return build_parameter(Source.PATH, default, alias, constraints)


def Query(  # noqa: N802 - FastAPI's name
    default: Any = MISSING, *, alias: str | None = None, **constraints: Unpack[Constraints]
) -> Any:
    """Read a value, or with a list type all values, from the query string."""
    return build_parameter(Source.QUERY, default, alias, constraints)


def Header(  # noqa: N802 - FastAPI's name
    default: Any = MISSING, *, alias: str | None = None, **constraints: Unpack[Constraints]
) -> Any:
    """Read a header; `user_agent` reads User-Agent unless an alias says otherwise."""
    return build_parameter(Source.HEADER, default, alias, constraints)


def Cookie(  # noqa: N802 - FastAPI's name
    default: Any = MISSING, *, alias: str | None = None, **constraints: Unpack[Constraints]
) -> Any:
    """Read a cookie."""
    return build_parameter(Source.COOKIE, default, alias, constraints)


def Body(  # noqa: N802 - FastAPI's name
    default: Any = MISSING,
    *,
    embed: bool = False,
    alias: str | None = None,
    media_type: str | None = None,
    extra: Extra | None = None,
    **constraints: Unpack[Constraints],
) -> Any:
    """Read the JSON body, or with `embed=True` or several body arguments one member of it.

    As `bytes` or `AsyncIterator[bytes]` it is the body as it came, whatever it is declared as.

    Args:
        default: Used where there is none.
        embed: A lone body argument is a member of the JSON object.
        alias: Its name in the object.
        media_type: What the body must be declared as instead of JSON; `*/*` for anything.
        extra: What becomes of members that no field has, in place of the setting
            `json_unknown_fields`.
        constraints: What is checked, and said of it.
    """
    marker = build_parameter(Source.BODY, default, alias, constraints, embed=embed)
    return replace(marker, media_type=media_type, extra=extra)


def Form(  # noqa: N802 - FastAPI's name
    default: Any = MISSING, *, alias: str | None = None, **constraints: Unpack[Constraints]
) -> Any:
    """Read a field of a form, or with a model, dataclass or `TypedDict` the whole form.

    A field that was left empty counts as not given.
    """
    return build_parameter(Source.FORM, default, alias, constraints)


def File(  # noqa: N802 - FastAPI's name
    default: Any = MISSING, *, alias: str | None = None, **constraints: Unpack[Constraints]
) -> Any:
    """Read a file of a form; as an `UploadFile`, or as `bytes` where it is sure to be small."""
    return build_parameter(Source.FILE, default, alias, constraints)


def Depends(  # noqa: N802 - FastAPI's name
    function: Callable[..., Any] | None = None,
    *,
    use_cache: bool = True,
    scope: Literal["app", "request", "handler", "function"] | None = None,
) -> Any:
    """Inject what `function` returns, or yields until the handler is done.

    Args:
        function: A function, async function, generator or class; left out, the annotated
            class itself is called.
        use_cache: Call it once for a request, however often it is asked for.
        scope: How long the value lives: "handler", until the handler has returned, which is what
            counts where nothing is said; "request", until the answer has been sent; "app", until
            the application ends, for all requests.
    """
    return Dependency(function, use_cache, scope)


def Security(  # noqa: N802 - FastAPI's name
    function: Callable[..., Any] | None = None,
    *,
    scopes: Sequence[str] = (),
    use_cache: bool = True,
) -> Any:
    """Inject as `Depends` does, and say what the caller must be allowed to do.

    What it depends on sees the names as `SecurityScopes`, and OpenAPI lists them.

    Args:
        function: A function, async function, generator or class.
        scopes: Names of scopes, in OAuth 2's sense.
        use_cache: Call it once for a request, however often it is asked for.
    """
    return Dependency(function, use_cache, scopes=tuple(scopes))
