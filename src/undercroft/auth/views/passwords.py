"""A new password: by the old one, or by a link that is mailed."""

from typing import Any

from undercroft.auth.decorators import login_required
from undercroft.auth.forms import PasswordChangeForm, PasswordResetForm, SetPasswordForm
from undercroft.auth.letters import post_letter, write_password_reset
from undercroft.auth.links import PASSWORD_RESET, build_dead_link
from undercroft.auth.logins import update_session_fingerprint
from undercroft.auth.sessions import aend_other_sessions
from undercroft.auth.stepping import carry_out
from undercroft.auth.throttling import Throttle, forget_attempts
from undercroft.auth.views.flow import FlowView, MessageView
from undercroft.auth.views.linked import LinkedView
from undercroft.http.responses import Response

_CONFIRMATIONS = {"new_password2": "new_password1"}


@login_required
class PasswordChangeView(FlowView):
    """Change one's own password; all other sessions of the account end."""

    template_name = "auth/password_change.html"
    form_class = PasswordChangeForm
    success_url = "password_change_done"
    confirmations = _CONFIRMATIONS

    def list_form_arguments(self) -> list[Any]:
        """List what the form is made with: the user."""
        return [self.request.user]

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return the form's options, with the request that is throttled."""
        return {**super().get_form_kwargs(), "request": self.request}

    async def form_valid(self, form: Any) -> Response:
        """Store the password, and keep this session."""
        user = form.user
        if not await form.asave():
            form.add_error(None, "The password has just been changed elsewhere.")
            return await self.form_invalid(form)
        session = await self.request.session.aload()
        if session.user_key == str(user.pk):
            if self.request.app.sessions.store.can_list:
                # They count no more by their fingerprints; nor are they to be listed.
                await aend_other_sessions(self.request)
            update_session_fingerprint(self.request, user)
        return await super().form_valid(form)


@login_required
class PasswordChangeDoneView(MessageView):
    """Say that the password is changed."""

    template_name = "auth/password_change_done.html"


class PasswordResetView(FlowView):
    """Ask for a link to a new password; the answer is the same for addresses nobody has."""

    template_name = "auth/password_reset.html"
    form_class = PasswordResetForm
    success_url = "password_reset_done"

    async def form_valid(self, form: Any) -> Response:
        """Have the link mailed, to the one who has the address."""
        address = form.cleaned_data["email"]
        await carry_out(Throttle.of_mail(self.request, address).enter())
        post_letter(write_password_reset, self.request, address)
        return await super().form_valid(form)


class PasswordResetDoneView(MessageView):
    """Say that a link is on its way, if there is an account."""

    template_name = "auth/password_reset_done.html"


class PasswordResetConfirmView(LinkedView):
    """Choose a new password, by the link; every session of the account ends."""

    template_name = "auth/password_reset_confirm.html"
    form_class = SetPasswordForm
    success_url = "password_reset_complete"
    kind = PASSWORD_RESET
    confirmations = _CONFIRMATIONS

    def list_form_arguments(self) -> list[Any]:
        """List what the form is made with: the user."""
        return [self.user]

    async def form_valid(self, form: Any) -> Response:
        """Store the password.

        Raises:
            BadRequest: The link was used at the same time.
        """
        if not await form.asave():
            raise build_dead_link()
        await carry_out(forget_attempts(self.user))
        return await super().form_valid(form)


class PasswordResetCompleteView(MessageView):
    """Say that there is a new password."""

    template_name = "auth/password_reset_complete.html"
