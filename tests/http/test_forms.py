"""Forms: urlencoded and multipart bodies, their files, and what is refused of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import App, Request
from undercroft.errors import BadRequest, ContentTooLarge, HTTPException
from undercroft.http.forms import FormData
from undercroft.http.multipart import FormLimits, MultipartReader, read_disposition
from undercroft.http.uploads import SPOOL_SIZE, UploadFile
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]

kept: list[UploadFile] = []
app = App()


@app.post("/form")
async def show_form(request: Request) -> dict[str, Any]:
    """Show every field, files with name, type and what is in them."""
    form = await request.form()
    assert form is await request.form()
    shown: dict[str, Any] = {}
    for name in form:
        values = form.getlist(name)
        shown[name] = [
            [each.filename, each.content_type, each.size, (await each.read()).decode()[:20]]
            if isinstance(each, UploadFile)
            else each
            for each in values
        ]
    kept.extend(form.files)
    return shown


@app.post("/parts")
async def show_parts(request: Request) -> list[list[Any]]:
    """Show every part, measured as it comes, every second one passed over."""
    found: list[list[Any]] = []
    async for part in request.multipart():
        if len(found) % 2:
            found.append([part.name, part.filename, None])
        else:
            found.append([part.name, part.filename, sum([len(piece) async for piece in part])])
    return found


def build_body(*parts: tuple[bytes, bytes], boundary: bytes = b"line") -> bytes:
    """Build a multipart body of parts: what stands in their headers, and their content."""
    pieces = [
        b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"
        for head, content in parts
    ]
    return b"".join(pieces) + b"--" + boundary + b"--\r\n"


def field(name: bytes, content: bytes) -> tuple[bytes, bytes]:
    """Build a part that is no file."""
    return b'Content-Disposition: form-data; name="' + name + b'"', content


MULTIPART = {"content-type": "multipart/form-data; boundary=line"}


def test_fields_and_files_arrive(client: MakeClient) -> None:
    """Several values of a name, text in every script, files small and large, in either form."""
    kept.clear()
    spoken = client(app)
    plain = spoken.post("/form", data={"a": ["1", "2"], "naïve": "½ & ="})
    assert plain.json() == {"a": ["1", "2"], "naïve": ["½ & ="]}
    large = b"x" * (3 * SPOOL_SIZE)
    sent = spoken.post(
        "/form",
        data={"title": "Möwe"},
        files=[
            ("file", ("a.txt", b"hello", "text/plain; charset=x")),
            ("file", ("größe.bin", large, "application/octet-stream")),
        ],
    )
    assert sent.json() == {
        "title": ["Möwe"],
        "file": [
            ["a.txt", "text/plain", 5, "hello"],
            ["größe.bin", "application/octet-stream", len(large), "x" * 20],
        ],
    }
    assert len(kept) == 2
    assert all(file.file.closed for file in kept), "once the request has been answered"


def test_parts_are_read_as_they_come(client: MakeClient) -> None:
    """A handler may take each part from the wire, and leave out what it does not want."""
    files = [("f", (f"{n}.bin", b"y" * 300_000)) for n in range(3)]
    answer = client(app).post("/parts", data={"a": "1"}, files=files)
    assert answer.json() == [
        ["a", None, 1], ["f", "0.bin", None], ["f", "1.bin", 300_000], ["f", "2.bin", None],
    ]  # fmt: skip


def test_a_file_field_without_a_file_is_absent(client: MakeClient) -> None:
    """A browser sends an empty part with an empty name."""
    empty = b'Content-Disposition: form-data; name="file"; filename=""'
    body = build_body((empty, b""), field(b"a", b"1"))
    assert client(app).post("/form", content=body, headers=MULTIPART).json() == {"a": ["1"]}


@pytest.mark.parametrize(
    "given, kept_name",
    [
        (b"..\\..\\boot.ini", "boot.ini"),
        (b"../../etc/passwd", "passwd"),
        (b"/etc/passwd", "passwd"),
        (b"a%22b%0D%0Ac.txt", 'a"bc.txt'),
        (b"nul\x01.txt", "nul.txt"),
        (b"..", ""),
        (b"x" * 300, "x" * 255),
    ],
)
def test_names_of_files_have_no_folders(given: bytes, kept_name: str) -> None:
    """What a client calls its file cannot lead anywhere."""
    value = b'form-data; name="f"; filename="' + given + b'"'
    assert read_disposition(value) == ("f", kept_name)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"attachment; name=a",
        b"form-data",
        b'form-data; name="a"; name="b"',
        b'form-data; name="a"; filename="b"; filename="c"',
        b'form-data; name="a" junk',
        b'form-data; name="a',
    ],
)
def test_odd_dispositions_are_refused(value: bytes) -> None:
    """Nobody may read two different names from one part."""
    with pytest.raises(BadRequest) as caught:
        read_disposition(value)
    assert caught.value.code == "http.multipart"


def test_a_second_name_is_not_read() -> None:
    """`filename*` is no parameter of forms (RFC 7578, section 4.2)."""
    value = b"form-data; name=a; filename=b.txt; filename*=UTF-8''evil.exe"
    assert read_disposition(value) == ("a", "b.txt")


@pytest.mark.parametrize(
    "body, said",
    [
        (b"", "ends before"),
        (b"nothing of the kind", "malformed"),
        (build_body(field(b"a", b"1"))[:-10], "ends before"),
        (build_body(field(b"a", b"1"))[:40], "ends before"),
        (build_body((b"X: y", b"1")), "no Content-Disposition"),
        (build_body((b"Content-Disposition: form-data; name=a\r\nX: " + b"y" * 9000, b"1")), ""),
        (build_body((b"\r\n".join([b"X: y"] * 200), b"1")), ""),
        (b"--line\r\nContent Disposition: form-data\r\n\r\n", "malformed"),
    ],
)
def test_malformed_bodies_are_refused(client: MakeClient, body: bytes, said: str) -> None:
    """Truncated, foreign or overlong: 400, and nothing half-read."""
    answer = client(app).post("/form", content=body, headers=MULTIPART)
    assert (answer.status_code, answer.json()["code"]) == (400, "http.multipart")
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/form-data; x-boundary=line",
        'multipart/form-data; a="; boundary=line"',
        "multipart/form-data; boundary=line; boundary=other",
        "multipart/form-data; boundary=line, multipart/form-data",
    ],
)
def test_a_boundary_is_needed(client: MakeClient, content_type: str) -> None:
    """One of 1 to 70 characters (RFC 2046)."""
    body = build_body(field(b"a", b"b"))
    answer = client(app).post("/form", content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (400, "http.multipart")


@pytest.mark.parametrize("told", ["line", '"line"', "line ;a=b", '"li\\ne"; a="; boundary=x"'])
def test_a_boundary_is_read_as_a_parameter(client: MakeClient, told: str) -> None:
    """With or without quotes, whatever stands beside it."""
    boundary = b"li\\ne" if "\\" in told else b"line"
    body = build_body(field(b"a", b"b"), boundary=boundary)
    headers = {"content-type": f"multipart/form-data; boundary={told}"}
    assert client(app).post("/form", content=body, headers=headers).json() == {"a": ["b"]}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_other_bodies_are_no_forms(client: MakeClient, content_type: str) -> None:
    """415 names what would be read."""
    headers = {"content-type": content_type} if content_type else {}
    answer = client(app).post("/form", content=b"a=1", headers=headers)
    assert answer.status_code == 415
    assert "multipart/form-data" in answer.json()["hint"]


def read(body: bytes, size: int, **limits: int) -> list[tuple[str, bytes]]:
    """Read all parts of a body that comes in pieces of a size."""

    async def come() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    async def main() -> list[tuple[str, bytes]]:
        reader = MultipartReader("x; boundary=line", come(), FormLimits(**limits))
        return [(part.name, await part.read(1 << 20)) async for part in reader.parts()]

    return asyncio.run(main())


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 80))
def test_pieces_may_end_anywhere(contents: list[bytes], size: int) -> None:
    """However the wire cuts a body, its parts are the same, boundary-like content included."""
    parts = [(f"f{n}", content) for n, content in enumerate(contents)]
    body = build_body(*(field(name.encode(), content) for name, content in parts))
    if any(b"\r\n--line" in b"\r\n" + content for content in contents):
        return
    assert read(body, size) == parts


@given(st.binary(max_size=300), st.integers(1, 80))
def test_no_bytes_do_anything_but_be_refused(body: bytes, size: int) -> None:
    """Whatever comes is a form or an answer of 4xx."""
    try:
        read(body, size)
    except HTTPException as error:
        assert 400 <= error.status_code < 500  # noqa: PT017 - it need not be raised


@pytest.mark.parametrize(
    "limits, parts",
    [
        ({"max_fields": 2}, [field(b"a", b"1")] * 3),
        ({"max_files": 2}, [(b"Content-Disposition: form-data; name=f; filename=f", b"")] * 3),
        ({"max_upload_size": 500}, [field(b"a", b"1" * 600)]),
    ],
)
def test_limits_are_held(limits: dict[str, int], parts: list[tuple[bytes, bytes]]) -> None:
    """Too many fields, files or bytes are 413, with the setting that raises the limit."""
    with pytest.raises(ContentTooLarge) as caught:
        read(build_body(*parts), 64, **limits)
    assert "in the settings" in caught.value.hint


def test_a_long_field_is_refused(client: MakeClient) -> None:
    """A field that is no file must fit into memory."""
    answer = client(app).post("/form", data={"a": "x" * (1 << 21)}, files={"f": b""})
    assert answer.status_code == 413


def test_a_hundred_thousand_parts_take_little_time() -> None:
    """They are refused at the limit, and the time grows with the size alone."""
    body = build_body(*[field(b"a", b"")] * 100_000)
    started = time.thread_time()
    with pytest.raises(ContentTooLarge):
        read(body, 64 * 1024)
    assert time.thread_time() - started < 1
    spent: list[float] = []
    for size in (1 << 20, 1 << 21):
        started = time.thread_time()
        read(build_body(field(b"a", b"\r" * (size // 2))), 64 * 1024)
        spent.append(time.thread_time() - started)
    assert spent[1] < 4 * spent[0] + 0.1


def test_files_are_saved_once(tmp_path: Path) -> None:
    """`save` writes the whole file and never over another."""

    async def main() -> None:
        file = UploadFile("a.txt")
        for _ in range(3):
            await file.write(b"x" * SPOOL_SIZE)
        await file.save(tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == b"x" * 3 * SPOOL_SIZE
        assert sum([len(piece) async for piece in file]) == file.size
        with pytest.raises(FileExistsError):
            await file.save(tmp_path / "a")
        await FormData([("f", file)]).close()
        assert file.file.closed

    asyncio.run(main())
