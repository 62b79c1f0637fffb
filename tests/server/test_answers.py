"""Answers over real sockets: memory that stays flat, pieces that arrive when they are made."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import PATIENCE, Server, Start
from tests.server.test_foreign_servers import SERVERS

ANSWERS = """
import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from undercroft import App, BackgroundTasks, Compression, FileResponse

app = App(middleware=[Compression()])
made = 0

@app.get("/file")
def file() -> FileResponse:
    return FileResponse("large.bin")

@app.get("/stream")
async def stream() -> AsyncIterator[bytes]:
    global made
    piece = bytes(64 * 1024)
    for _ in range(1600):
        made += 1
        yield piece

@app.get("/made")
def count_made() -> int:
    return made

@app.get("/peak")
def measure_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

@app.get("/lines")
async def lines() -> AsyncIterator[dict[str, int]]:
    yield {"first": 1}
    await asyncio.sleep(5)
    yield {"second": 2}

@app.get("/later")
def later(tasks: BackgroundTasks) -> str:
    tasks.add_task(work)
    return "answered"

async def work() -> None:
    await asyncio.sleep(2)
    print("worked", flush=True)
"""

SIZE = 100 * 1024 * 1024
#: How much memory may grow while all of it is sent, in kilobytes.
GROWTH = 16 * 1024

NAMES = ["uvicorn", "gunicorn-gthread", "undercroft"]


@pytest.fixture
def answers(project: Path) -> Path:
    """The project's folder, with an application that answers at length."""
    (project / "main.py").write_text(ANSWERS, "utf-8")
    return project


def read_slowly(server: Server, path: str, pause: float = 0.0) -> Iterator[bytes]:
    """Read an answer piece by piece through a small window, its head included."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", server.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        while piece := client.recv(256 * 1024):
            yield piece
            time.sleep(pause)


def read_until(pieces: Iterator[bytes], text: bytes) -> bytes:
    """Read until a text has come."""
    held = b""
    for piece in pieces:
        held += piece
        if text in held:
            return held
    pytest.fail(f"{text!r} did not come; there was {held!r}")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_large_download_keeps_memory_flat(start: Start, answers: Path, name: str) -> None:
    """A hundred megabytes, from a file and made on the way, take less than sixteen of memory."""
    with (answers / "large.bin").open("wb") as file:
        file.truncate(SIZE)
    server = start(*SERVERS[name]).wait()
    for path in ("/made", "/peak", "/peak"):
        server.get(path)
    before = server.get("/peak").json()
    for path in ("/file", "/stream"):
        received = 0
        for piece in read_slowly(server, path):
            received += len(piece)
            if received > SIZE:
                break
        assert received > SIZE
        assert server.get("/peak").json() - before < GROWTH
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_slow_client_slows_its_stream_down(start: Start, answers: Path, name: str) -> None:
    """No piece is made long before the client takes it, so that nothing gathers in memory."""
    server = start(*SERVERS[name]).wait()
    pieces = read_slowly(server, "/stream")
    next(pieces)
    time.sleep(1)
    made = server.get("/made").json()
    # What the sockets' own buffers hold, a few megabytes at most, is all that was made.
    assert made < 200
    for _ in range(20):
        next(pieces)
    time.sleep(0.5)
    assert server.get("/made").json() < made + 200
    pieces.close()
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["uvicorn", "gunicorn-sync"])
def test_background_work_does_not_keep_its_client(start: Start, answers: Path, name: str) -> None:
    """The answer is complete before the work begins, and a server that stops waits for it."""
    server = start(*SERVERS[name]).wait()
    read_until(read_slowly(server, "/later"), b"answered")
    assert "worked" not in server.read_log()
    server.stop()
    assert "worked" in server.read_log()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_compressed_piece_arrives_before_the_next(start: Start, answers: Path, name: str) -> None:
    """Over the wire, the first line can be read while the second is still to be made."""
    server = start(*SERVERS[name]).wait()
    asked = {"accept-encoding": "gzip"}
    with httpx.stream("GET", f"{server.url}/lines", headers=asked, timeout=PATIENCE) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        texts = answer.iter_text()
        begun = time.monotonic()
        assert next(texts) == '{"first":1}\n'
        assert time.monotonic() - begun < 4
        assert "".join(texts) == '{"second":2}\n'
    server.stop()
