"""A field of UUIDs."""

from typing import Any
from uuid import UUID

from undercroft.forms.fields.field import Field


class UUIDField(Field):
    """A UUID."""

    invalid_message = "Enter a UUID."

    def to_python(self, value: Any) -> UUID:
        """Read it."""
        return value if isinstance(value, UUID) else UUID(str(value))
