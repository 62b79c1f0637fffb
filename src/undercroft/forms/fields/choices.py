"""Fields of values from a list."""

from enum import Enum
from typing import Any

from undercroft.forms import widgets
from undercroft.forms.fields.field import Choices, Field
from undercroft.forms.widgets import list_texts, list_values


class ChoiceField(Field):
    """One of a list; `choices` are pairs of value and label."""

    widget_class = widgets.Select
    empty_value = ""

    def __init__(self, *, choices: Choices = (), **options: Any) -> None:
        super().__init__(**options)
        self.choices = tuple(choices)

    def to_python(self, value: Any) -> Any:
        """Find the value whose text was sent."""
        for known, _ in self.choices:
            if str(self.prepare(known)) == str(value):
                return known
        raise self.build_error("invalid_choice", "Choose one from the list.")

    def prepare(self, value: Any) -> Any:
        """Write the value of a member of an enum, and any other as it is."""
        if isinstance(value, list | tuple | set | frozenset):
            return [self.prepare(each) for each in list_values(value)]
        return super().prepare(value.value if isinstance(value, Enum) else value)


class MultipleChoiceField(ChoiceField):
    """Several of a list."""

    widget_class = widgets.SelectMultiple
    empty_value: Any = ()

    def to_python(self, value: Any) -> list[Any]:
        """Find the values whose texts were sent."""
        found = super().to_python
        return [found(each) for each in dict.fromkeys(map(str, list_values(value)))]

    def has_changed(self, shown: Any, sent: Any) -> bool:
        """Tell whether others were chosen than those that were shown; their order is no matter."""
        return {*list_texts(self.prepare(shown))} != {*list_texts(sent)}
