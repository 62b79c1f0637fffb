from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.server.conftest import Start

APPLICATION = """
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, WebSocket
from flask import Flask, Response, request

from undercroft import App, mount, path

@asynccontextmanager
async def lifespan(app):
    yield {"greeting": "hello"}

api = FastAPI(lifespan=lifespan)

@api.websocket("/ws/{room}")
async def echo(websocket: WebSocket, room: str):
    await websocket.accept()
    text = await websocket.receive_text()
    await websocket.send_text(f"{websocket.state.greeting} {room} {text} {websocket.url.path}")
    await websocket.close()

@api.post("/echo")
async def size(request: Request):
    return {"size": len(await request.body()), "raw": request.scope["raw_path"].decode()}

old = Flask("old")

@old.post("/echo")
def copy():
    stream = request.stream
    return Response(iter(lambda: stream.read(65536), b""))

app = App()
app.mount("/old", old)
site = App(routes=[path("api/", mount(api))])
app.mount("/site", site)
"""


@pytest.mark.slow
def test_websockets_lifespans_and_streams_over_a_socket(start: Start, project: Path) -> None:
    """Through two mounts, a WebSocket is served, state arrives, and bodies stream both ways."""
    (project / "main.py").write_text(APPLICATION, "utf-8")
    server = start("undercroft", "serve", "main.py", "--bind", "127.0.0.1:{port}").wait()
    address = f"ws://127.0.0.1:{server.port}/site/api/ws/one"
    with connect(address) as websocket:
        websocket.send("two")
        assert websocket.recv() == "hello one two /site/api/ws/one"
    body = bytes(range(256)) * 4000
    assert server.ask("POST", "/old/echo", content=body).content == body
    pieces = (body[n : n + 1000] for n in range(0, len(body), 1000))
    assert server.ask("POST", "/old/echo", content=pieces).content == body
    told = server.ask("POST", "/site/api/echo?x", content=body).json()
    assert told == {"size": len(body), "raw": "/site/api/echo"}
    assert server.stop() == 0
    assert "Traceback" not in server.read_log()


@pytest.mark.slow
def test_mounts_work_under_gunicorn(start: Start, project: Path) -> None:
    """A WSGI server serves both kinds, with lifespan and streams."""
    (project / "main.py").write_text(APPLICATION, "utf-8")
    server = start("gunicorn", "main:app", "--bind", "127.0.0.1:{port}", "--threads", "2").wait()
    body = bytes(range(256)) * 4000
    assert server.ask("POST", "/old/echo", content=body).content == body
    pieces = (body[n : n + 1000] for n in range(0, len(body), 1000))
    told = server.ask("POST", "/site/api/ec%68o", content=pieces).json()
    assert told == {"size": len(body), "raw": "/site/api/ec%68o"}
