"""The test client: any application, through either gateway, with or without a lifespan."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from undercroft import App, PlainTextResponse, Request
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


async def answer_foreign(scope: Any, receive: Any, send: Any) -> None:
    """Answer as an ASGI application that is not ours."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["root_path"].encode() + b"!"})


async def refuses_lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Raise at any scope but http's, as the ASGI specification advises."""
    if scope["type"] != "http":
        raise NotImplementedError
    await answer_foreign(scope, receive, send)


async def ignores_lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Return at any scope but http's."""
    if scope["type"] == "http":
        await answer_foreign(scope, receive, send)


async def ends_early(scope: Any, receive: Any, send: Any) -> None:
    """Start, and be gone before the shutdown."""
    if scope["type"] == "http":
        await answer_foreign(scope, receive, send)
    else:
        await receive()
        await send({"type": "lifespan.startup.complete"})


@pytest.mark.parametrize("app", [refuses_lifespan, ignores_lifespan, ends_early])
def test_an_application_without_lifespan_is_served(app: Any) -> None:
    """An application that raises, returns or ends at the lifespan is asked all the same."""
    with Client(app, root_path="/below") as spoken:
        assert spoken.get("/").text == "/below!"


@pytest.mark.parametrize("event", ["startup", "shutdown"])
@pytest.mark.parametrize("message", ["no disk", ""])
@pytest.mark.parametrize("raises", [False, True])
def test_a_foreign_lifespan_that_fails_is_an_error(event: str, message: str, raises: bool) -> None:
    """What the application says of a failed start or end is raised, even if it raises too."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != f"lifespan.{event}":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": f"lifespan.{event}.failed", "message": message})
        if raises:
            raise ValueError(message)

    with pytest.raises(RuntimeError, match=message or f"failed at {event}"), Client(app):
        pass


def test_a_lifespan_that_raises_at_its_end_is_an_error() -> None:
    """What goes wrong after the start is not mistaken for having no lifespan."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise ValueError("at the end")

    with pytest.raises(ValueError, match="at the end"), Client(app):
        pass


def test_our_own_lifespan_that_fails_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """The reason a start failed for reaches the test."""

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        raise ValueError("no disk")
        yield

    with pytest.raises(RuntimeError, match="no disk"), Client(App(lifespan=lifespan)):
        pass
    assert "could not start" in caplog.text


def test_a_foreign_wsgi_application_is_served() -> None:
    """A WSGI application gets mount, path and query as PEP 3333 says, and is closed."""
    closed: list[bool] = []

    class Body(list[bytes]):
        def close(self) -> None:
            closed.append(True)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("201 Created", [("x-one", "1")])
        names = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")
        return Body([" ".join(environ[name] for name in names).encode("latin-1")])

    with Client(app, through="wsgi", root_path="/below") as spoken:
        answer = spoken.post("/below/%C3%BC?a=1")
    assert (answer.status_code, answer.headers["x-one"]) == (201, "1")
    assert answer.text == "POST /below /ü a=1"
    assert closed == [True]


def test_cookies_are_kept_between_requests(client: MakeClient) -> None:
    """A cookie that was set comes with the next request, as from a browser."""
    app = App()

    @app.get("/set")
    def set_it() -> PlainTextResponse:
        response = PlainTextResponse("set")
        response.set_cookie("taste", "oak")
        return response

    @app.get("/")
    def read(request: Request) -> str:
        return request.cookies.get("taste", "none")

    spoken = client(app)
    assert spoken.get("/").text == "none"
    spoken.get("/set")
    assert spoken.get("/").text == "oak"
