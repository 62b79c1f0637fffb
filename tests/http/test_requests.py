"""Requests: bodies read once, twice, whole and in pieces; addresses put together."""

from collections.abc import Callable

import pytest

from undercroft import App, Request
from undercroft.errors import BodyConsumedError
from undercroft.http.responses import Response
from undercroft.http.url import URL
from undercroft.middleware.pipeline import Endpoint, Middleware
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


async def read_whole(request: Request, call_next: Endpoint) -> Response:
    """Read the body before the handler does, as a signature check would."""
    await request.body()
    return await call_next(request)


async def read_in_pieces(request: Request, call_next: Endpoint) -> Response:
    """Read the body before the handler does, and keep nothing."""
    async for _ in request.stream():
        pass
    return await call_next(request)


def build_app(middleware: Middleware) -> App:
    """An application whose handlers read the body after a middleware did."""
    app = App(middleware=[middleware])

    @app.post("/bound")
    async def bound(body: dict[str, int]) -> dict[str, int]:
        return body

    @app.post("/streamed")
    async def streamed(request: Request) -> int:
        return sum([len(piece) async for piece in request.stream()])

    @app.post("/told")
    async def told(request: Request) -> str:
        try:
            await request.body()
        except BodyConsumedError as error:
            return str(error)
        return "read"

    return app


def test_a_kept_body_can_be_streamed(client: MakeClient) -> None:
    """What `body()` read, `stream()` yields, as often as it is asked."""
    spoken = client(build_app(read_whole))
    assert spoken.post("/streamed", content=b"x" * 200_000).json() == 200_000
    assert spoken.post("/bound", json={"a": 1}).json() == {"a": 1}
    assert spoken.post("/told", content=b"x").text == "read"


def test_a_streamed_body_cannot_be_read_again(client: MakeClient) -> None:
    """Asking again is an error that tells what to call instead, and never waits for ever."""
    spoken = client(build_app(read_in_pieces))
    answer = spoken.post("/told", content=b"abc").text
    assert "request.body()" in answer
    assert "[http.body-consumed]" in answer
    assert spoken.post("/streamed", content=b"abc").status_code == 500
    assert spoken.post("/bound", json={"a": 1}).status_code == 500


@pytest.mark.parametrize(
    "path, expected",
    [
        ("@evil.example/x", "http://localhost/@evil.example/x"),
        (":80@evil.example", "http://localhost/:80@evil.example"),
        (".evil.example", "http://localhost/.evil.example"),
        ("*", "http://localhost/*"),
        ("", "http://localhost"),
        ("/é", "http://localhost/%C3%A9"),
    ],
)
def test_a_path_cannot_go_on_writing_the_host(path: str, expected: str) -> None:
    """Whatever a client's request line says, the address names this host."""
    assert str(URL("http", "localhost", path)) == expected


def test_an_address_below_a_mount_is_encoded(client: MakeClient) -> None:
    """`url_for` gives an address that can be sent, mount included."""
    app = App()

    @app.get("/here", name="here")
    def here(request: Request) -> str:
        return request.url_for("here")

    # The mount is what WSGI and ASGI give: text, decoded.
    request = Request("GET", "/here")
    request.app, request.root_path = app, "/laden ü"
    assert request.url_for("here") == "/laden%20%C3%BC/here"
