"""Somebody else's WSGI application on an ASGI server."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.gateways.test_asgi import build_scope
from undercroft.gateways.foreign_wsgi import WSGIAdapter, build_environ
from undercroft.gateways.messages import Message


class Endless:
    """An application whose answer never ends by itself."""

    def __init__(self) -> None:
        self.is_closed = False

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> "Endless":
        start_response("200 OK", [])
        return self

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b"tick"

    def close(self) -> None:
        self.is_closed = True


def test_a_stream_ends_with_its_client() -> None:
    """The iterable is closed once the client is gone, and nothing more is sent."""
    application = Endless()
    sent: list[Message] = []

    async def run() -> None:
        gone = asyncio.Event()
        request: list[Message] = [{"type": "http.request"}]

        async def receive() -> Message:
            if request:
                return request.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) == 5:
                gone.set()
            if len(sent) > 1000:
                raise ConnectionError("The test's patience is over.")

        await WSGIAdapter(application)(build_scope(http_version="1.1"), receive, send)

    asyncio.run(asyncio.wait_for(run(), 10))
    assert application.is_closed
    assert len(sent) < 100


@pytest.mark.parametrize(
    "path, expected",
    [
        ("/shop/here", ("/shop", "/here")),
        ("/shopping", ("/shop", "/shopping")),
        ("/shop", ("/shop", "")),
        ("/", ("/shop", "/")),
    ],
)
def test_a_mount_ends_at_a_slash(path: str, expected: tuple[str, str]) -> None:
    """The mount is cut off the path it is part of, and off no other."""
    scope = build_scope(path, root_path="/shop", http_version="1.1")
    environ = build_environ(scope, None)  # type: ignore[arg-type]  # the body is not looked at
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == expected


def test_a_reader_does_not_outlive_its_connection() -> None:
    """A thread that reads on while the server gives the connection up is told that it is gone."""
    told: list[type] = []
    ended = threading.Event()

    def application(environ: Any, start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"begun"
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            told.append(type(error))
            ended.set()

    async def run() -> None:
        begun = asyncio.Event()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            begun.set()

        scope = build_scope(http_version="1.1")
        serving = asyncio.create_task(WSGIAdapter(application)(scope, receive, send))
        await begun.wait()
        await asyncio.sleep(0.05)
        serving.cancel()
        await asyncio.wait({serving})
        assert await asyncio.to_thread(ended.wait, 5)

    asyncio.run(asyncio.wait_for(run(), 10))
    assert told == [ConnectionResetError]
