"""The user of those projects that declare none of their own."""

from undercroft.auth.users import AbstractUser, get_user_model, has_own_user
from undercroft.errors import ImproperlyConfigured


def _check_only() -> None:
    """Check that this module is imported where nobody has declared another user.

    Raises:
        ImproperlyConfigured: Somebody has.
    """
    if has_own_user():
        known = get_user_model()
        raise ImproperlyConfigured(
            f"undercroft.auth.models.User is imported, and {known.__module__}.{known.__name__} is"
            " the user of this project.",
            hint=f"Import that one, or call get_user_model(): from {known.__module__} import"
            f" {known.__name__}.",
            code="auth.two-users",
        )


_check_only()


class User(AbstractUser):
    """Somebody who can log in: by name or e-mail address, and a password."""
