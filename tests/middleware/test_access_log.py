"""The access log: what was asked and answered, as fields, by each gateway."""

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from undercroft import App, HTTPException, Request, Settings, StreamingResponse, WebSocket
from undercroft.middleware.access_log import AccessEntry, AccessLog
from undercroft.middleware.request_id import RequestId
from undercroft.server.logs import DevelopmentFormatter, JSONFormatter, ProductionFormatter
from undercroft.testing import Client, WebSocketDenied

MakeClient = Callable[..., Client]

#: What a client may send to write lines of its own, or to act on a terminal.
EVIL = "\r\n2026-01-01 INFO forged \x1b[31m\x9b\u202e\u2028"


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What the access log was told."""
    found: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    logger, handler = logging.getLogger("undercroft.access"), Keep()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(before)


def read(record: logging.LogRecord) -> AccessEntry:
    assert isinstance(record.msg, AccessEntry)
    return record.msg


def build_app(*middleware: Any, **settings: Any) -> App:
    options: dict[str, Any] = {"access_log": True, **settings}
    app = App(Settings(**options), middleware=middleware)

    @app.get("/posts/{post_id:int}")
    async def post(post_id: int) -> str:
        return "x" * post_id

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"x" * 10
            yield b"y" * 20

        return StreamingResponse(pieces())

    @app.get("/broken")
    async def broken() -> str:
        raise ZeroDivisionError

    @app.websocket("/ws")
    async def serve(socket: WebSocket) -> None:
        if socket.query_params:
            raise HTTPException(401)
        await socket.accept()
        async for _ in socket.iter_text():
            pass

    return app


def test_every_answer_is_one_record(client: MakeClient, records: list[logging.LogRecord]) -> None:
    """With who asked for what, the route's template, status, bytes, time, id and browser."""
    http = client(build_app(RequestId(), trusted_proxies=["127.0.0.1"]))
    headers = {"user-agent": "test", "x-forwarded-for": "203.0.113.9"}
    answer = http.get("/posts/7?page=2&token=hush", headers=headers)
    (record,) = records
    entry = read(record)
    assert entry.pop("duration_ms") > 0
    assert entry == {
        "client": "203.0.113.9",
        "method": "GET",
        "path": "/posts/7",
        "query": entry["query"],
        "route": "/posts/{post_id:int}",
        "status": 200,
        "bytes": 7,
        "request_id": answer.headers["x-request-id"],
        "user_agent": "test",
    }
    assert "page=2" in entry["query"]
    assert "hush" not in entry["query"]
    assert (record.name, record.levelno) == ("undercroft.access", logging.INFO)


@pytest.mark.parametrize(
    "asked,status,size",
    [
        ("GET /stream", 200, 30),
        ("HEAD /stream", 200, 0),
        ("HEAD /posts/7", 200, 0),
        ("GET /missing", 404, None),
        ("GET /broken", 500, None),
        ("POST /stream", 405, None),
    ],
)
def test_all_kinds_of_answers_are_logged(
    client: MakeClient,
    records: list[logging.LogRecord],
    asked: str,
    status: int,
    size: int | None,
) -> None:
    """Streams are logged when they end, with their size; failures with theirs."""
    method, path = asked.split()
    answer = client(build_app()).request(method, path)
    (entry,) = map(read, records)
    assert (entry["method"], entry["path"], entry["status"]) == (method, path, status)
    assert entry["bytes"] == (len(answer.content) if size is None else size)


def test_websockets_are_logged_when_they_end(records: list[logging.LogRecord]) -> None:
    """With 101, or with the status that refused them."""
    with Client(build_app()) as http:
        with http.websocket_connect("/ws") as socket:
            socket.send_text("a")
            assert not records
        for path in ("/ws?no", "/nowhere"):
            with pytest.raises(WebSocketDenied), http.websocket_connect(path):
                pass
    assert [read(record)["status"] for record in records] == [101, 401, 404]
    assert read(records[0])["route"] == "/ws"


def test_nothing_is_logged_unless_asked_for(
    client: MakeClient, records: list[logging.LogRecord]
) -> None:
    """The setting is off by default, and one of your own is not doubled by it."""
    client(build_app(access_log=False)).get("/posts/1")
    assert not records
    client(build_app(AccessLog())).get("/posts/1")
    assert len(records) == 1


@pytest.mark.parametrize(
    "formatter",
    [
        logging.Formatter(),
        ProductionFormatter(),
        ProductionFormatter(colours=False),
        DevelopmentFormatter(colours=False),
        JSONFormatter(),
    ],
)
def test_nothing_a_client_sends_begins_a_line(
    records: list[logging.LogRecord], formatter: logging.Formatter
) -> None:
    """Path, query, header, method and a user's name are one printable line in every format."""
    app = build_app(AccessLog(lambda request: {"user": EVIL + "\ud800"}))
    log = AccessLog(lambda request: {"user": EVIL + "\ud800"})
    request = Request(
        "G\nET",
        "/" + EVIL,
        b"a=\r\n\x1b[31m",
        [(b"user-agent", b"a\r\n\x1b[31m\x85"), (b"host", b"x")],
    )
    log.log(request, 0.0, 200, 1)
    with Client(app) as http:
        http.get("/%0d%0a2026-01-01%20INFO%20forged%1b%5b31m", headers={"user-agent": b"a\x85"})
    for record in records:
        line = formatter.format(record)
        assert len(line.splitlines()) == 1
        assert line.isprintable() or isinstance(formatter, JSONFormatter)
        assert not any(ord(character) < 32 for character in line)


def test_lines_of_json_hold_the_fields(records: list[logging.LogRecord]) -> None:
    """Each is an object with time, level and logger; other records have a message and a cause."""
    app = build_app(AccessLog(lambda request: {"user": "Ada"}))
    with Client(app) as http:
        http.get("/posts/3")
    told = json.loads(JSONFormatter().format(records[0]))
    assert {"level": "INFO", "logger": "undercroft.access", "user": "Ada", "bytes": 3}.items() <= (
        told.items()
    )
    assert told["time"].endswith("+00:00")
    try:
        raise ValueError("first\nsecond")
    except ValueError as error:
        cause = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "", 1, "a\nb %s", ("c",), cause)
    text = JSONFormatter().format(record)
    assert "\n" not in text
    assert json.loads(text)["message"] == "a\nb c"
    assert "ValueError: first\nsecond" in json.loads(text)["exception"]


def test_text_says_the_user_too_and_colours_at_a_terminal(
    records: list[logging.LogRecord],
) -> None:
    """A line is the usual one, with what the application adds behind it."""
    app = build_app(AccessLog(lambda request: {"user": "Ada"}))
    with Client(app) as http:
        http.get("/posts/3?a=1")
        http.get("/missing")
    line = ProductionFormatter().format(records[0])
    assert '127.0.0.1 "GET /posts/3?a=1" 200 3 ' in line
    assert line.endswith(" ms user=Ada")
    assert "\x1b[33mINFO\x1b[0m" in ProductionFormatter(colours=True).format(records[1])
