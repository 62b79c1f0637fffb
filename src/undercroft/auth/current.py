"""The current user, as an argument of handlers.

```python
@app.get("/me")
async def me(user: CurrentUser[User]) -> str: ...      # 401 unless somebody is logged in

@app.get("/")
async def home(user: OptionalUser[User]) -> str: ...   # None for nobody
```
"""

from typing import Annotated, Any, TypeVar

from undercroft.binding.parameters import Depends
from undercroft.http.request import Request

U = TypeVar("U")


async def find_current_user(request: Request) -> Any:
    """Find who makes the request; None where nobody is known."""
    user = await request.auser()
    return user if user.is_authenticated else None


async def get_current_user(request: Request) -> Any:
    """Get who makes the request.

    Raises:
        NotAuthenticated: Nobody is known.
    """
    user = await request.auser()
    if not user.is_authenticated:
        raise request.app.identification.build_refusal(request)
    return user


CurrentUser = Annotated[U, Depends(get_current_user)]
OptionalUser = Annotated[U | None, Depends(find_current_user)]
