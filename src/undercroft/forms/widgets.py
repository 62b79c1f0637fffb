"""Widgets: how a form's field is shown, and what is read of it from what was sent."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from undercroft.errors import ImproperlyConfigured

#: What an attribute may be called: no value of a visitor ever names one.
_ATTRIBUTE = re.compile(r"[A-Za-z_:@][-\w:.@]*")


class Widget:
    """A control of a form.

    Args:
        attrs: HTML attributes besides those that the field gives; True for one without a value.

    Attributes:
        template_name: Renders it; a project's own of that name goes first.
        input_type: The `type` of an `<input>`.
        is_group: Whether it is several controls, which get a fieldset with a legend.
        keeps_value: Whether the value is shown again after a mistake.
        is_multipart: Whether the form must be sent as multipart.
    """

    template_name: str = "forms/widgets/input.html"
    input_type: str = "text"
    is_group: bool = False
    is_multiple: bool = False
    keeps_value: bool = True
    is_multipart: bool = False

    def __init__(self, attrs: Mapping[str, Any] | None = None) -> None:
        self.attrs = dict(attrs or {})
        for name in self.attrs:
            if not _ATTRIBUTE.fullmatch(name):
                raise ImproperlyConfigured(
                    f"{name!r} is no name of an HTML attribute.",
                    hint='Write for example attrs={"autocomplete": "email"}.',
                    code="forms.attribute",
                )

    @property
    def is_hidden(self) -> bool:
        """Whether nobody sees it."""
        return self.input_type == "hidden"

    def read(self, data: Any, name: str) -> Any:
        """Read the value that was sent; None where there is none."""
        if self.is_multiple:
            if hasattr(data, "getlist"):
                return data.getlist(name)
            found: Any = data.get(name, [])
            return list_values(found)
        return data.get(name)


class TextInput(Widget):
    """One line of text."""


class EmailInput(Widget):
    """An e-mail address."""

    input_type = "email"


class URLInput(Widget):
    """A web address."""

    input_type = "url"


class NumberInput(Widget):
    """A number."""

    input_type = "number"


class DateInput(Widget):
    """A date."""

    input_type = "date"


class DateTimeInput(Widget):
    """A date with a time."""

    input_type = "datetime-local"


class TimeInput(Widget):
    """A time of day."""

    input_type = "time"


class HiddenInput(Widget):
    """Nothing to see; what comes back is checked as any other value."""

    input_type = "hidden"


class PasswordInput(Widget):
    """A password, which is never sent back to the page."""

    input_type = "password"
    keeps_value = False


class FileInput(Widget):
    """A file."""

    input_type = "file"
    keeps_value = False
    is_multipart = True


class Textarea(Widget):
    """Several lines of text."""

    template_name = "forms/widgets/textarea.html"


class CheckboxInput(Widget):
    """One box to check."""

    template_name = "forms/widgets/checkbox.html"
    input_type = "checkbox"

    def read(self, data: Any, name: str) -> bool:
        """Tell whether it was checked: a browser sends nothing of an empty box."""
        return data.get(name) not in (None, "", "false", "False", "0")


class Select(Widget):
    """A list to choose one from."""

    template_name = "forms/widgets/select.html"


class SelectMultiple(Select):
    """A list to choose several from."""

    is_multiple = True


class RadioSelect(Widget):
    """Buttons to choose one."""

    template_name = "forms/widgets/choices.html"
    input_type = "radio"
    is_group = True


class CheckboxSelectMultiple(RadioSelect):
    """Boxes to choose several."""

    input_type = "checkbox"
    is_multiple = True


def list_texts(value: Any) -> list[str]:
    """List the chosen values as the texts that a page has for them."""
    if value is None:
        return []
    return [str(each) for each in list_values(value)]


def list_values(value: Any) -> list[Any]:
    """List the parts of a list or tuple; anything else is one."""
    return list(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else [value]
