"""`post.get_status_display()`: the label of a value that was chosen."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from undercroft.db.fields.info import FieldInfo


def add_display(model: type[Any], info: FieldInfo) -> None:
    """Add the method to a class that has none of that name itself."""
    name = f"get_{info.name}_display"
    if hasattr(model, name):
        return
    display: Any = build_display(info.name, dict(info.choices))
    display.__name__ = name
    display.__qualname__ = f"{model.__qualname__}.{name}"
    type.__setattr__(model, name, display)


def build_display(key: str, labels: Mapping[Any, str]) -> Callable[[Any], str]:
    """Build the method for the field of an attribute."""

    def display(instance: Any) -> str:
        """Give the label of the value; the value itself where it is none of the choices."""
        value = getattr(instance, key)
        value = value.value if isinstance(value, Enum) else value
        return labels.get(value, "" if value is None else str(value))

    return display
