"""The options every field takes, as one typed object, and the column they make."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.info import (
    INFO_KEY,
    MISSING,
    MUTABLE,
    Choices,
    FieldInfo,
    Validator,
    build_choices,
)
from undercroft.errors import ImproperlyConfigured

T = TypeVar("T")


class FieldOptions(TypedDict, Generic[T], total=False):
    """What may be said of any field beside its kind, its verbose name and `null`.

    Attributes:
        blank: Forms and serializers accept an empty value.
        default: A value, or a callable that makes one for each new instance.
        db_default: A value or SQL expression the database fills in.
        unique: No two rows may have the same value.
        index: Make an index.
        primary_key: This is the key; no `id` is added.
        choices: Pairs of value and label, or an enum.
        validators: Checks to run before a value is accepted from outside.
        help_text: Shown beside the field.
        editable: Forms and admin show it.
        db_column: The column's name when it is not the attribute's.
    """

    blank: bool
    default: T | Callable[[], T]
    db_default: Any
    unique: bool
    index: bool
    primary_key: bool
    choices: Choices | None
    validators: Sequence[Validator]
    help_text: str
    editable: bool
    db_column: str | None


@dataclass(frozen=True, slots=True)
class FieldKind:
    """What one call of a field function says beside its options."""

    name: str
    column_type: TypeEngine[Any]
    verbose_name: str | None
    null: bool


def build_column(
    kind: FieldKind,
    options: FieldOptions[Any],
    *constraints: sa.ForeignKey,
    **details: Any,
) -> MappedColumn[Any]:
    """Build the mapped column of a field.

    Args:
        kind: The field function's name, column type, verbose name and `null`.
        options: The caller's options.
        constraints: Foreign keys.
        details: Further attributes of `FieldInfo` that this kind of field has.
    """
    check_options(kind.name, options)
    info = build_info(kind, options, **details)
    arguments: dict[str, Any] = {}
    if info.default is not MISSING:
        # Beside ours at construction, so that plain SQLAlchemy inserts fill it in as well.
        arguments["insert_default"] = _build_insert_default(info.default)
    if info.auto_now:
        arguments["onupdate"] = _build_insert_default(info.default)
    if "db_default" in options:
        arguments["server_default"] = _build_server_default(options["db_default"])
    return mapped_column(
        options.get("db_column"),
        kind.column_type,
        *constraints,
        nullable=info.null,
        unique=info.unique or None,
        index=(info.index and not info.unique) or None,
        primary_key=info.primary_key,
        info={INFO_KEY: info},
        **arguments,
    )


def build_info(kind: FieldKind, options: FieldOptions[Any], **details: Any) -> FieldInfo:
    """Build the description of a field from what its function was given."""
    described: dict[str, Any] = {
        "kind": kind.name,
        "verbose_name": kind.verbose_name,
        "null": kind.null,
        "blank": options.get("blank", False),
        "default": options.get("default", MISSING),
        "unique": options.get("unique", False),
        "index": options.get("index", False),
        "primary_key": options.get("primary_key", False),
        "choices": build_choices(options.get("choices")),
        "validators": tuple(options.get("validators", ())),
        "help_text": options.get("help_text", ""),
        "editable": options.get("editable", True),
    }
    return FieldInfo(**{**described, **details})


def check_options(name: str, options: FieldOptions[Any]) -> None:
    """Refuse an option that does not exist, and a default that instances would share.

    Raises:
        ImproperlyConfigured: There is one.
    """
    unknown = sorted(set(options) - set(FieldOptions.__annotations__))
    if unknown:
        known = ", ".join(FieldOptions.__annotations__)
        raise ImproperlyConfigured(
            f"{name} has no option {unknown[0]!r}.", hint=f"Known: {known}.", code="db.field-option"
        )
    default: Any = options.get("default")
    if issubclass(type(default), MUTABLE):
        kind: type[Any] = default.__class__
        made = f"lambda: {default!r}" if default else kind.__name__
        raise ImproperlyConfigured(
            f"{name}(default={default!r}) would be one object for all instances.",
            hint=f"Write default={made}.",
            code="db.field-option",
        )


def _build_insert_default(default: Any) -> Any:
    if not callable(default):
        return default

    def make(_context: object) -> Any:
        return default()

    return make


def _build_server_default(value: Any) -> Any:
    if isinstance(value, (sa.sql.ClauseElement, str)) or value is None:
        return value
    return sa.text("true" if value is True else "false") if isinstance(value, bool) else str(value)
