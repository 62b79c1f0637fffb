"""Streams: waiting, limited, abandoned, and reading the request they answer."""

import asyncio
import io
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest

from tests.gateways.test_asgi import Message, build_scope
from undercroft import App, Request
from undercroft.concurrency import is_on_loop
from undercroft.gateways import disconnects
from undercroft.http.responses import Response, StreamingResponse
from undercroft.middleware.pipeline import Endpoint
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]

marker: ContextVar[str] = ContextVar("marker", default="")


def call_wsgi(app: App, body: bytes = b"", **parts: Any) -> Any:
    """Call an application as a WSGI server does, and return its iterable."""
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), **parts,
    }  # fmt: skip
    return app.wsgi(environ, lambda status, headers: None)


def test_a_stream_may_wait(client: MakeClient) -> None:
    """Sleeping, yielding to the loop and a time limit across pieces work under every server."""
    app = App()

    @app.get("/")
    async def handler() -> AsyncIterator[str]:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            for number in range(3):
                await asyncio.sleep(0)
                later = group.create_task(asyncio.sleep(0.001, str(number)))
                yield await later

    assert client(app).get("/").text == "012"


def test_a_stream_has_the_context_of_its_request(client: MakeClient) -> None:
    """A context variable the handler's generator sets keeps its value from piece to piece."""
    app = App()

    @app.get("/")
    async def handler() -> AsyncIterator[str]:
        for letter in "abc":
            yield marker.get()
            marker.set(marker.get() + letter)
            await asyncio.sleep(0)

    assert client(app).get("/").text == "aab"


def test_a_stream_put_there_by_hand_may_wait(client: MakeClient) -> None:
    """An async iterable that a middleware sets as `stream` may wait, too."""

    async def pieces() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.001)
        yield b"by hand"

    async def replace(request: Request, call_next: Endpoint) -> Response:
        response = await call_next(request)
        await response.close()
        response.stream = pieces()
        return response

    app = App(middleware=[replace])
    app.get("/")(lambda: StreamingResponse([b"first"]))
    assert client(app).get("/").content == b"by hand"


def test_a_failing_stream_tells_its_server(client: MakeClient) -> None:
    """An exception in a stream that waited reaches the server, which breaks the answer off."""
    app = App()

    @app.get("/")
    async def handler() -> AsyncIterator[bytes]:
        yield b"piece"
        await asyncio.sleep(0)
        raise KeyError("reason")

    with pytest.raises(KeyError, match="reason"):
        client(app).get("/")


def test_a_plain_stream_needs_no_loop_under_wsgi() -> None:
    """A plain iterable is iterated in the server's own thread."""
    app, seen = App(), set[tuple[int, bool]]()

    def numbers() -> Iterator[bytes]:
        for _ in range(3):
            seen.add((threading.get_ident(), is_on_loop()))
            yield b"1"

    app.get("/")(lambda: StreamingResponse(numbers()))
    assert b"".join(call_wsgi(app)) == b"111"
    assert seen == {(threading.get_ident(), False)}


def test_a_fast_stream_waits_for_a_slow_server() -> None:
    """Only a few pieces are made ahead of what the server took."""
    app, made = App(), list[int]()

    @app.get("/")
    async def handler() -> AsyncIterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield b"1"

    pieces = call_wsgi(app)
    assert next(pieces) == b"1"
    time.sleep(0.05)
    assert len(made) < 20
    pieces.close()


@pytest.mark.parametrize("taken", [0, 1, 3])
@pytest.mark.parametrize("waits", [True, False])
def test_closing_the_iterable_closes_the_source(taken: int, waits: bool) -> None:
    """A WSGI server that stops early, or before the first piece, ends the stream."""
    events: list[str] = []

    class Source:
        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                while True:
                    if waits:
                        await asyncio.sleep(0)
                    yield b"1"
            finally:
                if waits:
                    await asyncio.sleep(0.001)
                events.append("ended")

        async def aclose(self) -> None:
            events.append("closed")

    app = App()
    app.get("/")(lambda: StreamingResponse(Source()))
    pieces = call_wsgi(app)
    for _ in range(taken):
        next(pieces)
    pieces.close()
    pieces.close()
    assert "closed" in events
    assert list(pieces) == []


def test_a_plain_source_is_closed_before_its_first_piece() -> None:
    """A plain iterable that was never begun is closed with the answer."""
    source = io.BytesIO(b"line\n")
    app = App()
    app.get("/")(lambda: StreamingResponse(source))
    call_wsgi(app).close()
    assert source.closed


def test_an_answer_may_stream_the_request(client: MakeClient) -> None:
    """Every piece of the request arrives, although its client is being watched."""
    app = App()

    @app.post("/")
    async def echo(request: Request) -> StreamingResponse:
        return StreamingResponse(request.stream())

    @app.post("/late")
    async def late(request: Request) -> AsyncIterator[bytes]:
        yield b"<"
        await asyncio.sleep(0.01)
        async for piece in request.stream():
            yield piece
        yield b">"

    spoken = client(app)
    content = bytes(range(256)) * 1000
    assert spoken.post("/", content=content).content == content
    assert spoken.post("/late", content=content).content == b"<" + content + b">"


async def serve(app: App, messages: list[Message], **scope: Any) -> list[Message]:
    """Serve one request whose client sends messages as they are asked for, then leaves."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(0)
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await asyncio.wait_for(app(build_scope(**scope), receive, send), 5)
    return sent


def test_no_message_is_lost_to_the_watcher() -> None:
    """A body of many messages, read by the answer itself, is complete and in order."""
    app = App()

    @app.post("/")
    async def echo(request: Request) -> AsyncIterator[bytes]:
        async for piece in request.stream():
            await asyncio.sleep(0)
            yield piece
        yield b"."
        await asyncio.sleep(60)

    pieces = [
        {"type": "http.request", "body": b"%d" % number, "more_body": number < 9}
        for number in range(10)
    ]
    sent = asyncio.run(serve(app, pieces, method="POST"))
    assert b"".join(message.get("body", b"") for message in sent) == b"0123456789."


def test_a_client_that_leaves_an_answer_that_reads_is_no_error() -> None:
    """An answer that reads the request of a client that went away ends quietly."""
    app = App()

    @app.post("/")
    async def echo(request: Request) -> StreamingResponse:
        return StreamingResponse(request.stream())

    piece = {"type": "http.request", "body": b"a", "more_body": True}
    sent = asyncio.run(serve(app, [piece], method="POST"))
    assert [message.get("body") for message in sent] in ([None, b"a"], [None])


def test_an_unread_body_does_not_hide_that_the_client_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer that ignores a long body ends when its client is gone, if not at once."""
    monkeypatch.setattr(disconnects, "PATIENCE", 0.05)
    app = App()

    @app.post("/")
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"tick"
            await asyncio.sleep(0.001)

    pieces = [{"type": "http.request", "body": b"a", "more_body": True} for _ in range(5)]
    assert asyncio.run(serve(app, pieces, method="POST"))


@pytest.mark.parametrize(
    "failure, status", [(ValueError("bad chunk"), 400), (ConnectionResetError(), 400)]
)
def test_a_body_the_server_cannot_read_is_the_clients_mistake(
    failure: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What a WSGI server's input raises, for malformed chunks for example, is no fault of ours."""
    app = App()
    statuses: list[str] = []

    @app.post("/")
    async def handler(request: Request) -> int:
        return len(await request.body())

    class Broken(io.RawIOBase):
        def read(self, size: int | None = -1, /) -> bytes:
            raise failure

    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "localhost",
        "wsgi.input": Broken(), "wsgi.input_terminated": True,
    }  # fmt: skip
    app.wsgi(environ, lambda code, headers: statuses.append(code))
    assert statuses == [f"{status} Bad Request"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_length_of_thousands_of_digits_is_refused() -> None:
    """A Content-Length that Python would not convert is the client's mistake under WSGI."""
    app = App()
    statuses: list[str] = []

    @app.post("/")
    async def handler(request: Request) -> int:
        return len([piece async for piece in request.stream()])

    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": "9" * 5000, "wsgi.input": io.BytesIO(b""),
    }  # fmt: skip
    app.wsgi(environ, lambda status, headers: statuses.append(status))
    assert statuses == ["400 Bad Request"]
