"""Forms of models: fields, limits and checks come from the model, values go to an instance."""

from collections.abc import Mapping
from typing import Any, ClassVar

from undercroft.db.fields.info import FieldInfo
from undercroft.db.internals import state_of
from undercroft.db.rows.notes import find_alias
from undercroft.db.twins import Steps, async_twin, atomically, run_steps, take_steps, twins
from undercroft.errors import ValidationError
from undercroft.forms.fields.rows import OffLoop
from undercroft.forms.form import Form
from undercroft.forms.model_fields import build_field, choose_names, list_editable, list_many

_SHOWING = OffLoop("showing a form of rows", "await form.aload()")
_CHECKING = OffLoop("form.is_valid()", "await form.ais_valid()")


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
        made = {name: declared.get(name) or build_field(meta, name) for name in names}
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
        #: Fields that somebody else gives the instance, which are checked with the form's own.
        self.given_fields: frozenset[str] = frozenset()
        shown = {} if instance is None else self._read_instance(instance)
        options["initial"] = {**shown, **(options.get("initial") or {})}
        super().__init__(data, files, **options)

    def _read_instance(self, instance: Any) -> dict[str, Any]:
        infos = list_editable(self.model)
        return {name: getattr(instance, infos[name].name) for name in self._list_own(infos)}

    def _list_own(self, infos: Mapping[str, Any]) -> list[str]:
        return [name for name in self.base_fields if name in infos]

    @property
    def is_new(self) -> bool:
        """Whether saving inserts a row."""
        return state_of(self.instance).key is None

    # ------------------------------------------------------------------------ its steps

    def load_steps(self) -> Steps[None]:
        """Fetch what is needed to show the form: the rows that are related already, too."""
        yield from self._load_many(_SHOWING)
        yield from super().load_steps()

    def get_initial(self, name: str) -> Any:
        """Return what a field shows before anything was sent; of relations, what is related."""
        if name not in self.initial:
            run_steps(self._load_many(_SHOWING))
        return super().get_initial(name)

    def _load_many(self, off_loop: OffLoop) -> Steps[None]:
        """Let what is related already be what is shown at first."""
        names = [] if self.is_new else self._list_own(list_many(self.model))
        for name in names:
            if name not in self.initial:
                yield off_loop
                self.initial[name] = yield from getattr(self.instance, name).load_steps()

    def clean_steps(self) -> Steps[None]:
        """Check the form, then the instance that it makes."""
        if self.is_bound:
            yield from self._load_many(_CHECKING)
        yield from super().clean_steps()
        if not self.is_bound or (self.empty_permitted and not self.has_changed()):
            return
        self._fill_instance()
        yield _CHECKING
        try:
            yield from take_steps(self.instance.full_clean, self._list_unchecked())
        except ValidationError as error:
            self.add_error(None, error)

    def _fill_instance(self) -> None:
        """Give the instance the values that are right, of the form's own fields only."""
        infos = list_editable(self.model)
        for name in self._list_own(infos):
            if name in self.cleaned_data and not self._keeps(name, infos[name]):
                info, value = infos[name], self.cleaned_data[name]
                is_nothing = value in ("", ()) and info.null
                setattr(self.instance, info.relation or info.name, None if is_nothing else value)

    def _keeps(self, name: str, info: FieldInfo) -> bool:
        """Tell whether a field has a default of the model's, and nothing at all was sent for it."""
        field, key = self.fields[name], self.add_prefix(name)
        data: Mapping[str, Any] = {} if self.data is None else self.data
        is_empty = self.cleaned_data[name] in (None, "", ())
        return is_empty and info.has_default and field.widget.is_omitted(data, key)

    def _list_unchecked(self) -> set[str]:
        """List the model's fields that the form does not ask for, or that are wrong already."""
        infos = list_editable(self.model)
        right = {name for name in self._list_own(infos) if name in self.cleaned_data}
        checked = {infos[name].name for name in right} | right
        options = self.model.__options__
        every = {*options.fields, *options.relations}
        return every - checked - self.given_fields

    # --------------------------------------------------------------------------- saving

    @twins
    def save(self, commit: bool = True) -> Steps[Any]:
        """Save the instance and what it is related to, all or nothing, and return it.

        Args:
            commit: False leaves the instance to be changed and saved; `save_m2m` comes after that.

        Raises:
            ValueError: The form is not valid.
        """
        yield from self.check_savable()
        if commit:
            yield from self.store_steps()
        return self.instance

    @twins
    def save_m2m(self) -> Steps[None]:
        """Save the relations of many to many, of an instance that was saved.

        Raises:
            ValueError: The form is not valid.
        """
        yield from self.check_savable()
        yield from self._save_many()

    asave = async_twin(save)
    asave_m2m = async_twin(save_m2m)

    def store_steps(self) -> Steps[None]:
        """Save the instance and its relations, whatever was checked."""
        if not self._list_own(list_many(self.model)):
            yield from take_steps(self.instance.save)
            return
        yield from atomically(self._store_all(), find_alias(state_of(self.instance)))

    def _store_all(self) -> Steps[None]:
        yield from take_steps(self.instance.save)
        yield from self._save_many()

    def _save_many(self) -> Steps[None]:
        for name in self._list_own(list_many(self.model)):
            if name in self.cleaned_data:
                related = getattr(self.instance, name)
                yield from take_steps(related.set, self.cleaned_data[name])

    def check_savable(self) -> Steps[None]:
        """Check the form, if that was not done, and refuse one that is not valid.

        Raises:
            ValueError: It is not.
        """
        if self._errors is None:
            yield from self.clean_steps()
        if not self.is_valid():
            raise ValueError(f"{type(self).__name__} is not valid: {self.errors}")
