"""What a field's values are chosen from: `TextChoices`, `IntegerChoices`, enums, pairs."""

from collections.abc import Iterable, Mapping
from enum import Enum, EnumMeta, IntEnum, StrEnum
from typing import Any, TypeAlias

from undercroft.errors import ImproperlyConfigured

#: A value with its label.
Choice: TypeAlias = tuple[Any, str]

#: A heading with its choices; empty for those outside of any group.
Group: TypeAlias = tuple[str, tuple[Choice, ...]]

#: Values with their labels, groups of such pairs by heading, or an enum of the values.
Choices: TypeAlias = Iterable[tuple[Any, Any]] | Mapping[Any, Any] | type[Enum]


class ChoicesType(EnumMeta):
    """The class of choices: what can be asked of all members together."""

    def __contains__(cls, value: object) -> bool:
        """Tell whether a value is one of the choices, or a member."""
        return value in cls.values

    @property
    def choices(cls) -> list[Choice]:
        """Pairs of value and label; the one of `__empty__` first."""
        members: Any = cls
        empty: list[Choice] = [(None, members.__empty__)] if hasattr(cls, "__empty__") else []
        return empty + [(member.value, member.label) for member in members]

    @property
    def values(cls) -> list[Any]:
        """The values."""
        return [value for value, _ in cls.choices]

    @property
    def labels(cls) -> list[str]:
        """The labels."""
        return [label for _, label in cls.choices]

    @property
    def names(cls) -> list[str]:
        """The names of the members."""
        members: Any = cls
        empty = ["__empty__"] if hasattr(cls, "__empty__") else []
        return empty + [member.name for member in members]


class LabelledMember:
    """What every member of choices has beside its name and value."""

    _label: str | None

    @property
    def label(self) -> str:
        """The label: the one given, or the name in words."""
        member: Any = self
        return self._label or str(member.name).replace("_", " ").strip().title()


class TextChoices(LabelledMember, StrEnum, metaclass=ChoicesType):
    """Choices of text, each with its label.

    ```python
    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published", "In print"
    ```
    """

    def __new__(cls, value: str, label: str | None = None) -> "TextChoices":
        """Make a member of its value, and remember its label."""
        member = str.__new__(cls, value)
        member._value_ = value
        member._label = label
        return member

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        return name


class IntegerChoices(LabelledMember, IntEnum, metaclass=ChoicesType):
    """Choices of whole numbers, each with its label.

    ```python
    class Suit(models.IntegerChoices):
        HEARTS = 1
        SPADES = 2, "Spades, the black ones"
    ```
    """

    def __new__(cls, value: int, label: str | None = None) -> "IntegerChoices":
        """Make a member of its value, and remember its label."""
        member = int.__new__(cls, value)
        member._value_ = value
        member._label = label
        return member


def build_groups(choices: Choices | None) -> tuple[Group, ...]:
    """Build groups of pairs of value and label from what a field was given."""
    if choices is None:
        return ()
    if isinstance(choices, type):
        enum: Any = choices
        return (("", tuple(list_members(enum))),)
    given: Any = choices.items() if isinstance(choices, Mapping) else choices  # pyright: ignore[reportUnknownVariableType] - of any keys
    groups: list[tuple[str, list[Choice]]] = []
    for pair in given:
        if isinstance(pair, str) or len(pair) != 2:
            raise ImproperlyConfigured(
                f"{pair!r} is no choice: expected a pair of value and label.",
                hint=f'Write ({pair!r}, "Its label"), or use TextChoices.',
                code="db.field-option",
            )
        value, label = pair
        if isinstance(label, str):
            if not groups or groups[-1][0]:
                groups.append(("", []))
            groups[-1][1].append((value, label))
        else:
            inner = build_groups(label)
            groups.append((str(value), [pair for _, pairs in inner for pair in pairs]))
    return tuple((heading, tuple(pairs)) for heading, pairs in groups)


def list_members(enum: type[Enum]) -> list[Choice]:
    """List the values of an enum's members with their labels."""
    if isinstance(enum, ChoicesType):
        labelled: Any = enum
        return list(labelled.choices)
    return [(item.value, item.name.replace("_", " ").capitalize()) for item in enum]
