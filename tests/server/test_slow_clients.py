"""Clients that send or read nothing, or half-close: each is let go, and leaves nothing behind."""

import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect as open_socket

from tests.server.conftest import Server, find_free_port

APP = """
import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator

from undercroft import App, Request, ServerSentEvent, StreamingResponse, WebSocket

app = App()
PIECE = b"x" * 65_536


@app.get("/state")
async def state() -> list[int]:
    return [len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), threading.active_count()]


@app.post("/measure")
async def measure(request: Request) -> int:
    return len(await request.body())


@app.post("/spool")
async def spool(request: Request) -> int:
    return sum([len(part.name) async for part in request.multipart()])


@app.post("/ignore")
async def ignore() -> str:
    return "ignored"


@app.post("/late")
async def late(request: Request) -> int:
    await asyncio.sleep(0.7)
    return len(await request.body())


@app.get("/large")
async def large() -> bytes:
    return PIECE * 200


@app.get("/endless")
async def endless() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield PIECE
    return StreamingResponse(pieces())


@app.get("/steps")
async def steps(count: int = 5) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(count):
            await asyncio.sleep(0.15)
            yield b"step"
    return StreamingResponse(pieces())


@app.get("/idle")
async def idle() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()
    return StreamingResponse(pieces())


@app.get("/events")
async def events() -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent("first")
    await asyncio.Event().wait()


@app.get("/slow")
async def slow() -> str:
    await asyncio.sleep(0.1)
    return "slow"


@app.get("/thread")
def thread() -> str:
    time.sleep(0.1)
    return "thread"


@app.websocket("/flood")
async def flood(socket: WebSocket) -> None:
    await socket.accept()
    while True:
        await socket.send_bytes(PIECE)


@app.websocket("/burst")
async def burst(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_bytes(PIECE * 200)


@app.websocket("/talk")
async def talk(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


@app.websocket("/deaf")
async def deaf(socket: WebSocket) -> None:
    await socket.accept()
    await asyncio.sleep(1)
    await socket.send_text("still here")
"""

ReadState = Callable[[], list[int]]

#: Seconds the server may take for anything here.
PATIENCE = 10.0

FLAGS = (
    "--client-timeout=0.3",
    "--keep-alive=1",
    "--ws-ping-interval=0.2",
    "--ws-ping-timeout=0.2",
)

HANDSHAKE = (
    "GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all, whose patience is short."""
    folder: Path = tmp_path_factory.mktemp("slow")
    (folder / "main.py").write_text(APP, "utf-8")
    port = find_free_port()
    command = ["undercroft", "serve", "main:app", "--bind", f"127.0.0.1:{port}", *FLAGS]
    server = Server([sys.executable, "-m", *command], port, folder).wait()
    # Threads are kept once there is one.
    server.get("/thread")
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.read_log()


@pytest.fixture(scope="module")
def state(server: Server) -> Iterator[ReadState]:
    """Tasks, files and threads of the server."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield lambda: client.get("/state").json()


@pytest.fixture(scope="module")
def before(state: ReadState) -> list[int]:
    """What there is when nobody else is connected."""
    time.sleep(0.1)
    return state()


@pytest.fixture(autouse=True)
def nothing_left(server: Server, state: ReadState, before: list[int]) -> Iterator[None]:
    """Nothing of a connection is left: no task, file or thread more than before."""
    yield
    server.wait_for(
        lambda: all(now <= then for now, then in zip(state(), before, strict=True)),
        f"a server as before, at {before},",
    )


def connect(server: Server, sent: str, *, buffer: int | None = None) -> socket.socket:
    client = socket.socket()
    if buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.settimeout(PATIENCE)
    client.connect(("127.0.0.1", server.port))
    client.sendall(sent.encode())
    return client


def read_all(client: socket.socket) -> bytes:
    """Read until the other end closes, however it does that."""
    answer = bytearray()
    with suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            answer += piece
    return bytes(answer)


def post(path: str, length: int, body: str = "", more: str = "") -> str:
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{more}\r\n{body}"
    )


def get(path: str, more: str = "") -> str:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"


FORM = (
    "Content-Type: multipart/form-data; boundary=b\r\n",
    '--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\n' + "x" * 5000,
)


@pytest.mark.parametrize(
    "sent, status",
    [
        (post("/measure", 10), "408"),
        (post("/measure", 10, "abc"), "408"),
        (post("/measure", 200_000, "a" * 100_000), "408"),
        (post("/spool", 200_000, FORM[1], FORM[0]), "408"),
        (
            post("/measure", 0).replace("Content-Length: 0", "Transfer-Encoding: chunked")
            + "3\r\nab",
            "408",
        ),
        # Answered, and the connection is closed all the same.
        (post("/ignore", 10, "abc"), "200"),
    ],
    ids=["none", "part", "large", "form", "chunked", "ignored"],
)
def test_a_body_that_stops_coming_is_given_up(server: Server, sent: str, status: str) -> None:
    """Nobody waits for the rest of a body for ever: 408, and the connection is closed."""
    with connect(server, sent) as client:
        assert read_all(client).startswith(f"HTTP/1.1 {status} ".encode())


def test_a_body_that_comes_slowly_is_read(server: Server) -> None:
    """The time is that between pieces, and what the application does not want yet is not late."""
    with connect(server, post("/measure", 5)) as client:
        for _ in range(5):
            time.sleep(0.15)
            client.sendall(b"a")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
    with connect(server, post("/late", 5, more="Expect: 100-continue\r\n")) as client:
        assert client.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abcde")
        assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/large", "/endless"])
def test_who_does_not_read_is_cut_off(server: Server, path: str) -> None:
    """An answer that nobody takes is dropped, with the stream that makes it."""
    with connect(server, get(path), buffer=4096) as client:
        assert client.recv(10)
        time.sleep(0.8)
        assert len(read_all(client)) < 200 * 65_536


def test_who_asks_without_reading_is_cut_off(server: Server) -> None:
    """Pipelined requests whose answers nobody takes end, too."""
    began, asked = time.monotonic(), get("/large") * 100
    with connect(server, "", buffer=4096) as client, suppress(ConnectionError):
        while True:
            client.sendall(asked.encode())
    assert time.monotonic() - began < PATIENCE


def test_who_reads_slowly_gets_everything(server: Server) -> None:
    """Whoever takes something now and then is waited for, however long it lasts."""
    with connect(server, get("/large", "Connection: close\r\n"), buffer=4096) as client:
        size, until = 0, time.monotonic() + 1
        while piece := client.recv(65_536):
            size += len(piece)
            if time.monotonic() < until:
                time.sleep(0.1)
    assert size > 200 * 65_536


@pytest.mark.parametrize(
    "path, ending",
    [("/slow", b"slow"), ("/thread", b"thread"), ("/steps", b"0\r\n\r\n"), ("/large", b"x")],
)
def test_who_half_closes_gets_the_answer(server: Server, path: str, ending: bytes) -> None:
    """A client that sends FIN after its request still reads: it gets everything, then the end."""
    with connect(server, get(path)) as client:
        client.shutdown(socket.SHUT_WR)
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(ending)


@pytest.mark.parametrize(
    "sent, leave",
    [
        (get("/idle"), "half"),
        (get("/idle"), "whole"),
        (get("/events", "Accept: text/event-stream\r\n"), "half"),
        (get("/events", "Accept: text/event-stream\r\n"), "whole"),
        (get("/steps?count=1000"), "whole"),
    ],
    ids=["idle-half", "idle-whole", "events-half", "events-whole", "steps-whole"],
)
def test_who_leaves_a_stream_ends_it(server: Server, sent: str, leave: str) -> None:
    """After a FIN a stream goes on only as long as something is written, and can be."""
    client = connect(server, sent)
    assert client.recv(65_536)
    if leave == "half":
        client.shutdown(socket.SHUT_WR)
        read_all(client)
    client.close()


def test_a_body_cut_off_by_a_fin_is_not_read(server: Server) -> None:
    """A FIN in the midst of a request is its end, and no part of it is answered."""
    for sent in (post("/measure", 10, "abc"), "GET /sta"):
        with connect(server, sent) as client:
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b""


def test_an_idle_connection_is_closed(server: Server) -> None:
    """After its answer a connection is kept for a second, not longer."""
    with connect(server, get("/state")) as client:
        began = time.monotonic()
        assert read_all(client).startswith(b"HTTP/1.1 200 ")
        assert 0.9 < time.monotonic() - began < 5


@pytest.mark.parametrize("path", ["/talk", "/flood", "/burst"])
def test_a_socket_whose_client_is_silent_ends(server: Server, path: str) -> None:
    """Who neither answers pings nor reads is let go, whether or not something waits to be read."""
    with connect(server, HANDSHAKE.format(path), buffer=4096) as client:
        assert client.recv(12) == b"HTTP/1.1 101"
        time.sleep(0.8)
        assert len(read_all(client)) < 200 * 65_536


def test_a_handler_that_does_not_read_is_no_dead_client(server: Server) -> None:
    """What waits for the handler keeps pongs from being read, which is not the client's fault."""
    with open_socket(f"ws://127.0.0.1:{server.port}/deaf", proxy=None) as client:
        client.send("unread")
        assert client.recv(PATIENCE) == "still here"
