"""Signed links for mails: they expire, and count once, for a use changes what they are bound to."""

import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from undercroft.auth.authentication import find_user_steps
from undercroft.db.twins import Steps
from undercroft.errors import BadRequest, BadSignature, ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.security.signing import Signer
from undercroft.settings import Settings


@dataclass(frozen=True, slots=True)
class LinkKind:
    """What a link is for.

    Attributes:
        purpose: Its own for each kind: no link counts for another purpose.
        timeout: The setting that says for how many seconds it counts.
        bound_to: The user's fields, besides password and address, whose change it does not
            survive: using it changes one of all these, so that it counts once.
    """

    purpose: str
    timeout: str
    bound_to: tuple[str, ...]

    def make_token(self, settings: Settings, user: Any, value: str = "") -> str:
        """Make the token for a user as it is stored now.

        Args:
            settings: Have the keys.
            user: Whose link it is.
            value: What the link brings along, which may be read by whoever has it.
        """
        return self._sign(settings, [str(user.pk), self._take_state(user), value])

    def find_steps(self, settings: Settings, token: str) -> Steps[tuple[Any, str]]:
        """Find the user and the value of a token, in steps.

        Raises:
            BadRequest: It was changed, is too old, was used, or its account is not active.
        """
        told = self._read(settings, token)
        match told:
            case [str(key), str(state), str(value)]:
                user = yield from find_user_steps(key)
            case _:
                raise build_dead_link()
        if user is None or not hmac.compare_digest(self._take_state(user), state):
            raise build_dead_link()
        return user, value

    def make_for_address(self, settings: Settings, address: str) -> str:
        """Make the token for who has no account yet."""
        return self._sign(settings, [address])

    def read_address(self, settings: Settings, token: str) -> str:
        """Read the address of a token.

        Raises:
            BadRequest: It was changed, or is too old.
        """
        match self._read(settings, token):
            case [str(address)]:
                return address
            case _:
                raise build_dead_link()

    def _sign(self, settings: Settings, told: list[str]) -> str:
        return Signer(settings, f"auth.{self.purpose}").sign(told)

    def _read(self, settings: Settings, token: str) -> Any:
        age = timedelta(seconds=getattr(settings, self.timeout))
        try:
            return Signer(settings, f"auth.{self.purpose}").read(token, age)
        except BadSignature:
            raise build_dead_link() from None

    def _take_state(self, user: Any) -> str:
        # The stored password is in it, which nobody can guess: the digest tells nothing.
        fields = (str(getattr(user, name, None)) for name in self.bound_to)
        state = [user.password, user.get_email(), *fields]
        return sha256(json.dumps(state).encode()).hexdigest()[:32]


#: To a new password.
PASSWORD_RESET = LinkKind("password-reset", "password_reset_timeout", ("last_login",))
#: Proves that mail arrives at an address, and makes it the user's.
EMAIL = LinkKind("email", "email_link_timeout", ("email_verified_at",))
#: To an account that is made only then.
SIGNUP = LinkKind("signup", "email_link_timeout", ())


def build_dead_link() -> BadRequest:
    """Build the answer to a link that does not count."""
    return BadRequest(
        "This link does not count: it was used already, is too old, or is not complete.",
        hint="Ask for a new one.",
        code="auth.link",
    )


def build_address(request: Request, name: str, **params: str) -> str:
    """Build the whole address of a route, for a mail."""
    return find_site(request) + request.url_for(name, **params)


def find_site(request: Request) -> str:
    """Find where the addresses in mails begin: scheme and host.

    Raises:
        ImproperlyConfigured: Whoever sends the request would say which host they lead to.
    """
    settings = request.app.settings
    base = settings.site_url
    if base is None and "*" in settings.allowed_hosts and not settings.debug:
        raise ImproperlyConfigured(
            "A link is to be mailed, and allowed_hosts lets the one who asks for it choose its"
            " host.",
            hint="Set UNDERCROFT_SITE_URL, for example to 'https://example.org'.",
            code="auth.link-host",
        )
    return base or f"{request.scheme}://{request.host}"
