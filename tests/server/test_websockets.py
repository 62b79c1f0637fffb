"""WebSockets over real connections, asked by a client library that is not ours."""

import signal
import socket as sockets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.server.conftest import PATIENCE, Server, Start

APP = """
import asyncio

from pydantic import BaseModel

from undercroft import App, HTTPException, Settings, WebSocket

app = App(Settings(websocket_max_size=300_000, websocket_ping_interval=0.3,
                   websocket_ping_timeout=0.3))


class Note(BaseModel):
    text: str


@app.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    await socket.accept(socket.choose_subprotocol(["v1"]))
    async for text in socket.iter_text():
        await socket.send_text(text)


@app.websocket("/headers")
async def headers(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json([socket.headers["x-name"], str(socket.url), socket.path])


@app.websocket("/notes")
async def notes(socket: WebSocket) -> None:
    await socket.accept()
    async for note in socket.messages(Note):
        await socket.send_json(note)


@app.websocket("/bytes")
async def count(socket: WebSocket) -> None:
    await socket.accept()
    async for data in socket.iter_bytes():
        await socket.send_json(len(data))


@app.websocket("/closed")
async def closed(socket: WebSocket) -> None:
    raise HTTPException(401, "Who are you?")


@app.websocket("/fails")
async def fails(socket: WebSocket) -> None:
    await socket.accept()
    raise ZeroDivisionError


@app.websocket("/flood")
async def flood(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_bytes(b"x" * 65_536)
    finally:
        print("flood over", flush=True)
"""

SERVERS = {
    "undercroft": ["undercroft", "serve", "main:app", "--bind", "127.0.0.1:{port}"],
    "websockets": ["uvicorn", "main:app", "--ws", "websockets-sansio", "--port", "{port}"],
    "wsproto": ["uvicorn", "main:app", "--ws", "wsproto", "--port", "{port}"],
    "hypercorn": ["hypercorn", "main:app", "--bind", "127.0.0.1:{port}"],
}

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an application that serves WebSockets."""
    (tmp_path / "main.py").write_text(APP, "utf-8")
    return tmp_path


def open_socket(server: Server, path: str, **options: object) -> ClientConnection:
    url = server.url.replace("http", "ws") + path
    return connect(url, open_timeout=PATIENCE, proxy=None, max_size=None, **options)  # type: ignore[arg-type]


def read_end(socket: ClientConnection) -> tuple[int, str]:
    try:
        while True:
            socket.recv(PATIENCE)
    except ConnectionClosed as closed:
        end = closed.rcvd
    return (end.code, end.reason) if end else (1006, "")


@pytest.mark.parametrize("name", SERVERS)
def test_every_server_carries_them(start: Start, name: str) -> None:
    """Messages of all shapes, subprotocols, refusals and closings, under four implementations."""
    server = start(*SERVERS[name]).wait()
    with open_socket(server, "/echo", subprotocols=["v2", "v1"]) as socket:
        assert socket.subprotocol == "v1"
        for text in ("", "né 東京 👩‍🚀", "x" * 200_000):
            socket.send(text)
            assert socket.recv(PATIENCE) == text
        socket.send(iter(["frag", "mén", "ted"]))
        assert socket.recv(PATIENCE) == "fragménted"
        assert socket.ping().wait(PATIENCE)
    with open_socket(server, "/bytes") as socket:
        socket.send(iter([b"\x00" * 100_000, b"\xff"]))
        assert socket.recv(PATIENCE) == "100001"
        socket.send("text")
        assert read_end(socket)[0] == 1003
    with open_socket(server, "/notes") as socket:
        socket.send("{")
        assert read_end(socket)[0] == 1007
    with open_socket(server, "/notes") as socket:
        socket.send("{}")
        assert read_end(socket) == (1008, "text: Field required")
    with open_socket(server, "/fails") as socket:
        assert read_end(socket)[0] == 1011
    with pytest.raises(InvalidStatus) as caught:
        open_socket(server, "/closed")
    assert caught.value.response.status_code == 401
    with pytest.raises(InvalidStatus) as caught:
        open_socket(server, "/echo", origin="https://evil.example")
    assert caught.value.response.status_code == 403
    assert server.get("/echo").status_code == 426
    server.stop()


@pytest.mark.parametrize("name", ["undercroft", "wsproto"])
def test_header_bytes_beyond_ascii_do_no_harm(start: Start, name: str) -> None:
    """Odd bytes in a handshake's headers are ISO 8859-1 text, not a crash."""
    server = start(*SERVERS[name]).wait()
    with sockets.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
        raw.sendall(
            b"GET /headers?q=%C3%A9 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Name: caf\xe9\xff\r\n\r\n"
        )
        raw.settimeout(PATIENCE)
        answer = b""
        while b"/headers" not in answer and (piece := raw.recv(65_536)):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 101")
    assert '["caféÿ"'.encode() in answer
    assert "Traceback" not in server.read_log()


def test_a_message_over_the_limit_closes_with_1009(start: Start) -> None:
    """The server is given the limit, so that no more than that is ever held."""
    server = start(*SERVERS["undercroft"]).wait()
    with open_socket(server, "/echo") as socket:
        with suppress(ConnectionClosed):  # The server may be faster than the second half.
            socket.send(iter(["x" * 200_000, "x" * 200_000]))
        assert read_end(socket)[0] == 1009


def test_who_answers_no_ping_is_given_up(start: Start) -> None:
    """A client that answers no ping in time is closed, and logged as no fault."""
    server = start(*SERVERS["undercroft"]).wait()
    with sockets.create_connection(("127.0.0.1", server.port), PATIENCE) as raw:
        raw.sendall(
            b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        raw.settimeout(PATIENCE)
        while raw.recv(65_536):
            pass
    assert "Traceback" not in server.read_log()


def test_a_reader_that_leaves_ends_a_flood(start: Start) -> None:
    """Who sends without end is stopped by back-pressure, and by the client's leaving."""
    server = start(*SERVERS["undercroft"]).wait()
    with open_socket(server, "/flood") as socket:
        socket.recv(PATIENCE)
        socket.socket.shutdown(sockets.SHUT_RDWR)
    server.wait_for_log("flood over")
    assert "Traceback" not in server.read_log()


def test_a_stop_tells_the_clients(start: Start) -> None:
    """Whoever is connected when the server stops is told "restarting", and the exit is clean."""
    server = start(*SERVERS["undercroft"]).wait()
    with open_socket(server, "/echo") as socket:
        socket.send("a")
        socket.recv(PATIENCE)
        server.process.send_signal(signal.SIGTERM)
        assert read_end(socket)[0] in (1001, 1012)
    assert server.stop() == 0


def test_many_clients_at_once(start: Start) -> None:
    """Two hundred connections, each with its own conversation, do not mix."""
    server = start(*SERVERS["undercroft"]).wait()

    def talk(number: int) -> bool:
        with open_socket(server, "/echo") as socket:
            for turn in range(5):
                socket.send(f"{number}:{turn}")
                if socket.recv(PATIENCE) != f"{number}:{turn}":
                    return False
                time.sleep(0.01)
        return True

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(talk, range(200)))


def test_wsgi_says_what_is_missing(start: Start) -> None:
    """Under a WSGI server a handshake is answered 501, with what to do instead."""
    server = start("gunicorn", "main:app", "--bind", "127.0.0.1:{port}").wait()
    asked = server.get("/echo", headers={"upgrade": "websocket", "connection": "Upgrade"})
    assert (asked.status_code, asked.json()["code"]) == (501, "websocket.unsupported")
