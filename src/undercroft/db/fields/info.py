"""What a field says about itself beyond its column: read by forms, serializers, admin, OpenAPI."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa

#: A stored check of one value; it raises when the value is wrong.
Validator: TypeAlias = Callable[[Any], object]

#: Values with their labels, or an enum whose values are the choices.
Choices: TypeAlias = Sequence[tuple[Any, str]] | type[Enum]


class Missing(Enum):
    """The type of `MISSING`, which says that no value was given where None is one."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Literal[Missing.MISSING]] = Missing.MISSING

#: Types of values that every instance would share if they were defaults.
MUTABLE = (bytearray, dict, list, set)

#: Where a column keeps its `FieldInfo`: `column.info[INFO_KEY]`.
INFO_KEY = "undercroft"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """The description of one field.

    Attributes:
        kind: The field function's name, for example `CharField` or `ForeignKey`.
        default: A value, a callable that makes one, or `MISSING`.
        choices: Pairs of value and label, in order; empty when any value is allowed.
        relation: Of a foreign key, the name of the relation (`author` for `author_id`).
        on_delete: Of a foreign key, what the database does when the target goes.
    """

    kind: str
    verbose_name: str | None = None
    null: bool = False
    blank: bool = False
    default: Any = MISSING
    unique: bool = False
    index: bool = False
    primary_key: bool = False
    choices: tuple[tuple[Any, str], ...] = ()
    validators: tuple[Validator, ...] = ()
    help_text: str = ""
    editable: bool = True
    max_length: int | None = None
    max_digits: int | None = None
    decimal_places: int | None = None
    min_value: int | None = None
    auto_now: bool = False
    auto_now_add: bool = False
    relation: str | None = None
    on_delete: str | None = None

    @property
    def has_default(self) -> bool:
        """Whether a value appears by itself when none is given."""
        return self.default is not MISSING or self.auto_now or self.auto_now_add

    def get_default(self) -> Any:
        """Make the default value; `MISSING` when there is none."""
        return self.default() if callable(self.default) else self.default


def find_field_info(column: "sa.Column[Any]") -> FieldInfo:
    """Find a column's description, or make one for a column declared the SQLAlchemy way."""
    info = column.info.get(INFO_KEY)
    if isinstance(info, FieldInfo):
        return info
    return FieldInfo(
        kind=type(column.type).__name__,
        null=bool(column.nullable),
        default=find_default(column.default),
        unique=bool(column.unique),
        index=bool(column.index),
        primary_key=column.primary_key,
        max_length=getattr(column.type, "length", None),
    )


def find_default(default: Any) -> Any:
    """Find the value, or what makes it, in a default declared the SQLAlchemy way.

    One that is a SQL expression stays the database's affair: `MISSING`.
    """
    if default is None or not (default.is_scalar or default.is_callable):
        return MISSING
    # SQLAlchemy has wrapped the function so that it takes the context of an execution.
    return partial(default.arg, None) if default.is_callable else default.arg


def build_choices(choices: Choices | None) -> tuple[tuple[Any, str], ...]:
    """Build pairs of value and label from what a field was given."""
    if choices is None:
        return ()
    if isinstance(choices, type):
        return tuple((item.value, item.name.replace("_", " ").capitalize()) for item in choices)
    return tuple((value, label) for value, label in choices)
