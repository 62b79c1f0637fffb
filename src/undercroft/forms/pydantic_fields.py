"""The fields of a Pydantic model's form: what is asked for a type, and what the page says of it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from inspect import isclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import AnyUrl, SecretStr
from pydantic.fields import FieldInfo

from undercroft.errors import ImproperlyConfigured
from undercroft.forms import fields, widgets
from undercroft.forms.fields.field import Field
from undercroft.forms.model_fields import capitalize
from undercroft.http.uploads import UploadFile

#: Fields by the type of their values, the first that fits.
_KINDS: tuple[tuple[type[Any], type[Field]], ...] = (
    (datetime, fields.DateTimeField),
    (date, fields.DateField),
    (time, fields.TimeField),
    (UUID, fields.UUIDField),
    (Decimal, fields.DecimalField),
    (int, fields.IntegerField),
    (float, fields.FloatField),
    (AnyUrl, fields.URLField),
    (str, fields.CharField),
    (SecretStr, fields.CharField),
    (timedelta, fields.CharField),
    (UploadFile, fields.FileField),
)

_SEVERAL = (list, set, frozenset, tuple)


def build_field(info: FieldInfo, meta: Any, name: str) -> Field:
    """Build a form's field from a model's.

    Raises:
        ImproperlyConfigured: There is no control for its type.
    """
    kind, limits = find_kind(info.annotation, list(info.metadata))
    label = capitalize(info.title or name.replace("_", " "))
    options: dict[str, Any] = {
        "required": info.is_required() and not is_nullable(info.annotation),
        "initial": info.default_factory or (None if info.is_required() else info.default),
        "label": getattr(meta, "labels", {}).get(name, label),
        "help_text": getattr(meta, "help_texts", {}).get(name, info.description or ""),
    }
    widget = getattr(meta, "widgets", {}).get(name)
    if widget is not None:
        options["widget"] = widget
    made = choose_field(kind, limits, options)
    if made is None:
        raise ImproperlyConfigured(
            f"There is no control for {meta.model.__name__}.{name}, a {kind}.",
            hint="Declare the field in the form, or leave it out by Meta.exclude.",
            code="forms.pydantic",
        )
    return made


def find_kind(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """Find the type behind `Annotated` and `| None`, with all that is said of it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return find_kind(annotation.__origin__, [*metadata, *annotation.__metadata__])
    if origin in (Union, UnionType):
        kinds = [each for each in get_args(annotation) if each is not NoneType]
        if len(kinds) == 1:
            return find_kind(kinds[0], metadata)
    return annotation, metadata


def is_nullable(annotation: Any) -> bool:
    """Tell whether None is a value of a type."""
    return get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)


def choose_field(kind: Any, limits: list[Any], options: dict[str, Any]) -> Field | None:
    """Choose the field for a type; None where there is none."""
    choices = list_choices(kind)
    if choices:
        return fields.ChoiceField(choices=choices, **options)
    if get_origin(kind) in _SEVERAL and get_args(kind):
        return _choose_several(get_args(kind)[0], options)
    if kind is bool or kind == Literal[True]:
        # A box that is left unchecked is an answer, unless there is only one.
        options["required"] = kind is not bool
        return fields.BooleanField(**options)
    if getattr(kind, "__name__", "") == "EmailStr":
        return fields.EmailField(**options)
    if not isclass(kind):
        return None
    field = next((field for base, field in _KINDS if issubclass(kind, base)), None)
    return None if field is None else _build(field, kind, limits, options)


def _choose_several(kind: Any, options: dict[str, Any]) -> Field | None:
    choices = list_choices(find_kind(kind, [])[0])
    if choices:
        return fields.MultipleChoiceField(choices=choices, **options)
    if kind is UploadFile:
        return fields.MultipleFileField(**options)
    return None


def _build(field: type[Field], kind: type, limits: list[Any], options: dict[str, Any]) -> Field:
    if issubclass(kind, SecretStr):
        options = {"widget": widgets.PasswordInput, "strip": False, **options}
    return field(**_LIMITS.get(field, _find_none)(limits), **options)


def list_choices(kind: Any) -> list[tuple[Any, str]]:
    """List the values of an enum or a `Literal` of several with their labels."""
    if isclass(kind) and issubclass(kind, Enum):
        return [(member, _label(member)) for member in kind]
    if get_origin(kind) is Literal and kind != Literal[True]:
        return [(value, capitalize(str(value).replace("_", " "))) for value in get_args(kind)]
    return []


def _label(member: Enum) -> str:
    named = capitalize(member.name.replace("_", " ").lower())
    return str(getattr(member, "label", named))


def read_limit(limits: list[Any], name: str) -> Any:
    """Read a limit that was said in any of Pydantic's ways."""
    found = [getattr(each, name, None) for each in limits]
    return next((limit for limit in found if limit is not None), None)


def _find_lengths(limits: list[Any]) -> Mapping[str, Any]:
    return {name: read_limit(limits, name) for name in ("max_length", "min_length")}


def _find_bounds(limits: list[Any]) -> Mapping[str, Any]:
    return {"min_value": read_limit(limits, "ge"), "max_value": read_limit(limits, "le")}


def _find_digits(limits: list[Any]) -> Mapping[str, Any]:
    digits = {name: read_limit(limits, name) for name in ("max_digits", "decimal_places")}
    return {**_find_bounds(limits), **digits}


def _find_none(limits: list[Any]) -> Mapping[str, Any]:
    return {}


#: What fields are told of a type's limits, so that browsers know them; Pydantic checks them all.
_LIMITS: dict[type[Field], Callable[[list[Any]], Mapping[str, Any]]] = {
    fields.CharField: _find_lengths,
    fields.DecimalField: _find_digits,
    fields.FloatField: _find_bounds,
    fields.IntegerField: _find_bounds,
}
