"""By a token in `Authorization`, `Bearer uc_…` or REST framework's `Token uc_…`."""

from functools import partial
from typing import TYPE_CHECKING, Any

from undercroft.auth.authentication import BaseAuthentication, FindURL
from undercroft.auth.bearer import build_token_refusal, find_bearer
from undercroft.auth.identity import Identity
from undercroft.auth.stepping import carry_out
from undercroft.auth.token_keys import KEY_PREFIX, is_key
from undercroft.db.mapping import registry
from undercroft.db.twins import take_steps
from undercroft.http.request import Request
from undercroft.security.http_schemes import HTTPBearer
from undercroft.security.schemes import SecurityScheme, find_authorization

if TYPE_CHECKING:
    from undercroft.auth.tokens import Token


class TokenAuthentication(BaseAuthentication):
    """By a token of the table, with one query."""

    challenge = 'Bearer realm="api"'

    def build_scheme(self, find_url: FindURL) -> SecurityScheme[Any]:
        """Name the HTTP scheme."""
        return HTTPBearer(scheme_name="token", bearerFormat="uc_...")

    async def authenticate(self, request: Request) -> Identity | None:
        """Find the token that was sent, and its user.

        Raises:
            NotAuthenticated: There is no such token, or it or its user does not count any more.
        """
        key = find_key(request)
        if key is None:
            return None
        token = await find_token(key) if is_key(key) else None
        if token is None or not token.user.is_active:
            raise build_token_refusal()
        if token.is_use_to_be_stored():
            # Once the answer is sent: nobody waits for it, and no transaction holds the row.
            request.call_at_end(partial(store_use, token))
        return Identity(token.user, token)


async def find_token(key: str) -> "Token | None":
    """Find the token with a key; None where it does not count."""
    rows: Any = registry.get_model("auth.Token").objects
    token: Token | None = await carry_out(take_steps(rows.find_by_key, key))
    return token


async def store_use(token: "Token") -> None:
    """Store that a token was used."""
    await carry_out(token.store_use())


def find_key(request: Request) -> str | None:
    """Find the key of a token among what was sent; other bearer tokens are for other ways."""
    key = find_bearer(request)
    if key is not None:
        return key if key.startswith(KEY_PREFIX) else None
    return find_authorization(request, "token")
