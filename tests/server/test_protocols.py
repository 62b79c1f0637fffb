"""The server's protocol: the head of a request has a largest size and a longest time."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from uvicorn.server import ServerState

from undercroft import App, Request
from undercroft.server import protocols
from undercroft.server.options import Options
from undercroft.server.runner import build_config

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


def build_app() -> App:
    app = App()

    @app.post("/")
    async def measure(request: Request) -> int:
        return len(await request.body())

    return app


@asynccontextmanager
async def connect() -> AsyncGenerator[Streams]:
    """Serve an application by the protocol, and connect to it."""
    config = build_config(build_app(), Options())
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    make: Callable[[], asyncio.Protocol] = lambda: config.http_protocol_class(config, state, {})  # type: ignore[call-arg,return-value]  # noqa: E731 - uvicorn's own type is a Protocol's
    server = await loop.create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


async def send(*pieces: bytes, pause: float = 0.02) -> bytes:
    """Send pieces, each by itself, and read what is answered until the connection is closed."""
    async with connect() as (reader, writer):
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        except ConnectionError:
            pass
        return await asyncio.wait_for(reader.read(), 10)


@pytest.mark.parametrize(
    "head",
    [
        [HEAD, *[b"X: " + b"a" * 30_000 + b"\r\n"] * 3],
        [HEAD + b"X: ", *[b"a" * 30_000] * 3],
        [b"POST /?", *[b"a" * 30_000] * 3],
    ],
    ids=["many", "long", "url"],
)
def test_a_head_without_end_is_refused(head: list[bytes]) -> None:
    """Many headers, a long one, or a long address: 431, and the connection is closed."""
    assert asyncio.run(send(*head)).startswith(b"HTTP/1.1 431 ")


def test_the_size_of_bodies_does_not_count() -> None:
    """Large bodies, and heads that begin in a piece of one, are answered."""
    body = b"a" * 150_000
    first = HEAD + b"Content-Length: 150000\r\n\r\n" + body + HEAD[:20]
    second = HEAD[20:] + b"Connection: close\r\nContent-Length: 1\r\n\r\nb"
    answer = asyncio.run(send(first, second))
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert b"150000" in answer


def test_a_slow_head_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has begun is answered with 408, one that has not is closed without a word."""
    monkeypatch.setattr(protocols, "HEAD_TIMEOUT", 0.1)
    assert asyncio.run(send(HEAD, b"X: y\r\n")).startswith(b"HTTP/1.1 408 ")
    assert asyncio.run(send()) == b""


def test_a_body_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is that of the head alone, for the next request of a connection, too."""
    monkeypatch.setattr(protocols, "HEAD_TIMEOUT", 0.1)
    asked = HEAD + b"Content-Length: 2\r\n\r\n"
    answer = asyncio.run(send(asked, b"a", b"b", asked[:9], pause=0.15))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 408 ") == 1
