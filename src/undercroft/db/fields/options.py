"""The options every field takes, as one typed object, and the column they make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine

from undercroft.db.fields.choices import Choices, build_groups
from undercroft.db.fields.expressions import DeclaredSQL, build_sql
from undercroft.db.fields.info import INFO_KEY, MISSING, MUTABLE, FieldInfo, Validator
from undercroft.db.fields.limits import build_writer
from undercroft.db.fields.literals import write_literal
from undercroft.db.fields.values import build_converter
from undercroft.errors import ImproperlyConfigured

T = TypeVar("T")


class FieldOptions(TypedDict, Generic[T], total=False):
    """What may be said of any field beside its kind, its verbose name and `null`.

    Attributes:
        blank: Forms and serializers accept an empty value; text that is not given is "".
        default: A value, or a callable that makes one for each new instance.
        db_default: A value or SQL expression the database fills in.
        unique: No two rows may have the same value.
        index: Make an index.
        db_index: Django's name for `index`.
        primary_key: This is the key; no `id` is added.
        choices: Pairs of value and label, groups of them, or an enum.
        validators: Checks to run before a value is accepted from outside.
        help_text: Shown beside the field.
        editable: Forms and admin show it.
        error_messages: Messages of one's own by the code of the mistake, such as `unique`.
        db_column: The column's name when it is not the attribute's.
        db_comment: What the database says of the column.
    """

    blank: bool
    default: T | Callable[[], T]
    db_default: Any
    unique: bool
    index: bool
    db_index: bool
    primary_key: bool
    choices: Choices | None
    validators: Sequence[Validator]
    help_text: str
    editable: bool
    error_messages: Mapping[str, str]
    db_column: str | None
    db_comment: str | None


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
    *parts: sa.ForeignKey | sa.Computed,
    **details: Any,
) -> MappedColumn[Any]:
    """Build the mapped column of a field.

    Args:
        kind: The field function's name, column type, verbose name and `null`.
        options: The caller's options.
        parts: What else belongs to the column.
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
        arguments["server_default"] = _build_server_default(options["db_default"], kind.name)
    made = mapped_column(
        options.get("db_column"),
        kind.column_type,
        *parts,
        nullable=kind.null,
        unique=info.unique or None,
        index=(info.index and not info.unique) or None,
        primary_key=info.primary_key,
        comment=options.get("db_comment"),
        info={INFO_KEY: info},
        **arguments,
    )
    check_default(made.column, info)
    return made


def check_default(column: "sa.Column[Any]", info: FieldInfo) -> None:
    """Check that a field's default could be written.

    Raises:
        ImproperlyConfigured: It is of a wrong type, or beyond the field's limits.
    """
    default = info.default
    if default is MISSING or default is None or callable(default):
        return
    try:
        build_writer(build_converter(column), info, column.type)(default)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ImproperlyConfigured(
            f"{info.kind}(default={default!r}) does not fit: expected {error}.",
            code="db.field-option",
        ) from error


def build_info(kind: FieldKind, options: FieldOptions[Any], **details: Any) -> FieldInfo:
    """Build the description of a field from what its function was given."""
    groups = build_groups(options.get("choices"))
    own: tuple[Validator, ...] = details.pop("own_validators", ())
    described: dict[str, Any] = {
        "kind": kind.name,
        "verbose_name": kind.verbose_name,
        "null": kind.null,
        "blank": options.get("blank", False),
        "default": options.get("default", _find_blank(kind, options)),
        "unique": options.get("unique", False),
        "index": options.get("index", options.get("db_index", False)),
        "primary_key": options.get("primary_key", False),
        "choices": tuple(pair for _, pairs in groups for pair in pairs),
        "choice_groups": groups,
        "validators": (*own, *options.get("validators", ())),
        "help_text": options.get("help_text", ""),
        "editable": options.get("editable", True),
        "error_messages": options.get("error_messages", {}),
    }
    return FieldInfo(**{**described, **details})


def _find_blank(kind: FieldKind, options: FieldOptions[Any]) -> Any:
    """Find what text is that may be blank and is not given: empty, as Django's users expect."""
    is_text = isinstance(kind.column_type, sa.String)
    if is_text and options.get("blank") and not kind.null and "db_default" not in options:
        return ""
    return MISSING


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


def _build_server_default(value: Any, name: str) -> Any:
    """Build what the database fills in: SQL as it is, a value as text that all of them read.

    Raises:
        ImproperlyConfigured: Databases read different text for it.
    """
    if isinstance(value, (sa.ClauseElement, DeclaredSQL)):
        return build_sql(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return sa.text("true" if value else "false")
    try:
        return write_literal(value)
    except TypeError as error:
        raise ImproperlyConfigured(
            f"{name}(db_default={value!r}) is written otherwise on each database.",
            hint="Use default=, or give the SQL of yours: db_default=sa.text(...).",
            code="db.field-option",
        ) from error
