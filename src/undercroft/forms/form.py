"""Forms: declared fields, checked together, shown again with what was sent and what is wrong."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from undercroft.errors import NON_FIELD_ERRORS, FieldError, ValidationError
from undercroft.forms.bound import BoundField
from undercroft.forms.fields import Field, FileField, ModelChoiceField
from undercroft.forms.widgets import list_texts
from undercroft.http.uploads import UploadFile


class Form:
    """A form; declare its fields as attributes.

    class Contact(Form):
        email = EmailField()
        text = CharField(widget=Textarea)

    `clean_email()` may check one field further, and `clean()` all together; both raise
    `ValidationError`, and return the value or the values.

    Args:
        data: What was sent, such as `await request.form()`; None for a form to fill in.
        files: Uploaded files, where they are not in `data`.
        initial: What is shown before anything was sent, by field.
        prefix: What stands before each name, for several forms on one page.
        empty_permitted: Whether it may be left untouched, as a further row of a formset.

    Attributes:
        cleaned_data: The values, once they were checked.
        fields: The fields of this one form.
    """

    base_fields: ClassVar[dict[str, Field]] = {}
    template_name: ClassVar[str] = "forms/form.html"

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Gather the declared fields, after those of the classes above; None takes one away."""
        super().__init_subclass__(**arguments)
        fields: dict[str, Field] = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(vars(base).get("base_fields", {}))
        for name, value in list(vars(cls).items()):
            if isinstance(value, Field):
                fields[name] = value
                delattr(cls, name)
            elif value is None:
                fields.pop(name, None)
        cls.base_fields = fields

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, UploadFile] | None = None,
        *,
        initial: Mapping[str, Any] | None = None,
        prefix: str = "",
        empty_permitted: bool = False,
    ) -> None:
        self.data, self.files = data, files or {}
        self.is_bound = data is not None or files is not None
        self.initial = dict(initial or {})
        self.prefix = prefix
        self.empty_permitted = empty_permitted
        self.fields = {name: field.copy() for name, field in self.base_fields.items()}
        self.cleaned_data: dict[str, Any] = {}
        self._errors: dict[str, list[str]] | None = None

    # ------------------------------------------------------------------------ its values

    def add_prefix(self, name: str) -> str:
        """Return a field's name in what is sent."""
        return f"{self.prefix}-{name}" if self.prefix else name

    def get_initial(self, name: str) -> Any:
        """Return what a field shows before anything was sent."""
        value = self.initial.get(name, self.fields[name].initial)
        return value() if callable(value) else value

    def read(self, name: str) -> Any:
        """Read what was sent for a field."""
        field, key = self.fields[name], self.add_prefix(name)
        if isinstance(field, FileField) and key in self.files:
            return self.files[key]
        return field.widget.read(self.data if self.data is not None else {}, key)

    def has_changed(self) -> bool:
        """Tell whether anything that was sent differs from what was shown."""
        return any(self._has_changed(name) for name in self.fields)

    def _has_changed(self, name: str) -> bool:
        field = self.fields[name]
        if field.disabled or not self.is_bound:
            return False
        sent: Any = self.read(name)
        shown = self.get_initial(name)
        if field.widget.is_multiple:
            return list(list_texts(sent)) != list(list_texts(shown))
        empty = (None, "", False)
        return not (sent in empty and shown in empty) and str(sent) != str(field.prepare(shown))

    def is_optional(self, name: str) -> bool:
        """Tell whether a required field may be left empty after all, in a row left untouched."""
        return self.empty_permitted

    # -------------------------------------------------------------------------- checking

    @property
    def errors(self) -> dict[str, list[str]]:
        """The messages by field, those of no field under `__all__`; none before it was sent."""
        if self._errors is None:
            self.full_clean()
        return self._errors or {}

    def is_valid(self) -> bool:
        """Tell whether something was sent, and is right."""
        return self.is_bound and not self.errors

    async def ais_valid(self) -> bool:
        """Tell whether something was sent, and is right; for async code."""
        if self.is_bound and self._errors is None:
            await self.afull_clean()
        return self.is_valid()

    def load(self) -> None:
        """Fetch the rows there are to choose from."""
        for field in self.fields.values():
            if isinstance(field, ModelChoiceField):
                field.load()

    async def aload(self) -> None:
        """Fetch the rows there are to choose from; for async code, before it is shown."""
        for field in self.fields.values():
            if isinstance(field, ModelChoiceField):
                await field.aload()

    def full_clean(self) -> None:
        """Check everything; what is wrong is in `errors`."""
        if self.is_bound:
            self.load()
        if self._begin():
            self._clean_all()

    async def afull_clean(self) -> None:
        """Check everything; for async code."""
        if self.is_bound:
            await self.aload()
        if self._begin():
            self._clean_all()

    def _begin(self) -> bool:
        self._errors, self.cleaned_data = {}, {}
        return self.is_bound and not (self.empty_permitted and not self.has_changed())

    def _clean_all(self) -> None:
        for name, field in self.fields.items():
            try:
                self.cleaned_data[name] = self.clean_field(name, field)
                check = getattr(self, f"clean_{name}", None)
                if check is not None:
                    self.cleaned_data[name] = check()
            except ValidationError as error:
                self.add_error(name, error)
        try:
            cleaned = self.clean()
        except ValidationError as error:
            self.add_error(None, error)
        else:
            self.cleaned_data = self.cleaned_data if cleaned is None else dict(cleaned)

    def clean_field(self, name: str, field: Field) -> Any:
        """Check one field; of a disabled one nothing that was sent counts.

        Raises:
            ValidationError: It is wrong.
        """
        return self.get_initial(name) if field.disabled else field.clean(self.read(name))

    def clean(self) -> Mapping[str, Any] | None:
        """Check the values together; override it, and raise `ValidationError`."""
        return self.cleaned_data

    def add_error(self, name: str | None, error: ValidationError | str) -> None:
        """Add a mistake to a field, or to none; one by field goes to each.

        Raises:
            FieldError: The form has no such field.
        """
        error = ValidationError(error) if isinstance(error, str) else error
        errors = self._errors = {} if self._errors is None else self._errors
        for key, messages in error.message_dict.items():
            place = name if name is not None and key == NON_FIELD_ERRORS else key
            if place not in self.fields and place != NON_FIELD_ERRORS:
                if name is not None:
                    raise FieldError(f"The form {type(self).__name__} has no field {place!r}.")
                place = NON_FIELD_ERRORS
            errors.setdefault(place, []).extend(messages)
            self.cleaned_data.pop(place, None)

    # --------------------------------------------------------------------------- showing

    def __iter__(self) -> Iterator[BoundField]:
        """Iterate over the fields as templates see them."""
        return (BoundField(self, name, field) for name, field in self.fields.items())

    def __getitem__(self, name: str) -> BoundField:
        """Return one field as templates see it."""
        if name not in self.fields:
            known = ", ".join(self.fields)
            raise KeyError(f"{type(self).__name__} has no field {name!r}; it has {known}.")
        return BoundField(self, name, self.fields[name])

    def hidden_fields(self) -> list[BoundField]:
        """List the fields that nobody sees."""
        return [field for field in self if field.is_hidden]

    def visible_fields(self) -> list[BoundField]:
        """List the others."""
        return [field for field in self if not field.is_hidden]

    def non_field_errors(self) -> list[str]:
        """List the messages that are about no single field."""
        return self.errors.get(NON_FIELD_ERRORS, [])

    @property
    def auto_prefix(self) -> str:
        """What ids of the form's own begin with."""
        return f"id_{self.prefix}-" if self.prefix else "id_"

    @property
    def is_multipart(self) -> bool:
        """Whether the page must send it as `multipart/form-data`, for its files."""
        return any(field.widget.is_multipart for field in self.fields.values())

    def __html__(self) -> str:
        """Render all fields, by the templates of the package."""
        from undercroft.forms.rendering import render_alone  # noqa: PLC0415 - Jinja2 is slow to import, and an API needs none

        return render_alone(self.template_name, form=self)
