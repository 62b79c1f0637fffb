"""Answers: what a handler returns becomes the response its return type declares."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from undercroft import (
    App,
    JSONResponse,
    RedirectResponse,
    Response,
    ServerSentEvent,
    StreamingResponse,
)
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str = Field(serialization_alias="Name")


@dataclass
class Row:
    id: int
    name: str
    secret: str = "never sent"


@pytest.mark.parametrize(
    "value, kind, text",
    [
        ("plain <b>", "text/plain; charset=utf-8", "plain <b>"),
        (Markup("<b>ü</b>"), "text/html; charset=utf-8", "<b>ü</b>"),
        ({"a": [1, None]}, "application/json", '{"a":[1,null]}'),
        ([1, "x"], "application/json", '[1,"x"]'),
        (7, "application/json", "7"),
        (True, "application/json", "true"),
        (Out(id=1, name="n"), "application/json", '{"id":1,"Name":"n"}'),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "application/json", '"2026-01-02T00:00:00Z"'),
        (Decimal("1.50"), "application/json", '"1.50"'),
        (uuid.UUID(int=1), "application/json", '"00000000-0000-0000-0000-000000000001"'),
    ],
)
def test_a_value_says_what_it_is(client: MakeClient, value: Any, kind: str, text: str) -> None:
    """Without a declared type the value's own decides, from `def` and `async def` alike."""
    app = App()

    @app.get("/async")
    async def on_loop():  # type: ignore[no-untyped-def]
        return value

    @app.get("/sync")
    def in_thread():  # type: ignore[no-untyped-def]
        return value

    for path in ("/async", "/sync"):
        answer = client(app).get(path)
        assert (answer.headers["content-type"], answer.text) == (kind, text)
        assert answer.headers["content-length"] == str(len(answer.content))


def test_a_declared_type_decides_what_leaves(client: MakeClient) -> None:
    """Only the fields of the declared model are sent, from instances, objects, dicts and lists."""
    app = App()

    @app.get("/one")
    async def one() -> Out:
        return Row(1, "a")  # type: ignore[return-value]

    @app.get("/many")
    def many() -> list[Out]:
        return [Row(1, "a"), {"id": 2, "name": "b", "secret": "x"}]  # type: ignore[list-item]

    @app.get("/maybe")
    async def maybe() -> Out | None:
        return None

    spoken = client(app)
    assert spoken.get("/one").json() == {"id": 1, "Name": "a"}
    assert spoken.get("/many").json() == [{"id": 1, "Name": "a"}, {"id": 2, "Name": "b"}]
    assert spoken.get("/maybe").text == "null"


def test_a_value_that_does_not_fit_its_declaration_is_a_failure(client: MakeClient) -> None:
    """A wrong value answers 500 and tells the client nothing of it."""
    app = App()

    @app.get("/")
    async def handler() -> Out:
        return {"id": "no number", "name": "secret"}  # type: ignore[return-value]

    answer = client(app).get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_status_and_nothing(client: MakeClient) -> None:
    """`status_code=` is the answer's status, and `-> None` is 204 with no body at all."""
    app = App()

    @app.post("/made", status_code=201)
    async def made() -> dict[str, int]:
        return {"id": 1}

    @app.delete("/gone")
    async def gone() -> None: ...

    spoken = client(app)
    assert spoken.post("/made").status_code == 201
    answer = spoken.delete("/gone")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


def test_a_response_is_sent_as_it_is(client: MakeClient) -> None:
    """A handler's own response keeps status, headers and cookies, whatever is declared."""
    app = App()

    @app.get("/teapot")
    async def teapot() -> dict[str, str]:
        answer = JSONResponse({"short": True}, 418, {"x-kind": "pot"})
        answer.set_cookie("seen", "1", max_age=60)
        return answer  # type: ignore[return-value]

    @app.get("/there")
    def there() -> RedirectResponse:
        return RedirectResponse("/pläce?x=1 2", 303)

    spoken = client(app)
    answer = spoken.get("/teapot")
    assert (answer.status_code, answer.headers["x-kind"]) == (418, "pot")
    assert answer.headers["set-cookie"] == "seen=1; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"
    assert spoken.get("/there").headers["location"] == "/pl%C3%A4ce?x=1%202"


def test_streams_are_sent_in_the_form_their_items_have(client: MakeClient) -> None:
    """Bytes and text go as they are, events as text/event-stream, all else as JSON Lines."""
    app = App()

    @app.get("/bytes")
    async def some_bytes() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    @app.get("/text")
    def text() -> Iterator[str]:
        yield "ä"
        yield "b"

    @app.get("/events")
    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent("one\ntwo", event="news", id="1", retry=10)
        yield ServerSentEvent({"n": 1})

    @app.get("/lines")
    async def lines() -> AsyncIterator[Out]:
        yield Out(id=1, name="a")
        yield Row(2, "b")  # type: ignore[misc]

    @app.get("/own")
    async def own() -> StreamingResponse:
        return StreamingResponse(["a", b"b"], media_type="text/csv")

    spoken = client(app)
    answers = {path: spoken.get(path) for path in ("/bytes", "/text", "/events", "/lines", "/own")}
    assert {path: answer.headers["content-type"] for path, answer in answers.items()} == {
        "/bytes": "application/octet-stream",
        "/text": "text/plain; charset=utf-8",
        "/events": "text/event-stream; charset=utf-8",
        "/lines": "application/jsonl",
        "/own": "text/csv; charset=utf-8",
    }
    assert answers["/bytes"].text == answers["/own"].text == "ab"
    assert answers["/text"].text == "äb"
    assert answers["/events"].text == (
        'event: news\nid: 1\nretry: 10\ndata: one\ndata: two\n\ndata: {"n":1}\n\n'
    )
    assert answers["/lines"].text == '{"id":1,"Name":"a"}\n{"id":2,"Name":"b"}\n'
    assert answers["/events"].headers["cache-control"] == "no-cache, no-transform"


def test_an_event_cannot_write_another(client: MakeClient) -> None:
    """A line break in an event's name or id is refused."""
    with pytest.raises(ValueError, match="one line"):
        ServerSentEvent("x", event="a\ndata: forged")


def test_forgotten_and_unsendable_values_are_failures_that_say_so(
    client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Returning None, an object, or a body with 204 answers 500; the log names the repair."""
    app = App()

    @app.get("/none")
    async def none():  # type: ignore[no-untyped-def]
        pass

    @app.get("/object")
    async def some_object() -> dict[str, Any]:
        return {"value": object()}

    @app.get("/body", status_code=204)
    async def body():  # type: ignore[no-untyped-def]
        return "text"

    @app.get("/tuple")
    async def flask():  # type: ignore[no-untyped-def]
        return {"made": True}, 201

    spoken = client(app)
    for path, hint in [
        ("/tuple", "`status_code=201`"),
        ("/none", "declare `-> None` to answer 204"),
        ("/object", "cannot be written as JSON"),
        ("/body", "has no body"),
    ]:
        caplog.clear()
        assert spoken.get(path).status_code == 500
        assert hint in caplog.text


def test_a_return_type_that_cannot_be_sent_is_refused_at_start() -> None:
    """A return type nobody can serialize, or an impossible status, is found when the app builds."""

    class Strange: ...

    async def strange() -> Strange:
        return Strange()

    for options, handler in [({}, strange), ({"status_code": 99}, lambda: "x")]:
        app = App()
        app.get("/", **options)(handler)  # type: ignore[arg-type]
        with pytest.raises(ImproperlyConfigured):
            app.build()


@pytest.mark.parametrize("status", [99, 600, -1])
def test_a_status_no_server_can_send_is_refused(status: int) -> None:
    """A response outside 100 to 599 is refused where it is made."""
    with pytest.raises(ValueError, match="100 to 599"):
        Response(b"", status)
