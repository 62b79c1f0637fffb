"""A field of one form with its value and its mistakes: what templates show."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from undercroft.forms.fields.field import Field
from undercroft.forms.fields.rows import ModelChoiceField
from undercroft.forms.widgets import RawIdInput, Widget, list_texts

if TYPE_CHECKING:
    from undercroft.forms.form import Form


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a list to choose from."""

    value: str
    label: str
    selected: bool


class BoundField:
    """A field as a template sees it.

    Attributes:
        form: The form.
        field: The field.
        name: Its name in the form.
        html_name: Its name in what is sent, with the form's prefix.
        id: The id of its element.
    """

    def __init__(self, form: "Form", name: str, field: Field) -> None:
        self.form, self.name, self.field = form, name, field
        self.html_name = form.add_prefix(name)
        self.id = f"id_{self.html_name}"

    @property
    def label(self) -> str:
        """The name for people."""
        return self.field.label or self.name.replace("_", " ").capitalize()

    @property
    def help_text(self) -> str:
        """What stands beside it."""
        return self.field.help_text

    @property
    def errors(self) -> list[str]:
        """The messages of its mistakes."""
        return self.form.errors.get(self.name, [])

    @property
    def widget(self) -> Widget:
        """How it is shown: a list that is too long asks for the key instead."""
        field = self.field
        if isinstance(field, ModelChoiceField) and field.widget.shows_options:
            field.load()
            if field.rows.is_too_long:
                return RawIdInput(field.widget.attrs)
        return field.widget

    @property
    def is_hidden(self) -> bool:
        """Whether nobody sees it."""
        return self.field.widget.is_hidden

    @property
    def is_group(self) -> bool:
        """Whether it is several controls."""
        return self.widget.is_group

    @property
    def is_multiple(self) -> bool:
        """Whether several may be chosen."""
        return self.widget.is_multiple

    @property
    def input_type(self) -> str:
        """The `type` of its `<input>`."""
        return self.widget.input_type

    @property
    def value(self) -> Any:
        """What was sent, else what is there before."""
        if self.form.is_bound and not self.field.disabled:
            return self.form.read(self.name)
        return self.form.get_initial(self.name)

    @property
    def text(self) -> str:
        """The value as its element shows it; nothing of passwords and files."""
        if not self.field.widget.keeps_value:
            return ""
        shown = self.field.prepare(self.value)
        return ", ".join(list_texts(shown)) if isinstance(shown, list) else str(shown)

    @property
    def anchor(self) -> str:
        """The id that a link to the field leads to, of what takes the focus."""
        return f"{self.id}_0" if self.is_group and self.field.choices else self.id

    @property
    def described_by(self) -> str:
        """The ids of the texts that belong to it."""
        parts = [("help", self.help_text), ("error", self.errors)]
        return " ".join(f"{self.id}-{part}" for part, text in parts if text)

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of its element."""
        field = self.field
        limits = {} if self.is_hidden else field.list_attributes()
        found: dict[str, Any] = {"name": self.html_name, "id": self.id, **limits}
        if field.required and not self.is_hidden and not self.form.is_optional(self.name):
            found.update(
                {"required": "required"}
                if self.form.use_required_attribute
                else {"aria-required": "true"}
            )
        if field.disabled:
            found["disabled"] = "disabled"
        if self.described_by and not self.is_hidden:
            found["aria-describedby"] = self.described_by
        if self.errors:
            found["aria-invalid"] = "true"
        own = {name: name if value is True else value for name, value in field.widget.attrs.items()}
        return {**found, **{name: value for name, value in own.items() if value is not False}}

    @property
    def options(self) -> list[Option]:
        """What there is to choose from; an empty entry where nothing need be chosen."""
        chosen = {*list_texts(self.field.prepare(self.value))} - {""}
        shown = [(str(self.field.prepare(value)), label) for value, label in self.field.choices]
        found = [Option(text, label, text in chosen) for text, label in shown]
        is_list = not (self.is_group or self.is_multiple) and all(each.value for each in found)
        is_chosen = any(each.selected for each in found)
        if is_list and not (self.field.required and is_chosen):
            label = getattr(self.field, "empty_label", "-" * 9)
            found.insert(0, Option("", label, not is_chosen))
        return found

    def __html__(self) -> str:
        """Render the field with label, help and mistakes."""
        from undercroft.forms.rendering import render_alone  # noqa: PLC0415 - Jinja2 is slow to import, and an API needs none

        return render_alone("forms/field.html", field=self, form=self.form)
