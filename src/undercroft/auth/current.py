"""The current user, as an argument of handlers.

```python
@app.get("/me")
async def me(user: CurrentUser[User]) -> str: ...      # 401 unless somebody is logged in

@app.get("/")
async def home(user: OptionalUser[User]) -> str: ...   # None for nobody

Writer = Annotated[User, Security(get_current_user, scopes=["posts:write"])]
```
"""

from typing import Annotated, Any, TypeVar

from undercroft.auth.identity import Identity
from undercroft.auth.scopes import check_scopes
from undercroft.binding.parameters import Depends
from undercroft.binding.scopes import SecurityScopes
from undercroft.http.request import Request
from undercroft.security.identifying import identifies

U = TypeVar("U")


@identifies(insists=False)
async def find_current_user(request: Request, scopes: SecurityScopes) -> Any:
    """Find who makes the request; None where nobody is known.

    Raises:
        PermissionDenied: Somebody is, by a token that lacks a scope which the handler asks for.
    """
    user = await request.auser()
    if not user.is_authenticated:
        return None
    if scopes.scopes:
        check_scopes(Identity(user, request.auth), scopes.scopes)
    return user


@identifies(insists=True)
async def get_current_user(request: Request, scopes: SecurityScopes) -> Any:
    """Get who makes the request; by `Security`, with the scopes that a token must have.

    Raises:
        NotAuthenticated: Nobody is known.
        PermissionDenied: The token lacks a scope.
    """
    user = await find_current_user(request, scopes)
    if user is None:
        raise request.app.identification.build_refusal(request)
    return user


CurrentUser = Annotated[U, Depends(get_current_user)]
OptionalUser = Annotated[U | None, Depends(find_current_user)]
