"""`undercroft serve`: foreign applications, signals, taken ports, what is believed and logged."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import Start, find_free_port

FOREIGN = """
import time

def wsgi(environ, start_response):
    body = environ["wsgi.input"].read()
    lines = [
        environ["REQUEST_METHOD"], environ["SCRIPT_NAME"], environ["PATH_INFO"],
        environ["QUERY_STRING"], environ.get("HTTP_X_FORWARDED_FOR", "-"),
        environ.get("HTTP_PROXY", "-"), environ["REMOTE_ADDR"], str(len(body)),
    ]
    start_response("201 Created", [("X-Seen", "wsgi"), ("Content-Type", "text/plain")])
    return [line.encode() + b"\\n" for line in lines]

class Closing:
    closed = 0
    def __iter__(self):
        yield b"begin "
        raise RuntimeError("in the middle")
    def close(self):
        Closing.closed += 1

def failing(environ, start_response):
    if environ["PATH_INFO"] == "/closed":
        start_response("200 OK", [])
        return [str(Closing.closed).encode()]
    start_response("200 OK", [])
    return Closing()

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                print("lifespan is over", flush=True)
                return
    if scope["path"].endswith("/slow"):
        import asyncio
        await asyncio.sleep(1)
    text = f"{scope['scheme']} {scope['client'][0]} {scope['root_path']} {scope['path']}"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})

def make():
    return asgi

class Legacy:
    def __init__(self, scope):
        pass
    async def __call__(self, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"two callables"})
"""


@pytest.fixture(autouse=True)
def foreign(project: Path) -> None:
    """Put somebody else's applications into the project."""
    (project / "foreign.py").write_text(FOREIGN, "utf-8")


def test_a_wsgi_application_is_served(start: Start) -> None:
    """Its environ is complete, and nothing in it passes for a proxy's word."""
    server = start("undercroft", "serve", "foreign:wsgi", "--port", "{port}").wait()
    answer = server.ask(
        "POST",
        "/caf%C3%A9?a=1",
        content=b"x" * 300_000,
        headers={"X_Forwarded_For": "6.6.6.6", "Proxy": "evil"},
    )
    lines = answer.content.decode("latin-1").encode("latin-1").decode("utf-8").splitlines()
    assert (answer.status_code, answer.headers["x-seen"]) == (201, "wsgi")
    assert lines[0] == "POST"
    assert lines[2].encode("latin-1").decode() == "/café"
    assert lines[3:] == ["a=1", "-", "-", "127.0.0.1", "300000"]
    assert server.stop() == 0


def test_a_wsgi_application_that_fails_in_the_middle_is_closed(start: Start) -> None:
    """Its iterable's `close` is called, and the client sees that the body is not whole."""
    server = start("undercroft", "serve", "foreign:failing", "--port", "{port}").wait()
    with pytest.raises(httpx.RemoteProtocolError):
        server.get("/")
    assert server.get("/closed").text == "1"
    assert "in the middle" in server.read_log()


@pytest.mark.parametrize("arguments", [["foreign:asgi"], ["foreign:make", "--factory"]])
def test_an_asgi_application_is_served(start: Start, arguments: list[str]) -> None:
    """Named or made by a factory, with its lifespan; no forwarded header is believed unasked."""
    server = start("undercroft", "serve", *arguments, "--port", "{port}").wait()
    answer = server.get("/x", headers={"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"})
    assert answer.text == "http 127.0.0.1  /x"
    assert "server" not in answer.headers
    assert server.stop() == 0
    assert "lifespan is over" in server.read_log()


def test_an_old_asgi_application_is_served(start: Start) -> None:
    """A class called with the scope, as before ASGI 3, still works."""
    server = start("undercroft", "serve", "foreign:Legacy", "--port", "{port}").wait()
    assert server.get("/").text == "two callables"


def test_a_proxy_is_believed_when_asked(start: Start) -> None:
    """`--proxy-headers` takes client and scheme from whom it trusts; `--root-path` mounts."""
    flags = ["--proxy-headers", "--root-path", "/shop"]
    server = start("undercroft", "serve", "foreign:asgi", "--port", "{port}", *flags).wait()
    headers = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
    assert server.get("/x", headers=headers).text == "https 6.6.6.6 /shop /shop/x"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_running_requests_are_finished(start: Start, number: int) -> None:
    """A signal stops the server after the answer is out, with status 0."""
    server = start("undercroft", "serve", "foreign:asgi", "--port", "{port}").wait()
    server.get("/")
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)  # only a request that has begun is waited for
        server.process.send_signal(number)
        client.settimeout(10)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert server.process.wait(10) == 0
    assert "Stopped" in server.read_log()


def test_a_taken_port_is_told_in_one_line(start: Start) -> None:
    """No traceback: which port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = start("undercroft", "serve", "main:app", "--port", str(port))
        assert server.process.wait(30) == 1
    assert f"Port {port} on 127.0.0.1 is in use" in server.read_log()
    assert f"--port {port + 1}" in server.read_log()
    assert "Traceback" not in server.read_log()


def test_a_unix_socket_is_listened_on(start: Start, project: Path) -> None:
    """`--bind unix:` serves on a path and removes it at the end."""
    server = start("undercroft", "serve", "main:app", "--bind", "unix:app.sock")
    path = project / "app.sock"
    server.wait_for(path.exists, "the socket")
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        assert client.get("http://localhost/plain").text == "plain"
    assert server.stop() == 0
    assert not path.exists()


def test_requests_are_logged_when_asked(start: Start) -> None:
    """One line each; what a client sends cannot begin another."""
    server = start("undercroft", "serve", "main:app", "--port", "{port}", "--access-log").wait()
    server.get("/hello/%0A2026-01-01%20INFO%20forged%1B%5B31m")
    server.wait_for_log("/hello/")
    (line,) = [line for line in server.read_log().splitlines() if "/hello/" in line]
    assert '127.0.0.1 "GET /hello/\\n2026-01-01 INFO forged\\x1b[31m" 404 ' in line


def test_an_application_that_cannot_start_says_so(start: Start, project: Path) -> None:
    """A mistake found while building is an error with its place and status 1."""
    (project / "wrong.py").write_text(
        'from undercroft import App\napp = App()\n@app.get("/{id:itn}")\ndef f(id): ...\n', "utf-8"
    )
    server = start("undercroft", "serve", "wrong:app", "--port", "{port}")
    assert server.process.wait(30) == 1
    log = server.read_log()
    assert "itn" in log
    assert "wrong.py:3" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    "arguments,message",
    [
        (["main:app", "--workers", "2"], "--workers 2 is not possible yet"),
        (["main:app", "--bind", "x:y"], "is no address to listen on"),
        (["main:ap"], "Did you mean 'app'?"),
        (["foreign:make"], "--factory"),
        (["foreign:time"], "Module 'time' has no `app`"),
        (["main:app", "--host", "no-such-host.invalid"], "is unknown"),
    ],
)
def test_what_cannot_be_served_is_explained(
    start: Start, arguments: list[str], message: str
) -> None:
    """Each mistake on the command line ends with status 1 and its remedy."""
    server = start("undercroft", "serve", *arguments)
    assert server.process.wait(30) == 1
    assert message in server.read_log()
    assert "Traceback" not in server.read_log()


def test_a_free_port_can_be_taken(start: Start) -> None:
    """`--port 0` serves somewhere and says where."""
    server = start("undercroft", "serve", "main:app", "--port", "0")
    server.wait_for_log("Serving on http://127.0.0.1:")
    address = server.read_log().rpartition("Serving on ")[2].split()[0]
    assert httpx.get(f"{address}/plain").text == "plain"


def test_serving_imports_nothing_it_does_not_need(project: Path) -> None:
    """Starting a small application loads neither SQLAlchemy nor Rich, Alembic or Jinja2."""
    port = find_free_port()
    code = f"""
import os, signal, sys, threading, time, urllib.request
from undercroft.cli.main import run

def ask():
    while True:
        time.sleep(0.05)
        try:
            urllib.request.urlopen("http://127.0.0.1:{port}/plain").read()
        except OSError:
            continue
        os.kill(os.getpid(), signal.SIGTERM)
        return

threading.Thread(target=ask, daemon=True).start()
status = run(["serve", "main:app", "--port", "{port}"])
slow = {{"sqlalchemy", "rich", "alembic", "jinja2"}}
print(status, sorted(slow & sys.modules.keys()))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "0 []", result.stderr
