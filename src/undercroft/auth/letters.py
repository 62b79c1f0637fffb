"""Mails about accounts: written by templates, sent once the request has been answered.

Whom they go to is looked up then, too: an answer takes the same time for unknown addresses.
"""

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec

from undercroft.auth.links import EMAIL, PASSWORD_RESET, SIGNUP, build_address, find_site
from undercroft.auth.users import get_user_model
from undercroft.background.tasks import BackgroundTask
from undercroft.http.request import Request
from undercroft.mail.message import EmailMessage

P = ParamSpec("P")


def post_letter(
    write: Callable[Concatenate[Request, P], None],
    request: Request,
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Have a letter written and sent once the request has been answered well."""
    # What is wrong with the settings is an error now, and for everybody.
    find_site(request)
    request.call_after_answer(BackgroundTask(write, request, *args, **kwargs))


def write_password_reset(request: Request, address: str) -> None:
    """Send the link to a new password to the one who has an address.

    It goes where the account says, and not to what was typed: the two may look alike only.
    """
    user = get_user_model().objects.find_by_email(address)
    if user is None or not user.is_active or not user.has_usable_password():
        return
    token = PASSWORD_RESET.make_token(request.app.settings, user)
    link = build_address(request, "password_reset_confirm", token=token)
    send_letter(request, "auth/mail/password_reset.txt", user.get_email(), link=link, user=user)


def write_email_link(request: Request, key: object, address: str) -> None:
    """Send the link that proves that mail arrives, and makes an address a user's.

    Where it is somebody else's by now, that one is told; who asked is not.
    """
    rows = get_user_model().objects
    user, owner = rows.get(pk=key), rows.find_by_email(address)
    if owner is not None and owner.pk != user.pk:
        send_letter(request, "auth/mail/email_taken.txt", owner.get_email(), user=owner)
        return
    token = EMAIL.make_token(request.app.settings, user, address)
    link = build_address(request, "email_confirm", token=token)
    send_letter(request, "auth/mail/email_confirm.txt", address, link=link, user=user)


def write_email_changed(request: Request, before: str, address: str) -> None:
    """Tell at the address that an account had that it has another one."""
    send_letter(request, "auth/mail/email_changed.txt", before, address=address)


def write_signup(request: Request, address: str) -> None:
    """Send the link to a new account; who has one already is told so."""
    owner = get_user_model().objects.find_by_email(address)
    if owner is not None:
        link = build_address(request, "password_reset")
        sent_to = owner.get_email()
        send_letter(request, "auth/mail/signup_known.txt", sent_to, link=link, user=owner)
        return
    token = SIGNUP.make_for_address(request.app.settings, address)
    link = build_address(request, "signup_confirm", token=token)
    send_letter(request, "auth/mail/signup.txt", address, link=link)


def send_letter(request: Request, template: str, to: str, /, **context: Any) -> None:
    """Send what the blocks `subject` and `body` of a template say."""
    told: Mapping[str, Any] = {**context, "host": find_site(request).partition("//")[2]}
    templates = request.app.templates
    subject, body = (str(templates.render_block(template, each, told)) for each in _BLOCKS)
    EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[to]).send()


_BLOCKS = ("subject", "body")
