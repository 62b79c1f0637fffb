"""Who may use a class-based view, under Django's names; and which rows of it, by the row rules.

class Edit(LoginRequiredMixin, AllowedRowsMixin, UpdateView):
model = Post
"""

from collections.abc import Iterable
from typing import Any

from undercroft.auth.allowing import allowed_steps
from undercroft.auth.decorators import send_to_login
from undercroft.auth.stepping import carry_out, run_within
from undercroft.errors import ImproperlyConfigured, PermissionDenied
from undercroft.http.request import Request
from undercroft.http.responses import Response
from undercroft.middleware.caching import mark
from undercroft.middleware.pipeline import Endpoint
from undercroft.views.base import View, ViewHandler
from undercroft.views.calling import call_hook
from undercroft.views.editing import CreateView, DeleteView, UpdateView


class AccessMixin(View):
    """What the mixins below have in common; they stand before the view's own class.

    Attributes:
        login_url: Where to log in, unless it is where the settings say.
        raise_exception: Whether strangers are told 403, too, and not sent to log in.
        permission_denied_message: What is told with 403.
    """

    login_url: str | None = None
    raise_exception: bool = False
    permission_denied_message: str = "You may not do this."

    @classmethod
    def as_view(cls, **options: Any) -> ViewHandler:
        """Make a handler of the class, whose methods are called for those who may enter."""
        handler = super().as_view(**options)

        def wrap(endpoint: Endpoint) -> Endpoint:
            async def enter(request: Request) -> Response:
                await request.auser()
                view: Any = handler.build_view(request)
                if not await view.may_enter():
                    refusal: Response = await call_hook(view, "handle_no_permission")
                    return refusal
                request.view = view
                return await endpoint(request)

            return enter

        return mark(handler, wrap)

    async def may_enter(self) -> bool:
        """Tell whether who makes the request may enter; each mixin asks the next."""
        return True

    def handle_no_permission(self) -> Response:
        """Answer who may not enter: a stranger may log in; a hook.

        Raises:
            NotAuthenticated: A stranger asks, and is no browser that could be sent to log in.
            PermissionDenied: Somebody is logged in, or `raise_exception` is set.
        """
        if self.raise_exception or self.request.user.is_authenticated:
            raise PermissionDenied(self.permission_denied_message, code="auth.permission")
        return send_to_login(self.request, self.login_url)


class LoginRequiredMixin(AccessMixin):
    """Lets those in who are logged in."""

    async def may_enter(self) -> bool:
        """Tell whether somebody is known."""
        return bool(self.request.user.is_authenticated) and await super().may_enter()


class PermissionRequiredMixin(AccessMixin):
    """Lets those in who have permissions.

    Attributes:
        permission_required: One, `"blog.add_post"`, or several, all of which are needed.
    """

    permission_required: str | Iterable[str] | None = None

    def get_permission_required(self) -> list[str]:
        """Return the permissions that are needed; a hook.

        Raises:
            ImproperlyConfigured: None is named.
        """
        wanted = self.permission_required
        if wanted is None:
            raise ImproperlyConfigured(
                f"{type(self).__name__} names no permission.",
                hint='Set `permission_required = "blog.add_post"`.',
                code="auth.no-permission",
            )
        return [wanted] if isinstance(wanted, str) else list(wanted)

    async def has_permission(self) -> bool:
        """Tell whether the user has them; a hook, `def` or `async def`."""
        wanted = await call_hook(self, "get_permission_required")
        return bool(await self.request.user.ahas_perms(wanted))

    async def may_enter(self) -> bool:
        """Tell whether the user has the permissions."""
        return bool(await call_hook(self, "has_permission")) and await super().may_enter()


class UserPassesTestMixin(AccessMixin):
    """Lets those in whom `test_func` accepts."""

    def test_func(self) -> bool:
        """Tell whether `self.request.user` may enter; write it, `def` or `async def`.

        Raises:
            ImproperlyConfigured: Nobody has written it.
        """
        raise ImproperlyConfigured(
            f"{type(self).__name__} has no test.",
            hint="Write `def test_func(self) -> bool`.",
            code="auth.no-test",
        )

    async def may_enter(self) -> bool:
        """Tell whether the test accepts the user."""
        return bool(await call_hook(self, "test_func")) and await super().may_enter()


class AllowedRowsMixin(AccessMixin):
    """Holds a generic view to the model's row rules: lists, rows, and what is written.

    What may not be seen is answered 404; what may be seen and not changed or deleted, and what was
    written and breaks the rules, is refused, and taken back.

    Attributes:
        row_action: What the view does with rows; by default what its class says: `add` for a
            `CreateView`, `change` and `delete` for the others, and `view`.
    """

    row_action: str | None = None

    def find_row_action(self) -> str:
        """Find what the view does with rows."""
        if self.row_action is not None:
            return self.row_action
        view: object = self
        kinds = ((CreateView, "add"), (UpdateView, "change"), (DeleteView, "delete"))
        return next((action for kind, action in kinds if isinstance(view, kind)), "view")

    def get_queryset(self) -> Any:
        """Return the rows that the user may see; a hook."""
        above: Any = super()
        return above.get_queryset().visible_to(self.request.user)

    async def get_object(self) -> Any:
        """Fetch the row that the path names, if the user may do with it what the view does."""
        above: Any = super()
        row = await above.get_object()
        action = self.find_row_action()
        if action != "view":
            await self.check_row(action, row)
        return row

    async def check_row(self, action: str, row: Any) -> None:
        """Check that the user may do something with a row.

        Raises:
            NotAuthenticated: Nobody is logged in.
            PermissionDenied: The user may not.
        """
        user = self.request.user
        if await carry_out(allowed_steps(user, action, row)):
            return
        if not user.is_authenticated:
            raise self.request.app.identification.build_refusal(self.request)
        raise PermissionDenied(self.permission_denied_message, code="auth.permission")

    async def form_valid(self, form: Any) -> Response:
        """Save the row, and check that it fulfils the rules as it is now."""
        answer: Response = await run_within(self._write_and_check(form))
        return answer

    async def _write_and_check(self, form: Any) -> Response:
        above: Any = super()
        answer: Response = await above.form_valid(form)
        await self.check_row(self.find_row_action(), getattr(self, "object"))  # noqa: B009 - the view's
        return answer
