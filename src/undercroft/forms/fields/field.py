"""What every field of a form does: what was sent becomes a value, or a mistake is told."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, Self

from undercroft.db.fields.info import EMPTY_VALUES
from undercroft.db.twins import Steps
from undercroft.errors import FieldValueError, ValidationError
from undercroft.forms import widgets
from undercroft.forms.widgets import Widget
from undercroft.http.uploads import UploadFile

Choices = Sequence[tuple[Any, str]]


class Field:
    """One field of a form.

    Args:
        required: Whether it may not be left empty.
        label: The name for people; made of the field's own when left out.
        initial: What is shown before anything was sent; a value or a function.
        help_text: What to write beside it.
        widget: How it is shown, a widget or its class.
        validators: Further checks of the value; each raises `ValidationError`.
        error_messages: Words of one's own by the code of the mistake.
        disabled: Shown, and not to be changed: what is sent for it is not looked at.
    """

    widget_class: ClassVar[type[Widget]] = widgets.TextInput
    invalid_message: ClassVar[str] = "Enter a valid value."
    empty_value: Any = None
    choices: Choices = ()
    takes_files: ClassVar[bool] = False

    def __init__(  # noqa: PLR0913 - Django's names, all optional
        self,
        *,
        required: bool = True,
        label: str | None = None,
        initial: Any = None,
        help_text: str = "",
        widget: Widget | type[Widget] | None = None,
        validators: Sequence[Callable[[Any], object]] = (),
        error_messages: Mapping[str, str] | None = None,
        disabled: bool = False,
    ) -> None:
        self.required = required
        self.label = label
        self.initial = initial
        self.help_text = help_text
        chosen = widget or self.widget_class
        self.widget = chosen() if isinstance(chosen, type) else chosen
        self.validators = tuple(validators)
        self.error_messages = dict(error_messages or {})
        self.disabled = disabled

    def copy(self) -> Self:
        """Copy the field and its widget, so that one form may change its own."""
        made = copy(self)
        made.widget = self.widget.copy()
        return made

    def clean(self, value: Any) -> Any:
        """Check what was sent and convert it.

        Raises:
            ValidationError: It is wrong.
        """
        if value in EMPTY_VALUES:
            if self.required:
                raise self.build_error("required", "Enter a value.")
            return self.empty_value
        try:
            converted = self.convert(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise self.build_error("invalid", self.invalid_message) from error
        if converted in EMPTY_VALUES and converted is not False:
            if self.required:
                raise self.build_error("required", "Enter a value.")
            return self.empty_value
        self.validate(converted)
        return converted

    def clean_steps(self, value: Any) -> Steps[Any]:
        """Do what `clean` does; a field of rows asks the database.

        Raises:
            ValidationError: It is wrong.
        """
        yield from ()
        return self.clean(value)

    def convert(self, value: Any) -> Any:
        """Convert what was sent, if it is of the right nature at all.

        Raises:
            ValueError: It is no such value.
            TypeError: A file stands where text belongs.
        """
        if isinstance(value, UploadFile) and not self.takes_files:
            raise TypeError("a file")
        return self.to_python(value)

    def to_python(self, value: Any) -> Any:
        """Convert what was sent.

        Raises:
            ValueError: It is no such value.
        """
        return value

    def validate(self, value: Any) -> None:
        """Check a converted value.

        Raises:
            ValidationError: It is wrong.
        """
        found: list[ValidationError] = []
        for check in self.validators:
            try:
                check(value)
            except ValidationError as error:
                found.append(error)
            except (FieldValueError, ValueError) as error:
                found.append(ValidationError(getattr(error, "message", str(error))))
        if found:
            raise ValidationError(found)

    def prepare(self, value: Any) -> Any:
        """Write a value as the page shows it."""
        return "" if value is None else value

    def has_changed(self, shown: Any, sent: Any) -> bool:
        """Tell whether what was sent means something else than what was shown."""
        before, after = self.prepare(shown), sent
        nothing = (None, "", False)
        if before in nothing and after in nothing:
            return False
        try:
            return bool(self.convert(before) != self.convert(after))
        except (ValidationError, ValueError, TypeError, ArithmeticError):
            return str(before) != str(after)

    def list_attributes(self) -> dict[str, Any]:
        """List what the widget's element says of the field's limits."""
        return {}

    def build_error(self, code: str, message: str) -> ValidationError:
        """Build a mistake, in the field's own words where it has some."""
        return ValidationError(self.error_messages.get(code, message), code)
