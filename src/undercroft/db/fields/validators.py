"""Checks of single values, under Django's names: each raises `ValidationError`.

Every one is linear in its input and takes the whole text: a newline at the end is part of it.
They are called where values come from outside, by `full_clean`, serializers and forms, and skip
nothing by themselves; whoever calls them leaves empty values out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from urllib.parse import urlsplit

from undercroft.errors import ValidationError

#: The longest address SMTP can carry (RFC 5321, section 4.5.3.1, erratum 1690).
LONGEST_EMAIL = 254

#: The longest URL that is looked at; browsers and servers take hardly longer ones.
LONGEST_URL = 2048

#: Schemes a link may have; `javascript:` and `data:` run in the page that shows them.
SCHEMES = ("http", "https", "ftp", "ftps")

#: RFC 5322's dot-atom, and UTF-8 beyond ASCII (RFC 6532).
_LOCAL = re.compile(
    r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\].]+(?:\.[^\s\x00-\x20\x7f\"(),:;<>@\[\\\].]+)*"
)
_LABEL = re.compile(r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?")
_UNFIT = re.compile(r"[\s\x00-\x20\x7f\\<>\"]")


@dataclass(frozen=True)
class RegexValidator:
    r"""The text matches a regular expression somewhere; with `^` and `$` around it, as a whole.

    `$` is the very end, so `^\d+$` refuses `"12\n"`, which Python's own would take.

    Args:
        regex: The expression, compiled or not.
        message: What to say; `%(value)s` is the value.
        code: The mistake's name.
        inverse_match: The text must not match.
        flags: Of `re`, for one that is not compiled.
    """

    regex: str | re.Pattern[str]
    message: str = "Enter a valid value."
    code: str = "invalid"
    inverse_match: bool = False
    flags: int = 0

    def __call__(self, value: Any) -> None:
        """Check a value."""
        text = str(value)
        is_match = self._matches(text) if not self.inverse_match else self._search(text)
        if is_match is self.inverse_match:
            raise ValidationError(self.message, self.code, {"value": value})

    def _search(self, text: str) -> bool:
        return re.search(self.regex, text, self.flags) is not None

    def _matches(self, text: str) -> bool:
        if not self._search(text):
            return False
        # Before a last newline `$` would match; with one more behind it, only at the real end.
        return (
            not text.endswith("\n")
            or self._search(text + "\n")
            or re.fullmatch(self.regex, text, self.flags) is not None
        )


@dataclass(frozen=True)
class EmailValidator:
    """The text is an e-mail address: a local part, `@`, and a domain of two labels or more.

    Quoted local parts and addresses in brackets, which hardly any service takes, are refused.

    Args:
        message: What to say.
        code: The mistake's name.
        allowlist: Domains to take as they are, such as `localhost`.
    """

    message: str = "Enter an e-mail address such as ada@example.org."
    code: str = "email"
    allowlist: Sequence[str] = ()

    def __call__(self, value: Any) -> None:
        """Check a value."""
        if not (isinstance(value, str) and self._is_address(value)):
            raise ValidationError(self.message, self.code, {"value": value})

    def _is_address(self, value: str) -> bool:
        local, _, domain = value.rpartition("@")
        return (
            len(value) <= LONGEST_EMAIL
            and 0 < len(local) <= 64
            and _LOCAL.fullmatch(local) is not None
            and (domain in self.allowlist or ("." in domain and is_domain(domain)))
        )


@dataclass(frozen=True)
class URLValidator:
    """The text is an absolute URL of a page or file.

    Args:
        schemes: Those it may have.
        message: What to say.
        code: The mistake's name.
    """

    schemes: Sequence[str] = SCHEMES
    message: str = "Enter a URL such as https://example.org/page."
    code: str = "url"

    def __call__(self, value: Any) -> None:
        """Check a value."""
        if not (isinstance(value, str) and self._is_url(value)):
            raise ValidationError(self.message, self.code, {"value": value})

    def _is_url(self, value: str) -> bool:
        if len(value) > LONGEST_URL or _UNFIT.search(value):
            return False
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            return False
        if parts.scheme not in self.schemes or not parts.hostname:
            return False
        if "[" in parts.netloc:
            return is_ipv6(parts.hostname)
        return is_domain(parts.hostname) or is_ipv4(parts.hostname)


def is_domain(text: str) -> bool:
    """Tell whether text is a domain name (RFC 1035, section 2.3.1; international ones too)."""
    if len(text) > 253:
        return False
    labels = text.split(".")
    return all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def is_ipv4(text: str) -> bool:
    """Tell whether text is an IPv4 address of four decimal numbers without leading zeros."""
    try:
        IPv4Address(text[:16])
    except ValueError:
        return False
    return len(text) < 16


def is_ipv6(text: str) -> bool:
    """Tell whether text is an IPv6 address, without a zone, which means nothing elsewhere."""
    try:
        IPv6Address(text[:46])
    except ValueError:
        return False
    return "%" not in text and len(text) < 46


@dataclass(frozen=True)
class AddressValidator:
    """The text is an IP address.

    Args:
        protocols: The versions of the protocol, 4 and 6.
        message: What to say.
        code: The mistake's name.
    """

    protocols: tuple[int, ...]
    message: str
    code: str = "ip_address"

    def __call__(self, value: Any) -> None:
        """Check a value."""
        text = str(value)
        fits = (4 in self.protocols and is_ipv4(text)) or (6 in self.protocols and is_ipv6(text))
        if not fits:
            raise ValidationError(self.message, self.code, {"value": value})


@dataclass(frozen=True)
class LimitValidator:
    """What the validators of a limit share.

    Args:
        limit_value: The limit, or a function that gives it.
        message: What to say; `%(limit_value)s`, `%(show_value)s` and `%(value)s` are filled in.
        code: The mistake's name.
    """

    limit_value: Any
    message: str = "Enter another value than %(limit_value)s."
    code: str = "limit_value"

    @property
    def limit(self) -> Any:
        """The limit as it is now."""
        return self.limit_value() if callable(self.limit_value) else self.limit_value

    def __call__(self, value: Any) -> None:
        """Check a value."""
        limit, shown = self.limit, self.clean(value)
        if not self.fits(shown, limit):
            params = {"limit_value": limit, "show_value": shown, "value": value}
            raise ValidationError(self.message, self.code, params)

    def clean(self, value: Any) -> Any:
        """Turn the value into what is compared."""
        return value

    def fits(self, value: Any, limit: Any) -> bool:
        """Tell whether a value is within the limit."""
        return bool(value != limit)


@dataclass(frozen=True)
class MinValueValidator(LimitValidator):
    """The value is not below a limit."""

    message: str = "Enter at least %(limit_value)s."
    code: str = "min_value"

    def fits(self, value: Any, limit: Any) -> bool:
        """Tell whether a value is within the limit."""
        return bool(value >= limit)


@dataclass(frozen=True)
class MaxValueValidator(LimitValidator):
    """The value is not above a limit."""

    message: str = "Enter at most %(limit_value)s."
    code: str = "max_value"

    def fits(self, value: Any, limit: Any) -> bool:
        """Tell whether a value is within the limit."""
        return bool(value <= limit)


@dataclass(frozen=True)
class MinLengthValidator(LimitValidator):
    """The text, or the list, is not shorter than a limit."""

    message: str = "Enter at least %(limit_value)s characters; these are %(show_value)s."
    code: str = "min_length"

    def clean(self, value: Any) -> Any:
        """Measure the value."""
        return len(value)

    def fits(self, value: Any, limit: Any) -> bool:
        """Tell whether a value is within the limit."""
        return bool(value >= limit)


@dataclass(frozen=True)
class MaxLengthValidator(LimitValidator):
    """The text, or the list, is not longer than a limit."""

    message: str = "Enter at most %(limit_value)s characters; these are %(show_value)s."
    code: str = "max_length"

    def clean(self, value: Any) -> Any:
        """Measure the value."""
        return len(value)

    def fits(self, value: Any, limit: Any) -> bool:
        """Tell whether a value is within the limit."""
        return bool(value <= limit)


@dataclass(frozen=True)
class StepValueValidator(LimitValidator):
    """The value is a whole number of steps away from an offset.

    Args:
        offset: Where to count from.
    """

    message: str = "Enter a multiple of %(limit_value)s."
    code: str = "step_size"
    offset: Any = 0

    def fits(self, value: Any, limit: Any) -> bool:
        """Tell whether a value is within the limit."""
        # By their decimal forms, in which 0.3 is three times 0.1.
        step, offset = Decimal(str(limit)), Decimal(str(self.offset))
        try:
            return (Decimal(str(value)) - offset) % step == 0
        except ArithmeticError:
            return False


@dataclass(frozen=True)
class DecimalValidator:
    """The decimal number has no more digits than a column holds.

    Args:
        max_digits: Digits in all.
        decimal_places: Of these, digits after the point.
    """

    max_digits: int | None
    decimal_places: int | None

    def __call__(self, value: Decimal) -> None:
        """Check a value."""
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            raise ValidationError("Enter a number.", "invalid", {"value": value})
        places = max(-exponent, 0)
        whole = max(len(digits) + exponent, 0)
        if self.decimal_places is not None:
            _check_count(places, self.decimal_places, "decimal places", code="max_decimal_places")
        if self.max_digits is not None:
            _check_count(whole + places, self.max_digits, "digits", code="max_digits")
            most = self.max_digits - (self.decimal_places or 0)
            _check_count(whole, most, "digits before the point", code="max_whole_digits")


def _check_count(found: int, most: int, what: str, *, code: str) -> None:
    if found > most:
        params = {"max": most, "what": what}
        raise ValidationError("Enter at most %(max)s %(what)s.", code, params)


@dataclass(frozen=True)
class ProhibitNullCharactersValidator:
    """The text has no NUL, which PostgreSQL cannot store and C libraries take for the end.

    Args:
        message: What to say.
        code: The mistake's name.
    """

    message: str = "Null characters are not allowed."
    code: str = "null_characters_not_allowed"

    def __call__(self, value: Any) -> None:
        """Check a value."""
        if "\x00" in str(value):
            raise ValidationError(self.message, self.code, {"value": value})


validate_email = EmailValidator()
validate_slug = RegexValidator(
    re.compile(r"^[-a-zA-Z0-9_]+$"),
    "Enter letters, numbers, underscores and hyphens only.",
    code="slug",
)
validate_unicode_slug = RegexValidator(
    re.compile(r"^[-\w]+$"), "Enter letters, numbers, underscores and hyphens only.", code="slug"
)
validate_ipv4_address = AddressValidator((4,), "Enter an IPv4 address such as 192.0.2.1.")
validate_ipv6_address = AddressValidator((6,), "Enter an IPv6 address such as 2001:db8::1.")
validate_ipv46_address = AddressValidator(
    (4, 6), "Enter an IP address such as 192.0.2.1 or 2001:db8::1."
)
