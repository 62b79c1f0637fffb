"""Fields of forms, with Django's names: what was sent becomes a value, or a mistake is told."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from uuid import UUID

from undercroft.db.fields.info import EMPTY_VALUES
from undercroft.db.fields.validators import EmailValidator, RegexValidator, URLValidator
from undercroft.errors import FieldValueError, ValidationError
from undercroft.forms import widgets
from undercroft.forms.widgets import Widget
from undercroft.http.uploads import UploadFile

Choices = Sequence[tuple[Any, str]]

#: Digits of a number, at most: what a form sends has no business to be longer.
_MOST_DIGITS = 40


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

    def copy(self) -> "Field":
        """Copy the field, so that one form may change its own."""
        return copy(self)

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
            converted = self.to_python(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise self.build_error("invalid", self.invalid_message) from error
        if converted in EMPTY_VALUES and converted is not False:
            if self.required:
                raise self.build_error("required", "Enter a value.")
            return self.empty_value
        self.validate(converted)
        return converted

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

    def list_attributes(self) -> dict[str, Any]:
        """List what the widget's element says of the field's limits."""
        return {}

    def build_error(self, code: str, message: str) -> ValidationError:
        """Build a mistake, in the field's own words where it has some."""
        return ValidationError(self.error_messages.get(code, message), code)


class CharField(Field):
    """Text, without spaces at its ends unless `strip=False`."""

    empty_value = ""

    def __init__(
        self,
        *,
        max_length: int | None = None,
        min_length: int | None = None,
        strip: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.max_length, self.min_length, self.strip = max_length, min_length, strip

    def to_python(self, value: Any) -> str:
        """Take text; a NUL, which databases refuse, is none."""
        if not isinstance(value, str) or "\x00" in value:
            raise ValueError("not text")
        return value.strip() if self.strip else value

    def validate(self, value: Any) -> None:
        """Check the length, and more."""
        if self.max_length is not None and len(value) > self.max_length:
            raise self.build_error("max_length", f"At most {self.max_length} characters.")
        if self.min_length is not None and len(value) < self.min_length:
            raise self.build_error("min_length", f"At least {self.min_length} characters.")
        super().validate(value)

    def list_attributes(self) -> dict[str, Any]:
        """List the limits of the length."""
        limits = {"maxlength": self.max_length, "minlength": self.min_length}
        return {name: limit for name, limit in limits.items() if limit is not None}


class EmailField(CharField):
    """An e-mail address."""

    widget_class = widgets.EmailInput

    def validate(self, value: Any) -> None:
        """Check that it is an address."""
        EmailValidator()(value)
        super().validate(value)


class URLField(CharField):
    """A web address, of http or https."""

    widget_class = widgets.URLInput

    def validate(self, value: Any) -> None:
        """Check that it is an address."""
        URLValidator(schemes=("http", "https"))(value)
        super().validate(value)


class SlugField(CharField):
    """ASCII letters, digits, hyphens and underscores."""

    def validate(self, value: Any) -> None:
        """Check that it is a slug."""
        RegexValidator(r"^[-a-zA-Z0-9_]+$", "Use letters, digits, hyphens and underscores.")(value)
        super().validate(value)


class IntegerField(Field):
    """A whole number."""

    widget_class = widgets.NumberInput
    invalid_message = "Enter a whole number."

    def __init__(self, *, min_value: Any = None, max_value: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.min_value, self.max_value = min_value, max_value

    def to_python(self, value: Any) -> Any:
        """Read a number of bounded length."""
        return int(check_digits(value))

    def validate(self, value: Any) -> None:
        """Check the limits, and more."""
        if self.min_value is not None and value < self.min_value:
            raise self.build_error("min_value", f"At least {self.min_value}.")
        if self.max_value is not None and value > self.max_value:
            raise self.build_error("max_value", f"At most {self.max_value}.")
        super().validate(value)

    def list_attributes(self) -> dict[str, Any]:
        """List the limits."""
        limits = {"min": self.min_value, "max": self.max_value}
        return {name: limit for name, limit in limits.items() if limit is not None}


class DecimalField(IntegerField):
    """A decimal number."""

    invalid_message = "Enter a number."

    def to_python(self, value: Any) -> Decimal:
        """Read a finite number without an exponent that would make it huge."""
        text = check_digits(value)
        number = Decimal(text)
        if not number.is_finite() or "e" in text.lower():
            raise InvalidOperation
        return number

    def list_attributes(self) -> dict[str, Any]:
        """List the limits; browsers would refuse fractions otherwise."""
        return {"step": "any", **super().list_attributes()}


class FloatField(DecimalField):
    """A number."""

    def to_python(self, value: Any) -> Any:
        """Read a finite number."""
        return float(super().to_python(value))


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


class DateField(Field):
    """A date, `2026-05-01`."""

    widget_class: ClassVar[type[Widget]] = widgets.DateInput
    invalid_message = "Enter a date such as 2026-05-01."

    def to_python(self, value: Any) -> Any:
        """Read ISO 8601."""
        return value if isinstance(value, date) else date.fromisoformat(value)

    def prepare(self, value: Any) -> Any:
        """Write ISO 8601."""
        return value.isoformat() if hasattr(value, "isoformat") else super().prepare(value)


class DateTimeField(DateField):
    """A date with a time, `2026-05-01T12:30`; without a zone it is UTC."""

    widget_class = widgets.DateTimeInput
    invalid_message = "Enter a date and time such as 2026-05-01T12:30."

    def to_python(self, value: Any) -> datetime:
        """Read ISO 8601."""
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def prepare(self, value: Any) -> Any:
        """Write it as the browser's control wants it: in UTC, without a zone."""
        if not isinstance(value, datetime):
            return super().prepare(value)
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat(timespec="seconds")


class TimeField(DateField):
    """A time of day, `12:30`."""

    widget_class = widgets.TimeInput
    invalid_message = "Enter a time such as 12:30."

    def to_python(self, value: Any) -> Any:
        """Read ISO 8601."""
        return value if isinstance(value, time) else time.fromisoformat(value)


class UUIDField(Field):
    """A UUID."""

    invalid_message = "Enter a UUID."

    def to_python(self, value: Any) -> UUID:
        """Read it."""
        return value if isinstance(value, UUID) else UUID(value)


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
            if str(known) == str(value):
                return known
        raise self.build_error("invalid_choice", "Choose one from the list.")


class MultipleChoiceField(ChoiceField):
    """Several of a list."""

    widget_class = widgets.SelectMultiple
    empty_value: Any = ()

    def to_python(self, value: Any) -> list[Any]:
        """Find the values whose texts were sent."""
        return [super(MultipleChoiceField, self).to_python(each) for each in value]


class ModelChoiceField(ChoiceField):
    """The key of one of a queryset's rows; which rows there are is asked once for each form.

    Args:
        queryset: The rows; no other can be chosen.
        options: Those of every field.
    """

    def __init__(self, queryset: Any, **options: Any) -> None:
        super().__init__(**options)
        self.queryset = queryset
        self.is_loaded = False

    def load(self) -> None:
        """Fetch the rows."""
        if not self.is_loaded:
            self._keep(list(self.queryset.all()))

    async def aload(self) -> None:
        """Fetch the rows; for async code."""
        if not self.is_loaded:
            self._keep(await self.queryset.all())

    def _keep(self, rows: Sequence[Any]) -> None:
        self.choices = tuple((row.pk, str(row)) for row in rows)
        self.is_loaded = True


class FileField(Field):
    """An uploaded file: an `UploadFile`, whose name and type are the client's word.

    Args:
        max_size: Bytes at most.
        options: Those of every field.
    """

    widget_class = widgets.FileInput
    invalid_message = "Choose a file."

    def __init__(self, *, max_size: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.max_size = max_size

    def to_python(self, value: Any) -> UploadFile:
        """Take a file; text in its place is none."""
        if not isinstance(value, UploadFile):
            raise TypeError("not a file")
        return value

    def validate(self, value: Any) -> None:
        """Check the size."""
        if self.max_size is not None and value.size > self.max_size:
            raise self.build_error("max_size", f"At most {self.max_size:,} bytes.")
        super().validate(value)


def check_digits(value: Any) -> str:
    """Return the text of a number, if it is no longer than any sensible one.

    Raises:
        ValueError: It is longer, or no ASCII.
    """
    text = str(value).strip()
    if len(text) > _MOST_DIGITS or not text.isascii() or "_" in text:
        raise ValueError("too long")
    return text
