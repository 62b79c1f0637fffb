"""What is wrong with an instance, collected by field and raised at once."""

from typing import Any

from undercroft.db.twins import Steps
from undercroft.errors import NON_FIELD_ERRORS, ValidationError


class Mistakes:
    """The mistakes found so far, by field."""

    def __init__(self) -> None:
        self.by_field: dict[str, list[ValidationError]] = {}

    def add(self, name: str, error: ValidationError) -> None:
        """Add what is wrong with a field; an error that names fields itself keeps them."""
        for field, errors in error.error_dict.items():
            named = name if field == NON_FIELD_ERRORS else field
            self.by_field.setdefault(named, []).extend(errors)

    def collect(self, steps: Steps[Any]) -> Steps[None]:
        """Go through steps, and take what they raise."""
        try:
            yield from steps
        except ValidationError as error:
            self.add(NON_FIELD_ERRORS, error)

    def check(self) -> None:
        """Raise what was found.

        Raises:
            ValidationError: Anything was.
        """
        if self.by_field:
            raise ValidationError(self.by_field)
