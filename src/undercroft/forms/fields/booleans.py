"""A box to check."""

from typing import Any

from undercroft.forms import widgets
from undercroft.forms.fields.field import Field


class BooleanField(Field):
    """Yes or no; a required one must be checked."""

    widget_class = widgets.CheckboxInput
    empty_value = False

    def clean(self, value: Any) -> bool:
        """Tell whether it was checked."""
        checked = value is True or value in ("on", "true", "True", "1")
        if self.required and not checked:
            raise self.build_error("required", "Check this box to go on.")
        return checked
