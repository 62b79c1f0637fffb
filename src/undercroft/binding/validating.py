"""One Pydantic validator for all the values of a plan that come from one place."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from undercroft.binding.signature import Argument
from undercroft.errors import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Slot:
    """One argument and the key its value has among all values of a plan."""

    key: str
    argument: Argument


def build_validator(slots: Sequence[Slot]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Build one validator for all values: a dict in, the dict of converted values out."""
    with explaining_types(slots):
        arguments = {slot.key: slot.argument for slot in slots}
        adapter = TypeAdapter[dict[str, Any]](build_typed_dict("Arguments", arguments))
    return adapter.validator.validate_python


def build_typed_dict(name: str, arguments: Mapping[str, Argument]) -> Any:
    """Build a TypedDict of arguments; those with a default may be absent."""
    make: Any = TypedDict  # type checkers only know one that is written out
    return make(
        name,
        {
            key: each.annotation if each.is_required else NotRequired[each.annotation]
            for key, each in arguments.items()
        },
    )


@contextmanager
def explaining_types(slots: Sequence[Slot]) -> Generator[None]:
    """Say whose argument it is when Pydantic cannot validate a type.

    Raises:
        ImproperlyConfigured: An argument's type cannot be validated; the message names it.
    """
    try:
        yield
    except Exception as error:
        argument = find_culprit(slots)
        raise ImproperlyConfigured(
            f"Argument {argument.name!r} of {argument.place} has a type that cannot be validated:"
            f" {error}",
            hint="Use a type Pydantic knows, or inject the value by Depends.",
            code="binding.type",
        ) from error


def find_culprit(slots: Sequence[Slot]) -> Argument:
    """Find the first argument whose own type fails, once they failed together."""
    for slot in slots:
        try:
            TypeAdapter(slot.argument.annotation)
        except Exception:  # noqa: BLE001 - any failure is the one looked for
            return slot.argument
    return slots[0].argument
