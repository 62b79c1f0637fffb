"""OpenAPI: handlers that ask for a user tell of the ways in which users are found."""

import threading
from collections.abc import Callable, Iterator
from typing import Annotated, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from playwright.sync_api import Browser

from tests.auth.conftest import MakeApp
from undercroft import App
from undercroft.auth import CurrentUser, OptionalUser, get_current_user
from undercroft.auth.models import User
from undercroft.auth.token_routes import token_router
from undercroft.errors import ImproperlyConfigured
from undercroft.security import APIKeyHeader, Security
from undercroft.testing.client import Client

WRITE = {"posts:write": "Write posts"}


@pytest.fixture
def make_described(make_app: MakeApp) -> Callable[..., App]:
    """Make an application whose handlers ask for users in each way."""

    def make(*, with_tokens: bool = True, **settings: Any) -> App:
        app = make_app(jwt_scopes=WRITE, **settings)
        if with_tokens:
            app.include(token_router, prefix="/token")

        @app.get("/who")
        async def who(user: CurrentUser[User]) -> str:
            """Tell who asks."""
            return user.username

        @app.get("/perhaps")
        async def perhaps(user: OptionalUser[User]) -> str:
            return "somebody" if user else "nobody"

        @app.post("/posts")
        async def write(
            user: Annotated[User, Security(get_current_user, scopes=["posts:write"])],
        ) -> str:
            return user.username

        @app.get("/open")
        async def show() -> str:
            return "all"

        return app

    return make


def describe(app: App) -> dict[str, Any]:
    """Fetch the description."""
    with Client(app) as client:
        document: dict[str, Any] = client.get("/openapi.json").json()
    return document


def test_each_way_is_an_alternative(make_described: Callable[..., App]) -> None:
    """In the order of the settings, with the scopes that are asked for."""
    document = describe(make_described(authentication=["session", "token", "jwt", "basic"]))
    paths = document["paths"]
    names = ["session", "token", "jwt", "basic"]
    assert paths["/who"]["get"]["security"] == [{name: []} for name in names]
    assert paths["/perhaps"]["get"]["security"] == [{}, *({name: []} for name in names)]
    assert paths["/posts"]["post"]["security"] == [{name: ["posts:write"]} for name in names]
    assert "401" in paths["/who"]["get"]["responses"]
    assert "security" not in paths["/open"]["get"]
    assert document["components"]["securitySchemes"] == {
        "basic": {"type": "http", "scheme": "basic"},
        "jwt": {
            "type": "oauth2",
            "flows": {
                "password": {
                    "tokenUrl": "/token",
                    "refreshUrl": "/token/refresh",
                    "scopes": WRITE,
                }
            },
        },
        "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "uc_..."},
    }


def test_without_our_routes_a_token_comes_from_elsewhere(
    make_described: Callable[..., App],
) -> None:
    """Then only the scheme is told."""
    document = describe(make_described(with_tokens=False, authentication=["jwt"]))
    expected = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    assert document["components"]["securitySchemes"] == {"jwt": expected}


def test_a_scheme_of_a_ways_name_is_another_one(make_described: Callable[..., App]) -> None:
    """OpenAPI could show only one of them."""
    app = make_described(authentication=["session"])
    scheme = APIKeyHeader(name="x-key", scheme_name="session")

    @app.get("/keyed")
    async def keyed(key: Annotated[str, Security(scheme)]) -> str:
        return key

    with pytest.raises(ImproperlyConfigured) as caught:
        app.build()
    assert caught.value.code == "openapi.scheme"


class QuietHandler(WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def served(make_described: Callable[..., App]) -> Iterator[str]:
    """The address of an application that runs in a thread, with a user."""
    app = make_described(authentication=["jwt"], allowed_hosts=["127.0.0.1"])
    User.objects.create_user("ada", password="secret")
    application: Any = app
    with make_server("127.0.0.1", 0, application, handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_swagger_ui_logs_in_by_our_route(served: str, chromium: Browser) -> None:
    """Authorize takes name and password, and what is tried then is who that is."""
    page = chromium.new_page()
    page.goto(f"{served}/docs")
    page.click(".auth-wrapper .authorize")
    page.fill("#oauth_username", "ada")
    page.fill("#oauth_password", "secret")
    page.click(".modal-ux .auth-btn-wrapper .authorize")
    page.wait_for_selector(".modal-ux .auth-btn-wrapper button:has-text('Logout')")
    page.click(".modal-ux .btn-done")
    page.click("[id$='who'] .opblock-summary-control")
    page.click("[id$='who'] .try-out__btn")
    page.click("[id$='who'] .execute")
    answer = page.wait_for_selector("[id$='who'] .live-responses-table tbody")
    assert answer is not None
    assert "ada" in (answer.text_content() or "")
    page.close()
