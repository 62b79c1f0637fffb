"""What a new password must be: rules that a project may replace, each an object with a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from undercroft.auth.passwords import LONGEST_PASSWORD
from undercroft.errors import ValidationError


class PasswordValidator(Protocol):
    """One rule."""

    def validate(self, password: str, user: Any = None) -> None:
        """Check a password.

        Raises:
            ValidationError: It breaks the rule.
        """

    def get_help_text(self) -> str:
        """Say the rule to who is about to choose a password."""
        ...


@dataclass(frozen=True, slots=True)
class LengthValidator:
    """A password has at least so many characters, and is never cut (NIST SP 800-63B-4, 3.1.1.2).

    Attributes:
        min_length: Characters at least.
    """

    min_length: int = 8

    def validate(self, password: str, user: Any = None) -> None:
        """Check the length.

        Raises:
            ValidationError: It is too short, or longer than what is hashed.
        """
        if len(password) < self.min_length:
            raise ValidationError(
                f"This password is too short: it has {len(password)} characters, and needs at"
                f" least {self.min_length}.",
                code="password_too_short",
            )
        if len(password) > LONGEST_PASSWORD:
            raise ValidationError(
                f"This password is too long: it may have {LONGEST_PASSWORD:,} characters.",
                code="password_too_long",
            )

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"Your password needs at least {self.min_length} characters."


@dataclass(frozen=True, slots=True)
class CommonPasswordValidator:
    """A password is none of the 30,000 that people choose most, by the lists of zxcvbn."""

    def validate(self, password: str, user: Any = None) -> None:
        """Look the password up.

        Raises:
            ValidationError: It is one of them.
        """
        if password.lower().strip() in _load_common():
            raise ValidationError(
                "This password is too common: it is on the lists that attackers try first.",
                code="password_too_common",
            )

    def get_help_text(self) -> str:
        """Say the rule."""
        return "Your password can't be one that many people use."


@dataclass(frozen=True, slots=True)
class SimilarityValidator:
    """A password is not nearly what everybody knows of its owner.

    Attributes:
        fields: The user's, by name; of an e-mail address its parts count, too.
        max_similarity: From 0, nothing alike, to 1, the same.
    """

    fields: tuple[str, ...] = ("username", "first_name", "last_name", "email")
    max_similarity: float = 0.7

    def validate(self, password: str, user: Any = None) -> None:
        """Compare the password with the user.

        Raises:
            ValidationError: It is too similar; the message names the field.
        """
        text = password.lower()
        for name in self.fields:
            known = str(getattr(user, name, "") or "").lower()
            for part in {known, *known.replace("@", " ").replace(".", " ").split()}:
                if self._is_similar(text, part):
                    raise ValidationError(
                        f"This password is too similar to your {name.replace('_', ' ')}.",
                        code="password_too_similar",
                    )

    def _is_similar(self, text: str, part: str) -> bool:
        # What is much longer cannot be similar, and comparing takes the product of both lengths.
        if len(part) < 3 or len(text) >= 10 * len(part):
            return False
        matcher = SequenceMatcher(a=text, b=part)
        return matcher.quick_ratio() >= self.max_similarity <= matcher.ratio()

    def get_help_text(self) -> str:
        """Say the rule."""
        return "Your password can't be too similar to your name or e-mail address."


@dataclass(frozen=True, slots=True)
class NumericPasswordValidator:
    """A password is not all digits."""

    def validate(self, password: str, user: Any = None) -> None:
        """Look for something else.

        Raises:
            ValidationError: There is nothing but digits.
        """
        if password.isdigit():
            raise ValidationError(
                "This password is entirely numeric.", code="password_entirely_numeric"
            )

    def get_help_text(self) -> str:
        """Say the rule."""
        return "Your password can't be entirely numeric."


#: The rules where a project tells no others.
DEFAULT_VALIDATORS: Sequence[PasswordValidator] = (
    SimilarityValidator(),
    LengthValidator(),
    CommonPasswordValidator(),
    NumericPasswordValidator(),
)


def validate_password(
    password: str, user: Any = None, validators: Sequence[PasswordValidator] = DEFAULT_VALIDATORS
) -> None:
    """Check a new password by every rule.

    Args:
        password: As it was typed.
        user: Whose it is to be; saved or not.
        validators: The rules.

    Raises:
        ValidationError: It breaks some; all of them are told.
    """
    problems: list[ValidationError] = []
    for validator in validators:
        try:
            validator.validate(password, user)
        except ValidationError as error:
            problems.append(error)
    if problems:
        raise ValidationError(problems)


def list_help_texts(validators: Sequence[PasswordValidator] = DEFAULT_VALIDATORS) -> list[str]:
    """List the rules in sentences, for the page where a password is chosen."""
    return [validator.get_help_text() for validator in validators]


@cache
def _load_common() -> frozenset[str]:
    # A large module, for who sets a password only.
    lists: Any = import_module("zxcvbn.frequency_lists")  # it has no types
    return frozenset(lists.FREQUENCY_LISTS["passwords"])
