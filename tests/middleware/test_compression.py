"""Compression: what is compressed, how it is chosen, and what it says to caches."""

import gzip
import time
import zlib
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from undercroft import (
    App,
    Compression,
    FileResponse,
    JSONResponse,
    Response,
    ServerSentEvent,
    StreamingResponse,
    cache_control,
)
from undercroft.errors import ImproperlyConfigured
from undercroft.middleware.compression import choose_encoding
from undercroft.middleware.encoders import list_encodings
from undercroft.testing.client import Client

Made = Callable[[App], Client]
TEXT = "All work and no play makes Jack a dull boy. " * 100
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": lambda body: bytes(import_module("brotli").decompress(body)),
    "zstd": lambda body: bytes(import_module("backports.zstd").decompress(body)),
}


def build_app(folder: Path) -> App:
    (folder / "a.txt").write_text(TEXT)
    app = App(middleware=[Compression(minimum_size=100)])
    add_untouched(app)
    kept = JSONResponse({"text": TEXT})

    @app.get("/text")
    def text() -> str:
        return TEXT

    @app.get("/kept")
    def give_kept() -> JSONResponse:
        return kept

    @app.get("/stream")
    async def stream() -> AsyncIterator[dict[str, str]]:
        for number in range(3):
            yield {str(number): TEXT}

    @app.get("/file")
    def file() -> FileResponse:
        return FileResponse(folder / "a.txt")

    return app


def add_untouched(app: App) -> None:
    """Add what is sent as it is."""

    @app.get("/short")
    def short() -> str:
        return "short"

    @app.get("/image")
    def image() -> Response:
        return Response(TEXT, media_type="image/png")

    @app.get("/encoded")
    def encoded() -> Response:
        return Response(gzip.compress(TEXT.encode()), 200, {"content-encoding": "gzip"}, "text/css")

    @app.get("/fixed")
    @cache_control(no_transform=True, max_age=1)
    def fixed() -> str:
        return TEXT

    @app.get("/events")
    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(TEXT)


def ask(caller: Client, path: str, accepted: str, **headers: str) -> Any:
    """Ask, and give status, fields and the bytes that came: the client would decode them."""
    with caller.stream("GET", path, headers={"accept-encoding": accepted, **headers}) as answer:
        raw = b"".join(answer.iter_raw())
    return answer.status_code, answer.headers, raw


@pytest.mark.parametrize("name", DECODERS)
def test_answers_are_compressed(client: Made, tmp_path: Path, name: str) -> None:
    """Whole answers, kept ones, streams and files are, with the fields that belong to it."""
    caller = client(build_app(tmp_path))
    for path in ("/text", "/kept", "/kept", "/stream", "/file"):
        _, headers, raw = ask(caller, path, name)
        assert headers["content-encoding"] == name
        assert headers["vary"] == "Accept-Encoding"
        assert TEXT.encode() in DECODERS[name](raw)
        assert len(raw) < 1000
        if path not in {"/stream", "/file"}:
            assert headers["content-length"] == str(len(raw))


@pytest.mark.parametrize("path", ["/short", "/image", "/encoded", "/fixed", "/events"])
def test_what_must_not_be_compressed_is_left_alone(client: Made, tmp_path: Path, path: str) -> None:
    """Short answers, images, what is encoded, not to be changed, and events, go as they are."""
    caller = client(build_app(tmp_path))
    _, headers, raw = ask(caller, path, "gzip, br, zstd")
    assert headers.get("content-encoding") == ("gzip" if path == "/encoded" else None)
    assert path == "/encoded" or raw in {b"short", TEXT.encode(), f"data: {TEXT}\n\n".encode()}
    assert ("vary" in headers) == (path == "/short")


def test_tags_and_ranges_stay_right(client: Made, tmp_path: Path) -> None:
    """Compressed, a tag is weak and counts for 304; a range is of the file as it is."""
    caller = client(build_app(tmp_path))
    strong = ask(caller, "/file", "identity")[1]["etag"]
    _, headers, _ = ask(caller, "/file", "gzip")
    assert headers["etag"] == f"W/{strong}"
    assert "accept-ranges" not in headers
    status, headers, raw = ask(caller, "/file", "gzip", **{"if-none-match": f"W/{strong}"})
    assert (status, raw, headers["etag"]) == (304, b"", f"W/{strong}")
    assert headers["vary"] == "Accept-Encoding"
    status, headers, raw = ask(caller, "/file", "gzip", range="bytes=0-3")
    assert (status, raw, headers.get("content-encoding")) == (206, b"All ", None)
    head = caller.head("/text", headers={"accept-encoding": "gzip"})
    assert (head.headers["content-encoding"], head.content) == ("gzip", b"")


@pytest.mark.parametrize(
    "accepted, chosen",
    [
        ("gzip", "gzip"),
        ("GZIP;q=1.0, deflate", "gzip"),
        ("gzip, br, zstd", "zstd"),
        ("gzip;q=1, br;q=0.9, zstd;q=0", "gzip"),
        ("*", "zstd"),
        ("*, zstd;q=0", "br"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("identity", None),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("", None),
        ("gzip;q=nan, br;q=2, zstd;x", None),
        ("gzip," * 100_000, None),
        ("gzip;" + " " * 900, None),
    ],
)
def test_the_client_chooses(accepted: str, chosen: str | None) -> None:
    """Weights count, what is equal is ours to choose, and no header takes long to read."""
    started = time.perf_counter()
    found = choose_encoding(accepted, list_encodings())
    assert (found.name if found else None) == chosen
    assert time.perf_counter() - started < 0.1


def test_a_piece_of_a_stream_waits_for_no_other(client: Made) -> None:
    """Each piece is flushed: it can be read as soon as it has come."""
    for encoding in list_encodings(["gzip"]):
        encoder = encoding.begin()
        assert zlib.decompressobj(47).decompress(encoder.encode(b"first")) == b"first"
    brotli: Any = import_module("brotli")
    assert brotli.Decompressor().process(list_encodings(["br"])[0].begin().encode(b"first")) == (
        b"first"
    )
    zstd: Any = import_module("backports.zstd")
    piece = list_encodings(["zstd"])[0].begin().encode(b"first")
    assert zstd.ZstdDecompressor().decompress(piece) == b"first"


def test_a_compressed_stream_closes_its_source(client: Made) -> None:
    """HEAD, which begins no stream, closes the source all the same."""
    app = App(middleware=[Compression()])
    closed: list[str] = []

    class Source:
        def __aiter__(self) -> "Source":
            return self

        async def __anext__(self) -> bytes:
            raise StopAsyncIteration

        async def aclose(self) -> None:
            closed.append("closed")

    app.get("/")(lambda: StreamingResponse(Source(), media_type="text/plain"))
    caller = client(app)
    caller.head("/", headers={"accept-encoding": "gzip"})
    caller.get("/", headers={"accept-encoding": "gzip"})
    assert len(closed) >= 2


def test_an_encoding_that_cannot_be_made_is_refused() -> None:
    """A name nobody knows is an error where it is written, with those that can be made."""
    with pytest.raises(ImproperlyConfigured, match="gzip"):
        Compression(encodings=["lzma"])
