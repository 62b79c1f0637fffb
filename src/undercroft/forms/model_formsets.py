"""Formsets of a model's rows: those of a queryset are changed or deleted, new ones are added.

Which row a form is about, its key says, and only a row of the queryset counts: neither the number
of rows that a client claims nor their order decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from undercroft.db.internals import state_of
from undercroft.db.rows.notes import find_alias
from undercroft.db.twins import Steps, async_twin, atomically, take_steps, twins
from undercroft.errors import ImproperlyConfigured
from undercroft.forms.fields.rows import ModelChoiceField, OffLoop
from undercroft.forms.fields.text import CharField
from undercroft.forms.form import Form
from undercroft.forms.formsets import BaseFormSet
from undercroft.forms.model_fields import capitalize
from undercroft.forms.models import ModelForm
from undercroft.forms.widgets import HiddenInput

_GONE = "This row is not here any more."
_NOT_ADDED = "Rows cannot be added here."


class BaseModelFormSet(BaseFormSet):
    """Forms of the rows of a queryset; `modelformset_factory` makes a class of it for a model.

    Args:
        data: What was sent.
        files: Uploaded files.
        queryset: The rows that may be changed; all of the model when left out.
        options: Those of every formset; `initial` is of the empty rows.

    Attributes:
        new_objects: After `save`, the rows that were added.
        changed_objects: After `save`, the rows that were changed, each with the fields.
        deleted_objects: After `save`, the rows that were deleted.
    """

    edit_only: ClassVar[bool] = False

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        queryset: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(data, files, **options)
        self.queryset = self.model.__options__.manager if queryset is None else queryset
        self._first: list[Any] = []
        self._lost: list[Form] = []
        self.new_objects: list[Any] = []
        self.changed_objects: list[tuple[Any, list[str]]] = []
        self.deleted_objects: list[Any] = []

    @property
    def model(self) -> Any:
        """The model."""
        return self.form.model

    @property
    def key_name(self) -> str:
        """The hidden field that says which row a form is about."""
        name = str(self.model.__options__.primary_keys[0])
        return "pk" if name in self.form.base_fields else name

    def get_queryset(self) -> Any:
        """Return the rows that may be changed."""
        return self.queryset.all()

    def initial_form_count(self) -> int:
        """Count the rows that were found."""
        return len(self._first)

    # -------------------------------------------------------------------------- its forms

    def make_forms(self) -> Steps[list[Form]]:
        """Fetch the rows, and make their forms and those of new ones."""
        if self.is_bound:
            return (yield from self._make_sent())
        yield OffLoop("formset.forms", "await formset.aload()")
        most = self.get_absolute_max()
        steps: Steps[list[Any]] = self.get_queryset()[: most + 1].load_steps()
        found = yield from steps
        self._first = found
        if len(found) > most:
            raise ImproperlyConfigured(
                f"{type(self).__name__} is given more rows than the {most} it reads.",
                hint="Give it the rows of one page: queryset=..., or a larger max_num.",
                code="forms.formset",
            )
        return [self._make(index, found) for index in range(self.total_form_count())]

    def total_form_count(self) -> int:
        """Count the rows; where none can be added, those there are."""
        if self.is_bound or not self.edit_only:
            return super().total_form_count()
        return self.initial_form_count()

    def _make_sent(self) -> Steps[list[Form]]:
        """Make the forms that were sent, each for the row that its key names."""
        sent = self.data or {}
        names = [f"{self.add_prefix(i)}-{self.key_name}" for i in range(self.total_form_count())]
        keys = [str(sent.get(name) or "") for name in names]
        rows = yield from self._find_rows([key for key in keys if key])
        made: list[Form] = []
        for index, key in enumerate(keys):
            # A row is given away once: the same key a second time finds nothing.
            row = rows.pop(key, None)
            if row is not None:
                self._first.append(row)
            made.append(self._make_for(index, row, is_lost=bool(key) and row is None))
        return made

    def _find_rows(self, keys: list[str]) -> Steps[dict[str, Any]]:
        if not keys:
            return {}
        field = ModelChoiceField(self.get_queryset())
        found = yield from field.find_steps(dict.fromkeys(keys))
        return {str(row.pk): row for row in found}

    def _make(self, index: int, rows: Sequence[Any]) -> Form:
        return self._make_for(index, rows[index] if index < len(rows) else None)

    def _make_for(self, index: int, row: Any, *, is_lost: bool = False) -> Form:
        """Make the form of a row, of a new one, or of one that is not to be had."""
        is_new = row is None and not is_lost
        options: dict[str, Any] = {} if row is None else {"instance": row}
        shown = index - len(self._first)
        if is_new and 0 <= shown < len(self.initial):
            options["initial"] = self.initial[shown]
        empty = is_new and (self.edit_only or index >= self.min_num)
        form = self.make_form(index, empty_permitted=empty, **options)
        if is_lost:
            self._lost.append(form)
        name = capitalize(self.model.__options__.verbose_name)
        form.legend = f"{name} {index + 1}{' (new)' if is_new else ''}"
        return form

    def make_form(self, index: int, **options: Any) -> Form:
        """Make the form of one row."""
        return super().make_form(index, **{"initial": None, **options})

    def add_fields(self, form: Form, index: int | None) -> None:
        """Add the key of the row, and what is asked of each row besides."""
        super().add_fields(form, index)
        row = self._get_instance(form)
        shown = None if state_of(row).key is None else row.pk
        form.fields[self.key_name] = CharField(required=False, initial=shown, widget=HiddenInput)

    def is_first_row(self, form: Form, index: int | None) -> bool:
        """Tell whether a form is of a row that is stored."""
        return not self._is_new(form)

    def _get_instance(self, form: Form) -> Any:
        assert isinstance(form, ModelForm)
        return form.instance

    # --------------------------------------------------------------------------- checking

    def clean_steps(self) -> Steps[None]:
        """Check every row, and that each is one that may be changed or added."""
        yield from super().clean_steps()
        for form in self.forms:
            if self.is_deleted(form):
                continue
            if form in self._lost:
                form.skip_clean()
                form.add_error(None, _GONE)
            elif self.edit_only and form.empty_permitted and form.has_changed():
                form.skip_clean()
                form.add_error(None, _NOT_ADDED)
        self._check_alike()

    def count_rows(self) -> Steps[int]:
        """Count the rows there will be: those that were not sent, too, where there is a limit."""
        remaining = [form for form in self.remaining_forms if form not in self._lost]
        new = [form for form in remaining if form.empty_permitted or self._is_new(form)]
        if self.max_num is None or not new:
            return len(remaining)
        deleted = [form for form in self.deleted_forms if not self._is_new(form)]
        yield OffLoop("formset.is_valid()", "await formset.ais_valid()")
        present: int = yield from take_steps(self.get_queryset().count)
        return present - len(deleted) + len(new)

    def _is_new(self, form: Form) -> bool:
        return state_of(self._get_instance(form)).key is None

    def _check_alike(self) -> None:
        """Check that no two rows of the page have what must be unique in the table."""
        plain = [rule.keys for rule in self.model.__options__.rules if rule.is_plain]
        for keys in plain:
            seen: set[tuple[Any, ...]] = set()
            for form in self.remaining_forms:
                if form.errors:
                    continue
                values = tuple(getattr(self._get_instance(form), key, None) for key in keys)
                if None not in values and values in seen:
                    self._tell_alike(form, keys)
                seen.add(values)

    def _tell_alike(self, form: Form, keys: Sequence[str]) -> None:
        infos = [self.model.__options__.fields[key] for key in keys]
        labels = ", ".join(info.label for info in infos)
        name = infos[0].relation or infos[0].name
        place = name if len(infos) == 1 and name in form.fields else None
        form.add_error(place, f"Another row of this page has the same {labels}.")

    # ----------------------------------------------------------------------------- saving

    @twins
    def save(self, commit: bool = True) -> Steps[list[Any]]:
        """Save what was changed and added, and delete what was marked: all of it, or nothing.

        Args:
            commit: False leaves the rows to be changed, saved and deleted; `save_m2m` comes after.

        Returns:
            The rows that were changed or added.

        Raises:
            ValueError: The formset is not valid.
        """
        if self._non_form_errors is None:
            yield from self.clean_steps()
        if not self.is_valid():
            raise ValueError(f"{type(self).__name__} is not valid: {self.errors}")
        self._sort_out()
        if commit:
            yield from atomically(self._store(), self._find_alias())
        return [row for row, _ in self.changed_objects] + self.new_objects

    @twins
    def save_m2m(self) -> Steps[None]:
        """Save the relations of many to many, of rows that were saved."""
        for form in self._list_changed():
            yield from take_steps(form.save_m2m)

    asave = async_twin(save)
    asave_m2m = async_twin(save_m2m)

    def _list_changed(self) -> Iterator[ModelForm]:
        for form in self.remaining_forms:
            assert isinstance(form, ModelForm)
            if form.has_changed():
                yield form

    def _sort_out(self) -> None:
        changed = [*self._list_changed()]
        self.new_objects = [form.instance for form in changed if form.is_new]
        self.changed_objects = [
            (form.instance, form.changed_data) for form in changed if not form.is_new
        ]
        marked = [form for form in self.deleted_forms if not self._is_new(form)]
        self.deleted_objects = [self._get_instance(form) for form in marked]

    def _store(self) -> Steps[None]:
        for row in self.deleted_objects:
            yield from take_steps(row.delete)
        for form in self._list_changed():
            yield from form.store_steps()

    def _find_alias(self) -> str:
        return find_alias(state_of(self._first[0] if self._first else self.model()))
