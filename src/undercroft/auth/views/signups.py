"""Sign-up: first an address, then, by a link that is mailed there, name and password.

So nobody learns who has an account, no account waits for its address to be proved, and nobody
makes one with somebody else's.
"""

from datetime import UTC, datetime
from typing import Any

from undercroft.auth.forms import SignupForm, UserCreationForm
from undercroft.auth.letters import post_letter, write_signup
from undercroft.auth.links import SIGNUP, build_dead_link
from undercroft.auth.logins import alogin
from undercroft.auth.stepping import carry_out
from undercroft.auth.throttling import Throttle
from undercroft.auth.users import get_user_model
from undercroft.auth.views.flow import FlowView, MessageView, go_on, resolve_address
from undercroft.auth.views.linked import LinkedView
from undercroft.http.responses import Response


class SignupView(FlowView):
    """Ask for an account; the answer is the same for who has one, and is told so by mail."""

    template_name = "auth/signup.html"
    form_class = SignupForm
    success_url = "signup_done"

    async def form_valid(self, form: Any) -> Response:
        """Have the link mailed."""
        address = form.cleaned_data["email"]
        await carry_out(Throttle.of_mail(self.request, address).enter())
        post_letter(write_signup, self.request, address)
        return await super().form_valid(form)


class SignupDoneView(MessageView):
    """Say that a link is on its way."""

    template_name = "auth/signup_done.html"


class SignupConfirmView(LinkedView):
    """Choose name and password, by the link, and be logged in."""

    template_name = "auth/signup_confirm.html"
    form_class = UserCreationForm
    kind = SIGNUP
    confirmations = {"password2": "password1"}

    async def read_link(self) -> None:
        """Find the address that the link proves.

        Raises:
            BadRequest: It does not count, or there is an account by now.
        """
        self.value = self.kind.read_address(self.request.app.settings, self.kwargs["token"])
        if await get_user_model().objects.afind_by_email(self.value) is not None:
            raise build_dead_link()

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return the form's options, with the address."""
        known: dict[str, Any] = {get_user_model().EMAIL_FIELD: self.value}
        if hasattr(get_user_model(), "email_verified_at"):
            known["email_verified_at"] = datetime.now(UTC)
        return {**super().get_form_kwargs(), "given": known}

    async def form_valid(self, form: Any) -> Response:
        """Make the account, and log in."""
        user = await form.asave()
        if user is None:
            return await self.form_invalid(form)
        await alogin(self.request, user)
        settings = self.request.app.settings
        address = resolve_address(self.request, settings.login_redirect_url)
        return go_on(self.request, address, username=user.get_username())
