"""The forms of accounts, under Django's names and with Django's fields."""

from collections.abc import Mapping
from typing import Any, Unpack

from undercroft.auth.form_options import FormOptions
from undercroft.auth.logins import authenticate_steps, finish_login_steps
from undercroft.auth.password_validation import list_help_texts
from undercroft.auth.stepping import CheckPassword, HashPassword, ValidatePassword
from undercroft.auth.throttling import Throttle
from undercroft.auth.users import get_user_model
from undercroft.db.twins import Steps, arun_steps, run_steps, take_steps
from undercroft.errors import UniqueViolation, ValidationError
from undercroft.forms.fields.field import Field
from undercroft.forms.fields.text import CharField, EmailField
from undercroft.forms.form import Form
from undercroft.forms.model_fields import build_field
from undercroft.forms.widgets import EmailInput, PasswordInput, TextInput
from undercroft.http.request import Request

_LONGEST_EMAIL = 254


def build_password_field(label: str, autocomplete: str, help_text: str = "") -> CharField:
    """Build a field for a password: nothing is cut off, and managers know which one it is."""
    widget = PasswordInput({"autocomplete": autocomplete})
    return CharField(label=label, strip=False, widget=widget, help_text=help_text)


class LogInForm(Form):
    """A step of a log-in, which finds out who it is.

    Args:
        request: By which it was sent.
        data: What was sent.
        options: See `FormOptions`.
    """

    def __init__(
        self,
        request: Request,
        data: Mapping[str, Any] | None = None,
        **options: Unpack[FormOptions],
    ) -> None:
        super().__init__(data, **options)
        self.request = request
        self._user: Any = None

    def get_user(self) -> Any:
        """Return who logs in; None before that is known."""
        return self._user


class AuthenticationForm(LogInForm):
    """Name and password."""

    username = CharField(
        label="Name or e-mail address",
        widget=TextInput({"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = build_password_field("Password", "current-password")

    def clean_steps(self) -> Steps[None]:
        """Check name and password together, for wrong ones are told alike."""
        yield from super().clean_steps()
        if not self.is_bound or self._errors:
            return
        name, password = self.cleaned_data["username"], self.cleaned_data["password"]
        self._user = yield from authenticate_steps(self.request, name, password)
        try:
            if self._user is None:
                raise ValidationError("Name or password is wrong.", code="auth.wrong")
            self.confirm_login_allowed(self._user)
        except ValidationError as error:
            self.add_error(None, error)

    def confirm_login_allowed(self, user: Any) -> None:
        """Refuse a user whose name and password are right; a hook.

        Raises:
            ValidationError: It may not log in.
        """


class LoginCodeForm(LogInForm):
    """A code, after name and password."""

    code = CharField(
        label="Code",
        max_length=40,
        help_text="Of your app, or one of your recovery codes.",
        widget=TextInput({"autocomplete": "one-time-code", "autocapitalize": "none"}),
    )

    def clean_steps(self) -> Steps[None]:
        """Take the second step, which says nothing of why a code is wrong."""
        yield from super().clean_steps()
        if not self.is_bound or self._errors:
            return
        self._user = yield from finish_login_steps(self.request, self.cleaned_data["code"])
        if self._user is None:
            self.add_error(None, ValidationError("The code is wrong.", code="auth.wrong"))


class SetPasswordForm(Form):
    """A new password, twice.

    Args:
        user: Whose it is to be.
        data: What was sent.
        options: See `FormOptions`.
    """

    new_password1 = build_password_field("New password", "new-password")
    new_password2 = build_password_field("New password, again", "new-password")

    def __init__(
        self, user: Any, data: Mapping[str, Any] | None = None, **options: Unpack[FormOptions]
    ) -> None:
        super().__init__(data, **options)
        self.user = user
        self.fields["new_password1"].help_text = " ".join(list_help_texts())

    def clean_steps(self) -> Steps[None]:
        """Check the passwords together and by the rules."""
        yield from super().clean_steps()
        yield from check_new_password(self, "new_password1", "new_password2", self.user)

    def save_steps(self) -> Steps[bool]:
        """Store the password, in steps; not where another has been stored since."""
        user, before = self.user, self.user.password
        password: str = yield HashPassword(self.cleaned_data["new_password1"])
        rows = get_user_model().objects.filter(pk=user.pk, password=before)
        if not (yield from take_steps(rows.update, password=password)):
            return False
        user.password = password
        yield from take_steps(user.save, update_fields=["password"])
        return True

    def save(self) -> bool:
        """Store the password; tells whether nobody has stored another one since it was checked."""
        return run_steps(self.save_steps())

    async def asave(self) -> bool:
        """Store the password, in async code."""
        return await arun_steps(self.save_steps())


class PasswordChangeForm(SetPasswordForm):
    """The old password, and a new one.

    Args:
        user: Whose it is.
        data: What was sent.
        request: By which it was sent; wrong passwords are then throttled as at the log-in.
        options: See `FormOptions`.
    """

    old_password = build_password_field("Old password", "current-password")

    def __init__(
        self,
        user: Any,
        data: Mapping[str, Any] | None = None,
        *,
        request: Request | None = None,
        **options: Unpack[FormOptions],
    ) -> None:
        super().__init__(user, data, **options)
        self.fields = {"old_password": self.fields.pop("old_password"), **self.fields}
        self.request = request

    def clean_steps(self) -> Steps[None]:
        """Check the new password first: only with a good one is the old one worth an attempt."""
        yield from super().clean_steps()
        yield from check_own_password(self, "old_password", self.user, self.request)


class PasswordResetForm(Form):
    """An address at which somebody may have an account."""

    email = EmailField(
        label="E-mail address",
        max_length=_LONGEST_EMAIL,
        widget=EmailInput({"autocomplete": "email"}),
    )


class SignupForm(PasswordResetForm):
    """An address for which an account is wanted."""


class EmailChangeForm(PasswordResetForm):
    """A new address, and the password that shows who asks for it.

    Args:
        user: Whose it is to be.
        data: What was sent.
        request: By which it was sent; wrong passwords are then throttled as at the log-in.
        options: See `FormOptions`.
    """

    email = EmailField(
        label="New e-mail address",
        max_length=_LONGEST_EMAIL,
        widget=EmailInput({"autocomplete": "email"}),
    )
    password = build_password_field("Your password", "current-password")

    def __init__(
        self,
        user: Any,
        data: Mapping[str, Any] | None = None,
        *,
        request: Request | None = None,
        **options: Unpack[FormOptions],
    ) -> None:
        super().__init__(data, **options)
        self.user, self.request = user, request

    def clean_steps(self) -> Steps[None]:
        """Check the password where all else is right."""
        yield from super().clean_steps()
        yield from check_own_password(self, "password", self.user, self.request)


class UserCreationForm(Form):
    """A new account: what identifies it, what else it needs, and its password twice.

    Args:
        data: What was sent.
        given: The user's fields that are known already, such as the address.
        options: See `FormOptions`.
    """

    password1 = build_password_field("Password", "new-password")
    password2 = build_password_field("Password, again", "new-password")

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        given: Mapping[str, Any] | None = None,
        **options: Unpack[FormOptions],
    ) -> None:
        super().__init__(data, **options)
        self.given = dict(given or {})
        self.fields = {**self._build_fields(), **self.fields}
        self.fields["password1"].help_text = " ".join(list_help_texts())

    def _build_fields(self) -> dict[str, Field]:
        model = get_user_model()
        meta = type("Meta", (), {"model": model})
        names = dict.fromkeys((model.USERNAME_FIELD, *model.REQUIRED_FIELDS))
        found = {name: build_field(meta, name) for name in names if name not in self.given}
        if model.USERNAME_FIELD in found:
            told = {"autocomplete": "username", "autocapitalize": "none"}
            found[model.USERNAME_FIELD].widget.attrs.update(told)
        return found

    def clean_steps(self) -> Steps[None]:
        """Check the password by the rules, as that of the user who is to be."""
        yield from super().clean_steps()
        user = get_user_model()(**self._list_values())
        yield from check_new_password(self, "password1", "password2", user)

    def _list_values(self) -> dict[str, Any]:
        passwords = ("password1", "password2")
        told = {name: self.cleaned_data[name] for name in self.fields if name in self.cleaned_data}
        return {**{name: told[name] for name in told if name not in passwords}, **self.given}

    def save_steps(self) -> Steps[Any]:
        """Store the user, in steps; None, and a mistake in the form, where it is there by now."""
        user = get_user_model()(**self._list_values())
        user.password = yield HashPassword(self.cleaned_data["password1"])
        try:
            yield from take_steps(user.save)
        except UniqueViolation as error:
            fields = [name.removesuffix("_key") for name in error.fields]
            name = next((name for name in fields if name in self.fields), None)
            self.add_error(name, ValidationError("Somebody has this already.", code="unique"))
            return None
        return user

    def save(self) -> Any:
        """Store the user."""
        return run_steps(self.save_steps())

    async def asave(self) -> Any:
        """Store the user, in async code."""
        return await arun_steps(self.save_steps())


def check_new_password(form: Form, first: str, second: str, user: Any) -> Steps[None]:
    """Check that a new password is typed twice alike and good, in steps; what is not is added."""
    values = form.cleaned_data
    if first not in values:
        return
    if second in values and values[first] != values[second]:
        differ = "The two passwords are not the same."
        form.add_error(second, ValidationError(differ, code="password_mismatch"))
        return
    try:
        yield ValidatePassword(values[first], user)
    except ValidationError as error:
        form.add_error(first, error)


def check_own_password(form: Form, name: str, user: Any, request: Request | None) -> Steps[None]:
    """Check the password of who is logged in, in steps, where all else is right.

    Raises:
        TooManyRequests: There were too many wrong ones.
    """
    if not form.is_bound or form.errors:
        return
    throttle = None if request is None else Throttle.of(request, user.get_username())
    if throttle is not None:
        yield from throttle.enter()
    if not (yield CheckPassword(form.cleaned_data[name], user.password)):
        form.add_error(name, ValidationError("This password is wrong.", code="password_incorrect"))
    elif throttle is not None:
        yield from throttle.leave()
