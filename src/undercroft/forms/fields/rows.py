"""Fields of rows of the database: one is looked up by its key, not looked for in a list of all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from undercroft.concurrency import check_not_on_loop
from undercroft.db.fields.info import EMPTY_VALUES
from undercroft.db.twins import Steps, run_steps
from undercroft.errors import FieldError, FieldValueError
from undercroft.forms import widgets
from undercroft.forms.fields.field import Field
from undercroft.forms.widgets import list_texts, list_values

#: Rows that a list to choose from shows, at most.
MAX_OPTIONS = 1000

#: The longest text that is taken for a key.
_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class OffLoop:
    """A step that refuses to go on where the steps to come would block an event loop."""

    call: str
    twin: str

    def perform(self) -> None:
        """Refuse, if a loop runs in this thread."""
        check_not_on_loop(self.call, self.twin)

    async def aperform(self) -> None:
        """Go on."""


@dataclass(slots=True)
class LoadedRows:
    """The rows a list shows, once they were fetched; shared by the copies of a field.

    Attributes:
        choices: Keys and labels.
        is_loaded: Whether they were fetched.
        is_too_long: Whether there are more than the list shows.
    """

    choices: Sequence[tuple[Any, str]] = ()
    is_loaded: bool = False
    is_too_long: bool = False


class ModelChoiceField(Field):
    """One of a queryset's rows, which becomes the value.

    What was sent is looked up by its key, with one query. The list is fetched only to be shown, and
    only by widgets that show one: where it is longer than `max_options`, or the widget is a
    `RawIdInput`, the page asks for the key instead.

    Args:
        queryset: The rows, or a manager; no other row can be chosen.
        to_field_name: The field whose value is sent, in place of the key.
        empty_label: What stands for no row.
        max_options: Rows a list shows at most.
        options: Those of every field.
    """

    widget_class = widgets.Select
    invalid_message: ClassVar[str] = "Choose one from the list."

    def __init__(
        self,
        queryset: Any,
        *,
        to_field_name: str = "pk",
        empty_label: str = "-" * 9,
        max_options: int = MAX_OPTIONS,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._queryset = queryset
        self.to_field_name, self.empty_label = to_field_name, empty_label
        self.max_options = max_options
        self.rows = LoadedRows()

    @property
    def queryset(self) -> Any:
        """The rows; setting it narrows them for one form, in its `__init__`."""
        return self._queryset.all()

    @queryset.setter
    def queryset(self, queryset: Any) -> None:
        self._queryset, self.rows = queryset, LoadedRows()

    def copy(self) -> Self:
        """Copy the field; what there is to choose from is asked anew."""
        made = super().copy()
        made.rows = LoadedRows()
        return made

    def share_rows(self, other: Field) -> None:
        """Show what a field of the same rows has fetched."""
        if isinstance(other, ModelChoiceField) and other._queryset is self._queryset:
            self.rows = other.rows

    def label_from_instance(self, row: Any) -> str:
        """Return what a row is called in the list."""
        return str(row)

    # ------------------------------------------------------------------------- to be shown

    @property
    def choices(self) -> Sequence[tuple[Any, str]]:  # type: ignore[override]  # fetched, not given
        """Keys and labels, which a page that shows no list does without."""
        self.load()
        return self.rows.choices

    def load(self) -> None:
        """Fetch the list, if the widget shows one."""
        run_steps(self.load_steps())

    def load_steps(self) -> Steps[None]:
        """Fetch the list, if the widget shows one."""
        if self.rows.is_loaded or not self.widget.shows_options:
            return
        yield OffLoop("showing a form of rows", "await form.aload()")
        steps: Steps[list[Any]] = self.queryset[: self.max_options + 1].load_steps()
        found = yield from steps
        self.rows.is_loaded = True
        self.rows.is_too_long = len(found) > self.max_options
        if not self.rows.is_too_long:
            self.rows.choices = [
                (self.read_key(row), self.label_from_instance(row)) for row in found
            ]

    def read_key(self, row: Any) -> Any:
        """Read what is sent for a row."""
        return getattr(row, self.to_field_name)

    def prepare(self, value: Any) -> Any:
        """Write the key of a row, or a key as it is."""
        return self.read_key(value) if hasattr(value, "__options__") else super().prepare(value)

    # ------------------------------------------------------------------------- to be checked

    def clean(self, value: Any) -> Any:
        """Look up the row that was chosen, blocking."""
        return run_steps(self.clean_steps(value))

    def clean_steps(self, value: Any) -> Steps[Any]:
        """Look up the row that was chosen.

        Raises:
            ValidationError: There is none, or it may not be chosen.
        """
        if value in EMPTY_VALUES:
            return super().clean(value)
        rows: list[Any] = yield from self.find_steps([value])
        if len(rows) != 1:
            raise self.build_error("invalid_choice", self.invalid_message)
        self.validate(rows[0])
        return rows[0]

    def find_steps(self, keys: Iterable[Any]) -> Steps[list[Any]]:
        """Find the rows of such keys, with one query; none where one of them is no key."""
        texts = [str(key) for key in keys]
        if any(len(text) > _LONGEST_KEY or "\x00" in text for text in texts):
            return []
        yield OffLoop("form.is_valid()", "await form.ais_valid()")
        try:
            chosen = self.queryset.filter(**{f"{self.to_field_name}__in": texts})
            steps: Steps[list[Any]] = chosen.load_steps()
            return (yield from steps)
        except (FieldError, FieldValueError, ValueError, TypeError, ArithmeticError):
            return []

    def has_changed(self, shown: Any, sent: Any) -> bool:
        """Tell whether another row was chosen."""
        return str(self.prepare(shown)) != str("" if sent is None else sent)


class ModelMultipleChoiceField(ModelChoiceField):
    """Several of a queryset's rows, which become a list."""

    widget_class = widgets.SelectMultiple
    empty_value: Any = ()

    def prepare(self, value: Any) -> Any:
        """Write the keys of rows, or keys as they are; a single one is one of the list."""
        if isinstance(value, list | tuple | set | frozenset):
            return [self.prepare(each) for each in list_values(value)]
        return super().prepare(value)

    def clean_steps(self, value: Any) -> Steps[Any]:
        """Look up the rows that were chosen, all with one query.

        Raises:
            ValidationError: One is not there, or may not be chosen.
        """
        if value in EMPTY_VALUES:
            return list(super(ModelChoiceField, self).clean(value))
        keys = dict.fromkeys(split_keys(value))
        rows: list[Any] = yield from self.find_steps(keys)
        if len(rows) != len(keys):
            raise self.build_error("invalid_choice", self.invalid_message)
        self.validate(rows)
        return rows

    def has_changed(self, shown: Any, sent: Any) -> bool:
        """Tell whether others were chosen; their order is no matter."""
        return {*list_texts(self.prepare(shown or ()))} != {*list_texts(sent or ())}


def split_keys(value: Any) -> list[str]:
    """Split the keys a page asks for where its list would be too long: one text, with commas."""
    texts = list_texts(value)
    return [part.strip() for part in texts[0].split(",")] if len(texts) == 1 else texts
