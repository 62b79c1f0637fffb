"""Forms of models: fields, limits and checks come from the model, values go to an instance."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from undercroft.db.fields.info import MISSING, FieldInfo
from undercroft.errors import ImproperlyConfigured, ValidationError
from undercroft.forms import fields, widgets
from undercroft.forms.fields import Field
from undercroft.forms.form import Form

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


class ModelForm(Form):
    """A form of a model's instance; `Meta` says of which, and with which fields.

    class PostForm(ModelForm):
        class Meta:
            model = Post
            fields = ["title", "content"]

    Which fields a visitor may set is always said: `fields`, `exclude`, or `fields = "__all__"`.
    Further options of `Meta` are `widgets`, `labels` and `help_texts`, by field.

    Args:
        data: What was sent.
        files: Uploaded files.
        instance: The row to change; a new one when left out.
        options: Those of every form.
    """

    model: ClassVar[Any] = None

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Make the fields of the model, for those the form does not declare itself."""
        super().__init_subclass__(**arguments)
        meta = cls.__dict__.get("Meta")
        if meta is None:
            return
        cls.model = meta.model
        declared = cls.base_fields
        names = choose_names(cls.__name__, meta)
        infos = list_editable(meta.model)
        made = {name: declared.get(name) or build_field(infos[name], meta, name) for name in names}
        cls.base_fields = {**made, **declared}

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        instance: Any = None,
        **options: Any,
    ) -> None:
        self.instance = self.model() if instance is None else instance
        shown = {} if instance is None else self._read_instance(instance)
        options["initial"] = {**shown, **(options.get("initial") or {})}
        super().__init__(data, files, **options)

    def _read_instance(self, instance: Any) -> dict[str, Any]:
        infos = list_editable(self.model)
        return {name: getattr(instance, infos[name].name) for name in self._list_own(infos)}

    def _list_own(self, infos: Mapping[str, FieldInfo]) -> list[str]:
        return [name for name in self.base_fields if name in infos]

    def full_clean(self) -> None:
        """Check the form, then the instance that it makes."""
        super().full_clean()
        if self.is_bound and self._begin_instance():
            try:
                self.instance.full_clean(exclude=self._list_unchecked())
            except ValidationError as error:
                self.add_error(None, error)

    async def afull_clean(self) -> None:
        """Check the form, then the instance that it makes; for async code."""
        await super().afull_clean()
        if self.is_bound and self._begin_instance():
            try:
                await self.instance.afull_clean(exclude=self._list_unchecked())
            except ValidationError as error:
                self.add_error(None, error)

    def _begin_instance(self) -> bool:
        """Give the instance the values that are right, of the form's own fields only."""
        if self.empty_permitted and not self.has_changed():
            return False
        infos = list_editable(self.model)
        for name in self._list_own(infos):
            if name in self.cleaned_data:
                info, value = infos[name], self.cleaned_data[name]
                is_nothing = value in ("", ()) and info.null
                setattr(self.instance, info.name, None if is_nothing else value)
        return True

    def _list_unchecked(self) -> set[str]:
        """List the model's fields that the form does not ask for, or that are wrong already."""
        infos = list_editable(self.model)
        right = {name for name in self._list_own(infos) if name in self.cleaned_data}
        checked = {infos[name].name for name in right} | right
        options = self.model.__options__
        every = {*options.fields, *options.relations}
        return every - checked

    def save(self) -> Any:
        """Save the instance, and return it.

        Raises:
            ValueError: The form is not valid.
        """
        self._check_savable()
        self.instance.save()
        return self.instance

    async def asave(self) -> Any:
        """Save the instance, and return it; for async code.

        Raises:
            ValueError: The form is not valid.
        """
        self._check_savable()
        await self.instance.asave()
        return self.instance

    def _check_savable(self) -> None:
        if not self.is_valid():
            raise ValueError(f"{type(self).__name__} is not valid: {self.errors}")


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


def choose_names(form: str, meta: Any) -> list[str]:
    """Choose the fields of a form by its `Meta`.

    Raises:
        ImproperlyConfigured: It does not say which, or names what is no field.
    """
    known = list_editable(meta.model)
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


def build_field(info: FieldInfo, meta: Any, name: str) -> Field:
    """Build a form's field from a model's."""
    options: dict[str, Any] = {
        "required": info.required and not info.has_default,
        "label": getattr(meta, "labels", {}).get(name, info.label.capitalize()),
        "help_text": getattr(meta, "help_texts", {}).get(name, info.help_text),
        "initial": None if info.default is MISSING else info.default,
        "validators": info.validators,
        "error_messages": info.error_messages,
    }
    widget = getattr(meta, "widgets", {}).get(name)
    if info.kind == "TextField" and not info.choices:
        widget = widget or widgets.Textarea
    if widget is not None:
        options["widget"] = widget
    relation = meta.model.__options__.relations.get(name)
    if relation is not None:
        rows = getattr(relation.target, relation.target.__options__.manager_name)
        return fields.ModelChoiceField(rows, **{**options, "validators": ()})
    if info.choices:
        return fields.ChoiceField(choices=info.choices, **options)
    if info.range is not None:
        low, high = info.range
        return fields.IntegerField(min_value=low, max_value=high, **options)
    kind = _KINDS.get(info.kind, fields.CharField)
    if issubclass(kind, fields.CharField):
        options["max_length"] = info.max_length
    return kind(**options)
