"""ASGI: what the protocol sends and receives, spoken by hand where no client would."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from undercroft import App, Request

Message = dict[str, Any]


def build_scope(path: str = "/", **parts: Any) -> Message:
    """Build the scope of a GET request."""
    return {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [],
        "scheme": "http", "client": ("10.0.0.9", 1234), "server": ("127.0.0.1", 80), **parts,
    }  # fmt: skip


async def call(app: App, scope: Message, *received: Message) -> list[Message]:
    """Call an application and return all it sends; after `received` the client is gone."""
    waiting, sent = list(received), []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def test_lifespan_starts_and_stops_the_application() -> None:
    """Startup compiles the application, and both ends are confirmed."""
    app = App()
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent = asyncio.run(call(app, {"type": "lifespan"}, *events))
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_a_mistake_in_the_routes_fails_the_start() -> None:
    """What cannot work is told to the server as a failed start, with the reason."""
    app = App()
    app.get("/same")(lambda: "one")
    app.get("/same")(lambda: "two")
    sent = asyncio.run(call(app, {"type": "lifespan"}, {"type": "lifespan.startup"}))
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "/same" in sent[0]["message"]


def test_a_websocket_is_refused_where_none_is_served() -> None:
    """Without the extension for answers a WebSocket is closed before it is accepted."""
    handshake = {"type": "websocket", "path": "/ws", "query_string": b"", "headers": []}
    sent = asyncio.run(call(App(), handshake, {"type": "websocket.connect"}))
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_an_unknown_connection_is_left_alone() -> None:
    """A kind of connection the application does not know is not answered with nonsense."""
    assert asyncio.run(call(App(), {"type": "carrier-pigeon"})) == []


def test_the_body_comes_in_pieces() -> None:
    """A body in several messages is one body."""
    app = App()

    @app.post("/")
    async def handler(request: Request) -> int:
        return len(await request.body())

    pieces = [
        {"type": "http.request", "body": b"abc", "more_body": True},
        {"type": "http.request", "body": b"", "more_body": True},
        {"type": "http.request", "body": b"def"},
    ]
    sent = asyncio.run(call(app, build_scope(method="POST"), *pieces))
    assert sent[1]["body"] == b"6"


def test_a_client_that_leaves_while_sending_is_not_answered() -> None:
    """A body that never ends stops the handler, and nothing is sent to nobody."""
    app = App()
    reached: list[str] = []

    @app.post("/")
    async def handler(request: Request) -> str:
        await request.body()
        reached.append("end")
        return "never"

    piece = {"type": "http.request", "body": b"abc", "more_body": True}
    assert asyncio.run(call(app, build_scope(method="POST"), piece)) == []
    assert reached == []


def test_a_client_that_leaves_ends_the_stream() -> None:
    """An endless stream is stopped and closed when its client goes away."""
    app = App()
    closed: list[bool] = []

    @app.get("/")
    async def handler() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick"
                await asyncio.sleep(0.001)
        finally:
            closed.append(True)

    async def run() -> list[Message]:
        sent: list[Message] = []
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) == 5:
                gone.set()

        await asyncio.wait_for(app(build_scope(), receive, send), 5)
        return sent

    assert len(asyncio.run(run())) < 50
    assert closed == [True]


def test_the_mount_is_taken_off_the_path() -> None:
    """Below a root path routes match what is left, and addresses have the whole."""
    app = App()

    @app.get("/here", name="here")
    async def here(request: Request) -> list[str]:
        return [request.path, request.root_path, str(request.url), request.url_for("here")]

    scope = build_scope("/api/here", root_path="/api", headers=[(b"host", b"localhost")])
    sent = asyncio.run(call(app, scope, {"type": "http.request"}))
    assert sent[1]["body"] == b'["/here","/api","http://localhost/api/here","/api/here"]'


def test_odd_request_lines_are_not_found() -> None:
    """A path that starts with no slash, or names another host, is answered 404."""
    for path in ("*", "", "here", "http://evil.example/here"):
        sent = asyncio.run(call(App(), build_scope(path), {"type": "http.request"}))
        assert sent[0]["status"] == 404
