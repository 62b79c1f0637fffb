"""Makes classes of formsets, for a form, a model, or the rows that belong to another."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, TypeVar, Unpack

from undercroft.db.mapping.options import Relation
from undercroft.errors import ImproperlyConfigured
from undercroft.forms.form import Form
from undercroft.forms.formsets import MAX_NUM, BaseFormSet
from undercroft.forms.inline_formsets import BaseInlineFormSet
from undercroft.forms.model_formsets import BaseModelFormSet
from undercroft.forms.models import ModelForm

F = TypeVar("F", bound=BaseFormSet)


class FormSetOptions(TypedDict, total=False):
    """What a formset may be told; `formset_factory` says what each means."""

    extra: int
    min_num: int
    max_num: int | None
    absolute_max: int | None
    validate_min: bool
    validate_max: bool
    can_order: bool
    can_delete: bool
    can_delete_extra: bool
    row_name: str


class ModelFormSetOptions(FormSetOptions, total=False):
    """What a formset of a model may be told besides; the factories say what each means."""

    fields: Sequence[str] | str | None
    exclude: Sequence[str] | None
    widgets: Mapping[str, Any] | None
    labels: Mapping[str, str] | None
    help_texts: Mapping[str, str] | None
    edit_only: bool


def formset_factory(
    form: type[Form],
    formset: type[BaseFormSet] = BaseFormSet,
    **options: Unpack[FormSetOptions],
) -> type[BaseFormSet]:
    """Make a formset's class for a form.

    Args:
        form: The form of each row.
        formset: The class to derive from, with checks of one's own.
        extra: Empty rows that are shown besides.
        min_num: Rows that must be filled in.
        max_num: Rows at most; 1,000 when left out.
        absolute_max: Rows that are read at most, 100 more than `max_num` when left out.
        validate_min: Whether too few rows are a mistake.
        validate_max: Whether too many rows are a mistake. In Django this is off at first.
        can_order: Whether each row asks for its place.
        can_delete: Whether each row has a box to delete it.
        can_delete_extra: Whether empty rows have it, too.
        row_name: What a row is called for people, as in "Row 1".

    Raises:
        ImproperlyConfigured: An option is unknown, or more rows are asked for than are read.
    """
    return build_formset(formset, {"form": form, **options})


def modelformset_factory(
    model: type[Any],
    form: type[ModelForm] = ModelForm,
    formset: type[BaseModelFormSet] = BaseModelFormSet,
    **options: Unpack[ModelFormSetOptions],
) -> type[BaseModelFormSet]:
    """Make a formset's class for the rows of a model.

    Args:
        model: The model.
        form: The form of each row; one with `fields` is made of the model when left out.
        formset: The class to derive from, with checks of one's own.
        fields: The fields of the model that a visitor may set, as in a form's `Meta`.
        exclude: Those a visitor may not set.
        widgets: Widgets by field.
        labels: Labels by field.
        help_texts: Help by field.
        edit_only: Whether no rows can be added, whatever is sent.
        options: Those of `formset_factory`.

    Raises:
        ImproperlyConfigured: Nothing says which fields a visitor may set, or an option is unknown.
    """
    told: dict[str, Any] = dict(options)
    return build_formset(formset, {"form": build_row_form(model, form, told), **told})


def inlineformset_factory(
    parent_model: type[Any],
    model: type[Any],
    form: type[ModelForm] = ModelForm,
    formset: type[BaseInlineFormSet] = BaseInlineFormSet,
    fk_name: str | None = None,
    **options: Unpack[ModelFormSetOptions],
) -> type[BaseInlineFormSet]:
    """Make a formset's class for the rows of a model that belong to one row of another.

    Args:
        parent_model: The model they belong to.
        model: Their model.
        form: The form of each row; one with `fields` is made of the model when left out.
        formset: The class to derive from, with checks of one's own.
        fk_name: The foreign key, where there are several.
        options: Those of `modelformset_factory`; `extra` is 3 and `can_delete` true at first.

    Raises:
        ImproperlyConfigured: There is no such foreign key, or there are several.
    """
    relation = find_foreign_key(parent_model, model, fk_name)
    told: dict[str, Any] = {"extra": 3, "can_delete": True, **options}
    if model.__options__.fields[relation.column].unique:
        told["max_num"] = 1
    row_form = build_row_form(model, form, told)
    return build_formset(formset, {"form": row_form, "fk": relation, **told})


def build_formset(formset: type[F], attributes: Mapping[str, Any]) -> type[F]:
    """Make a formset's class with attributes of its own.

    Raises:
        ImproperlyConfigured: One is unknown, or more rows are asked for than are read.
    """
    form: type[Form] = attributes["form"]
    unknown = [
        each for each in attributes if each not in ("form", "fk") and not hasattr(formset, each)
    ]
    if unknown:
        raise ImproperlyConfigured(
            f"A formset of {form.__name__} has no option {unknown[0]!r}.",
            hint=f"It has {', '.join(FormSetOptions.__annotations__)}.",
            code="forms.formset",
        )
    made: Any = type(f"{form.__name__}Set", (formset,), dict(attributes))
    most: int | None = made.absolute_max
    if most is not None and most < (MAX_NUM if made.max_num is None else made.max_num):
        raise ImproperlyConfigured(
            f"A formset of {form.__name__} reads {most} rows, and may have more than that.",
            hint="Let absolute_max be at least max_num.",
            code="forms.formset",
        )
    return made  # type: ignore[no-any-return]  # of the class it was derived from


def build_row_form(
    model: type[Any], form: type[ModelForm], told: dict[str, Any]
) -> type[ModelForm]:
    """Build the form of a row, and take the options that are the form's out of those told."""
    names = ("fields", "exclude", "widgets", "labels", "help_texts")
    own = {name: told.pop(name) for name in names if told.get(name) is not None}
    if form.model is not None and not own:
        return form
    before: Any = getattr(form, "Meta", None)
    meta = type("Meta", () if before is None else (before,), {**own, "model": model})
    return type(f"{model.__name__}Form", (form,), {"Meta": meta})


def find_foreign_key(parent_model: type[Any], model: type[Any], name: str | None) -> Relation:
    """Find the foreign key by which rows belong to others.

    Raises:
        ImproperlyConfigured: There is none of that name, or none at all, or several.
    """
    relations: Mapping[str, Relation] = model.__options__.relations
    found = [
        each
        for each in relations.values()
        if not each.is_reverse
        and issubclass(parent_model, each.target)
        and name in (None, each.name)
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(each.name for each in found) or "none"
    raise ImproperlyConfigured(
        f"{model.__name__} needs one foreign key to {parent_model.__name__}; it has {known}.",
        hint='Say which: fk_name="...".',
        code="forms.formset",
    )
