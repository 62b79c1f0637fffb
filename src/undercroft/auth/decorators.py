"""Who may call a handler, declared on it under Django's names; for functions and views alike."""

from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable
from typing import Any, TypeVar
from urllib.parse import quote

from undercroft.errors import PermissionDenied
from undercroft.http.request import Request
from undercroft.http.responses import RedirectResponse, Response
from undercroft.http.url import SAFE_IN_PATH
from undercroft.middleware.caching import mark
from undercroft.middleware.failures import prefers_html
from undercroft.middleware.pipeline import Endpoint

H = TypeVar("H", bound=Callable[..., Any])
Test = Callable[[Any], bool | Awaitable[bool]]

#: The query's parameter that says where to go after the log-in; Django's, too.
REDIRECT_FIELD_NAME = "next"


def login_required(handler: H) -> H:
    """Let those in who are logged in: a browser is sent to `login_url`, others are told 401."""

    def wrap(endpoint: Endpoint) -> Endpoint:
        async def enter(request: Request) -> Response:
            user = await request.auser()
            return await endpoint(request) if user.is_authenticated else send_to_login(request)

        return enter

    return mark(handler, wrap)


def user_passes_test(test: Test, login_url: str | None = None) -> Callable[[H], H]:
    """Let those in whom a test accepts; others are asked to log in, as by `login_required`.

    Args:
        test: Given the user, who may be anonymous; `def` or `async def`.
        login_url: Where to log in, unless it is where the settings say.
    """

    def wrap(endpoint: Endpoint) -> Endpoint:
        async def enter(request: Request) -> Response:
            found = test(await request.auser())
            is_in = await found if isawaitable(found) else found
            return await endpoint(request) if is_in else send_to_login(request, login_url)

        return enter

    return lambda handler: mark(handler, wrap)


def permission_required(
    permissions: str | Iterable[str], *, raise_exception: bool = True
) -> Callable[[H], H]:
    """Let those in who have permissions, `"blog.add_post"`.

    Who is not logged in is asked to; who is, and has them not, is told 403.

    Args:
        permissions: One, or several, all of which are needed.
        raise_exception: Whether to tell 403; else the log-in is shown, for another account.
    """
    wanted = [permissions] if isinstance(permissions, str) else list(permissions)

    def wrap(endpoint: Endpoint) -> Endpoint:
        async def enter(request: Request) -> Response:
            user = await request.auser()
            if await user.ahas_perms(wanted):
                return await endpoint(request)
            if user.is_authenticated and raise_exception:
                raise PermissionDenied(
                    f"This needs the permission {', '.join(wanted)}.", code="auth.permission"
                )
            return send_to_login(request)

        return enter

    return lambda handler: mark(handler, wrap)


def send_to_login(request: Request, login_url: str | None = None) -> Response:
    """Send a browser to the log-in, and back from there; others are told 401.

    Raises:
        NotAuthenticated: It is no browser that asks for a page.
    """
    if not prefers_html(request) or request.method not in ("GET", "HEAD"):
        raise request.app.identification.build_refusal(request)
    address = login_url or request.app.settings.login_url
    if not address.startswith("/"):
        address = request.url_for(address)
    wanted = quote(request.root_path + request.path, safe=SAFE_IN_PATH)
    if request.raw_query:
        wanted += "?" + request.raw_query.decode("latin-1")
    return RedirectResponse(f"{address}?{REDIRECT_FIELD_NAME}={quote(wanted, safe='/')}", 302)
