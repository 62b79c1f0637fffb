"""Log-in and log-out."""

from typing import Any
from urllib.parse import urlencode

from undercroft.auth.forms import AuthenticationForm, LoginCodeForm
from undercroft.auth.logins import alogin, alogout
from undercroft.auth.views.flow import (
    NEXT,
    FlowView,
    find_next,
    go_on,
    prefers_json,
    resolve_address,
)
from undercroft.errors import NON_FIELD_ERRORS, NotAuthenticated
from undercroft.http.responses import Response
from undercroft.middleware.caching import never_cache
from undercroft.views.base import View


class LoginStepView(FlowView):
    """A step of a log-in.

    Attributes:
        next_page: Where to go where the visitor does not say so: an address or a route's name; as
            the setting `login_redirect_url` says when left out.
    """

    next_page: str | None = None

    def list_form_arguments(self) -> list[Any]:
        """List what the form is made with: the request."""
        return [self.request]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the context, with where to go on."""
        form = kwargs.get("form")
        return super().get_context_data(
            **{"next": find_next(self.request, getattr(form, "data", None)), **kwargs}
        )

    def get_default_redirect_url(self) -> str:
        """Return where to go where the visitor does not say so."""
        target = self.next_page or self.request.app.settings.login_redirect_url
        return resolve_address(self.request, target)

    async def form_invalid(self, form: Any) -> Response:
        """Show the form again.

        Raises:
            NotAuthenticated: A script sent a wrong name or password.
            RequestValidationError: It did not send both.
        """
        if prefers_json(self.request) and form.errors.keys() == {NON_FIELD_ERRORS}:
            message = " ".join(form.non_field_errors())
            error = NotAuthenticated(message, code="auth.wrong")
            raise self.request.app.identification.add_challenge(error, self.request)
        return await super().form_invalid(form)


class LoginView(LoginStepView):
    """Log in by name and password."""

    template_name = "auth/login.html"
    form_class = AuthenticationForm

    async def form_valid(self, form: Any) -> Response:
        """Log in, and go on."""
        user = form.get_user()
        wanted = find_next(self.request, form.data)
        if not await alogin(self.request, user):
            query = f"?{urlencode({NEXT: wanted})}" if wanted else ""
            return go_on(self.request, self.request.url_for("login_code") + query, is_done=False)
        address = wanted or self.get_default_redirect_url()
        return go_on(self.request, address, username=user.get_username())


class LoginCodeView(LoginStepView):
    """Take the second step of a log-in: a code of the app, or a recovery code."""

    template_name = "auth/login_code.html"
    form_class = LoginCodeForm

    async def form_valid(self, form: Any) -> Response:
        """Log in, and go on."""
        address = find_next(self.request, form.data) or self.get_default_redirect_url()
        return go_on(self.request, address, username=form.get_user().get_username())


@never_cache
class LogoutView(View):
    """Log out; by POST only, for a picture's address could do it otherwise.

    Attributes:
        next_page: Where to go where the visitor does not say so; as the setting
            `logout_redirect_url` says when left out.
    """

    next_page: str | None = None

    async def post(self) -> Response:
        """Log out, and go on."""
        request = self.request
        has_form = request.media_type == "application/x-www-form-urlencoded"
        wanted = find_next(request, await request.form() if has_form else None)
        await alogout(request)
        target = self.next_page or request.app.settings.logout_redirect_url
        return go_on(request, wanted or resolve_address(request, target))
