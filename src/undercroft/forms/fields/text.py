"""Fields of text, of which some are checked for what they are to be."""

from typing import Any

from undercroft.db.fields.validators import EmailValidator, RegexValidator, URLValidator
from undercroft.forms import widgets
from undercroft.forms.fields.field import Field


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
        """Take text; a NUL and half a character, which databases refuse, are none."""
        if not isinstance(value, str) or "\x00" in value:
            raise ValueError("not text")
        value.encode()
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
