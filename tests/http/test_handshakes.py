"""What holds for requests holds for a WebSocket's handshake, also where a mount serves it."""

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi import WebSocket as FastAPIWebSocket
from pydantic import SecretStr

from undercroft import App, Request, Settings, WebSocket, WebSocketDisconnect
from undercroft.errors import WebSocketStateError
from undercroft.middleware.request_id import RequestId, RequestIdFilter
from undercroft.sessions import Session
from undercroft.testing import Client, WebSocketDenied

PROXIED = {
    "x-forwarded-for": "6.6.6.6, 203.0.113.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.example",
}


def build_site(**settings: Any) -> App:
    """Build an application with a WebSocket of its own and one of a mounted application."""
    site = App(
        Settings(allowed_hosts=["localhost", "shop.example"], **settings),
        middleware=[RequestId()],
    )

    @site.websocket("/own")
    async def own(socket: WebSocket) -> None:
        await socket.accept(headers={"x-served-by": "own"})
        await socket.send_json(
            [
                None if socket.client is None else socket.client.host,
                str(socket.url),
                socket.headers.get("x-forwarded-for"),
            ]
        )

    mounted = FastAPI()

    @mounted.websocket("/ws")
    async def serve(websocket: FastAPIWebSocket) -> None:
        await websocket.accept(headers=[(b"x-served-by", b"mounted")])
        told = [
            None if websocket.client is None else websocket.client.host,
            str(websocket.url),
            websocket.headers.get("x-forwarded-for"),
        ]
        await websocket.send_json(told)
        await websocket.close()

    @mounted.websocket("/fails")
    async def fail(websocket: FastAPIWebSocket) -> None:
        await websocket.accept()
        raise ZeroDivisionError

    @mounted.websocket("/quiet")
    async def quiet(websocket: FastAPIWebSocket) -> None:
        """Neither accept nor refuse."""

    @mounted.websocket("/open")
    async def leave_open(websocket: FastAPIWebSocket) -> None:
        await websocket.accept()

    site.mount("/mounted", mounted)
    return site


PATHS = {"/own": "/own", "/mounted/ws": "/mounted/ws"}


@pytest.mark.parametrize("path", PATHS)
def test_a_trusted_proxy_is_believed(path: str) -> None:
    """Client, scheme and host of the handshake are those that the proxy names."""
    with Client(build_site(trusted_proxies=["127.0.0.1"])) as client:
        with client.websocket_connect(path, headers=PROXIED) as socket:
            told = socket.receive_json()
        assert told[:2] == ["203.0.113.9", f"wss://shop.example{path}"]
        aliased = {name.replace("-", "_"): value for name, value in PROXIED.items()}
        with client.websocket_connect(path, headers=aliased) as socket:
            assert socket.receive_json()[0] == "127.0.0.1"


@pytest.mark.parametrize("path", PATHS)
def test_others_are_not_believed(path: str) -> None:
    """What an untrusted client claims is taken away before a handler or a mount sees it."""
    with (
        Client(build_site(trusted_proxies=["10.0.0.1"])) as client,
        client.websocket_connect(path, headers=PROXIED) as socket,
    ):
        assert socket.receive_json() == ["127.0.0.1", f"ws://localhost{path}", None]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers,code",
    [
        ({"host": "evil.example"}, "hosts.not-allowed"),
        ({"origin": "https://evil.example"}, "websocket.origin"),
        ({"x-long": "v" * 40_000}, "http.headers-too-large"),
    ],
)
def test_who_may_not_connect_is_refused(path: str, headers: dict[str, str], code: str) -> None:
    """Hosts, origins and limits are checked before a handler or a mount hears of it."""
    with (
        Client(build_site()) as client,
        pytest.raises(WebSocketDenied) as caught,
        client.websocket_connect(path, headers=headers),
    ):
        pass
    assert caught.value.response.json()["code"] == code


def test_a_page_behind_a_trusted_proxy_is_our_own() -> None:
    """The origin is compared with the host that the proxy names."""
    with (
        Client(build_site(trusted_proxies=["127.0.0.1"])) as client,
        client.websocket_connect("/own", headers={**PROXIED, "origin": "https://shop.example"}),
    ):
        pass


@pytest.mark.parametrize("path", PATHS)
def test_handshakes_have_an_id(path: str) -> None:
    """`RequestId` names the handshake's answer, beside the handler's own header fields."""
    with Client(build_site()) as client, client.websocket_connect(path) as socket:
        assert len(socket.headers["x-request-id"]) == 32
        assert socket.headers["x-served-by"]


def test_a_refusal_and_its_log_have_an_id(caplog: pytest.LogCaptureFixture) -> None:
    """So do the answer that refuses one, and the log of a failure."""
    caplog.handler.addFilter(RequestIdFilter())
    site = build_site()

    @site.websocket("/broken")
    async def broken(socket: WebSocket) -> None:
        raise ZeroDivisionError

    with (
        Client(site) as client,
        pytest.raises(WebSocketDenied) as caught,
        client.websocket_connect("/broken"),
    ):
        pass
    named = caught.value.response.headers["x-request-id"]
    assert named in [vars(record)["request_id"] for record in caplog.records]


def test_what_a_mount_leaves_open_is_ended() -> None:
    """A mounted application that fails, or just returns, ends its connections as ours do."""
    with Client(build_site()) as client:
        with (
            client.websocket_connect("/mounted/fails") as socket,
            pytest.raises(WebSocketDisconnect) as ended,
        ):
            socket.receive()
        assert ended.value.close_code == 1011
        with (
            client.websocket_connect("/mounted/open") as socket,
            pytest.raises(WebSocketDisconnect) as ended,
        ):
            socket.receive()
        assert ended.value.close_code == 1000
        for path in ("/mounted/quiet", "/mounted/missing"):
            with pytest.raises(WebSocketDenied) as denied, client.websocket_connect(path):
                pass
            assert denied.value.response.status_code == 403


def test_no_websockets_are_served_by_a_mounted_wsgi_application() -> None:
    """It knows none: the handshake is refused."""

    def application(environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [])
        return [b""]

    site = App()
    site.mount("/old", application)
    with (
        Client(site) as client,
        pytest.raises(WebSocketDenied) as caught,
        client.websocket_connect("/old/ws"),
    ):
        pass
    assert caught.value.response.json()["code"] == "websocket.unsupported"


def test_a_session_is_read_and_stored_with_the_handshake() -> None:
    """What is changed before `accept` is kept, its cookie sent; from then on it is only read."""
    site = App(Settings(secret_key=SecretStr("s" * 32)))
    problems: list[str] = []

    @site.get("/login")
    async def login(request: Request) -> str:
        request.session["user"] = "Ada"
        return "in"

    @site.get("/")
    async def show(session: Session) -> dict[str, Any]:
        return dict(session)

    @site.websocket("/ws")
    async def serve(socket: WebSocket, session: Session) -> None:
        session["visits"] = session.get("visits", 0) + 1
        await socket.accept()
        for change in (
            lambda: session.update(late=True),
            lambda: session.pop("user"),
            session.flush,
            session.cycle_key,
        ):
            with pytest.raises(WebSocketStateError) as caught:
                change()
            problems.append(caught.value.code)
        await socket.send_json(dict(session))

    @site.websocket("/later")
    async def serve_later(socket: WebSocket) -> None:
        await socket.accept()
        session = await socket.request.session.aload()
        with pytest.raises(WebSocketStateError):
            session["late"] = True
        await socket.send_json(dict(session))

    with Client(site) as client:
        client.get("/login")
        cookie = {"cookie": f"sessionid={client.cookies['sessionid']}"}
        with client.websocket_connect("/ws", headers=cookie) as socket:
            assert socket.receive_json() == {"user": "Ada", "visits": 1}
            sent = socket.headers["set-cookie"].partition(";")[0]
        with client.websocket_connect("/later", headers={"cookie": sent}) as socket:
            assert socket.receive_json() == {"user": "Ada", "visits": 1}
        client.cookies.clear()
        assert json.loads(client.get("/", headers={"cookie": sent}).text)["visits"] == 1
    assert problems == ["sessions.sealed"] * 4


def test_a_session_that_cannot_be_stored_refuses_the_handshake() -> None:
    """A failure before the answer is answered, as that of a request is."""
    site = App(Settings(secret_key=SecretStr("s" * 32)))

    @site.websocket("/ws")
    async def serve(socket: WebSocket, session: Session) -> None:
        session["much"] = secrets.token_hex(5000)
        await socket.accept()

    with (
        Client(site) as client,
        pytest.raises(WebSocketDenied) as caught,
        client.websocket_connect("/ws"),
    ):
        pass
    assert caught.value.response.status_code == 500
