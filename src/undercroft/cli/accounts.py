"""What is asked for an account at a terminal, or read from the environment, and checked alike."""

import os
from typing import Any

import click

from undercroft.auth.password_validation import validate_password
from undercroft.auth.users import get_user_model
from undercroft.errors import ValidationError
from undercroft.forms.model_fields import build_field

_PREFIX = "UNDERCROFT_SUPERUSER_"


class AccountQuestions:
    """Asks for values of a user.

    Args:
        is_silent: Ask nothing: what is not given is read from the environment, or an error.
    """

    def __init__(self, is_silent: bool) -> None:
        self._is_silent = is_silent

    def find_value(self, name: str, given: str | None) -> Any:
        """Find the value of a field, by the rules of the model.

        Args:
            name: The field.
            given: What was told on the command line.

        Raises:
            click.ClickException: It is wrong, and nobody can be asked again.
        """
        field = build_field(type("Meta", (), {"model": get_user_model()}), name)
        while True:
            told = self._ask(name, field.label or name, given)
            try:
                value = field.clean(told)
                check_free(name, value)
            except ValidationError as error:
                self._complain(name, error)
                given = None
            else:
                return value

    def find_password(self, user: Any) -> str:
        """Find a password that is good for a user.

        Raises:
            click.ClickException: It is not, and nobody can be asked again.
        """
        while True:
            password = self._ask_password()
            try:
                validate_password(password, user)
            except ValidationError as error:
                self._complain("password", error)
            else:
                return password

    def _ask(self, name: str, label: str, given: str | None) -> str:
        told = given if given is not None else os.environ.get(_PREFIX + name.upper())
        if told is not None or self._is_silent:
            return told or ""
        answer: str = click.prompt(label, default="", show_default=False, err=True)
        return answer

    def _ask_password(self) -> str:
        if not self._is_silent:
            password: str = click.prompt(
                "Password", hide_input=True, confirmation_prompt="Password, again", err=True
            )
            return password
        variable = f"{_PREFIX}PASSWORD"
        if variable not in os.environ:
            raise click.ClickException(f"--no-input takes the password from {variable}: set it.")
        return os.environ[variable]

    def _complain(self, name: str, error: ValidationError) -> None:
        text = " ".join(error.messages)
        if self._is_silent or _PREFIX + name.upper() in os.environ:
            raise click.ClickException(f"{name}: {text}")
        click.echo(text, err=True)


def check_free(name: str, value: Any) -> None:
    """Check that no user has a value that is to be unique.

    Raises:
        ValidationError: One has.
    """
    model = get_user_model()
    keys: dict[str, str | None] = model.build_keys({name: value})
    if any(keys.values()) and model.objects.filter(**keys).exists():
        raise ValidationError(f"There is a user with this {name.replace('_', ' ')} already.")
