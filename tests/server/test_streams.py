"""Streams over real sockets: waiting, echoing and abandoned, under the servers people run."""

import socket
from pathlib import Path

import pytest

from tests.server.conftest import PATIENCE, Start
from tests.server.test_foreign_servers import SERVERS

STREAMS = """
import asyncio
from collections.abc import AsyncIterator
from undercroft import App, JSONResponse, Request
from undercroft.http.responses import StreamingResponse

app = App()

@app.get("/waiting")
async def waiting() -> AsyncIterator[str]:
    async with asyncio.timeout(10):
        for number in range(3):
            await asyncio.sleep(0.01)
            yield str(number)

@app.post("/echo")
async def echo(request: Request) -> StreamingResponse:
    return StreamingResponse(request.stream())

@app.get("/endless")
async def endless() -> AsyncIterator[bytes]:
    try:
        while True:
            await asyncio.sleep(0.01)
            yield b"x" * 1000
    finally:
        print("ended", flush=True)

@app.get("/nothing")
async def nothing() -> JSONResponse:
    return JSONResponse({"a": 1}, 204)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVERS)
def test_streams_run_unchanged(start: Start, project: Path, name: str) -> None:
    """A stream waits, reads its request, answers HEAD, and ends with its client."""
    (project / "main.py").write_text(STREAMS, "utf-8")
    server = start(*SERVERS[name]).wait()
    assert server.get("/waiting").text == "012"
    content = bytes(range(256)) * 2000
    assert server.ask("POST", "/echo", content=content).content == content
    assert server.ask("HEAD", "/endless").content == b""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    server.wait_for_log("ended")
    assert "Traceback" not in server.read_log()
    assert server.get("/nothing").status_code == 500
    assert "has no content" in server.read_log()
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hypercorn", "uvicorn", "gunicorn-sync"])
def test_a_request_line_without_a_slash_is_refused(start: Start, name: str) -> None:
    """`GET @evil.example/x` is answered as a mistake or as unknown, by server or application."""
    server = start(*SERVERS[name]).wait()
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(b"GET @evil.example/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(100).split()[1] in {b"400", b"404"}
    server.stop()
