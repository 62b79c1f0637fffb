"""Bases of users: what every account has, and what Django's have besides.

A project's own user is declared on its first day and is then the one that everything refers to:

```python
class User(AbstractUser):
    nickname = models.CharField(max_length=50, blank=True)
```
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from undercroft.auth.granting import Granted, holds_module, list_granted
from undercroft.auth.identifiers import build_key, normalize_identifier
from undercroft.auth.passwords import (
    acheck_password,
    amake_password,
    check_password,
    is_password_usable,
    make_password,
)
from undercroft.db.fields.moments import DateTimeField
from undercroft.db.fields.numbers import BooleanField
from undercroft.db.fields.text import CharField, EmailField
from undercroft.db.fields.validators import RegexValidator
from undercroft.db.many_to_many import ManyToManyField
from undercroft.db.mapping import registry
from undercroft.db.model import Model
from undercroft.db.queries.absent import Absent
from undercroft.db.queryset import Manager, QuerySet
from undercroft.db.twins import Steps, async_twin, take_steps, twins
from undercroft.errors import ImproperlyConfigured

#: What support tables and rules call the model of users, whichever it is.
USER = "auth.User"

#: Folding a letter makes three of it at most (Unicode, SpecialCasing.txt).
_FOLDED = 3
_USERNAME_LENGTH = 150
_EMAIL_LENGTH = 254
LONGEST_KEY = _FOLDED * _EMAIL_LENGTH


class AnonymousUser(Absent):
    """Who makes a request that nobody is named for; in a query no row is equal to it."""

    pk: ClassVar[None] = None
    id: ClassVar[None] = None
    username: ClassVar[str] = ""
    is_authenticated: ClassVar[bool] = False
    is_anonymous: ClassVar[bool] = True
    is_active: ClassVar[bool] = False
    is_staff: ClassVar[bool] = False
    is_superuser: ClassVar[bool] = False

    def has_perm(self, permission: str) -> bool:
        """Tell whether it has a permission: none."""
        return False

    async def ahas_perm(self, permission: str) -> bool:
        """Tell whether it has a permission: none."""
        return False

    def has_perms(self, permissions: Iterable[str]) -> bool:
        """Tell whether it has all of some permissions."""
        return not list(permissions)

    async def ahas_perms(self, permissions: Iterable[str]) -> bool:
        """Tell whether it has all of some permissions."""
        return not list(permissions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnonymousUser)

    def __hash__(self) -> int:
        return hash(AnonymousUser)

    def __str__(self) -> str:
        return "AnonymousUser"


class UserQuerySet(QuerySet[Any]):
    """Users, whose keys follow what they are made of in every way of writing."""

    __slots__ = ()

    @twins
    def update(self, /, **values: Any) -> Steps[int]:
        """Change columns of all rows; keys of names and addresses follow.

        Raises:
            FieldError: A name is no field, or an identifier is given by an expression.
        """
        model: type[AbstractBaseUser] = self.model
        count: int = yield from take_steps(super().update, **values, **model.build_keys(values))
        return count

    aupdate = async_twin(update)

    @twins
    def bulk_create(
        self, /, instances: Iterable[Any], batch_size: int | None = None, **options: Any
    ) -> Steps[list[Any]]:
        """Insert many users by few statements, with their keys."""
        users = list(instances)
        for user in users:
            user.fill_keys()
        inserted: list[Any] = yield from take_steps(
            super().bulk_create, users, batch_size, **options
        )
        return inserted

    abulk_create = async_twin(bulk_create)

    @twins
    def bulk_update(
        self, instances: Iterable[Any], fields: Collection[str], batch_size: int | None = None
    ) -> Steps[int]:
        """Write fields of many users by few statements, with their keys."""
        users = list(instances)
        for user in users:
            user.fill_keys()
        keys = [f"{name}_key" for name in fields if name in self.model.KEYED_FIELDS]
        count: int = yield from take_steps(super().bulk_update, users, [*fields, *keys], batch_size)
        return count

    abulk_update = async_twin(bulk_update)


if TYPE_CHECKING:
    _UserManager = Manager[Any]
else:
    # Type checkers are told otherwise of managers, see `Manager`.
    class _UserManager(UserQuerySet, Manager):
        __slots__ = ()


class UserManager(_UserManager):
    """`User.objects`: makes users with hashed passwords, and finds them by their identifiers."""

    __slots__ = ()
    queryset_class: ClassVar[type[QuerySet[Any]]] = UserQuerySet

    def create_user(
        self, identifier: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> Any:
        """Make a user; without a password, one that cannot log in by one.

        Args:
            identifier: The `USERNAME_FIELD`'s value.
            email: Its address.
            password: As it was typed; it is hashed, and not checked by the rules for passwords.
            fields: Others of the model.

        Raises:
            ValueError: The identifier is empty.
            UniqueViolation: Another user has it, in whatever case.
        """
        user = self._build(identifier, email, fields)
        user.password = make_password(password)
        user.save(using=self._alias)
        return user

    async def acreate_user(
        self, identifier: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> Any:
        """Make a user, in async code."""
        user = self._build(identifier, email, fields)
        user.password = await amake_password(password)
        await user.asave(using=self._alias)
        return user

    def create_superuser(
        self, identifier: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> Any:
        """Make a user who may do everything."""
        return self.create_user(identifier, email, password, **_add_powers(fields))

    async def acreate_superuser(
        self, identifier: str, email: str | None = None, password: str | None = None, **fields: Any
    ) -> Any:
        """Make a user who may do everything, in async code."""
        return await self.acreate_user(identifier, email, password, **_add_powers(fields))

    def _build(self, identifier: str, email: str | None, fields: dict[str, Any]) -> Any:
        if not identifier.strip():
            raise ValueError(f"A user needs a {self.model.USERNAME_FIELD}, not {identifier!r}.")
        values = {self.model.USERNAME_FIELD: identifier, **fields}
        if email is not None:
            values.setdefault("email", email)
        return self.model(**values)

    @twins
    def get_by_natural_key(self, identifier: str) -> Steps[Any]:
        """Get the user whose `USERNAME_FIELD` is this, in whatever case.

        Raises:
            DoesNotExist: The model's own; there is none.
        """
        field = self.model.USERNAME_FIELD
        rows = self.filter(**{f"{field}_key": build_key(identifier)})
        return (yield from take_steps(rows.get))

    aget_by_natural_key = async_twin(get_by_natural_key)

    @twins
    def find_by_login(self, identifier: str) -> Steps[Any]:
        """Find the user who logs in with this, by the first of the `LOGIN_FIELDS` that has it."""
        key = build_key(identifier)
        if len(key) > LONGEST_KEY or "\x00" in key:
            return None  # No database has it, and some would refuse to look.
        for field in self.model.LOGIN_FIELDS:
            user = yield from take_steps(self.filter(**{f"{field}_key": key}).first)
            if user is not None:
                return user
        return None

    afind_by_login = async_twin(find_by_login)

    @twins
    def find_by_email(self, address: str) -> Steps[Any]:
        """Find the user who has an address, in whatever case; None where nobody has."""
        field, value = self.model.EMAIL_FIELD, normalize_identifier(address)
        if not value or len(value) > _EMAIL_LENGTH or "\x00" in value:
            return None
        if field in self.model.KEYED_FIELDS:
            field, value = f"{field}_key", build_key(value)
        return (yield from take_steps(self.filter(**{field: value}).first))

    afind_by_email = async_twin(find_by_email)


def _add_powers(fields: dict[str, Any]) -> dict[str, Any]:
    return {"is_staff": True, "is_superuser": True, **fields}


class AbstractBaseUser(Model):
    """An account with a password, and nothing else; for users that are quite different.

    A subclass names its `USERNAME_FIELD`. For each of the `KEYED_FIELDS` it has a column more,
    `<field>_key`, which is unique: so no two accounts differ by case alone.

    Attributes:
        password: The hash.
        last_login: When its owner last logged in.
        is_active: Whether it may log in at all; set it to False in place of deleting.
    """

    USERNAME_FIELD: ClassVar[str]
    EMAIL_FIELD: ClassVar[str] = "email"
    #: Asked by `createsuperuser`, besides.
    REQUIRED_FIELDS: ClassVar[tuple[str, ...]] = ()
    KEYED_FIELDS: ClassVar[tuple[str, ...]] = ()
    #: What people may log in with, the first that fits.
    LOGIN_FIELDS: ClassVar[tuple[str, ...]] = ()
    is_authenticated: ClassVar[bool] = True
    is_anonymous: ClassVar[bool] = False

    password = CharField(max_length=256)
    last_login = DateTimeField(null=True, blank=True, editable=False)
    is_active = BooleanField(default=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride] - each has its own
        """A base of tables, without one."""

        abstract = True

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Let the first user with a table be the one that everything refers to."""
        super().__init_subclass__(**arguments)
        if not vars(cls).get("__abstract__"):
            registry.set_alias(USER, cls)

    @classmethod
    def build_keys(cls, values: dict[str, Any]) -> dict[str, str | None]:
        """Build the keys of those identifiers that are among some values.

        Raises:
            TypeError: One is an expression, whose key only the database could know.
        """
        return {
            f"{name}_key": _build_key_or_none(name, values[name])
            for name in cls.KEYED_FIELDS
            if name in values
        }

    def fill_keys(self) -> None:
        """Let the keys be those of the identifiers."""
        present = {name: getattr(self, name) for name in self.KEYED_FIELDS}
        for name, key in self.build_keys(present).items():
            if getattr(self, name) != key:
                setattr(self, name, key)

    @twins
    def save(
        self, /, *, update_fields: Collection[str] | None = None, **options: Any
    ) -> Steps[None]:
        """Save the user, with its keys; see `Model.save`."""
        self.fill_keys()
        if update_fields is not None:
            keys = [f"{name}_key" for name in update_fields if name in self.KEYED_FIELDS]
            update_fields = [*update_fields, *keys]
        yield from take_steps(super().save, update_fields=update_fields, **options)

    asave = async_twin(save)

    def get_username(self) -> str:
        """Return what identifies the account to its owner."""
        return str(getattr(self, self.USERNAME_FIELD))

    def get_email(self) -> str:
        """Return the address, or "" where there is none."""
        return str(getattr(self, self.EMAIL_FIELD, "") or "")

    def set_password(self, password: str | None) -> None:
        """Hash a new password; save the user afterwards."""
        self.password = make_password(password)

    async def aset_password(self, password: str | None) -> None:
        """Hash a new password, beside the event loop; save the user afterwards."""
        self.password = await amake_password(password)

    def set_unusable_password(self) -> None:
        """Let nobody log in by a password; save the user afterwards."""
        self.password = make_password(None)

    def has_usable_password(self) -> bool:
        """Tell whether anybody can log in by a password."""
        return is_password_usable(self.password)

    def check_password(self, password: str) -> bool:
        """Tell whether this is the password."""
        return check_password(password, self.password)

    async def acheck_password(self, password: str) -> bool:
        """Tell whether this is the password, beside the event loop."""
        return await acheck_password(password, self.password)

    def __str__(self) -> str:
        return self.get_username()


def _build_key_or_none(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise TypeError(
            f"{name!r} is set to {value!r}; give it a text, for its key is made of that."
        )
    return build_key(value)


class PermissionsMixin(Model):
    """What a user may do: everything, or what it and its groups were granted.

    Attributes:
        is_superuser: Whether it may do everything, without any of it being granted.
        groups: Whose permissions it has.
        user_permissions: Those of its own.
    """

    is_superuser = BooleanField(default=False)
    groups = ManyToManyField("auth.Group", related_name="user_set", blank=True)
    user_permissions = ManyToManyField("auth.Permission", related_name="user_set", blank=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride] - each has its own
        """A base of tables, without one."""

        abstract = True

    @twins
    def get_all_permissions(self) -> Steps[Granted]:
        """Return every permission it has, as `app.codename`; asked once for each instance."""
        return (yield from list_granted(self))

    aget_all_permissions = async_twin(get_all_permissions)

    @twins
    def has_perm(self, permission: str) -> Steps[bool]:
        """Tell whether it may do something, `blog.add_post`; who is not active may nothing."""
        if not self._is_active:
            return False
        if self.is_superuser:
            return True
        return permission in (yield from list_granted(self))

    ahas_perm = async_twin(has_perm)

    @twins
    def has_perms(self, permissions: Iterable[str]) -> Steps[bool]:
        """Tell whether it may do all of these."""
        for permission in permissions:
            if not (yield from PermissionsMixin.has_perm.steps(self, permission)):
                return False
        return True

    ahas_perms = async_twin(has_perms)

    @twins
    def has_module_perms(self, app_label: str) -> Steps[bool]:
        """Tell whether it may do anything at all in an app."""
        if not self._is_active or self.is_superuser:
            return self._is_active
        return holds_module((yield from list_granted(self)), app_label)

    ahas_module_perms = async_twin(has_module_perms)

    @property
    def _is_active(self) -> bool:
        return bool(getattr(self, "is_active", True))


class AbstractUser(AbstractBaseUser, PermissionsMixin):
    """Django's user: a name, an address, and what it may do.

    Attributes:
        username: What identifies it; letters, digits and `@.+-_`.
        email: Where mail is sent.
        email_verified_at: When its owner proved that mail arrives.
        is_staff: Whether it may enter the admin.
        date_joined: When it was made.
    """

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ("email",)
    KEYED_FIELDS = ("username", "email")
    LOGIN_FIELDS = ("username", "email")

    username = CharField(
        max_length=_USERNAME_LENGTH,
        validators=[
            RegexValidator(
                r"^[\w.@+-]+$", "Enter a name of letters, digits and the characters @ . + - _"
            )
        ],
    )
    username_key = CharField(max_length=_FOLDED * _USERNAME_LENGTH, unique=True, editable=False)
    first_name = CharField(max_length=150, blank=True, default="")
    last_name = CharField(max_length=150, blank=True, default="")
    email = EmailField(max_length=_EMAIL_LENGTH, blank=True, default="")
    email_key = CharField(max_length=LONGEST_KEY, unique=True, null=True, editable=False)
    email_verified_at = DateTimeField(null=True, blank=True, editable=False)
    is_staff = BooleanField(default=False)
    date_joined = DateTimeField(default=lambda: datetime.now(UTC), editable=False)

    objects = UserManager()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride] - each has its own
        """A base of tables, without one."""

        abstract = True
        verbose_name = "user"
        verbose_name_plural = "users"

    def fill_keys(self) -> None:
        """Write name and address in one form, and let their keys follow."""
        for name in self.KEYED_FIELDS:
            text = getattr(self, name)
            if isinstance(text, str) and text != (plain := normalize_identifier(text)):
                setattr(self, name, plain)
        super().fill_keys()

    def get_full_name(self) -> str:
        """Return first and last name, as far as they are known."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        """Return the first name."""
        return self.first_name


def get_user_model() -> type[Any]:
    """Return the model of users: the project's own, or `undercroft.auth`'s.

    Raises:
        ImproperlyConfigured: None is declared, and the app `undercroft.auth` is not installed.
    """
    found = registry.find_model(USER)
    if found is None:
        raise ImproperlyConfigured(
            "There is no model of users.",
            hint='Add "undercroft.auth" to `apps`, or declare a class of AbstractUser.',
            code="auth.no-user",
        )
    return found


def is_own_user(model: type[Any]) -> bool:
    """Tell whether a model of users is a project's own."""
    return not model.__module__.startswith("undercroft.")


def has_own_user() -> bool:
    """Tell whether a project has declared its own user."""
    found = registry.find_model(USER)
    return found is not None and is_own_user(found)
