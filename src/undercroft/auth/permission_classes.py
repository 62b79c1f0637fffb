"""Permission classes, under REST framework's names: who may use a view, and which rows of it.

    class IsAuthor(BasePermission):
        def rows(self, request, view):
            return Q(author=request.user)

    permission_classes = [IsAuthenticatedOrReadOnly & (IsAuthor | IsAdminUser)]

A class is made once, when the application is built, and shared by all requests. It answers by three
methods, of which it needs any: `has_permission`, `rows`, and `has_object_permission` for one row.
Joined by `&`, `|` and `~`, all three are joined: where one class has no permission, its rows count
for nothing either.
"""

from collections.abc import Awaitable, Iterable
from inspect import isawaitable, iscoroutine
from typing import Any, ClassVar, Optional

from undercroft.auth.allowing import meets_steps
from undercroft.auth.permissions import name_permission
from undercroft.auth.rules import (
    Condition,
    build_condition,
    check_condition,
    deny,
    join_all,
    join_any,
)
from undercroft.auth.stepping import carry_out
from undercroft.concurrency import run_in_thread
from undercroft.errors import ImproperlyConfigured, PermissionDenied
from undercroft.http.request import Request

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: What a method does to rows (RFC 9110, section 9.3; RFC 5789).
ACTIONS = {"POST": "add", "PUT": "change", "PATCH": "change", "DELETE": "delete"}

Answer = bool | Awaitable[bool]


class PermissionMeta(type):
    """Lets classes be joined as their instances are: `IsAuthor | IsAdminUser`."""

    def __and__(cls, other: Any) -> "BasePermission":
        return And(as_permission(cls), as_permission(other))

    def __or__(cls, other: Any) -> Any:
        if other is None:
            return Optional[cls]  # noqa: UP045 - what an annotation means by it
        return Or(as_permission(cls), as_permission(other))

    def __invert__(cls) -> "BasePermission":
        return Not(as_permission(cls))


class BasePermission(metaclass=PermissionMeta):
    """Lets everybody do everything, until a subclass says otherwise.

    A `def` that asks the database runs in a thread; an `async def` may await it.
    """

    def has_permission(self, request: Request, view: Any) -> Answer:
        """Tell whether the request may be made at all; a hook."""
        return True

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> Answer:
        """Tell whether the request may be made about a row that may be seen; a hook."""
        return True

    def rows(self, request: Request, view: Any) -> Condition:
        """Answer which rows there are for this request, as a condition; a hook.

        A row that does not fulfil it is not listed, and answered 404; one that was written and does
        not fulfil it is taken back, and answered 403.
        """
        return True

    def written_rows(self, request: Request, view: Any) -> Condition:
        """Answer which rows this request may leave behind, as a condition; a hook."""
        return self.rows(request, view)

    def __and__(self, other: Any) -> "BasePermission":
        return And(self, as_permission(other))

    def __or__(self, other: Any) -> "BasePermission":
        return Or(self, as_permission(other))

    def __invert__(self) -> "BasePermission":
        return Not(self)

    async def find_rows(self, request: Request, view: Any) -> Condition:
        """Find the rows there are for a request: none where it may not be made at all."""
        is_in = await ask(self.has_permission, request, view)
        return await ask_rows(self.rows, request, view) if is_in else False

    async def find_written(self, request: Request, view: Any) -> Condition:
        """Find the rows that a request may leave behind."""
        is_in = await ask(self.has_permission, request, view)
        return await ask_rows(self.written_rows, request, view) if is_in else False

    async def allows(self, request: Request, view: Any, obj: Any, *, is_within: bool) -> bool:
        """Tell whether a request may be made about a row.

        Args:
            request: The request.
            view: What answers it.
            obj: The row.
            is_within: Whether the row is known to be among `find_rows`.
        """
        if not is_within:
            condition = await self.find_rows(request, view)
            if not await carry_out(meets_steps(obj, condition)):
                return False
        return bool(await ask(self.has_object_permission, request, view, obj))


class And(BasePermission):
    """What two permissions grant, both."""

    def __init__(self, left: BasePermission, right: BasePermission) -> None:
        self.left, self.right = left, right

    async def find_rows(self, request: Request, view: Any) -> Condition:
        """Find the rows of both."""
        left = await self.left.find_rows(request, view)
        return left and join_all((left, await self.right.find_rows(request, view)))

    async def find_written(self, request: Request, view: Any) -> Condition:
        """Find the rows that both let the request leave behind."""
        left = await self.left.find_written(request, view)
        return left and join_all((left, await self.right.find_written(request, view)))

    async def allows(self, request: Request, view: Any, obj: Any, *, is_within: bool) -> bool:
        """Tell whether both allow it."""
        return await self.left.allows(
            request, view, obj, is_within=is_within
        ) and await self.right.allows(request, view, obj, is_within=is_within)


class Or(And):
    """What two permissions grant, either."""

    async def find_rows(self, request: Request, view: Any) -> Condition:
        """Find the rows of either."""
        left = await self.left.find_rows(request, view)
        return join_any((left, await self.right.find_rows(request, view)))

    async def find_written(self, request: Request, view: Any) -> Condition:
        """Find the rows that either lets the request leave behind."""
        left = await self.left.find_written(request, view)
        return join_any((left, await self.right.find_written(request, view)))

    async def allows(self, request: Request, view: Any, obj: Any, *, is_within: bool) -> bool:
        """Tell whether either allows it, with the rows of its own."""
        return await self.left.allows(
            request, view, obj, is_within=False
        ) or await self.right.allows(request, view, obj, is_within=False)


class Not(BasePermission):
    """What a permission does not grant.

    Where it grants some rows, by `rows` or by `has_object_permission`, the others.
    """

    def __init__(self, inner: BasePermission) -> None:
        self.inner = inner

    async def find_rows(self, request: Request, view: Any) -> Condition:
        """Find the rows it has not."""
        rows = await self.inner.find_rows(request, view)
        return True if rows is True and decides_by_row(self.inner) else deny(rows)

    async def find_written(self, request: Request, view: Any) -> Condition:
        """Find the rows it does not let the request leave behind."""
        rows = await self.inner.find_written(request, view)
        return True if rows is True and decides_by_row(self.inner) else deny(rows)

    async def allows(self, request: Request, view: Any, obj: Any, *, is_within: bool) -> bool:
        """Tell whether it does not allow it."""
        return not await self.inner.allows(request, view, obj, is_within=False)


class AllowAny(BasePermission):
    """Lets everybody in: what is said in so many words can be found."""


class IsAuthenticated(BasePermission):
    """Lets those in who are logged in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether somebody is known."""
        return bool(request.user.is_authenticated)


class IsAdminUser(BasePermission):
    """Lets the staff in."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether it is one of the staff, whose account is active."""
        user = request.user
        return bool(user.is_authenticated and user.is_active and user.is_staff)


class IsAuthenticatedOrReadOnly(BasePermission):
    """Lets everybody look, and those who are logged in change."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether nothing is changed, or somebody is known."""
        return request.method in SAFE_METHODS or bool(request.user.is_authenticated)


class ModelPermissions(BasePermission):
    """Asks for the model's permission: `add`, `change` or `delete`; `DjangoModelPermissions`.

    Attributes:
        authenticated_users_only: Whether strangers may not even look.
        perms_map: The actions to have a permission for, by HTTP method.
    """

    authenticated_users_only: bool = True
    perms_map: ClassVar[dict[str, tuple[str, ...]]] = {
        **dict.fromkeys(SAFE_METHODS, ()),
        **{method: (action,) for method, action in ACTIONS.items()},
    }

    async def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether the user has the permissions for what the method does."""
        user = request.user
        if not user.is_authenticated and self.authenticated_users_only:
            return False
        actions = self.perms_map.get(request.method)
        if actions is None:
            return False
        model = await find_model(view)
        return bool(await user.ahas_perms([name_permission(each, model) for each in actions]))


class ModelPermissionsOrAnonReadOnly(ModelPermissions):
    """Asks for the model's permission, and lets strangers look."""

    authenticated_users_only = False


class ObjectPermissions(BasePermission):
    """Holds to the model's row rules: lists, rows, and what is written.

    What may not be seen is answered 404, what may be seen and not changed 403.
    """

    async def find_rows(self, request: Request, view: Any) -> Condition:
        """Find the rows that the user may see, or that anything could be written into."""
        model = await find_model(view)
        if request.method == "POST" and not holds_row(view):
            return build_condition(model, request.user, "add") is not False
        return build_condition(model, request.user, "view")

    async def find_written(self, request: Request, view: Any) -> Condition:
        """Find the rows that the user may add, or that may be changed so that they are so."""
        return build_condition(await find_model(view), request.user, find_action(request, view))

    async def allows(self, request: Request, view: Any, obj: Any, *, is_within: bool) -> bool:
        """Tell whether the user may do with a row what the method does."""
        action = find_action(request, view)
        if action == "view" and is_within:
            return True
        return await carry_out(
            meets_steps(obj, build_condition(obj.__class__, request.user, action))
        )


#: REST framework's names.
DjangoModelPermissions = ModelPermissions
DjangoModelPermissionsOrAnonReadOnly = ModelPermissionsOrAnonReadOnly
DjangoObjectPermissions = ObjectPermissions


def find_action(request: Request, view: Any) -> str:
    """Find what a request does to rows; POST to one row of a viewset changes it."""
    action = ACTIONS.get(request.method, "view")
    return "change" if action == "add" and holds_row(view) else action


def holds_row(view: Any) -> bool:
    """Tell whether the address names a row."""
    name = getattr(view, "lookup_url_kwarg", None) or getattr(view, "lookup_field", None)
    return name in view.kwargs


async def find_model(view: Any) -> Any:
    """Find the model whose rows a view is about."""
    rows: Any = getattr(view, "queryset", None)
    if rows is None:
        rows = view.get_queryset()
        rows = await rows if isawaitable(rows) and not hasattr(rows, "model") else rows
    return rows.model


def decides_by_row(permission: BasePermission) -> bool:
    """Tell whether a permission looks at rows themselves, beyond its condition."""
    if isinstance(permission, And):
        return decides_by_row(permission.left) or decides_by_row(permission.right)
    if isinstance(permission, Not):
        return decides_by_row(permission.inner)
    kind = type(permission)
    return (
        kind.has_object_permission is not BasePermission.has_object_permission
        or kind.allows is not BasePermission.allows
    )


def asks_of_rows(permission: BasePermission) -> bool:
    """Tell whether a row that is among those to be seen may still be refused to be shown."""
    if isinstance(permission, And):
        return asks_of_rows(permission.left) or asks_of_rows(permission.right)
    if isinstance(permission, Not):
        return decides_by_row(permission.inner)
    kind = type(permission)
    return kind.has_object_permission is not BasePermission.has_object_permission


def refuse(request: Request) -> Exception:
    """Build the error for a request that may not be made: a stranger could log in."""
    if not request.user.is_authenticated:
        refusal: Exception = request.app.identification.build_refusal(request)
        return refusal
    return PermissionDenied("You may not do this.", code="auth.permission")


def as_permission(given: Any) -> BasePermission:
    """Make a permission of a class, or take one that was joined of several.

    Raises:
        ImproperlyConfigured: It is neither.
    """
    if isinstance(given, BasePermission):
        return given
    if isinstance(given, PermissionMeta):
        made: BasePermission = given()
        return made
    raise ImproperlyConfigured(
        f"{given!r} is no permission class.",
        hint="Name subclasses of BasePermission, joined by &, | and ~ if need be.",
        code="auth.permission-class",
    )


def build_permission(classes: Iterable[Any]) -> BasePermission | None:
    """Build the permission that several classes grant together; None where there is none.

    Raises:
        ImproperlyConfigured: One is no permission class.
    """
    built: BasePermission | None = None
    for each in classes:
        permission = as_permission(each)
        built = permission if built is None else And(built, permission)
    return built


async def ask(hook: Any, *args: Any) -> Any:
    """Call a hook: `async def`, one of ours, or a `def` that may block and runs in a thread."""
    is_ours = hook.__module__ == __name__
    answer = hook(*args) if is_ours else await run_in_thread(hook, *args)
    return await answer if isawaitable(answer) else answer


async def ask_rows(hook: Any, request: Request, view: Any) -> Condition:
    """Ask for rows; a condition is only built, so that a `def` waits for nothing."""
    answer = hook(request, view)
    return check_condition(await answer if iscoroutine(answer) else answer, hook.__qualname__)
