"""Routes to include: tokens for name and password, renewed, taken back, and their keys.

```python
app.include(token_router, prefix="/token")
```

Answers are OAuth 2's (RFC 6749, section 5), so that its programs, and Swagger UI, understand them.
"""

from typing import Annotated, Any

from undercroft.auth.jwt import AccessTokens
from undercroft.auth.logins import authenticate_steps
from undercroft.auth.refreshing import begin_family, end_family, refresh
from undercroft.auth.scopes import join_scopes
from undercroft.auth.second_step import has_second_step, verify_steps
from undercroft.auth.stepping import carry_out
from undercroft.binding.parameters import Depends, Form
from undercroft.http.request import Request
from undercroft.http.responses import JSONResponse
from undercroft.routing.router import Router
from undercroft.security.csrf import csrf_exempt
from undercroft.security.oauth2 import OAuth2PasswordRequestForm
from undercroft.settings import Settings

token_router = Router(tags=["tokens"])


#: Made once, for all requests.
Tokens = Annotated[AccessTokens, Depends(scope="app")]


@token_router.post("", name="token_obtain")
@csrf_exempt
async def token_obtain(
    request: Request,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    tokens: Tokens,
    otp: Annotated[str, Form()] = "",
) -> JSONResponse:
    """Exchange name and password for an access token and a refresh token.

    Where a log-in has a second step, `otp` is the code.
    """
    settings: Settings = request.app.settings
    if not set(form.scopes) <= settings.jwt_scopes.keys():
        return refuse("invalid_scope")
    user = await carry_out(authenticate_steps(request, form.username, form.password))
    if user is None:
        return refuse("invalid_grant")
    if await carry_out(has_second_step(user)) and not await is_code(request, user, otp):
        return refuse("otp_required")
    scope = join_scopes(form.scopes)
    renewal = await carry_out(begin_family(settings, user, scope))
    return answer(tokens, user, scope, renewal)


@token_router.post("/refresh", name="token_refresh")
@csrf_exempt
async def token_refresh(
    request: Request, refresh_token: Annotated[str, Form()], tokens: Tokens
) -> JSONResponse:
    """Exchange a refresh token, which counts once, for new tokens."""
    found = await carry_out(refresh(request.app.settings, refresh_token))
    if found is None:
        # Answered, not raised: that the family has ended is to be stored.
        return refuse("invalid_grant")
    return answer(tokens, found.user, found.scope, found.token)


@token_router.post("/revoke", name="token_revoke")
@csrf_exempt
async def token_revoke(token: Annotated[str, Form()]) -> JSONResponse:
    """Take a refresh token back, and all that followed from its log-in (RFC 7009)."""
    await carry_out(end_family(token))
    return build_answer({})


@token_router.get("/keys", name="token_keys")
def token_keys(tokens: Tokens) -> JSONResponse:
    """List the public keys that access tokens are checked with (RFC 7517)."""
    return JSONResponse(tokens.describe_keys(), headers={"cache-control": "public, max-age=300"})


async def is_code(request: Request, user: Any, code: str) -> bool:
    """Tell whether a code is right; none is no attempt."""
    return bool(code) and await carry_out(verify_steps(request, user, code))


def answer(tokens: AccessTokens, user: Any, scope: str, renewal: str) -> JSONResponse:
    """Answer with new tokens."""
    told = {
        "access_token": tokens.write(user, scope),
        "token_type": "Bearer",
        "expires_in": int(tokens.lifetime.total_seconds()),
        "refresh_token": renewal,
        "scope": scope,
    }
    return build_answer(told)


def refuse(error: str) -> JSONResponse:
    """Refuse in OAuth 2's words (RFC 6749, section 5.2)."""
    return build_answer({"error": error}, 400)


def build_answer(content: dict[str, Any], status_code: int = 200) -> JSONResponse:
    """Build an answer that nobody keeps."""
    return JSONResponse(content, status_code, headers={"cache-control": "no-store"})
