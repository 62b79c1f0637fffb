"""What a field says about itself beyond its column: read by forms, serializers, admin, OpenAPI."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa

#: A stored check of one value; it raises when the value is wrong.
Validator: TypeAlias = Callable[[Any], object]


class Missing(Enum):
    """The type of `MISSING`, which says that no value was given where None is one."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final[Literal[Missing.MISSING]] = Missing.MISSING

#: Types of values that every instance would share if they were defaults.
MUTABLE = (bytearray, dict, list, set)

#: Values that count as "nothing was entered" for `blank`.
EMPTY_VALUES: tuple[Any, ...] = (None, "", b"", [], (), {})

#: The bits of the integers of each kind of field.
INTEGER_BITS: Final = {
    "AutoField": 32,
    "BigAutoField": 64,
    "BigIntegerField": 64,
    "IntegerField": 32,
    "PositiveBigIntegerField": 64,
    "PositiveIntegerField": 32,
    "PositiveSmallIntegerField": 16,
    "SmallAutoField": 16,
    "SmallIntegerField": 16,
}

#: Where a column keeps its `FieldInfo`: `column.info[INFO_KEY]`.
INFO_KEY = "undercroft"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """The description of one field.

    A form chooses the input for a field by what stands here: a list to choose from where there
    are `choices` (`choice_groups` has them by heading), else by `kind`, which tells one line of
    text from many and a date from a number; its limits are `max_length`, `range`, `max_digits`
    with `decimal_places`, and `validators`; `required` says whether it may stay empty, `label`
    and `help_text` what to write beside it, `editable` whether to show it at all.

    Attributes:
        kind: The field function's name, for example `CharField` or `ForeignKey`.
        name: The attribute on the model; empty until the model is defined.
        default: A value, a callable that makes one, or `MISSING`.
        choices: Pairs of value and label, in order; empty when any value is allowed.
        choice_groups: The same in groups: heading and pairs; the heading is empty outside of any.
        error_messages: Messages of one's own by the code of the mistake.
        enum: Of an `EnumField`, the class its values are members of.
        protocol: Of an IP address, `both`, `ipv4` or `ipv6`.
        base: Of an array, the description of its elements.
        size: Of an array, how many elements it may have at most.
        expression: Of a generated field, what the database computes.
        relation: Of a foreign key, the name of the relation (`author` for `author_id`).
        on_delete: Of a foreign key, what the database does when the target goes.
    """

    kind: str
    name: str = ""
    verbose_name: str | None = None
    null: bool = False
    blank: bool = False
    default: Any = MISSING
    unique: bool = False
    index: bool = False
    primary_key: bool = False
    choices: tuple[tuple[Any, str], ...] = ()
    choice_groups: tuple[tuple[str, tuple[tuple[Any, str], ...]], ...] = ()
    validators: tuple[Validator, ...] = ()
    help_text: str = ""
    editable: bool = True
    error_messages: Mapping[str, str] = field(default_factory=dict[str, str])
    max_length: int | None = None
    max_digits: int | None = None
    decimal_places: int | None = None
    min_value: int | None = None
    auto_now: bool = False
    auto_now_add: bool = False
    enum: type[Enum] | None = None
    protocol: str = ""
    base: "FieldInfo | None" = None
    size: int | None = None
    expression: Any = None
    relation: str | None = None
    on_delete: str | None = None

    @property
    def label(self) -> str:
        """The name for people: the verbose name, or the attribute's in words."""
        return self.verbose_name or (self.relation or self.name).replace("_", " ")

    @property
    def required(self) -> bool:
        """Whether a form refuses to leave it empty."""
        return not self.blank and self.kind != "BooleanField"

    @property
    def is_generated(self) -> bool:
        """Whether the database computes the value, so that nobody sets it."""
        return self.expression is not None

    @property
    def range(self) -> tuple[int, int] | None:
        """The least and the greatest number an integer field holds; None for other kinds."""
        bits = INTEGER_BITS.get(self.kind)
        if bits is None:
            return None
        limit = 1 << (bits - 1)
        return (-limit if self.min_value is None else self.min_value), limit - 1

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
        name=column.key,
        null=bool(column.nullable),
        blank=bool(column.nullable),
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
