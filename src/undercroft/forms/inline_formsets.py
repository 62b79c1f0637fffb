"""Formsets of the rows that belong to one other row: a book's chapters on the book's page."""

from collections.abc import Mapping
from typing import Any, ClassVar

from undercroft.db.internals import state_of
from undercroft.db.mapping.options import Relation
from undercroft.db.twins import Steps
from undercroft.forms.form import Form
from undercroft.forms.model_formsets import (
    BaseModelFormSet,
)
from undercroft.forms.models import ModelForm


class BaseInlineFormSet(BaseModelFormSet):
    """Forms of the rows that belong to `instance`; `inlineformset_factory` makes a class of it.

    Whose they are, the server says: no row of another parent is found, and none is moved.

    Args:
        data: What was sent.
        files: Uploaded files.
        instance: The row they belong to; one that is not saved yet has none, and may get some.
        queryset: Those of its rows that are meant; all of them when left out.
        options: Those of every formset.
    """

    fk: ClassVar[Relation]

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        *,
        instance: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(data, files, **options)
        self.instance = self.fk.target() if instance is None else instance

    @classmethod
    def get_default_prefix(cls) -> str:
        """Return what the parent calls the rows, or the model's name."""
        for name, relation in cls.fk.target.__options__.reverses.items():
            if relation.target is cls.form.model and relation.target_name == cls.fk.name:
                return relation.accessor or str(name)
        return "form"

    def get_queryset(self) -> Any:
        """Return the rows of the parent; of one that is not saved there are none."""
        rows = self.queryset.all()
        if state_of(self.instance).key is None:
            return rows.none()
        return rows.filter(**{self.fk.column: getattr(self.instance, self.fk.target_column)})

    def add_fields(self, form: Form, index: int | None) -> None:
        """Take away who the parent is, which nobody sends, and say so to the row."""
        super().add_fields(form, index)
        form.fields.pop(self.fk.name, None)
        if isinstance(form, ModelForm) and state_of(self.instance).key is not None:
            setattr(form.instance, self.fk.name, self.instance)
            form.given_fields = frozenset({self.fk.name, self.fk.column})

    def _store(self) -> Steps[None]:
        # The parent may have got its key only after the rows were checked.
        for form in self._list_changed():
            setattr(form.instance, self.fk.name, self.instance)
        yield from super()._store()
