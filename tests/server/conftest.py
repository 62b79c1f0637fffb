"""Fixtures for servers: processes on free ports, asked over real sockets."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

#: Seconds a server may take to answer on a busy machine.
PATIENCE = 30.0

HELLO = """
from undercroft import App

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
"""


class Server:
    """A server process."""

    def __init__(self, command: Sequence[str], port: int, folder: Path, **variables: str) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / f"server-{port}.log"
        environment = {**os.environ, "NO_COLOR": "1", **variables}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command], cwd=folder, env=environment, stdout=log, stderr=log
            )

    def read_log(self) -> str:
        return self.log.read_text("utf-8")

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > until:
                pytest.fail(f"{what} did not come about:\n{self.read_log()}")
            time.sleep(0.02)

    def wait_for_log(self, text: str) -> None:
        self.wait_for(lambda: text in self.read_log(), f"{text!r} in the log")

    def is_open(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"The server has stopped:\n{self.read_log()}")
        return self.is_port_taken()

    def is_port_taken(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def wait(self) -> "Server":
        self.wait_for(self.is_open, "a listening server")
        return self

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, f"{self.url}{path}", timeout=PATIENCE, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


Start = Callable[..., Server]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a hello application in `main.py`."""
    (tmp_path / "main.py").write_text(HELLO, "utf-8")
    return tmp_path


@pytest.fixture
def start(project: Path) -> Iterator[Start]:
    """Start a server in the project; `{port}` in its command becomes a free one."""
    started: list[Server] = []

    def begin(*command: str, **variables: str) -> Server:
        port = find_free_port()
        words = [word.replace("{port}", str(port)) for word in command]
        server = Server([sys.executable, "-m", *words], port, project, **variables)
        started.append(server)
        return server

    yield begin
    for server in started:
        if server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(10)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
