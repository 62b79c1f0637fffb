"""The variants of a serializer that are written: to create, to replace, to change in part.

A variant has the fields a client may write and the checks of the model's columns. A to-one
relation is written by its target's key, under the relation's own name.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, PrivateAttr, create_model, field_validator, model_validator

from undercroft.api.declarations import Declaration, DeclaredField
from undercroft.api.fields import build_write_field
from undercroft.api.twins import run_twin
from undercroft.concurrency import check_not_on_loop


class Variant(StrEnum):
    """What a variant is for; the value is what its name ends in."""

    CREATE = "Create"
    UPDATE = "Update"
    PARTIAL_UPDATE = "PartialUpdate"


class WriteSerializer(BaseModel):
    """Checked input for one row: what a client sent, ready to be saved.

    Attributes:
        instance: The row it changes; None makes a new one, and is then what was made.
    """

    serializer_class: ClassVar[Any]
    declaration: ClassVar[Declaration]
    #: Column attributes by field name.
    columns: ClassVar[dict[str, str]]

    _instance: Any = PrivateAttr(default=None)

    @property
    def instance(self) -> Any:
        """The row it changes or made."""
        return self._instance

    def bind(self, instance: Any) -> None:
        """Let `save` change this row instead of making one."""
        self._instance = instance

    @property
    def validated_data(self) -> dict[str, Any]:
        """What the client sent, by the model's column attributes."""
        given, columns = self.model_fields_set, self.columns
        return {columns[name]: getattr(self, name) for name in columns if name in given}

    def save(self, **values: Any) -> Any:
        """Save what was sent, with further values from the server; return the row.

        Raises:
            IntegrityError: A constraint of the database forbids it.
        """
        check_not_on_loop("serializer.save(...)", "await serializer.asave(...)")
        instance = self.apply(values)
        instance.save()
        return instance

    async def asave(self, **values: Any) -> Any:
        """Save what was sent, with further values from the server; return the row.

        Raises:
            IntegrityError: A constraint of the database forbids it.
        """
        instance = self.apply(values)
        await run_twin(instance, "save")
        return instance

    def apply(self, values: dict[str, Any]) -> Any:
        """Put what was sent, and further values, into the row or into a new one, unsaved."""
        if self._instance is None:
            self._instance = self.declaration.model(**{**self.validated_data, **values})
        else:
            for name, value in {**self.validated_data, **values}.items():
                setattr(self._instance, name, value)
        return self._instance


def build_variant(serializer: Any, name: str, variant: Variant) -> type[WriteSerializer]:
    """Build a variant of a model serializer.

    Args:
        serializer: The serializer's class.
        name: Of its component in OpenAPI.
        variant: Which.
    """
    declaration: Declaration = serializer.declaration
    written = [each for each in declaration.fields if is_written(declaration, each, variant)]
    fields: dict[str, Any] = {
        each.name: build_write_field(
            declaration.options,
            each,
            find_explicit(serializer, each),
            shows_default=variant is Variant.CREATE,
            is_partial=variant is Variant.PARTIAL_UPDATE,
        )
        for each in written
    }
    built = create_model(
        f"{name}{variant.value}",
        __base__=WriteSerializer,
        __module__=serializer.__module__,
        __doc__=None,
        __validators__=copy_validators(serializer, fields),
        **fields,
    )
    built.serializer_class = serializer
    built.declaration = declaration
    built.columns = {each.name: each.key for each in written if each.key is not None}
    return built


def is_written(declaration: Declaration, declared: DeclaredField, variant: Variant) -> bool:
    """Tell whether a client may write a field; a row's key never changes."""
    if declared.is_read_only or declared.key is None:
        return False
    return variant is Variant.CREATE or declared.key != declaration.options.primary_key


def find_explicit(serializer: Any, declared: DeclaredField) -> Any:
    """Find the field as the class annotates it, where that says how it is written, too."""
    if not declared.is_explicit or declared.relation is not None:
        return None
    return serializer.model_fields[declared.name]


def copy_validators(serializer: Any, fields: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """Copy a serializer's own validators for a variant's fields."""
    decorators: Any = serializer.__pydantic_decorators__
    copied: dict[str, Any] = {}
    for name, decorator in decorators.field_validators.items():
        names = [each for each in decorator.info.fields if each in fields or each == "*"]
        if names:
            copied[name] = mark_validator(field_validator, *names, decorator=decorator)
    for name, decorator in decorators.model_validators.items():
        copied[name] = mark_validator(model_validator, decorator=decorator)
    return copied


def mark_validator(marker: Any, *names: str, decorator: Any) -> Any:
    """Mark a validator's function once more, for another class."""
    # A class method is bound to the serializer; the other class binds the function anew.
    function = getattr(decorator.func, "__func__", decorator.func)
    return marker(*names, mode=decorator.info.mode)(function)
