"""The tables of the app: permissions, groups, and the user where a project has none of its own."""

from typing import TYPE_CHECKING, Any

from undercroft.auth.refresh_families import RefreshFamily
from undercroft.auth.second_factors import RecoveryCode, SecondFactor
from undercroft.auth.tokens import Token
from undercroft.auth.users import AbstractBaseUser, AbstractUser, PermissionsMixin, UserManager
from undercroft.db.fields.moments import DateTimeField
from undercroft.db.fields.numbers import IntegerField
from undercroft.db.fields.text import CharField
from undercroft.db.many_to_many import ManyToManyField
from undercroft.db.mapping.constraints import UniqueConstraint
from undercroft.db.model import Model

if TYPE_CHECKING:
    from undercroft.auth.user import User

__all__ = [
    "AbstractBaseUser",
    "AbstractUser",
    "Group",
    "LoginAttempts",
    "Permission",
    "PermissionsMixin",
    "RecoveryCode",
    "RefreshFamily",
    "SecondFactor",
    "Token",
    "User",
    "UserManager",
]


class Permission(Model):
    """Something that may be done, as `app.codename`; made by `undercroft migrate` from the models.

    Attributes:
        app_label: Of which app.
        codename: What, `add_post`.
        model: With the rows of which model, in lower case; "" where it is about none.
        name: What people read.
    """

    app_label = CharField(max_length=100)
    codename = CharField(max_length=100)
    model = CharField(max_length=100, blank=True, default="")
    name = CharField(max_length=255)

    class Meta:
        """How permissions are kept: each once."""

        ordering = ("app_label", "model", "codename")
        constraints = (
            UniqueConstraint(fields=["app_label", "codename"], name="auth_permission_once"),
        )

    def __str__(self) -> str:
        return f"{self.app_label}.{self.codename}"


class Group(Model):
    """People who are granted the same.

    Attributes:
        name: What they are called.
        permissions: What they may do.
    """

    name = CharField(max_length=150, unique=True)
    permissions = ManyToManyField(Permission, related_name="group_set", blank=True)

    class Meta:
        """How groups are kept."""

        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class LoginAttempts(Model):
    """Attempts to log in that failed, for one account or from one address.

    Attributes:
        key: The hash of which.
        failures: How many, one after the other.
        waits_until: When the next may be made.
        last_at: When the last was made.
    """

    key = CharField(max_length=64, unique=True)
    failures = IntegerField(default=0)
    waits_until = DateTimeField()
    last_at = DateTimeField(db_index=True)

    class Meta:
        """How attempts are kept: nobody is granted anything of them."""

        default_permissions = ()


def __getattr__(name: str) -> Any:
    """Declare the user when it is asked for, and no sooner: a project may have its own."""
    if name == "User":
        # Mapping the class gives it a table.
        from undercroft.auth.user import User  # noqa: PLC0415

        return User
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
