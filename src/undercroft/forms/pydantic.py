"""Forms of Pydantic models: fields and limits come from the model, which checks the values."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pydantic
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from undercroft.db.twins import Steps
from undercroft.errors import NON_FIELD_ERRORS, ImproperlyConfigured
from undercroft.forms.form import Form
from undercroft.forms.pydantic_fields import build_field, is_nullable

#: Mistakes whose message is what a validator said.
_OWN_WORDS = ("value_error", "assertion_error")


class PydanticForm(Form):
    """A form of a Pydantic model; `Meta` says of which.

    class SignUpForm(PydanticForm):
        class Meta:
            model = SignUp

    All fields are asked for, or those of `Meta.fields`, or all but those of `Meta.exclude`. Further
    options are `widgets`, `labels` and `help_texts`, by field; a field that the form declares goes
    before the model's. What is left empty, and need not be filled in, has the model's default.

    Args:
        data: What was sent.
        files: Uploaded files.
        instance: A model whose values are shown at first.
        options: Those of every form.

    Attributes:
        instance: The model: the one that was given, and once the form is valid, the one of what was
            sent.
    """

    model: ClassVar[type[BaseModel]]

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Make the fields of the model, for those the form does not declare itself."""
        super().__init_subclass__(**arguments)
        meta = cls.__dict__.get("Meta")
        if meta is None:
            return
        cls.model = meta.model
        declared = cls.base_fields
        infos = meta.model.model_fields
        names = choose_names(cls.__name__, meta, infos)
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
        self.instance = instance
        shown: dict[str, Any] = {} if instance is None else dict(instance)
        options["initial"] = {**shown, **(options.get("initial") or {})}
        super().__init__(data, files, **options)

    def clean_steps(self) -> Steps[None]:
        """Check what was sent by the form, then by the model."""
        yield from super().clean_steps()
        if not self.is_bound or (self.empty_permitted and not self.has_changed()):
            return
        try:
            made = self.model.model_validate(self._list_values(), by_alias=False, by_name=True)
        except pydantic.ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                self._add_finding(each)
            return
        if not self._errors:
            self.instance = made
            own = {name: getattr(made, name) for name in self.fields if name in self._known()}
            self.cleaned_data = {**self.cleaned_data, **own}

    def _known(self) -> Mapping[str, Any]:
        return self.model.model_fields

    def _list_values(self) -> dict[str, Any]:
        """List the values for the model; what was left empty is left to its default."""
        values: dict[str, Any] = {}
        for name, info in self._known().items():
            value = self.cleaned_data.get(name)
            if value not in (None, "", ()):
                values[name] = value
            elif name in self.cleaned_data and info.is_required():
                values[name] = None if is_nullable(info.annotation) else value
        return values

    def _add_finding(self, finding: ErrorDetails) -> None:
        """Tell a mistake that the model found at its field; those the form has told are enough."""
        first = finding["loc"][0] if finding["loc"] else NON_FIELD_ERRORS
        name = self._find_name(str(first))
        if name in self.fields:
            if name not in (self._errors or {}):
                self.add_error(name, describe_finding(finding))
        elif name == NON_FIELD_ERRORS:
            self.add_error(None, describe_finding(finding))
        else:
            self.add_error(None, f"{name}: {describe_finding(finding)}")

    def _find_name(self, told: str) -> str:
        """Find the field that Pydantic tells of by its name or one of its aliases."""
        for name, info in self._known().items():
            if told in (name, info.alias, info.validation_alias):
                return name
        return told


def choose_names(form: str, meta: Any, known: Mapping[str, Any]) -> list[str]:
    """Choose the fields of a form by its `Meta`.

    Raises:
        ImproperlyConfigured: It names what is no field of the model.
    """
    fields: Sequence[str] | str | None = getattr(meta, "fields", None)
    left_out: Sequence[str] = getattr(meta, "exclude", None) or ()
    chosen = list(known) if fields in (None, "__all__") else list(fields or ())
    for name in (*chosen, *left_out):
        if name not in known:
            raise ImproperlyConfigured(
                f"{form}.Meta names {name!r}, which is no field of {meta.model.__name__}; those "
                f"are {', '.join(known)}.",
                code="forms.meta",
            )
    return [name for name in chosen if name not in left_out]


def describe_finding(finding: ErrorDetails) -> str:
    """Describe a mistake in the validator's own words, or in Pydantic's."""
    said = finding.get("ctx", {}).get("error")
    if finding["type"] in _OWN_WORDS and said is not None and str(said):
        return str(said)
    return f"{finding['msg'].rstrip('.')}."
