"""Fixtures for accounts: an application with users, and handlers that log them in and out."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import create_tables
from undercroft import App, Request, Settings, include, path
from undercroft.auth import (
    CurrentUser,
    OptionalUser,
    aauthenticate,
    alogin,
    alogout,
    authenticate,
    hashers,
    login,
    login_required,
    logout,
    passwords,
    permission_required,
    user_passes_test,
)
from undercroft.auth.models import User
from undercroft.db.connections.databases import databases

MakeApp = Callable[..., App]

ROUTES = ("urls", "signup_urls")


@pytest.fixture(autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Let a hash cost next to nothing; what is tested is not how slow it is."""
    passwords.configure(hashers.Argon2Parameters(time_cost=1, memory_cost=8, parallelism=1))
    yield
    passwords.configure(hashers.Argon2Parameters())


@pytest.fixture
def make_app(sqlite_url: str) -> Iterator[MakeApp]:
    """Make an application with users."""

    def make(**settings: Any) -> App:
        told: dict[str, Any] = {
            "secret_key": "k" * 40,
            "database_url": sqlite_url,
            "session_engine": "db",
            **settings,
        }
        routes = [path("accounts/", include(f"undercroft.auth.{name}")) for name in ROUTES]
        app = App(Settings(**told), apps=["undercroft.sessions", "undercroft.auth"], routes=routes)
        create_tables("auth_", "sessions_")
        add_handlers(app)
        return app

    yield make
    databases.configure({})


def add_handlers(app: App) -> None:  # noqa: C901 - a list of handlers
    """Add handlers of both kinds."""

    @app.post("/login")
    async def log_in(request: Request, name: str, password: str) -> str:
        user = await aauthenticate(request, name, password)
        if user is None:
            return "wrong"
        await alogin(request, user)
        return "in"

    @app.post("/login-sync")
    def log_in_sync(request: Request, name: str, password: str) -> str:
        user = authenticate(request, name, password)
        if user is None:
            return "wrong"
        login(request, user)
        return "in"

    @app.post("/logout")
    async def log_out(request: Request) -> str:
        await alogout(request)
        return "out"

    @app.post("/logout-sync")
    def log_out_sync(request: Request) -> str:
        logout(request)
        return "out"

    @app.get("/me")
    async def me(user: CurrentUser[User]) -> str:
        return user.username

    @app.get("/me-sync")
    def me_sync(request: Request) -> str:
        return str(request.user)

    @app.get("/maybe")
    async def maybe(user: OptionalUser[User]) -> str:
        return "nobody" if user is None else user.username

    @app.get("/members")
    @login_required
    async def members(request: Request) -> str:
        return str(request.user)

    @app.get("/writers")
    @permission_required("blog.add_post")
    def writers(request: Request) -> str:
        return str(request.user)

    @app.get("/staff")
    @user_passes_test(lambda user: user.is_staff)
    def staff(request: Request) -> str:
        return str(request.user)
