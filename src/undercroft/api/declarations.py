"""Reads what a model serializer declares: its `Meta`, checked against the model."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from undercroft.db.fields.info import FieldInfo
from undercroft.db.mapping.options import ModelOptions, Relation
from undercroft.errors import ImproperlyConfigured

#: What a serializer's `Meta` may hold.
META_OPTIONS: Final[tuple[str, ...]] = (
    "model",
    "fields",
    "exclude",
    "read_only_fields",
    "extra_kwargs",
)

#: What `extra_kwargs` may say of a field beside the constraints of `pydantic.Field`.
_ACCESS = ("read_only", "write_only", "required")


@dataclass(frozen=True, slots=True)
class DeclaredField:
    """One field of a serializer.

    Attributes:
        name: In the serializer and in JSON.
        key: The attribute of the model's column behind it; None where there is no column.
        info: What the column says of itself.
        relation: The to-one relation the name stands for, or None.
        is_explicit: The class annotates it.
        is_read_only: It is not written.
        is_write_only: It is not read.
        is_required: What `extra_kwargs` says; None leaves it to the column.
        constraints: What `extra_kwargs` adds, by the names of `pydantic.Field`.
    """

    name: str
    key: str | None
    info: FieldInfo | None
    relation: Relation | None
    is_explicit: bool
    is_read_only: bool
    is_write_only: bool = False
    is_required: bool | None = None
    constraints: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Declaration:
    """A serializer as declared.

    Attributes:
        model: The mapped class.
        fields: In the order of the JSON.
    """

    model: Any
    fields: tuple[DeclaredField, ...]

    @property
    def options(self) -> ModelOptions:
        """What the data layer knows of the model."""
        options: ModelOptions = self.model.__options__
        return options


def read_declaration(name: str, meta: type[Any], explicit: Collection[str]) -> Declaration:
    """Read a serializer's `Meta`.

    Args:
        name: The serializer's name, for messages.
        meta: The inner class.
        explicit: The names the class annotates.

    Raises:
        ImproperlyConfigured: It names what does not exist, or contradicts itself.
    """
    check_meta(name, meta)
    options: ModelOptions = meta.model.__options__
    names = list_names(name, meta, options, explicit)
    for known in (*getattr(meta, "read_only_fields", ()), *getattr(meta, "extra_kwargs", {})):
        if known not in names:
            raise ImproperlyConfigured(
                f"{name}.Meta says something of {known!r}, which is not one of its fields.",
                hint=f"Its fields: {', '.join(names)}.",
                code="api.unknown-field",
            )
    read_only: frozenset[str] = frozenset(getattr(meta, "read_only_fields", ()))
    extra: Mapping[str, Mapping[str, Any]] = getattr(meta, "extra_kwargs", {})
    fields = [
        _declare(each, options, explicit, dict(extra.get(each, {})), each in read_only)
        for each in names
    ]
    return Declaration(meta.model, tuple(fields))


def check_meta(name: str, meta: type[Any]) -> None:
    """Check what a `Meta` holds.

    Raises:
        ImproperlyConfigured: It has no model, an unknown option, or not one of `fields`
            and `exclude`.
    """
    names: list[str] = [name for name in vars(meta) if not name.startswith("__")]
    unknown = [name for name in names if name not in META_OPTIONS]
    if unknown:
        raise ImproperlyConfigured(
            f"{name}.Meta has no option {unknown[0]!r}.",
            hint=f"Known: {', '.join(META_OPTIONS)}.",
            code="api.meta",
        )
    if not hasattr(getattr(meta, "model", None), "__options__"):
        raise ImproperlyConfigured(
            f"{name}.Meta.model is {getattr(meta, 'model', None)!r}: expected a model class.",
            hint="Write `model = BlogPost`.",
            code="api.meta",
        )
    if hasattr(meta, "fields") == hasattr(meta, "exclude"):
        raise ImproperlyConfigured(
            f"{name}.Meta needs either `fields` or `exclude`: no column leaves by accident.",
            hint='Write `fields = ["id", ...]`, or `fields = "__all__"`.',
            code="api.meta",
        )


def list_names(
    name: str, meta: type[Any], options: ModelOptions, explicit: Collection[str]
) -> list[str]:
    """List a serializer's fields in order.

    Raises:
        ImproperlyConfigured: One does not exist, or one that is annotated is not listed.
    """
    # The key first, as REST framework does: a model's own `id` is its last column.
    keys = sorted(options.keys, key=lambda key: key != options.primary_key)
    every = [options.fields[key].relation or key for key in keys]
    if hasattr(meta, "exclude"):
        known = [*every, *explicit]
        _check_known(name, meta.exclude, known, options)
        excluded: Sequence[str] = meta.exclude
        every = [each for each in every if each not in excluded]
    elif meta.fields != "__all__":
        return _list_given(name, meta.fields, options, explicit)
    return [*every, *(each for each in explicit if each not in every)]


def _list_given(
    name: str, given: Sequence[str], options: ModelOptions, explicit: Collection[str]
) -> list[str]:
    if isinstance(given, str):
        raise ImproperlyConfigured(
            f"{name}.Meta.fields is {given!r}: expected a list of names.",
            hint=f'Write `fields = ["{given}"]`, or `fields = "__all__"`.',
            code="api.meta",
        )
    _check_known(name, given, [*options.columns, *options.relations, *explicit], options)
    missing = [each for each in explicit if each not in given]
    if missing:
        raise ImproperlyConfigured(
            f"{name} annotates {missing[0]!r}, which its Meta.fields does not list.",
            hint=f'Add "{missing[0]}" to Meta.fields.',
            code="api.unlisted-field",
        )
    return list(dict.fromkeys(given))


def _check_known(
    name: str, given: Sequence[str], known: Collection[str], options: ModelOptions
) -> None:
    for each in given:
        if each not in known:
            error = options.build_unknown(each)
            raise ImproperlyConfigured(
                f"{name}.Meta names {each!r}, which is no field of {options.name}.",
                hint=error.hint,
                code="api.unknown-field",
            )


def _declare(
    name: str,
    options: ModelOptions,
    explicit: Collection[str],
    extra: dict[str, Any],
    listed_read_only: bool,
) -> DeclaredField:
    relation = options.relations.get(name)
    key = relation.column if relation is not None else name if name in options.columns else None
    info = options.fields[key] if key is not None else None
    is_read_only = listed_read_only or info is None or not info.editable
    access = {each: extra.pop(each) for each in _ACCESS if each in extra}
    return DeclaredField(
        name=name,
        key=key,
        info=info,
        relation=relation,
        is_explicit=name in explicit,
        is_read_only=access.get("read_only", is_read_only),
        is_write_only=access.get("write_only", False),
        is_required=access.get("required"),
        constraints=extra,
    )
