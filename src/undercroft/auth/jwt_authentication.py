"""By an access token that is a JSON Web Token, and by nothing else: no query is made."""

from typing import Any

from undercroft.auth.authentication import BaseAuthentication, FindURL, find_user_steps
from undercroft.auth.bearer import build_token_refusal, find_bearer
from undercroft.auth.identity import Identity
from undercroft.auth.jwt import AccessTokens
from undercroft.auth.stepping import carry_out
from undercroft.auth.token_keys import KEY_PREFIX
from undercroft.auth.token_user import TokenUser
from undercroft.auth.users import get_user_model
from undercroft.errors import FieldValueError
from undercroft.http.request import Request
from undercroft.security.http_schemes import HTTPBearer
from undercroft.security.oauth2 import OAuth2PasswordBearer
from undercroft.security.schemes import SecurityScheme
from undercroft.settings import Settings


class JWTAuthentication(BaseAuthentication):
    """By a JSON Web Token that we signed.

    Args:
        settings: Have the keys, and whether the user is looked up each time.
    """

    challenge = 'Bearer realm="api"'

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tokens = AccessTokens(settings)
        self._checks_user = settings.jwt_check_user

    def build_scheme(self, find_url: FindURL) -> SecurityScheme[Any]:
        """Name the password flow, where `token_router` is included; else the HTTP scheme."""
        url = find_url("token_obtain")
        if url is None:
            return HTTPBearer(scheme_name="jwt", bearerFormat="JWT")
        return OAuth2PasswordBearer(
            url,
            scopes=self._settings.jwt_scopes,
            refreshUrl=find_url("token_refresh"),
            scheme_name="jwt",
        )

    async def authenticate(self, request: Request) -> Identity | None:
        """Find out for whom the token was made.

        Raises:
            NotAuthenticated: It proves nothing.
        """
        text = find_bearer(request)
        if text is None or text.startswith(KEY_PREFIX):
            return None
        token = self._tokens.read(text)
        if token is None:
            raise build_token_refusal()
        if self._checks_user:
            user = await carry_out(find_user_steps(token.claims["sub"]))
        else:
            user = build_user(token.claims)
        if user is None:
            raise build_token_refusal()
        return Identity(user, token)


def build_user(claims: dict[str, Any]) -> TokenUser | None:
    """Build the user that claims tell of; None where its key is no user's of this project."""
    options = get_user_model().__options__
    try:
        key = options.convert(options.primary_key, claims["sub"])
    except FieldValueError:
        return None
    return TokenUser(key, str(claims.get("username", "")))
