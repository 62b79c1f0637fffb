"""Files: validators, conditions, ranges and names, through both gateways."""

import io
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from undercroft import App, FileResponse, Settings, send_file, send_from_directory
from undercroft.http.files import format_disposition
from undercroft.testing.client import Client

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def files(tmp_path: Path, client: Callable[[App], Client]) -> Client:
    """A client of an application that serves one file."""
    path = tmp_path / "data.bin"
    path.write_bytes(CONTENT)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    # What the limits of header fields would refuse must not harm where they are raised.
    app = App(Settings(max_header_size=1_000_000))

    @app.get("/file")
    async def file() -> FileResponse:
        return FileResponse(path)

    @app.get("/download")
    def download() -> FileResponse:
        return FileResponse(path, filename='na"me\r\n€.txt')

    @app.get("/missing")
    async def missing() -> FileResponse:
        return FileResponse(tmp_path / "missing")

    @app.get("/folder")
    async def folder() -> FileResponse:
        return FileResponse(tmp_path)

    @app.get("/apology")
    async def apology() -> FileResponse:
        return FileResponse(path, status_code=404)

    @app.post("/file")
    async def write() -> FileResponse:
        return FileResponse(path)

    return client(app)


def test_a_file_is_sent_with_its_validators(files: Client) -> None:
    """The whole file comes with type, length, ETag and Last-Modified."""
    answer = files.get("/file")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert answer.headers["accept-ranges"] == "bytes"


def test_head_tells_the_same_without_the_body(files: Client) -> None:
    """HEAD has the fields of GET and no body."""
    answer = files.head("/file")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))


def test_a_current_copy_is_not_sent_again(files: Client) -> None:
    """If-None-Match and If-Modified-Since answer 304 while the copy is current."""
    etag = files.get("/file").headers["etag"]
    for condition in (
        {"if-none-match": f'"other", W/{etag}'},
        {"if-none-match": "*"},
        {"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"},
    ):
        answer = files.get("/file", headers=condition)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
        assert "content-length" not in answer.headers
    older = {"if-modified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}
    stale = {"if-none-match": '"other"', "if-modified-since": "Tue, 14 Nov 2033 22:13:20 GMT"}
    for condition in (older, stale, {"if-modified-since": "yesterday"}):
        assert files.get("/file", headers=condition).status_code == 200


@pytest.mark.parametrize(
    "asked, start, end",
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10000-", 10000, None),
        ("bytes=-7", -7, None),
        ("bytes=0-99999999", 0, None),
        ("bytes=-99999999", 0, None),
    ],
)
def test_one_range_is_sent(files: Client, asked: str, start: int, end: int | None) -> None:
    """A single range answers 206 with just those bytes."""
    answer = files.get("/file", headers={"range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[start:end])
    assert answer.headers["content-range"].endswith(f"/{len(CONTENT)}")
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("asked", ["bytes=20-10", "lines=1-2", "bytes=", "bytes=-", "bytes=a-b"])
def test_a_malformed_range_is_ignored(files: Client, asked: str) -> None:
    """What is no range is answered with the whole file."""
    assert files.get("/file", headers={"range": asked}).status_code == 200


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=10240-10241", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(files: Client, asked: str) -> None:
    """A range outside the file answers 416 with the length."""
    answer = files.get("/file", headers={"range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


def test_ten_thousand_ranges_cost_no_more_than_one(files: Client) -> None:
    """A list of ranges is answered with the whole file, at once."""
    asked = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(10_000))
    started = time.perf_counter()
    answer = files.get("/file", headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert time.perf_counter() - started < 1


def test_a_range_of_another_version_is_answered_whole(files: Client) -> None:
    """If-Range with another validator sends the whole file."""
    headers = {"range": "bytes=0-9", "if-range": '"other"'}
    assert files.get("/file", headers=headers).status_code == 200
    headers["if-range"] = files.get("/file").headers["etag"]
    assert files.get("/file", headers=headers).status_code == 206


def test_what_is_no_file_is_not_found(files: Client) -> None:
    """A missing file and a folder answer 404."""
    assert files.get("/missing").status_code == 404
    assert files.get("/folder").status_code == 404


def test_a_download_name_cannot_split_the_header(files: Client) -> None:
    """Quotes, line breaks and other scripts in a name are escaped, once for each kind of client."""
    disposition = files.get("/download").headers["content-disposition"]
    assert disposition.startswith('attachment; filename="na_me__')
    assert "filename*=UTF-8''na%22me%0D%0A%E2%82%AC.txt" in disposition
    assert format_disposition("inline", "../../etc/passwd") == 'inline; filename="passwd"'


@pytest.fixture
def sent(tmp_path: Path, client: Callable[[App], Client]) -> Client:
    """A client of an application that sends what is at hand."""
    path = tmp_path / "note.txt"
    path.write_bytes(CONTENT)
    app = App()

    @app.get("/path")
    def from_path() -> FileResponse:
        return send_file(path, as_attachment=True, max_age=60)

    @app.get("/bytes")
    async def from_bytes() -> FileResponse:
        return send_file(CONTENT, "text/csv", download_name="a.csv", as_attachment=True)

    @app.get("/open")
    def from_file() -> FileResponse:
        file = io.BytesIO(b"head" + CONTENT)
        file.seek(4)
        changed = datetime(2026, 1, 1, tzinfo=UTC)
        return send_file(file, download_name="a.png", etag="v1", last_modified=changed)

    @app.get("/inline")
    def inline() -> FileResponse:
        return FileResponse(path, filename="b.txt", as_attachment=False)

    @app.get("/from/{name:path}")
    def from_folder(name: str) -> FileResponse:
        return send_from_directory(tmp_path, name)

    (tmp_path.parent / "secret.txt").write_text("secret")
    return client(app)


def test_what_is_at_hand_is_sent_like_a_file(sent: Client) -> None:
    """Bytes and open files have length, type, name, validators, conditions and ranges."""
    whole = sent.get("/bytes")
    assert whole.content == CONTENT
    assert whole.headers["content-type"] == "text/csv; charset=utf-8"
    assert whole.headers["content-disposition"] == 'attachment; filename="a.csv"'
    held = {"if-none-match": whole.headers["etag"]}
    assert sent.get("/bytes", headers=held).status_code == 304
    opened = sent.get("/open", headers={"range": "bytes=-5"})
    assert (opened.status_code, opened.content) == (206, CONTENT[-5:])
    assert (opened.headers["etag"], opened.headers["content-type"]) == ('"v1"', "image/png")
    assert opened.headers["last-modified"] == "Thu, 01 Jan 2026 00:00:00 GMT"
    assert sent.get("/open").content == CONTENT
    saved = sent.get("/path").headers
    assert saved["content-disposition"] == 'attachment; filename="note.txt"'
    assert saved["cache-control"] == "max-age=60"
    assert sent.get("/inline").headers["content-disposition"] == 'inline; filename="b.txt"'


@pytest.mark.parametrize(
    "name", ["../secret.txt", "..%2fsecret.txt", "/etc/passwd", "%2fetc/passwd", "a%00b", ".."]
)
def test_a_folder_gives_nothing_from_outside(sent: Client, name: str) -> None:
    """`send_from_directory` answers 404 for every path that leads out of its folder."""
    assert sent.get("/from/note.txt").content == CONTENT
    assert sent.get(f"/from/{name}").status_code == 404


@pytest.mark.parametrize(
    "condition, status",
    [
        ({"if-match": '"other"'}, 412),
        ({"if-match": "*"}, 200),
        ({"if-unmodified-since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 412),
        ({"if-unmodified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}, 200),
        ({"range": "bytes=0-9", "if-range": "Tue, 14 Nov 2023 22:13:20 GMT"}, 206),
        ({"range": "bytes=0-9", "if-range": "Tue, 14 Nov 2023 22:13:21 GMT"}, 200),
        ({"range": "bytes=0-4,10-14"}, 200),
        ({"if-none-match": '"' * 100_000}, 200),
        ({"if-none-match": 'W/"a",' * 20_000}, 200),
    ],
)
def test_conditions_of_a_file(files: Client, condition: dict[str, str], status: int) -> None:
    """If-Match, If-Unmodified-Since and If-Range hold as in RFC 9110, whatever their length."""
    started = time.perf_counter()
    assert files.get("/file", headers=condition).status_code == status
    assert time.perf_counter() - started < 1


def test_conditions_are_those_of_a_good_answer_to_a_read(files: Client) -> None:
    """A 404 stays one, and a POST that was carried out is not called refused (RFC 9110, 13.2.1)."""
    etag = files.get("/file").headers["etag"]
    assert files.get("/apology", headers={"if-none-match": etag}).status_code == 404
    assert files.post("/file", headers={"if-none-match": "*"}).status_code == 200
    assert files.post("/file", headers={"if-match": '"other"'}).status_code == 200


def test_a_range_with_the_current_tag_is_weighed_strongly(files: Client) -> None:
    """If-Range with a weak tag sends the whole: the bytes may differ."""
    etag = files.get("/file").headers["etag"]
    headers = {"range": "bytes=0-9", "if-range": f"W/{etag}"}
    assert files.get("/file", headers=headers).status_code == 200
    assert files.get("/file", headers={"if-match": f"W/{etag}"}).status_code == 412
    assert files.get("/file", headers={"if-match": etag}).status_code == 200
