"""The address of an account: proved, and changed, by a link that is mailed to it."""

from datetime import UTC, datetime
from typing import Any

from undercroft.auth.decorators import login_required
from undercroft.auth.forms import EmailChangeForm
from undercroft.auth.letters import post_letter, write_email_changed, write_email_link
from undercroft.auth.links import EMAIL, build_dead_link
from undercroft.auth.stepping import carry_out
from undercroft.auth.throttling import Throttle
from undercroft.auth.users import get_user_model
from undercroft.auth.views.flow import ButtonMixin, FlowView, MessageView
from undercroft.auth.views.linked import LinkedView
from undercroft.errors import UniqueViolation
from undercroft.http.responses import Response


@login_required
class EmailLinkView(FlowView):
    """Have a link mailed to an address that is to be, or is, one's own."""

    success_url = "email_change_done"

    async def send_link(self, address: str) -> Response:
        """Have the link mailed, and go on."""
        await carry_out(Throttle.of_mail(self.request, address).enter())
        post_letter(write_email_link, self.request, self.request.user.pk, address)
        return await super().form_valid(None)


class EmailChangeView(EmailLinkView):
    """Ask for another address, by one's password; it is changed once mail has arrived there."""

    template_name = "auth/email_change.html"
    form_class = EmailChangeForm

    def list_form_arguments(self) -> list[Any]:
        """List what the form is made with: the user."""
        return [self.request.user]

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return the form's options, with the request that is throttled."""
        return {**super().get_form_kwargs(), "request": self.request}

    async def form_valid(self, form: Any) -> Response:
        """Have the link mailed to the new address."""
        return await self.send_link(form.cleaned_data["email"])


class EmailVerifyView(ButtonMixin, EmailLinkView):
    """Ask for a link that proves the address that the account has already."""

    template_name = "auth/email_verify.html"

    async def form_valid(self, form: Any) -> Response:
        """Have the link mailed to the stored address."""
        address = self.request.user.get_email()
        if not address:
            form.add_error(None, "The account has no address.")
            return await self.form_invalid(form)
        return await self.send_link(address)


@login_required
class EmailChangeDoneView(MessageView):
    """Say that a link is on its way."""

    template_name = "auth/email_change_done.html"


class EmailConfirmView(ButtonMixin, LinkedView):
    """Take an address over, by the link; by a button, for mail programs look at links."""

    template_name = "auth/email_confirm.html"
    success_url = "email_confirm_complete"
    kind = EMAIL

    async def form_valid(self, form: Any) -> Response:
        """Store the address, and that mail arrives there.

        Raises:
            BadRequest: The link was used at the same time, or somebody has the address by now.
        """
        user, before = self.user, self.user.get_email()
        unchanged: dict[str, Any] = {user.EMAIL_FIELD: before}
        changes: dict[str, Any] = {user.EMAIL_FIELD: self.value}
        if hasattr(user, "email_verified_at"):
            unchanged["email_verified_at"] = user.email_verified_at
            changes["email_verified_at"] = datetime.now(UTC)
        rows = get_user_model().objects.filter(pk=user.pk, **unchanged)
        try:
            changed = await rows.aupdate(**changes)
        except UniqueViolation:
            changed = 0
        if not changed:
            raise build_dead_link()
        if before and before != self.value:
            post_letter(write_email_changed, self.request, before, self.value)
        return await super().form_valid(form)


class EmailConfirmCompleteView(MessageView):
    """Say that the address is the account's."""

    template_name = "auth/email_confirm_complete.html"
