"""The same application object under the servers people already run, each started once."""

import hashlib
import http.client
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.conftest import PATIENCE, Server, Start

SERVERS = {
    "uvicorn": ["uvicorn", "main:app", "--port", "{port}"],
    "hypercorn": ["hypercorn", "main:app", "--bind", "127.0.0.1:{port}"],
    "gunicorn-sync": ["gunicorn", "main:app", "--bind", "127.0.0.1:{port}"],
    "gunicorn-gthread": [
        *("gunicorn", "main:app", "--bind", "127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--threads", "2"),
    ],
    "undercroft": ["undercroft", "serve", "main:app", "--bind", "127.0.0.1:{port}"],
}
ALL_SERVERS = {
    **SERVERS,
    "gunicorn-asgi": [*SERVERS["gunicorn-sync"], "--worker-class", "asgi"],
    "granian": ["granian", "--interface", "asgi", "--port", "{port}", "main:app"],
    "waitress": ["waitress", "--listen=127.0.0.1:{port}", "main:app"],
    "wsgiref": ["by_wsgiref", "{port}"],
}
#: Those that close the connection after every answer; waitress does after a stream.
CLOSING = {"gunicorn-sync", "wsgiref"}
#: Those that do not read a body without a length.
UNCHUNKED = {"wsgiref"}
#: Those whose process a signal ends at once.
ABRUPT = {"waitress", "wsgiref"}

BY_WSGIREF = """
import sys
from wsgiref.simple_server import make_server

from main import app

make_server("127.0.0.1", int(sys.argv[1]), app.wsgi).serve_forever()
"""

APPLICATION = """
import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

from undercroft import App, Form, ServerSentEvent, UploadFile

app = App()

@app.get("/hello/{name}")
async def hello(name: str, excited: bool = False) -> dict[str, str]:
    return {"message": f"Hello, {name}{'!' if excited else '.'}"}

@app.get("/plain")
def plain() -> str:
    return "plain"

@app.post("/echo")
async def echo(body: dict[str, int]) -> dict[str, int]:
    return body

@app.post("/form")
def form(name: Annotated[str, Form()], age: Annotated[int, Form()]) -> str:
    return f"{name} {age + 1}"

@app.post("/upload")
async def upload(file: UploadFile) -> str:
    return hashlib.sha256(await file.read()).hexdigest()

@app.get("/stream")
async def stream() -> AsyncIterator[bytes]:
    for number in range(50):
        await asyncio.sleep(0.001)
        yield bytes([number]) * 20_000

@app.get("/broken")
async def broken() -> None:
    raise ValueError("a secret")

@app.get("/events")
async def events() -> AsyncIterator[ServerSentEvent[int]]:
    try:
        yield ServerSentEvent(data=1)
        await asyncio.Event().wait()
    finally:
        print("events ended", flush=True)
"""


def check_handlers(server: Server, name: str) -> None:
    answer = server.get("/hello/Ada?excited=true")
    assert (answer.status_code, answer.json()) == (200, {"message": "Hello, Ada!"})
    assert server.get("/plain").text == "plain"
    assert server.get("/hello/%C3%A9").json() == {"message": "Hello, é."}


def check_bodies(server: Server, name: str) -> None:
    assert server.ask("POST", "/echo", json={"a": 1}).json() == {"a": 1}
    json = {"content-type": "application/json"}
    assert server.ask("POST", "/echo", content=b"{", headers=json).status_code in (400, 422)
    assert server.ask("POST", "/form", data={"name": "Ada", "age": "36"}).text == "Ada 37"
    assert server.ask("POST", "/form", data={"name": "Ada", "age": "x"}).status_code == 422
    if name not in UNCHUNKED:
        pieces = iter([b'{"a"', b": 2}"])
        assert server.ask("POST", "/echo", content=pieces, headers=json).json() == {"a": 2}


def check_uploads(server: Server, name: str) -> None:
    content = bytes(range(256)) * 8192
    answer = server.ask("POST", "/upload", files={"file": ("two.bin", content)})
    assert answer.text == hashlib.sha256(content).hexdigest()


def check_streams(server: Server, name: str) -> None:
    expected = b"".join(bytes([number]) * 20_000 for number in range(50))
    assert server.get("/stream").content == expected


def check_errors(server: Server, name: str) -> None:
    assert server.get("/nowhere").json()["code"] == "http.not-found"
    refused = server.ask("DELETE", "/plain")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    broken = server.get("/broken")
    assert broken.status_code == 500
    assert "secret" not in broken.text


def check_heads(server: Server, name: str) -> None:
    assert server.ask("HEAD", "/plain").headers["content-length"] == "5"
    assert server.ask("HEAD", "/stream").content == b""
    assert server.ask("HEAD", "/nowhere").status_code == 404


def check_connections(server: Server, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    ports = set()
    for path in ("/plain", "/nowhere", "/broken", "/plain", "/stream"):
        connection.request("GET", path)
        if connection.sock is not None:
            ports.add(connection.sock.getsockname()[1])
        connection.getresponse().read()
    connection.close()
    assert len(ports) == (5 if name in CLOSING else 1)


CHECKS: tuple[Callable[[Server, str], None], ...] = (
    check_handlers,
    check_bodies,
    check_uploads,
    check_streams,
    check_errors,
    check_heads,
    check_connections,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL_SERVERS)
def test_the_application_runs_unchanged(start: Start, project: Path, name: str) -> None:
    """Handlers, bodies, uploads, streams, errors, HEAD kept connections are alike everywhere."""
    (project / "main.py").write_text(APPLICATION, "utf-8")
    (project / "by_wsgiref.py").write_text(BY_WSGIREF, "utf-8")
    server = start(*ALL_SERVERS[name]).wait()
    for check in CHECKS:
        check(server, name)
    # The one that a handler raised on purpose, each time it was asked.
    assert server.read_log().count("Traceback") == server.read_log().count("ValueError: a secret")
    check_stop(server, name)


def check_stop(server: Server, name: str) -> None:
    """A server that stops ends its event streams in order, and soon, whatever they wait for."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
        client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = b""
        while b"data: 1\n\n" not in head:
            head += client.recv(65536)
        assert b"text/event-stream" in head
        begun = time.monotonic()
        server.process.terminate()
        rest = b""
        while piece := client.recv(65536):
            rest += piece
    server.process.wait(PATIENCE)
    assert time.monotonic() - begun < 10
    if name not in ABRUPT:
        assert rest.endswith(b"0\r\n\r\n")
        assert "events ended" in server.read_log()
