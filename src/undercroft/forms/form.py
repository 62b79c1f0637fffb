"""Forms: declared fields, checked together, shown again with what was sent and what is wrong."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from undercroft.db.twins import Steps, arun_steps, run_steps
from undercroft.errors import NON_FIELD_ERRORS, FieldError, ValidationError
from undercroft.forms.bound import BoundField
from undercroft.forms.fields.field import Field
from undercroft.forms.fields.files import FileField
from undercroft.forms.fields.rows import ModelChoiceField
from undercroft.forms.problems import Problem, list_problems
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
        use_required_attribute: Whether a browser holds back a form with empty required fields; a
            formset's does not, for a row that is to be deleted need not be right.
        legend: What the form is called as a row of a formset.
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
        self.use_required_attribute = True
        self.legend = ""
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
        return bool(self.changed_data)

    @property
    def changed_data(self) -> list[str]:
        """The fields of which something else was sent than was shown.

        What was shown is the server's word: nothing that a client sends says so.
        """
        return [name for name, field in self.fields.items() if self._has_changed(name, field)]

    def _has_changed(self, name: str, field: Field) -> bool:
        if field.disabled or not self.is_bound:
            return False
        return field.has_changed(self.get_initial(name), self.read(name))

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
        """Tell whether something was sent, and is right; for async code.

        Where something is wrong, all that the form needs to be shown again is fetched, too.
        """
        if self.is_bound and self._errors is None:
            await self.afull_clean()
        if not self.is_valid():
            await self.aload()
            return False
        return True

    def load(self) -> None:
        """Fetch the rows there are to choose from."""
        run_steps(self.load_steps())

    async def aload(self) -> None:
        """Fetch the rows there are to choose from; for async code, before it is shown."""
        await arun_steps(self.load_steps())

    def load_steps(self) -> Steps[None]:
        """Fetch what is needed to show the form."""
        for field in self.fields.values():
            if isinstance(field, ModelChoiceField):
                yield from field.load_steps()

    def share_rows(self, other: "Form") -> None:
        """Show the rows to choose from that a form of the same class has fetched."""
        for name, field in self.fields.items():
            if isinstance(field, ModelChoiceField) and name in other.fields:
                field.share_rows(other.fields[name])

    def skip_clean(self) -> None:
        """Check nothing, as of a row that is to go; nothing is wrong, and there are no values."""
        self._errors, self.cleaned_data = {}, {}

    def full_clean(self) -> None:
        """Check everything; what is wrong is in `errors`."""
        run_steps(self.clean_steps())

    async def afull_clean(self) -> None:
        """Check everything; for async code."""
        await arun_steps(self.clean_steps())

    def clean_steps(self) -> Steps[None]:
        """Check everything, in steps of which some ask the database."""
        self._errors, self.cleaned_data = {}, {}
        if not self.is_bound or (self.empty_permitted and not self.has_changed()):
            return
        for name, field in self.fields.items():
            yield from self._clean_field(name, field)
        self._clean_together()

    def _clean_field(self, name: str, field: Field) -> Steps[None]:
        try:
            self.cleaned_data[name] = yield from self.clean_field(name, field)
            check = getattr(self, f"clean_{name}", None)
            if check is not None:
                self.cleaned_data[name] = check()
        except ValidationError as error:
            self.add_error(name, error)

    def _clean_together(self) -> None:
        try:
            cleaned = self.clean()
        except ValidationError as error:
            self.add_error(None, error)
        else:
            self.cleaned_data = self.cleaned_data if cleaned is None else dict(cleaned)

    def clean_field(self, name: str, field: Field) -> Steps[Any]:
        """Check one field, in steps; of a disabled one nothing that was sent counts.

        Raises:
            ValidationError: It is wrong.
        """
        if field.disabled:
            return self.get_initial(name)
        return (yield from field.clean_steps(self.read(name)))

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

    def list_problems(self) -> list[Problem]:
        """List what is wrong for the summary, with the place that each is about."""
        return list_problems(self)

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

        self.load()
        return render_alone(self.template_name, form=self)
