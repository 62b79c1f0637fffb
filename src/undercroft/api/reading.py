"""What a serializer reads values through: itself, without the checks of what clients write.

A stored row is an answer whatever a validator says of it: the rule may be younger than the row.
Validators of fields that no client writes stay, for they can only be about reading.
"""

from collections.abc import Mapping
from copy import copy
from typing import Any, Optional

from annotated_types import BaseMetadata
from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    WrapValidator,
    create_model,
    field_validator,
    model_validator,
)

from undercroft.api.declarations import Declaration

#: What `Annotated[...]` may hold that refuses or changes values.
_CHECKS = (BaseMetadata, AfterValidator, BeforeValidator, PlainValidator, WrapValidator)


def build_reader(serializer: Any, nested: Mapping[str, tuple[Any, bool]]) -> Any:
    """Build the class that a serializer's values are read through.

    Args:
        serializer: The serializer.
        nested: The readers of nested serializers by field, and whether they may be None.
    """
    declaration: Declaration = serializer.declaration
    written = {
        each.name
        for each in declaration.fields
        if each.key is not None and not each.is_read_only and each.name not in nested
    }
    fields: dict[str, Any] = {
        name: relax(field)
        for name, field in serializer.model_fields.items()
        if name in written and any(isinstance(each, _CHECKS) for each in field.metadata)
    }
    for name, (reader, may_be_none) in nested.items():
        if reader is not serializer.model_fields[name].annotation:
            kind = Optional[reader] if may_be_none else reader  # noqa: UP045 - made at run time
            fields[name] = (kind, copy(serializer.model_fields[name]))
    silent = silence_validators(serializer, written)
    if not fields and not silent:
        return serializer
    return create_model(
        serializer.__name__,
        __base__=serializer,
        __module__=serializer.__module__,
        __cls_kwargs__={"is_generated": True},
        __validators__=silent,
        **fields,
    )


def relax(field: Any) -> tuple[Any, Any]:
    """Take the checks off a field, and leave how it is written out."""
    relaxed = copy(field)
    relaxed.metadata = [each for each in field.metadata if not isinstance(each, _CHECKS)]
    return field.annotation, relaxed


def silence_validators(serializer: Any, written: set[str]) -> dict[str, Any]:
    """Put something that does nothing in the place of validators of what is written."""
    decorators: Any = serializer.__pydantic_decorators__
    silent: dict[str, Any] = {}
    for name, decorator in decorators.field_validators.items():
        names = decorator.info.fields
        if "*" in names or written & set(names):
            kept = [
                each
                for each in serializer.model_fields
                if each not in written and (each in names or "*" in names)
            ]
            silent[name] = build_field_validator(decorator, kept)
    if written:
        for name in decorators.model_validators:
            silent[name] = model_validator(mode="before")(keep)
    return silent


def build_field_validator(decorator: Any, names: list[str]) -> Any:
    """Build a validator for these fields only; for none of them, one that does nothing."""
    if not names:
        return field_validator("*", mode="before")(keep)
    function: Any = getattr(decorator.func, "__func__", decorator.func)
    marker: Any = field_validator
    return marker(*names, mode=decorator.info.mode)(function)


def keep(cls: Any, value: Any) -> Any:
    """Give a value back as it is."""
    return value
