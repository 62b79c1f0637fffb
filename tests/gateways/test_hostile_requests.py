"""No request is answered with a 5xx, by whichever way it comes, and the next one is answered well.

The requests are the same in every run. `UNDERCROFT_TEST_EXAMPLES` is how many others are tried.
"""

import asyncio
import io
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from uvicorn.server import ServerState

from tests.gateways.hostile_app import build_hostile_app
from tests.gateways.test_asgi import Message, build_scope
from undercroft import App, Request, Settings
from undercroft.server.options import Options
from undercroft.server.runner import build_config
from undercroft.testing import Client

EXAMPLES = int(os.environ.get("UNDERCROFT_TEST_EXAMPLES", "0"))

JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=x"

#: What is there to be asked: method, path, and what its body is; below a path with a slash at its
#: end more of it is made.
ROUTES = [
    *(("GET", f"/{kind}/", b"") for kind in ("int", "float", "slug", "uuid", "str", "path", "day")),
    *(
        ("GET", f"/{name}", b"")
        for name in ("query", "header", "cookie", "session", "about", "file")
    ),
    *(
        ("GET", f"/{name}", b"")
        for name in ("held", "redirect", "pieces", "lines", "events", "view")
    ),
    *(
        ("GET", f"/{name}", b"")
        for name in ("folder/", "static/", "nothing", "openapi.json", "docs")
    ),
    *(
        ("POST", f"/{name}", JSON)
        for name in ("json", "json", "members", "read", "session", "view/")
    ),
    ("PUT", "/any", JSON),
    *(("POST", f"/{name}", FORM) for name in ("form", "form", "bytes")),
    *(("POST", f"/{name}", MULTIPART) for name in ("form", "files", "files", "parts", "stream")),
]
METHODS = [
    *("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "__init__"),
    *("dispatch", "get", "*", "WEBSOCKET", "PROPFIND"),
]

#: What stands in paths, queries, headers and bodies; bytes, as a socket has them.
PIECES = [
    *(b"a", b"1", b"-1", b"0", b"1e1000000", b"inf", b"nan", b"9" * 30, b"1.5", b"true", b"red"),
    *(b"2026-01-01", b"9999-12-31T23:59:59-23:59", b"P1Y", b"P999999999999D", b"24:00", b"1e400"),
    *(b"%", b"%00", b"%2f", b"%2F..", b"%5c", b"%c0%af", b"%ff", b"%ed%a0%80", b"%0d%0a", b"%zz"),
    *(b"..", b"../..", b"/", b"//", b"\\", b".", b":", b";", b"&", b"=", b"?", b"#", b"@", b"*"),
    *(b'"', b"'", b",", b" ", b"\t", b"+", b"<script>", b"{{ 1 }}", b"{0.x}", b"[", b"]", b"{"),
    *(b"}", b"\xff", b"\xc3\xa9", b"\x85", b"\xa0", b"\x01", b"\x7f", b"\xed\xa0\x80", b"\x00"),
    *(b"NaN", b"Infinity", b"null", b'"\\ud800"', b"\\u0000", b"18446744073709551616", b"-0"),
    *(b"CON", b"aux.txt", b"W/", b"bytes=", b"0-", b"-5", b"5-1", b"q=", b"gzip", b"br;q=2"),
]
NAMES = [
    *(b"whole", b"fraction", b"decimal", b"flag", b"text", b"color", b"moment", b"day", b"clock"),
    *(b"length", b"key", b"numbers", b"given", b"to", b"value", b"__proto__", b"", b"a[]"),
]
HEADERS = [
    *(b"accept", b"accept-encoding", b"accept-language", b"range", b"if-range", b"if-match"),
    *(b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"cookie", b"origin"),
    *(b"access-control-request-method", b"access-control-request-headers", b"x-request-id"),
    *(b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"),
    *(b"forwarded", b"authorization", b"last-event-id", b"user-agent", b"referer", b"expect"),
    *(b"x_forwarded_for", b"content-encoding", b"te", b"upgrade", b"connection", b"host"),
]
WELL_FORMED = [
    *(b"text/html", b"*/*", b"gzip, br;q=0.5, zstd", b"bytes=0-5", b"bytes=-3", b'"v1"', b'W/"v1"'),
    *(b"*", b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT", b"1.2.3.4"),
    *(b"https://a.example", b"PUT", b"https", b"for=1.2.3.4;proto=https;host=a", b"localhost:1"),
    *(b"undercroft_session=x; a=1", b"session=eyJhIjoxfQ.x.y", b"websocket", b"Upgrade", b"null"),
]
TYPES = [
    *(b"application/json", b"application/json; charset=rot13", b"application/problem+json"),
    *(b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded;charset=zip"),
    *(b"multipart/form-data; boundary=x", b'multipart/form-data; boundary="x"; charset=idna'),
    *(b"multipart/form-data", b"text/plain", b"text/plain; charset=unicode_escape", b"*/*", b""),
    *(b"multipart/mixed; boundary=x", b"application/octet-stream", b";;=", b"\xff/\xff"),
]


@dataclass(frozen=True)
class Sent:
    """One request, as bytes."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]
    is_cut_off: bool


class Generator:
    """Makes requests by chance: well-formed in most places, so that the others are reached."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def choose(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def text(self, most: int = 4) -> bytes:
        return b"".join(self.chance.choices(PIECES, k=self.chance.randint(0, most)))

    def happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def request(self) -> Sent:
        method, path, kind = self.choose(*ROUTES)
        path = path.encode()
        if path.endswith(b"/") or self.happens(0.05):
            path += self.choose(self.choose(*PIECES), self.text())
        query = b"?" + self.pairs() if self.happens(0.5) else b""
        headers = [
            (self.choose(*HEADERS), self.choose(self.text(6), self.choose(*WELL_FORMED)))
            for _ in range(self.choose(0, 1, 2, 3, 8))
        ]
        kind = self.choose(*TYPES) if self.happens(0.2) else kind
        body = self.body(kind)
        headers.append((b"content-type", kind))
        cut = self.chance.randint(0, len(body))
        is_cut_off = self.happens(0.05)
        pieces = [body[:cut]] if is_cut_off else self.choose([body], [body[:cut], body[cut:]])
        method = self.choose(*METHODS, "HEAD") if self.happens(0.15) else method
        return Sent(method, (path + query) or b"/", headers, pieces, is_cut_off)

    def pairs(self) -> bytes:
        return b"&".join(
            self.choose(*NAMES) + self.choose(b"=", b"=", b"") + self.text(2)
            for _ in range(self.choose(0, 1, 2, 5))
        )

    def body(self, kind: bytes) -> bytes:
        if self.happens(0.1):
            return self.choose(self.text(20), b"[" * 5000, b"1" * 5000, b"", b"x" * 200_000)
        if b"json" in kind:
            return self.json(3)
        if b"multipart" in kind:
            return b"".join(map(self.part, range(self.choose(0, 1, 3)))) + self.choose(
                b"--x--\r\n", b""
            )
        return self.pairs()

    def json(self, depth: int) -> bytes:
        kind = self.choose("list", "object", "object", "value", "text")
        if kind == "list" and depth:
            return (
                b"[" + b",".join(self.json(depth - 1) for _ in range(self.choose(0, 1, 3))) + b"]"
            )
        if kind == "object" and depth:
            members = [
                b'"' + self.choose(*NAMES) + b'":' + self.json(depth - 1)
                for _ in range(self.choose(0, 1, 3))
            ]
            return b"{" + b",".join(members) + b"}"
        return b'"' + self.text(2) + b'"' if kind == "text" else self.text(1) or b"0"

    def part(self, _number: int) -> bytes:
        name = self.choose(*NAMES, self.text(2))
        file = self.choose(b"", b'; filename="' + self.text(2) + b'"', b"; filename*=UTF-8''x")
        more = self.choose(b"", b"\r\nContent-Type: " + self.choose(*TYPES), b"\r\n" + self.text())
        head = b'Content-Disposition: form-data; name="' + name + b'"' + file + more
        return b"--x\r\n" + head + b"\r\n\r\n" + self.text(3) + b"\r\n"


# -------------------------------------------------------------------------- the three ways

Ask = Callable[[Sent], int]


def ask_asgi(app: App, sent: Sent) -> int:
    """Ask as an ASGI server does, which has decoded the path."""
    path, _, query = sent.target.partition(b"?")
    waiting: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": True} for piece in sent.pieces
    ]
    waiting[-1]["more_body"] = sent.is_cut_off
    statuses: list[int] = []

    async def receive() -> Message:
        if waiting:
            return waiting.pop(0)
        if not sent.is_cut_off:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
            assert all(isinstance(part, bytes) for pair in message["headers"] for part in pair)

    scope = build_scope(
        unquote_to_bytes(path).decode("utf-8", "replace"), method=sent.method, query_string=query,
        headers=[(b"host", b"localhost"), *sent.headers], client=("127.0.0.1", 1),
    )  # fmt: skip
    asyncio.run(app.asgi(scope, receive, send))
    assert statuses or sent.is_cut_off
    return statuses[0] if statuses else 0


def ask_wsgi(app: App, sent: Sent) -> int:
    """Ask as a WSGI server does, which joins headers of one name."""
    path, _, query = sent.target.partition(b"?")
    body = b"".join(sent.pieces)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method, "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body) + sent.is_cut_off), "wsgi.input": io.BytesIO(body),
        "SERVER_PROTOCOL": "HTTP/1.1",
    }  # fmt: skip
    for name, value in sent.headers:
        key = name.decode().upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.decode("latin-1")
    statuses: list[int] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        statuses.append(int(status[:3]))

    pieces = app.wsgi(environ, start_response)
    try:
        assert all(isinstance(piece, bytes) for piece in pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    return statuses[0]


def ask_server(app: App, sent: Sent) -> int:
    """Ask our server over a socket, whatever the bytes are."""
    return asyncio.run(_ask_server(app, sent))


async def _ask_server(app: App, sent: Sent) -> int:
    config = build_config(app, Options())
    config.load()
    make: Any = lambda: config.http_protocol_class(config, ServerState(), {})  # type: ignore[call-arg]  # noqa: E731 - uvicorn's own types
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    body = b"".join(sent.pieces)
    head = [(b"host", b"localhost"), *sent.headers, (b"connection", b"close")]
    head.append((b"content-length", b"%d" % len(body)))
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in head)
    try:
        writer.write(sent.method.encode() + b" " + sent.target + b" HTTP/1.1\r\n" + lines + b"\r\n")
        writer.write(body[:-1] if sent.is_cut_off else body)
        if sent.is_cut_off:
            writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return 0
    finally:
        writer.close()
        server.close()
    return int(answer[9:12]) if answer else 0


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "debug"])
def hostile_app(request: pytest.FixtureRequest) -> Iterator[App]:
    """The application, with and without its pages for developers."""
    app = build_hostile_app(debug=request.param)
    yield app
    app.close()


@pytest.mark.parametrize(
    "ask, count",
    [(ask_asgi, 1500), (ask_wsgi, 1500), (ask_server, 300)],
    ids=["asgi", "wsgi", "server"],
)
def test_no_request_is_answered_with_a_fault(
    hostile_app: App, ask: Callable[[App, Sent], int], count: int
) -> None:
    """Whatever is sent is answered below 500, and a good request after it with 200."""
    generator = Generator(random.randrange(2**32) if EXAMPLES else 1)
    good = Sent("GET", b"/int/1", [], [b""], is_cut_off=False)
    for number in range(EXAMPLES or count):
        sent = generator.request()
        status = ask(hostile_app, sent)
        assert status < 500, sent
        if number % 100 == 99:
            assert ask(hostile_app, good) == 200


@pytest.mark.parametrize("ask", [ask_asgi, ask_wsgi])
@pytest.mark.parametrize("method", ["dispatch", "__init__", "as_view", "get", "request", "*"])
def test_a_method_is_no_attribute(
    hostile_app: App, ask: Callable[[App, Sent], int], method: str
) -> None:
    """A view answers the methods it declares, spelled as they are, whatever else it has."""
    sent = Sent(method, b"/view/", [], [b""], is_cut_off=False)
    assert ask(hostile_app, sent) == 405


def test_no_slash_makes_a_host_of_a_path(client: Callable[[App], Client]) -> None:
    """Where any path has a near one, `//evil.example` still leads nowhere else."""
    app = App()
    app.add_route("/{rest:path}/", show_rest)
    speaking = client(app)
    for path, status in (("/a", 307), ("//evil.example", 404), ("//evil.example/%2e%2e", 404)):
        answer = speaking.get(f"http://localhost{path}", follow_redirects=False)
        assert answer.status_code == status


async def show_rest(rest: str) -> str:
    return rest


@pytest.mark.parametrize("size", [1_000, 200_000])
def test_a_body_is_measured_whatever_its_length_says(hostile_app: App, size: int) -> None:
    """Without a length, or with a false one, 413 comes all the same, in one piece or in several."""
    kind = (b"content-type", b"application/json")
    status = 413 if size > 100_000 else 422
    body = b'"' + b"a" * size + b'"'
    for pieces in ([body], [body[:9], body[9:]]):
        for told in ([], [(b"content-length", b"1")]):
            sent = Sent("POST", b"/json", [kind, *told], pieces, is_cut_off=False)
            assert ask_asgi(hostile_app, sent) == status


def test_a_body_without_a_length_is_measured_under_wsgi() -> None:
    """A server that marks the body's end itself says no length."""
    app = App(Settings(max_body_size=10))
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        statuses.append(status[:3])

    @app.post("/")
    async def measure(request: Request) -> int:
        return len(await request.body())

    for size in (10, 11):
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "localhost",
            "wsgi.input": io.BytesIO(b"a" * size), "wsgi.input_terminated": True,
        }  # fmt: skip
        app.wsgi(environ, start_response)
    assert statuses == ["200", "413"]
