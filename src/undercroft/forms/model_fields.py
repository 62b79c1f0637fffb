"""The fields of a model's form: which there are, and what each is made of."""

from collections.abc import Sequence
from typing import Any

from undercroft.db.fields.info import MISSING, FieldInfo
from undercroft.db.mapping.options import ManyRelation
from undercroft.errors import ImproperlyConfigured
from undercroft.forms import fields, widgets
from undercroft.forms.fields.field import Field
from undercroft.forms.fields.rows import ModelChoiceField, ModelMultipleChoiceField

_KINDS: dict[str, type[Field]] = {
    "BooleanField": fields.BooleanField,
    "DateField": fields.DateField,
    "DateTimeField": fields.DateTimeField,
    "DecimalField": fields.DecimalField,
    "EmailField": fields.EmailField,
    "FloatField": fields.FloatField,
    "SlugField": fields.SlugField,
    "TimeField": fields.TimeField,
    "URLField": fields.URLField,
    "UUIDField": fields.UUIDField,
}


def list_editable(model: Any) -> dict[str, FieldInfo]:
    """List the fields a visitor may be let set, a foreign key by its relation's name."""
    return {
        info.relation or name: info
        for name, info in model.__options__.fields.items()
        if info.editable
        and not info.is_generated
        and not info.auto_now
        and not info.auto_now_add
        and not (info.primary_key and info.kind.endswith("AutoField"))
    }


def list_many(model: Any) -> dict[str, ManyRelation]:
    """List the relations of many to many that a visitor may be let set."""
    many: dict[str, ManyRelation] = model.__options__.many
    return {name: each for name, each in many.items() if each.editable and not each.is_reverse}


def choose_names(form: str, meta: Any) -> list[str]:
    """Choose the fields of a form by its `Meta`.

    Raises:
        ImproperlyConfigured: It does not say which, or names what is no field.
    """
    known = [*list_editable(meta.model), *list_many(meta.model)]
    chosen: str | Sequence[str] | None = getattr(meta, "fields", None)
    left_out: Sequence[str] | None = getattr(meta, "exclude", None)
    if chosen is None and left_out is None:
        raise ImproperlyConfigured(
            f"{form}.Meta does not say which fields a visitor may set.",
            hint='Write fields = ["title", ...], or fields = "__all__".',
            code="forms.meta",
        )
    named = [*([] if chosen in (None, "__all__") else chosen or []), *(left_out or [])]
    wrong = [name for name in named if name not in known]
    if wrong:
        raise ImproperlyConfigured(
            f"{form}.Meta names {wrong[0]!r}, which is no field of {meta.model.__name__} that a "
            f"form may set; those are {', '.join(known)}.",
            code="forms.meta",
        )
    names = list(known) if chosen in (None, "__all__") else list(chosen or [])
    return [name for name in names if name not in (left_out or ())]


def build_field(meta: Any, name: str) -> Field:
    """Build a form's field from a model's field or relation."""
    many = list_many(meta.model).get(name)
    if many is not None:
        told: dict[str, Any] = {"required": not many.blank}
        return ModelMultipleChoiceField(
            many.target.__options__.manager, **told, **_describe(many, meta, name)
        )
    info = list_editable(meta.model)[name]
    options: dict[str, Any] = {
        "required": info.required and not info.has_default,
        "initial": None if info.default is MISSING else info.default,
        "validators": info.validators,
        "error_messages": info.error_messages,
        **_describe(info, meta, name),
    }
    relation = meta.model.__options__.relations.get(name)
    if relation is not None:
        options["validators"] = ()
        rows = relation.target.__options__.manager
        return ModelChoiceField(rows, to_field_name=relation.target_column, **options)
    if info.choices:
        return fields.ChoiceField(choices=info.choices, **options)
    return _build_plain(info, options)


def _describe(told: FieldInfo | ManyRelation, meta: Any, name: str) -> dict[str, Any]:
    """Say what people read of it, in the form's words before the model's."""
    found: dict[str, Any] = {
        "label": getattr(meta, "labels", {}).get(name, capitalize(told.label)),
        "help_text": getattr(meta, "help_texts", {}).get(name, told.help_text),
    }
    widget = getattr(meta, "widgets", {}).get(name)
    return found if widget is None else {**found, "widget": widget}


def _build_plain(info: FieldInfo, options: dict[str, Any]) -> Field:
    if info.kind == "TextField":
        options.setdefault("widget", widgets.Textarea)
    if info.range is not None:
        low, high = info.range
        return fields.IntegerField(min_value=low, max_value=high, **options)
    kind = _KINDS.get(info.kind, fields.CharField)
    if issubclass(kind, fields.CharField):
        options["max_length"] = info.max_length
    if issubclass(kind, fields.DecimalField):
        options.update(max_digits=info.max_digits, decimal_places=info.decimal_places)
    return kind(**options)


def capitalize(text: str) -> str:
    """Let a text begin with a capital, and leave the rest of it."""
    return text[:1].upper() + text[1:]
