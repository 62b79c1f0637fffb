"""WebSockets through the application: handshake, messages, parameters, refusals and ends."""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import pytest
from pydantic import BaseModel

from undercroft import (
    App,
    Depends,
    Header,
    HTTPException,
    Query,
    Request,
    Router,
    Settings,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
    include,
    path,
)
from undercroft.errors import ImproperlyConfigured, WebSocketStateError
from undercroft.testing import Client, WebSocketDenied

app = App()
events: list[str] = []


class Note(BaseModel):
    text: str
    stars: int = 0


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            message = await socket.receive()
            if isinstance(message, str):
                await socket.send_text(message)
            else:
                await socket.send_bytes(message)
    except WebSocketDisconnect as end:
        events.append(f"{end.close_code} {end.reason}")


@app.websocket("/rooms/{room:int}", name="room")
async def room(
    socket: WebSocket,
    room: int,
    page: Annotated[int, Query(ge=1)] = 1,
    x_name: Annotated[str, Header()] = "nobody",
) -> None:
    await socket.accept()
    await socket.send_json({"room": room, "page": page, "name": x_name})


@app.websocket("/notes")
async def notes(socket: WebSocket) -> None:
    await socket.accept()
    async for note in socket.messages(Note):
        await socket.send_json(Note(text=note.text.upper(), stars=note.stars + 1))
    events.append("over")


async def open_resource(request: Request) -> AsyncIterator[str]:
    events.append("opened")
    try:
        yield request.query_params.get("user", "")
    finally:
        events.append("closed")


@app.websocket("/resource")
async def resource(socket: WebSocket, user: Annotated[str, Depends(open_resource)]) -> None:
    if not user:
        raise HTTPException(401, "Who are you?")
    await socket.accept()
    await socket.send_text(user)
    async for text in socket.iter_text():
        await socket.send_text(text)


@app.websocket("/fails/{how}")
async def fails(socket: WebSocket, how: str) -> None:
    await socket.accept()
    if how == "rule":
        raise WebSocketException(1008, "x" * 200)
    if how == "http":
        raise HTTPException(404, "No such room.")
    raise ZeroDivisionError(how)


@app.websocket("/quiet")
async def quiet(socket: WebSocket) -> None:
    """Forget to accept."""


@pytest.fixture(autouse=True)
def forget_events() -> None:
    events.clear()


@pytest.fixture
def sockets() -> AsyncIterator[Client]:
    """A client of the application."""
    with Client(app) as client:
        yield client


def test_messages_of_both_kinds_come_back(sockets: Client) -> None:
    """Text and bytes go both ways, whatever characters they hold, and the end is told."""
    with sockets.websocket_connect("/echo") as socket:
        socket.send_text("né 東京 👩‍🚀")
        assert socket.receive() == "né 東京 👩‍🚀"
        socket.send_bytes(b"\x00\xff")
        assert socket.receive_bytes() == b"\x00\xff"
        socket.send_text("")
        assert socket.receive_text() == ""
        socket.close(3001, "enough")
    assert events == ["3001 enough"]


def test_parameters_come_from_the_handshake(sockets: Client) -> None:
    """Path, query and headers are read and converted as for a request; then the end is 1000."""
    with sockets.websocket_connect("/rooms/7?page=2", headers={"x-name": "Ada"}) as socket:
        assert socket.receive_json() == {"room": 7, "page": 2, "name": "Ada"}
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive()
    assert caught.value.close_code == 1000
    assert app.url_for("room", room=7) == "/rooms/7"


@pytest.mark.parametrize(
    "address,status", [("/rooms/7?page=0", 422), ("/rooms/x", 404), ("/nothing", 404)]
)
def test_a_handshake_that_fits_nothing_is_answered_as_a_request_is(
    sockets: Client, address: str, status: int
) -> None:
    """Wrong values and unknown addresses refuse the handshake with problem details."""
    with pytest.raises(WebSocketDenied) as caught, sockets.websocket_connect(address):
        pass
    assert caught.value.response.status_code == status
    assert caught.value.response.json()["status"] == status


def test_typed_messages_are_validated(sockets: Client) -> None:
    """A handler gets models and sends models; the client's leaving ends its loop."""
    with sockets.websocket_connect("/notes") as socket:
        socket.send_json({"text": "a", "stars": "4"})
        assert socket.receive_json() == {"text": "A", "stars": 5}
    assert events == ["over"]


@pytest.mark.parametrize(
    "message,code,reason",
    [
        pytest.param("{", 1007, "JSON", id="no JSON"),
        pytest.param('{"text": "a", "stars": NaN}', 1007, "JSON", id="NaN"),
        pytest.param('{"stars": 1}', 1008, "text: Field required", id="no model"),
        pytest.param(b"{}", 1003, "Text was expected", id="binary"),
        pytest.param("x" * 1_048_577, 1009, "larger", id="too large"),
    ],
)
def test_a_message_that_does_not_fit_closes_with_its_code(
    sockets: Client, message: str | bytes, code: int, reason: str
) -> None:
    """Each kind of wrong message has its code, and a reason for people."""
    with sockets.websocket_connect("/notes") as socket:
        (socket.send_text if isinstance(message, str) else socket.send_bytes)(message)  # type: ignore[operator]
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive()
    assert caught.value.close_code == code
    assert reason in caught.value.reason


def test_dependencies_live_as_long_as_the_connection(sockets: Client) -> None:
    """What a dependency yields is there until the connection ends, and then cleaned up."""
    with sockets.websocket_connect("/resource?user=Ada") as socket:
        assert socket.receive_text() == "Ada"
        assert events == ["opened"]
    assert events == ["opened", "closed"]


def test_a_refusal_before_accept_is_an_http_answer(sockets: Client) -> None:
    """An HTTPException refuses the handshake with its status, and dependencies are cleaned up."""
    with pytest.raises(WebSocketDenied) as caught, sockets.websocket_connect("/resource"):
        pass
    assert caught.value.response.status_code == 401
    assert caught.value.response.json()["detail"] == "Who are you?"
    assert events == ["opened", "closed"]


@pytest.mark.parametrize("how,code", [("rule", 1008), ("http", 1008), ("bug", 1011)])
def test_exceptions_close(
    sockets: Client, how: str, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What a handler raises closes the connection with a code; only faults of ours are logged."""
    with (
        caplog.at_level(logging.ERROR),
        sockets.websocket_connect(f"/fails/{how}") as socket,
        pytest.raises(WebSocketDisconnect) as caught,
    ):
        socket.receive()
    assert caught.value.close_code == code
    assert len(caught.value.reason.encode()) <= 123
    assert ("ZeroDivisionError" in caplog.text) == (how == "bug")
    assert how != "bug" or "bug" not in caught.value.reason


def test_a_handler_that_forgets_to_accept_is_refused_and_named(
    sockets: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Without accept() the answer is 403 and the log says why."""
    with pytest.raises(WebSocketDenied) as caught, sockets.websocket_connect("/quiet"):
        pass
    assert caught.value.response.status_code == 403
    assert "without accept()" in caplog.text


def test_a_plain_request_is_told_to_upgrade(client: Callable[..., Client]) -> None:
    """At a WebSocket's address GET is 426, a handshake that came as a request 501, others 404."""
    http = client(app)
    answer = http.get("/echo")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    asked = http.get("/echo", headers={"upgrade": "websocket", "connection": "Upgrade"})
    assert (asked.status_code, asked.json()["code"]) == (501, "websocket.unsupported")
    assert http.post("/echo").status_code == 404
    assert http.request("WEBSOCKET", "/echo").status_code == 404
    assert http.get("/openapi.json").json()["paths"] == {}


def test_paths_routers_and_includes_serve_sockets() -> None:
    """A function that takes a WebSocket serves one wherever routes are declared."""
    router = Router(prefix="/chat", namespace="chat")

    @router.websocket("/{room}", name="room")
    async def chat(socket: WebSocket, room: str) -> None:
        await socket.accept()
        await socket.send_text(room)

    async def feed(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("fed")

    both = App(routes=[path("live/", include(router)), path("feed", feed, name="feed")])

    @both.get("/feed")
    def show_feed() -> str:
        return "a page"

    with Client(both) as client:
        with client.websocket_connect(both.url_for("chat:room", room="a")) as socket:
            assert socket.receive_text() == "a"
        with client.websocket_connect("/feed") as socket:
            assert socket.receive_text() == "fed"
        assert client.get("/feed").text == "a page"


def build_origins_app(**settings: object) -> App:
    guarded = App(Settings(allowed_hosts=["localhost", "shop.example"], **settings))  # type: ignore[arg-type]

    @guarded.websocket("/ws")
    async def serve(socket: WebSocket) -> None:
        await socket.accept()

    return guarded


@pytest.mark.parametrize(
    "origin,host,good",
    [
        ("http://localhost", "localhost", True),
        ("https://localhost:443", "localhost", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("http://localhost:8001", "localhost:8000", False),
        ("https://app.example", "shop.example", True),
        ("https://app.example.evil", "shop.example", False),
        ("https://evil.example", "shop.example", False),
        ("http://localhost.evil", "localhost", False),
        ("http://localhost@evil", "localhost", False),
        ("null", "localhost", False),
        ("", "localhost", False),
    ],
)
def test_foreign_pages_may_not_connect(origin: str, host: str, good: bool) -> None:
    """A page of another origin is refused with 403, though a browser sends cookies with it."""
    guarded = build_origins_app(websocket_origins=["https://app.example"])
    with Client(guarded) as client:
        connection = client.websocket_connect("/ws", headers={"origin": origin, "host": host})
        if good:
            with connection:
                return
        with pytest.raises(WebSocketDenied) as caught, connection:
            pass
        assert caught.value.response.json()["code"] == "websocket.origin"


def test_a_foreign_host_is_refused() -> None:
    """The host check holds for handshakes, too, before anything else looks at them."""
    with (
        Client(build_origins_app(websocket_origins=["*"])) as client,
        pytest.raises(WebSocketDenied) as caught,
        client.websocket_connect("/ws", headers={"host": "evil.example"}),
    ):
        pass
    assert caught.value.response.json()["code"] == "hosts.not-allowed"


def test_subprotocols_headers_and_stages() -> None:
    """One of the offered subprotocols is agreed on; what was not offered is a mistake."""
    picky = App()

    @picky.websocket("/ws")
    async def serve(socket: WebSocket) -> None:
        with pytest.raises(WebSocketStateError):
            await socket.send_text("early")
        with pytest.raises(ValueError, match="did not offer"):
            await socket.accept("v9")
        with pytest.raises(ValueError, match="control"):
            await socket.accept(headers={"x-a": "b\r\nset-cookie: c=d"})
        with pytest.raises(ValueError, match="own"):
            await socket.accept(headers={"Sec-WebSocket-Accept": "x"})
        await socket.accept(socket.choose_subprotocol(["v1", "v2"]), {"x-served-by": "me"})
        with pytest.raises(WebSocketStateError):
            await socket.accept()
        for code in (1005, 1006, 1015, 999, 5000):
            with pytest.raises(ValueError, match="code"):
                await socket.close(code)
        with pytest.raises(ValueError, match="longer"):
            await socket.close(1000, "é" * 62)
        await socket.close(4000, "é" * 61)
        with pytest.raises(WebSocketDisconnect):
            await socket.send_text("late")

    with (
        Client(picky) as client,
        client.websocket_connect("/ws", ["v3", "v2"], {"origin": "http://localhost"}) as socket,
    ):
        assert (socket.subprotocol, socket.headers["x-served-by"]) == ("v2", "me")
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive()
    assert caught.value.close_code == 4000


def test_a_socket_knows_its_handshake() -> None:
    """Address, cookies and state are those of the handshake, and middleware may hand things on."""
    seen: dict[str, object] = {}

    async def layer(socket: WebSocket, call_next: Callable[[WebSocket], object]) -> None:
        socket.state.user = "Ada"
        await call_next(socket)  # type: ignore[misc]
        seen["done"] = True

    aware = App(socket_middleware=[layer])

    @aware.websocket("/ws")
    async def serve(socket: WebSocket, request: Request) -> None:
        seen.update(
            url=str(socket.url), cookie=socket.cookies["a"], user=request.state.user, app=socket.app
        )
        await socket.accept()

    with Client(aware, cookies={"a": "b"}) as client, client.websocket_connect("/ws?q=1"):
        pass
    assert seen == {
        "url": "ws://localhost/ws?q=1",
        "cookie": "b",
        "user": "Ada",
        "app": aware,
        "done": True,
    }


def test_mistakes_in_declarations_are_found_at_start() -> None:
    """A `def`, a body and a WebSocket in a plain handler are errors that say what to write."""
    for declare in (declare_plain, declare_body, declare_http):
        with pytest.raises(ImproperlyConfigured) as caught:
            declare(App()).build()
        assert caught.value.code == "binding.websocket"
        assert caught.value.hint


def declare_plain(wrong: App) -> App:
    @wrong.websocket("/ws")
    def serve(socket: WebSocket) -> None: ...

    return wrong


def declare_body(wrong: App) -> App:
    @wrong.websocket("/ws")
    async def serve(socket: WebSocket, note: Note) -> None: ...

    return wrong


def declare_http(wrong: App) -> App:
    @wrong.get("/ws")
    async def serve(socket: WebSocket) -> None: ...

    return wrong
