"""Responses: kept by handlers, sent without a body, closed when they are dropped."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from undercroft import App, FileResponse, JSONResponse, PlainTextResponse, Request
from undercroft.http.responses import HTMLResponse, Response, StreamingResponse
from undercroft.middleware.pipeline import Endpoint
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]

DESCRIPTORS = Path("/proc/self/fd")


class Source:
    """Pieces that know whether they were closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return b"piece"

    async def aclose(self) -> None:
        self.is_closed = True


def test_a_response_may_be_kept_and_returned_again(client: MakeClient) -> None:
    """Nothing a request does to an answer is seen by the next, whoever made the answer."""
    kept, page = PlainTextResponse("kept"), HTMLResponse("<p>page")

    async def mark(request: Request, call_next: Endpoint) -> Response:
        if request.path == "/own":
            return kept
        response = await call_next(request)
        response.set_cookie("user", request.query_params.get("user", ""))
        return response

    app = App(middleware=[mark])
    app.get("/kept")(lambda: kept)
    app.get("/page")(lambda: page)
    spoken = client(app)
    for path in ("/kept", "/page", "/own"):
        assert spoken.head(path).text == ""
        spoken.get(path, params={"user": "ada"})
        answer = spoken.get(path, params={"user": "bob"})
        assert answer.text in {"kept", "<p>page"}
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert "ada" not in str(answer.headers.get_list("set-cookie"))
    assert len(kept.raw_headers) == len(page.raw_headers) == 2


def test_a_file_response_may_be_kept(client: MakeClient, tmp_path: Path) -> None:
    """One request's range or condition is not the next one's."""
    path = tmp_path / "data.txt"
    path.write_bytes(b"0123456789")
    kept = FileResponse(path)
    app = App()
    app.get("/")(lambda: kept)
    spoken = client(app)
    assert spoken.get("/", headers={"range": "bytes=2-3"}).content == b"23"
    assert spoken.get("/", headers={"if-none-match": "*"}).status_code == 304
    answer = spoken.get("/")
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert "content-range" not in answer.headers


def test_a_middleware_may_answer_with_a_file(client: MakeClient, tmp_path: Path) -> None:
    """What a middleware answers by itself is settled as a handler's answer is."""
    path = tmp_path / "data.txt"
    path.write_bytes(b"maintenance")

    async def answer(request: Request, call_next: Endpoint) -> Response:
        return FileResponse(path if request.path == "/" else tmp_path / "missing")

    spoken = client(App(middleware=[answer]))
    assert spoken.get("/").content == b"maintenance"
    assert spoken.get("/missing").status_code == 404


def test_no_answer_to_head_has_a_body(client: MakeClient) -> None:
    """Errors and what middleware answers have the length of GET and no body, too."""

    async def stop(request: Request, call_next: Endpoint) -> Response:
        if request.path == "/stopped":
            return PlainTextResponse("stopped", 503)
        return await call_next(request)

    app = App(middleware=[stop])

    @app.get("/fails")
    def fails() -> str:
        raise ValueError("reason")

    spoken = client(app)
    for path in ("/stopped", "/fails", "/nowhere"):
        got, head = spoken.get(path), spoken.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers["content-length"] == str(len(got.content)) != "0"


def test_head_closes_a_stream(client: MakeClient) -> None:
    """A stream that is not sent closes its source, though it was never begun."""
    app, source = App(), Source()
    app.get("/")(lambda: StreamingResponse(source))
    assert client(app).head("/").content == b""
    assert source.is_closed


@pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="the system lists no descriptors")
def test_head_closes_a_file(client: MakeClient, tmp_path: Path) -> None:
    """HEAD leaves no descriptor open, even one that something still refers to."""
    path = tmp_path / "data.txt"
    path.write_bytes(b"0123456789")
    held: list[object] = []

    async def hold(request: Request, call_next: Endpoint) -> Response:
        response = await call_next(request)
        held.append(response.stream)
        return response

    app = App(middleware=[hold])
    app.get("/")(lambda: FileResponse(path))
    answer = client(app).head("/")
    assert (answer.content, answer.headers["content-length"]) == (b"", "10")
    opened = [os.path.realpath(link) for link in DESCRIPTORS.iterdir()]
    assert str(path) not in opened


def test_ranges_are_for_get_alone(client: MakeClient, tmp_path: Path) -> None:
    """HEAD and POST ignore Range (RFC 9110, section 14.2)."""
    path = tmp_path / "data.txt"
    path.write_bytes(b"0123456789")
    app = App()
    app.route("/", methods=["GET", "POST"])(lambda: FileResponse(path))
    spoken = client(app)
    asked = {"range": "bytes=0-1"}
    head, post = spoken.head("/", headers=asked), spoken.post("/", headers=asked)
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
    assert (post.status_code, post.content) == (200, b"0123456789")


def stream_nothing() -> Iterator[bytes]:
    """A stream without pieces."""
    yield from ()


@pytest.mark.parametrize("status", [204, 205, 304])
@pytest.mark.parametrize(
    "build",
    [
        lambda status: JSONResponse({"a": 1}, status),
        lambda status: Response("text", status),
        lambda status: StreamingResponse(stream_nothing(), status),
    ],
    ids=["json", "text", "stream"],
)
def test_a_status_without_content_takes_none(build: Callable[[int], Response], status: int) -> None:
    """Content beside 204, 205 or 304 is refused where it is written, not by the server."""
    with pytest.raises(ValueError, match=f"status {status} has no content"):
        build(status)
    assert Response(status_code=status).body == b""


@pytest.mark.parametrize("status", [-1, 0, 99, 600, 1000])
def test_a_status_that_servers_cannot_send_is_refused(status: int) -> None:
    """Outside of 100 to 599 (RFC 9110, section 15) some servers would crash."""
    with pytest.raises(ValueError, match="100 to 599"):
        Response(b"", status)
