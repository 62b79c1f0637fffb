"""Fields of numbers, of which nobody can send one of any length."""

from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any

from undercroft.forms import widgets
from undercroft.forms.fields.field import Field

#: Digits of a number, at most: what a form sends has no business to be longer.
_MOST_DIGITS = 40


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
    """A decimal number.

    Args:
        max_digits: Digits at most, before and after the point.
        decimal_places: Digits after the point at most.
        options: Those of every number.
    """

    invalid_message = "Enter a number."

    def __init__(
        self, *, max_digits: int | None = None, decimal_places: int | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.max_digits, self.decimal_places = max_digits, decimal_places

    def to_python(self, value: Any) -> Any:
        """Read a finite number that is neither huge nor tiny, however short its exponent is."""
        number = Decimal(check_digits(value))
        if not number.is_finite() or not -_MOST_DIGITS < number.adjusted() < _MOST_DIGITS:
            raise InvalidOperation
        return number

    def validate(self, value: Any) -> None:
        """Check the digits, and more."""
        if self.max_digits is not None and isinstance(value, Decimal):
            places = max(0, -int(value.normalize().as_tuple().exponent))
            most = self.max_digits - (self.decimal_places or 0)
            if self.decimal_places is not None and places > self.decimal_places:
                message = f"At most {self.decimal_places} digits after the point."
                raise self.build_error("max_decimal_places", message)
            if max(0, value.adjusted() + 1) > most:
                raise self.build_error("max_digits", f"At most {most} digits before the point.")
        super().validate(value)

    def prepare(self, value: Any) -> Any:
        """Write all digits, without an exponent."""
        return f"{value:f}" if isinstance(value, Decimal) else super().prepare(value)

    def list_attributes(self) -> dict[str, Any]:
        """List the limits; browsers would refuse fractions otherwise."""
        places = self.decimal_places
        step = "any" if places is None else f"{Decimal(1).scaleb(-places):f}"
        return {"step": step, **super().list_attributes()}


class FloatField(IntegerField):
    """A number."""

    invalid_message = "Enter a number."

    def to_python(self, value: Any) -> Any:
        """Read a finite number."""
        number = float(check_digits(value))
        if not isfinite(number):
            raise ValueError("not finite")
        return number

    def list_attributes(self) -> dict[str, Any]:
        """List the limits; browsers would refuse fractions otherwise."""
        return {"step": "any", **super().list_attributes()}


def check_digits(value: Any) -> str:
    """Return the text of a number, if it is no longer than any sensible one.

    Raises:
        ValueError: It is longer, or no ASCII.
    """
    text = str(value).strip()
    if len(text) > _MOST_DIGITS or not text.isascii() or "_" in text:
        raise ValueError("too long")
    return text
