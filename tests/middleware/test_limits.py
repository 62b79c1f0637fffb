"""What is too long, too much or too deep is refused with its status and a hint, by each gateway."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest

from undercroft import (
    App,
    Body,
    File,
    Form,
    Request,
    Settings,
    StreamingResponse,
    UploadFile,
    WebSocket,
)
from undercroft.http.json import check_depth, load_json
from undercroft.testing import Client, WebSocketDenied

MakeClient = Callable[..., Client]

NO_FILES: list[UploadFile] = []


def build_app(**settings: Any) -> App:
    app = App(Settings(**settings))

    @app.get("/")
    async def home(request: Request) -> int:
        return len(request.raw_query)

    @app.post("/json")
    async def read_json(request: Request) -> str:
        await request.json()
        return "read"

    @app.post("/typed")
    async def read_typed(body: Annotated[list[Any], Body()]) -> str:
        return "read"

    @app.post("/form")
    async def read_form(
        a: Annotated[list[str], Form()], f: Annotated[list[UploadFile], File()] = NO_FILES
    ) -> str:
        return "read"

    @app.websocket("/ws")
    async def serve(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json(await socket.receive_json())

    return app


def nest(depth: int) -> str:
    return "[" * depth + "]" * depth


#: For each limit: its setting, the largest request that passes, and the smallest that does not.
LIMITS: dict[str, tuple[str, int, dict[str, Any], dict[str, Any], int]] = {
    "url": (
        "max_url_length",
        100,
        {"method": "GET", "url": "/?" + "q" * 99},
        {"method": "GET", "url": "/?" + "q" * 100},
        414,
    ),
    "header fields": (
        "max_header_fields",
        20,
        {"method": "GET", "url": "/", "headers": {f"x-{n}": "v" for n in range(10)}},
        {"method": "GET", "url": "/", "headers": {f"x-{n}": "v" for n in range(21)}},
        431,
    ),
    "header size": (
        "max_header_size",
        2000,
        {"method": "GET", "url": "/", "headers": {"x-long": "v" * 1000}},
        {"method": "GET", "url": "/", "headers": {"x-long": "v" * 2000}},
        431,
    ),
    "body": (
        "max_body_size",
        100,
        {"method": "POST", "url": "/json", "content": "[" + " " * 98 + "]"},
        {"method": "POST", "url": "/json", "content": "[" + " " * 99 + "]"},
        413,
    ),
    "json": (
        "max_json_depth",
        10,
        {"method": "POST", "url": "/json", "content": nest(10)},
        {"method": "POST", "url": "/json", "content": nest(11)},
        400,
    ),
    "typed json": (
        "max_json_depth",
        10,
        {"method": "POST", "url": "/typed", "content": nest(10)},
        {"method": "POST", "url": "/typed", "content": nest(11)},
        400,
    ),
    "form": (
        "max_upload_size",
        1000,
        {"method": "POST", "url": "/form", "data": {"a": "v"}, "files": {"f": b"v" * 500}},
        {"method": "POST", "url": "/form", "data": {"a": "v"}, "files": {"f": b"v" * 1001}},
        413,
    ),
    "form fields": (
        "max_form_fields",
        3,
        {"method": "POST", "url": "/form", "data": {"a": ["v"] * 3}},
        {"method": "POST", "url": "/form", "data": {"a": ["v"] * 4}},
        400,
    ),
    "form files": (
        "max_form_files",
        2,
        {"method": "POST", "url": "/form", "data": {"a": "v"}, "files": [("f", b"v")] * 2},
        {"method": "POST", "url": "/form", "data": {"a": "v"}, "files": [("f", b"v")] * 3},
        413,
    ),
    "form field": (
        "max_field_size",
        10,
        {"method": "POST", "url": "/form", "data": {"a": "v" * 10}, "files": {"f": b""}},
        {"method": "POST", "url": "/form", "data": {"a": "v" * 11}, "files": {"f": b""}},
        413,
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_each_limit_has_its_status_and_a_hint(client: MakeClient, name: str) -> None:
    """What just fits passes, one more does not, and the hint says what to do."""
    setting, limit, fitting, too_large, status = LIMITS[name]
    http = client(build_app(**{setting: limit}))
    for request in (fitting, too_large):
        if "content" in request:
            request.setdefault("headers", {"content-type": "application/json"})
    assert http.request(**fitting).status_code == 200
    refused = http.request(**too_large)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["hint"]


def test_limits_are_on_by_default(client: MakeClient) -> None:
    """An application that says nothing refuses what no client needs."""
    http = client(build_app())
    assert http.get("/?" + "q" * 9000).status_code == 414
    assert http.get("/", headers={f"x-{n}": "v" for n in range(200)}).status_code == 431
    assert http.get("/", headers={"x-long": "v" * 40_000}).status_code == 431
    typed = {"content-type": "application/json"}
    assert http.post("/json", content=nest(101), headers=typed).status_code == 400
    assert http.post("/json", content=b" " * 10_485_761, headers=typed).status_code == 413


def test_handshakes_have_the_limits_of_requests() -> None:
    """The address and header fields of a handshake are limited, and so is the depth of messages."""
    with Client(build_app(max_url_length=100, max_header_fields=20)) as http:
        for path, headers, status in (
            ("/ws?" + "q" * 100, {}, 414),
            ("/ws", {f"x-{n}": "v" for n in range(21)}, 431),
        ):
            with (
                pytest.raises(WebSocketDenied) as caught,
                http.websocket_connect(path, headers=headers),
            ):
                pass
            assert caught.value.response.status_code == status
        with http.websocket_connect("/ws") as socket:
            socket.send_text(nest(101))
            with pytest.raises(Exception, match="1007"):
                socket.receive()


def test_more_requests_than_may_run_are_told_to_come_again(client: MakeClient) -> None:
    """Beyond `max_concurrent_requests` the answer is 503 with Retry-After; then there is room."""
    app = App(Settings(max_concurrent_requests=2))
    inside, leave = threading.Semaphore(0), threading.Event()

    @app.get("/wait")
    def wait() -> str:
        inside.release()
        leave.wait(10)
        return "waited"

    @app.get("/")
    async def home() -> str:
        return "home"

    @app.get("/fails")
    async def fail() -> str:
        raise ZeroDivisionError

    http = client(app)
    answers: list[int] = []
    running = [
        threading.Thread(target=lambda: answers.append(http.get("/wait").status_code))
        for _ in range(2)
    ]
    for thread in running:
        thread.start()
    assert all(inside.acquire(timeout=10) for _ in running)
    refused = http.get("/")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["code"] == "http.too-busy"
    leave.set()
    for thread in running:
        thread.join()
    assert answers == [200, 200]
    assert [http.get("/fails").status_code for _ in range(5)] == [500] * 5
    assert http.get("/").text == "home"


def test_a_stream_makes_room_once_it_begins() -> None:
    """Listeners of events do not use up what requests may take."""
    app = App(Settings(max_concurrent_requests=1))

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "a"
            await asyncio.sleep(0.05)
            yield (await asyncio.to_thread(http.get, "/")).text

        return StreamingResponse(pieces())

    @app.get("/")
    async def home() -> str:
        return "home"

    with Client(app) as http:
        assert http.get("/stream").text == "ahome"


@pytest.mark.parametrize(
    "text,depth",
    [
        ("1", 0),
        ("[" * 9 + "]" * 9, 9),
        ('{"a":' * 30 + "1" + "}" * 30, 30),
        ('["]",' * 40 + "1" + ',"["]' * 40, 40),
        ('["\\"]",' * 40 + "1" + ',"[\\\\"]' * 40, 40),
        ("[" + ",".join(["[[]]", '{"[": "{"}'] * 50) + "]", 3),
        ("[[1,[2,[3]]],[[[[4]]]]," + ",".join(["[]"] * 60) + "]", 5),
    ],
)
def test_depth_is_told_apart_from_brackets_in_strings(text: str, depth: int) -> None:
    """Text is refused one level below its depth, and passes at it."""
    load_json(text.encode())
    check_depth(text.encode(), max(depth, 1))
    if depth > 1:
        with pytest.raises(Exception, match="more deeply than"):
            check_depth(text.encode(), depth - 1)
