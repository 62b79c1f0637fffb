"""Fixtures for sessions: an application whose sessions are kept in each kind of store."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import create_tables
from undercroft import App, Request, Settings
from undercroft.db.connections.databases import databases
from undercroft.sessions import Session

KEY = "k" * 40

MakeApp = Callable[..., App]


@pytest.fixture(params=["signed_cookies", "cache", "db"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each kind of store in turn."""
    name: str = request.param
    return name


@pytest.fixture
def make_app(sqlite_url: str) -> Iterator[MakeApp]:
    """Make an application with handlers that use the session."""

    def make(engine: str, **settings: Any) -> App:
        told = Settings(
            session_engine=engine,
            secret_key=KEY,
            database_url=settings.pop("database_url", sqlite_url),
            **settings,
        )
        app = App(told, apps=["undercroft.sessions"])
        create_tables("sessions_")
        add_handlers(app)
        return app

    yield make
    databases.dispose()


def add_handlers(app: App) -> None:
    @app.get("/nothing")
    def nothing(request: Request) -> str:
        return f"{request.session.is_touched}"

    @app.get("/read")
    def read(request: Request) -> dict[str, Any]:
        return dict(request.session)

    @app.get("/read-async")
    async def read_async(session: Session) -> dict[str, Any]:
        return dict(session)

    @app.post("/set/{name}/{value:int}", status_code=200)
    def set_value(request: Request, name: str, value: int) -> int:
        request.session[name] = value
        return value

    @app.post("/set-async/{name}/{value:int}")
    async def set_async(request: Request, name: str, value: int) -> int:
        await request.session.aload()
        request.session[name] = value
        return value

    add_later_handlers(app)


def add_later_handlers(app: App) -> None:
    @app.post("/append/{value:int}")
    def append(request: Request, value: int) -> int:
        request.session.setdefault("cart", []).append(value)
        return value

    @app.post("/login/{user}")
    def log_in(request: Request, user: str) -> str:
        request.session.cycle_key()
        request.session.user_key = user
        return user

    @app.post("/logout")
    def log_out(request: Request, fail: bool = False) -> str:
        request.session.flush()
        if fail:
            raise ValueError
        return "out"

    @app.post("/fail/{name}")
    def fail(request: Request, name: str) -> str:
        request.session[name] = 1
        raise ValueError
