"""Fields of dates and times, as ISO 8601 writes them."""

from datetime import UTC, date, datetime, time
from typing import Any, ClassVar

from undercroft.forms import widgets
from undercroft.forms.fields.field import Field
from undercroft.forms.widgets import Widget


class DateField(Field):
    """A date, `2026-05-01`."""

    widget_class: ClassVar[type[Widget]] = widgets.DateInput
    invalid_message = "Enter a date such as 2026-05-01."

    def to_python(self, value: Any) -> Any:
        """Read ISO 8601."""
        return value if isinstance(value, date) else date.fromisoformat(value.strip())

    def prepare(self, value: Any) -> Any:
        """Write ISO 8601."""
        return value.isoformat() if hasattr(value, "isoformat") else super().prepare(value)


class DateTimeField(DateField):
    """A date with a time, `2026-05-01T12:30`; without a zone it is UTC."""

    widget_class = widgets.DateTimeInput
    invalid_message = "Enter a date and time such as 2026-05-01T12:30."

    def to_python(self, value: Any) -> datetime:
        """Read ISO 8601."""
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value.strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        # At either end of the calendar a zone leads past it, as any database would find out.
        moment.astimezone(UTC)
        return moment

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
        """Read ISO 8601, without a zone."""
        moment = value if isinstance(value, time) else time.fromisoformat(value.strip())
        if moment.tzinfo is not None:
            raise ValueError("a time of day has no zone")
        return moment
