"""Widgets: how a form's field is shown, and what is read of it from what was sent."""

import re
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from typing import Any, Self, cast

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
        shows_options: Whether it lists what there is to choose from.
        is_always_sent: Whether nothing sent means that nothing was chosen, as with boxes to check.
    """

    template_name: str = "forms/widgets/input.html"
    input_type: str = "text"
    is_group: bool = False
    is_multiple: bool = False
    keeps_value: bool = True
    is_multipart: bool = False
    shows_options: bool = False
    is_always_sent: bool = False

    def __init__(self, attrs: Mapping[str, Any] | None = None) -> None:
        self.attrs = dict(attrs or {})
        for name in self.attrs:
            if not _ATTRIBUTE.fullmatch(name):
                raise ImproperlyConfigured(
                    f"{name!r} is no name of an HTML attribute.",
                    hint='Write for example attrs={"autocomplete": "email"}.',
                    code="forms.attribute",
                )

    def copy(self) -> Self:
        """Copy the widget, with attributes of its own."""
        made = copy(self)
        made.attrs = dict(self.attrs)
        return made

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

    def is_omitted(self, data: Any, name: str) -> bool:
        """Tell whether a page that has the control cannot have sent this."""
        return not self.is_always_sent and name not in data


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


class RawIdInput(TextInput):
    """The key of a row, for lists that are too long to choose from; it fetches none."""


class FileInput(Widget):
    """A file."""

    input_type = "file"
    keeps_value = False
    is_multipart = True

    def read(self, data: Any, name: str) -> Any:
        """Read what was sent, as a list where a browser would not have sent so many."""
        sent = super().read(data, name)
        every: Sequence[Any] = data.getlist(name) if hasattr(data, "getlist") else ()
        return list(every) if len(every) > 1 else sent


class MultipleFileInput(FileInput):
    """Several files."""

    is_multiple = True


class Textarea(Widget):
    """Several lines of text."""

    template_name = "forms/widgets/textarea.html"


class CheckboxInput(Widget):
    """One box to check."""

    template_name = "forms/widgets/checkbox.html"
    input_type = "checkbox"
    is_always_sent = True

    def read(self, data: Any, name: str) -> bool:
        """Tell whether it was checked: a browser sends nothing of an empty box."""
        return data.get(name) not in (None, "", "false", "False", "0")


class Select(Widget):
    """A list to choose one from."""

    template_name = "forms/widgets/select.html"
    shows_options = True


class SelectMultiple(Select):
    """A list to choose several from."""

    is_multiple = True
    is_always_sent = True


class RadioSelect(Widget):
    """Buttons to choose one."""

    template_name = "forms/widgets/choices.html"
    input_type = "radio"
    is_group = True
    shows_options = True


class CheckboxSelectMultiple(RadioSelect):
    """Boxes to choose several."""

    input_type = "checkbox"
    is_multiple = True
    is_always_sent = True


def list_texts(value: Any) -> list[str]:
    """List the chosen values as the texts that a page has for them."""
    if value is None:
        return []
    return [str(each) for each in list_values(value)]


def list_values(value: Any) -> list[Any]:
    """List the parts of a list, tuple or set; anything else is one."""
    several = isinstance(value, list | tuple | set | frozenset)
    return list(cast("Collection[Any]", value)) if several else [value]
