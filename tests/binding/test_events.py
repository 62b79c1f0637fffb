"""Server-Sent Events: what is written, resumed, kept alive and cleaned up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from pydantic import BaseModel

from undercroft import App, EventSourceResponse, LastEventID, ServerSentEvent
from undercroft.testing.client import Client

Made = Callable[[App], Client]


class Tick(BaseModel):
    number: int


class SecretTick(Tick):
    secret: str = "hidden"


def test_typed_events_are_written_with_their_declared_fields(client: Made) -> None:
    """Data is checked and written by its declared type: nothing else leaves."""
    app = App()

    @app.get("/ticks")
    async def ticks() -> AsyncIterator[ServerSentEvent[Tick]]:
        yield ServerSentEvent(SecretTick(number=1), event="tick", id="1", retry=500)
        yield ServerSentEvent(comment="still\nhere")

    @app.get("/sync")
    def sync() -> Iterator[ServerSentEvent[int]]:
        yield ServerSentEvent[int](1)
        yield ServerSentEvent("a\r\nb")

    answer = client(app).get("/ticks")
    assert answer.text == (
        'event: tick\nid: 1\nretry: 500\ndata: {"number":1}\n\n: still\n: here\n\n'
    )
    assert answer.headers["x-accel-buffering"] == "no"
    assert "no-transform" in answer.headers["cache-control"]
    assert client(app).get("/sync").text == "data: 1\n\ndata: a\ndata: b\n\n"
    described = client(app).get("/openapi.json").json()
    content = described["paths"]["/ticks"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["text/event-stream"]


@pytest.mark.parametrize(
    "wrong", [{"event": "a\nb"}, {"id": "a\0"}, {"event": "a\rdata: x"}, {"retry": -1}]
)
def test_an_event_cannot_be_split(wrong: dict[str, object]) -> None:
    """Names and ids with line breaks, and times that are none, are refused."""
    with pytest.raises(ValueError, match="event's"):
        ServerSentEvent(**wrong)  # type: ignore[arg-type]


def test_a_stream_is_resumed_after_the_last_event(client: Made) -> None:
    """`LastEventID` is what the browser sends when it reconnects, in UTF-8; else None."""
    app = App()

    @app.get("/feed")
    async def feed(last: LastEventID) -> AsyncIterator[ServerSentEvent[str]]:
        yield ServerSentEvent(repr(last))

    caller = client(app)
    assert caller.get("/feed").text == "data: None\n\n"
    headers = {b"last-event-id": "é7".encode()}
    assert caller.get("/feed", headers=headers).text == "data: 'é7'\n\n"  # type: ignore[arg-type]


def test_silence_is_filled_with_comments(client: Made) -> None:
    """While nothing happens a comment is sent now and then; the events come all the same."""
    app = App()

    async def events() -> AsyncIterator[object]:
        async with asyncio.timeout(5):
            for number in range(2):
                await asyncio.sleep(0.2)
                yield {"n": number}

    @app.get("/slow")
    async def slow() -> EventSourceResponse:
        return EventSourceResponse(events(), heartbeat=0.03)

    text = client(app).get("/slow").text
    assert text.count(":\n\n") >= 4
    assert text.replace(":\n\n", "") == 'data: {"n":0}\n\ndata: {"n":1}\n\n'


def test_a_stream_that_fails_ends_as_any_other(client: Made) -> None:
    """What the generator raises ends the stream, after what it had sent."""
    app = App()
    log: list[str] = []

    @app.get("/failing")
    async def failing() -> AsyncIterator[ServerSentEvent]:
        try:
            yield ServerSentEvent("one")
            raise ValueError("broken")
        finally:
            log.append("closed")

    with pytest.raises(ValueError, match="broken"):
        client(app).get("/failing")
    assert log == ["closed"]


def test_a_stream_that_was_left_is_closed_at_once() -> None:
    """Whoever stops reading ends the generator where it waits."""
    log: list[str] = []

    async def endless() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(60)
            yield 2
        finally:
            log.append("closed")

    async def read_one() -> None:
        response = EventSourceResponse(endless())
        assert response.stream is not None
        async for piece in response.stream:
            assert piece == b"data: 1\n\n"
            break
        await asyncio.sleep(0.01)
        await response.close()
        assert log == ["closed"]
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(read_one())
