"""Ways to authenticate: each finds out who makes a request, or that it does not apply.

The names are REST framework's. A way of a project's own:

```python
class KeyAuthentication(BaseAuthentication):
    async def authenticate(self, request: Request) -> Identity | None: ...
```
"""

import base64
import binascii
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from undercroft.auth.fingerprint import has_fingerprint
from undercroft.auth.identity import Identity
from undercroft.auth.logins import FINGERPRINT, authenticate_steps
from undercroft.auth.second_step import has_second_step
from undercroft.auth.stepping import LoadSession, carry_out
from undercroft.auth.users import get_user_model
from undercroft.db.twins import Steps, take_steps
from undercroft.errors import FieldValueError, NotAuthenticated
from undercroft.http.request import Request
from undercroft.security.api_keys import APIKeyCookie
from undercroft.security.http_schemes import HTTPBasic
from undercroft.security.schemes import SecurityScheme
from undercroft.settings import Settings

#: Finds the path of a route by its name.
FindURL = Callable[[str], str | None]


class BaseAuthentication(ABC):
    """One way to authenticate.

    Attributes:
        challenge: What WWW-Authenticate says with a 401; "" for a way that no client is told of.
        is_cookie: Whether browsers send the proof by themselves, so that forgery has to be feared.
    """

    challenge: str = ""
    is_cookie: bool = False

    @abstractmethod
    async def authenticate(self, request: Request) -> Identity | None:
        """Find out who makes a request; None where this way does not apply.

        Raises:
            NotAuthenticated: It applies, and what was sent proves nothing.
        """

    def build_scheme(self, find_url: FindURL) -> SecurityScheme[Any] | None:
        """Build what OpenAPI is told of this way; None leaves it out.

        Args:
            find_url: Finds the path of a route by its name; None where there is none.
        """
        return None

    def authenticate_header(self, request: Request) -> str:
        """Return what WWW-Authenticate says; REST framework's name."""
        return self.challenge


class SessionAuthentication(BaseAuthentication):
    """By the session, after `login`.

    Args:
        settings: Have the keys that fingerprints are made with.
    """

    challenge = 'Session realm="api"'
    is_cookie = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def build_scheme(self, find_url: FindURL) -> SecurityScheme[Any]:
        """Name the cookie."""
        return APIKeyCookie(name=self._settings.session_cookie_name, scheme_name="session")

    async def authenticate(self, request: Request) -> Identity | None:
        """Find the user whose session it is, and who still has the password of then."""
        session = request.session
        if session.token is None and not session.is_touched:
            return None
        return await carry_out(self._find_steps(request))

    def _find_steps(self, request: Request) -> Steps[Identity | None]:
        session = request.session
        yield LoadSession(session)
        if session.user_key is None:
            return None
        user = yield from find_user_steps(session.user_key)
        fingerprint = session.get(FINGERPRINT)
        if user is None or not has_fingerprint(self._settings, user, fingerprint):
            session.flush()
            return None
        return Identity(user)


class BasicAuthentication(BaseAuthentication):
    """By name and password in each request (RFC 7617), which costs a hash: tokens cost less."""

    challenge = 'Basic realm="api", charset="UTF-8"'

    def build_scheme(self, find_url: FindURL) -> SecurityScheme[Any]:
        """Name the HTTP scheme."""
        return HTTPBasic(scheme_name="basic")

    async def authenticate(self, request: Request) -> Identity | None:
        """Check name and password.

        Raises:
            NotAuthenticated: They are wrong, or cannot be read.
        """
        credentials = find_credentials(request, "basic")
        if credentials is None:
            return None
        try:
            text = base64.b64decode(credentials, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise NotAuthenticated("The Basic credentials cannot be read.") from None
        name, separator, password = text.partition(":")
        if not separator:
            raise NotAuthenticated("The Basic credentials have no colon.")
        user = await carry_out(authenticate_steps(request, name, password))
        # A password is not enough where there is a second step, and there is no place for a code.
        if user is None or await carry_out(has_second_step(user)):
            raise NotAuthenticated("Name or password is wrong.", code="auth.wrong")
        return Identity(user)


def find_credentials(request: Request, scheme: str) -> str | None:
    """Find what stands after a scheme in Authorization (RFC 9110, section 11.6.2)."""
    told = request.headers.get("authorization", "")
    found, _, credentials = told.partition(" ")
    return credentials.strip() if found.lower() == scheme else None


def find_user_steps(key: str) -> Steps[Any]:
    """Find a user by its key as text, in steps; None where there is none, or it is not active."""
    model = get_user_model()
    try:
        user = yield from take_steps(model.objects.filter(pk=key).first)
    except FieldValueError:
        # Of another kind of key, from before the model was another one.
        return None
    return user if user is not None and user.is_active else None
