"""Failures: an answer for everything that is raised, and no word too many."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine

from undercroft import App, HTTPException, Request, Settings
from undercroft.errors import DatabaseUnavailable, FieldValueError, ValidationError
from undercroft.http.request import Address
from undercroft.middleware.failures import is_local
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]


def build_app(*, debug: bool) -> App:
    """Build an application that fails in every way."""
    app = App(Settings(debug=debug))

    @app.get("/raises")
    def raises() -> str:
        password = "hunter" + str(2)  # noqa: F841 - must not be shown
        raise ValueError("<script>alert('the reason')</script>")

    @app.get("/http")
    async def http() -> str:
        raise HTTPException(418, "short and stout", headers={"x-pot": "1"}, code="pot", hint="Tip.")

    @app.get("/database")
    def database() -> str:
        raise DatabaseUnavailable("postgresql://user:secret@db is down")

    @app.get("/session")
    def session() -> str:
        engine = create_engine("sqlite:////no/such/folder/db.sqlite3")
        engine.connect()
        return "never"

    return app


def test_an_http_exception_is_problem_details(client: MakeClient) -> None:
    """Status, headers, code and hint of an HTTPException arrive as RFC 9457 says."""
    answer = client(build_app(debug=False)).get("/http")
    assert (answer.status_code, answer.headers["x-pot"]) == (418, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "I'm a Teapot",
        "status": 418,
        "detail": "short and stout",
        "code": "pot",
        "hint": "Tip.",
    }


def test_values_that_were_checked_and_are_wrong_are_a_422(client: MakeClient) -> None:
    """A `ValidationError` that a handler lets escape says what is wrong with which member."""
    app = App(Settings(debug=False))

    @app.post("/lots")
    def make() -> str:
        raise ValidationError({"title": ValidationError("Too short.", "min_length"), "low": "No."})

    @app.post("/whole")
    async def whole() -> str:
        raise ValidationError("All of it is wrong.")

    answer = client(app).post("/lots")
    assert answer.status_code == 422
    assert answer.json()["code"] == "request.invalid"
    assert answer.json()["errors"] == [
        {"location": ["body", "title"], "message": "Too short.", "code": "min_length"},
        {"location": ["body", "low"], "message": "No.", "code": "invalid"},
    ]
    assert client(app).post("/whole").json()["errors"][0]["location"] == ["body"]


def test_a_browser_gets_a_page(client: MakeClient) -> None:
    """A client that prefers HTML reads the same as a page, escaped and under a strict policy."""
    answer = client(build_app(debug=False)).get("/<b>", headers={"accept": "text/html,*/*"})
    assert answer.status_code == 404
    assert "<title>404 Not Found</title>" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src")


def test_a_page_lists_every_mistake_escaped(client: MakeClient) -> None:
    """The page of a 422 has each mistake with its place, and no markup of the client's."""
    app = App()

    @app.get("/")
    async def handler(limit: int, page: int) -> str:
        return "ok"

    answer = client(app).get("/?limit=<b>x</b>&page=y", headers={"accept": "text/html"})
    assert answer.status_code == 422
    for shown in ("query → limit", "query → page", "valid integer", "request.invalid"):
        assert shown in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_production_tells_nothing(
    client: MakeClient, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    """Without debug a failure is a bare 500; the traceback is in the log."""
    answer = client(build_app(debug=False)).get("/raises", headers={"accept": accept})
    assert answer.status_code == 500
    for leak in ("ValueError", "reason", "hunter2", "test_failures", "Traceback"):
        assert leak not in answer.text
    assert "the reason" in caplog.text


def test_debug_shows_source_and_values(client: MakeClient) -> None:
    """With debug the page has exception, source and locals, escaped, secrets hidden."""
    answer = client(build_app(debug=True)).get("/raises", headers={"accept": "text/html"})
    assert answer.status_code == 500
    assert "ValueError" in answer.text
    assert "raise ValueError" in answer.text
    assert "<script>alert" not in answer.text
    assert "hunter2" not in answer.text
    assert "style-src 'nonce-" in answer.headers["content-security-policy"]
    text = client(build_app(debug=True)).get("/raises", headers={"accept": "*/*"})
    assert text.headers["content-type"].startswith("text/plain")
    assert "ValueError" in text.text


@pytest.mark.parametrize(
    "name, value, local",
    [
        ("x-forwarded-for", "203.0.113.9", False),
        ("x-forwarded-for", "127.0.0.1, 203.0.113.9:80", False),
        ("x-forwarded-for", "[::1]:80, 127.0.0.1", True),
        ("forwarded", 'for="[2001:db8::1]:4711";proto=http', False),
        ("forwarded", "for=127.0.0.1", True),
    ],
)
def test_the_debug_page_is_not_passed_on_by_a_proxy(name: str, value: str, local: bool) -> None:
    """A proxy at this machine has its address, and may ask by its name, for anybody."""
    request = Request(
        "GET", "/", raw_headers=[(b"host", b"localhost"), (name.encode(), value.encode())]
    )
    request.client = Address("127.0.0.1", 1)
    assert is_local(request) is local


def test_the_debug_page_answers_to_local_names_only(client: MakeClient) -> None:
    """A foreign Host sees no source, even where the application answers to every name."""
    app = build_app(debug=True)
    app.settings.allowed_hosts.append("*")
    answer = client(app).get("/raises", headers={"host": "rebound.example", "accept": "text/html"})
    assert answer.status_code == 500
    assert "ValueError" not in answer.text


@pytest.mark.parametrize(
    "client,local",
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("testclient", True),
        ("/run/app.sock", True),
        (None, True),
        ("203.0.113.9", False),
        ("::ffff:203.0.113.9", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("localhost.evil.example", False),
    ],
)
def test_the_debug_page_answers_to_local_clients_only(client: str | None, local: bool) -> None:
    """A client elsewhere sees no source, whatever name it asks for."""
    for host, named in (("localhost:8000", True), ("rebound.example", False)):
        request = Request("GET", "/", b"", [(b"host", host.encode())])
        request.client = Address(client, 5000) if client is not None else None
        assert is_local(request) is (local and named)


@pytest.mark.parametrize("status", [42, 200, 304, 399, 600, -1])
def test_an_http_exception_has_the_status_of_an_error(status: int) -> None:
    """Anything but 400 to 599 is refused where it is raised."""
    with pytest.raises(ValueError, match="400 to 599"):
        HTTPException(status)


@pytest.mark.parametrize(
    "headers",
    [{"x": "a\nb"}, {"x": "a\rb"}, {"x": "\0"}, {"x y": "a"}, {"": "a"}, {"x": "€"}],
)
def test_an_http_exception_has_headers_that_can_be_sent(headers: dict[str, str]) -> None:
    """A header that would split the answer, or cannot be encoded, is refused where it is raised."""
    with pytest.raises(ValueError, match="no field of one line"):
        HTTPException(404, headers=headers)


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_answer_that_cannot_be_built_is_a_failure(
    client: MakeClient, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    """What fails while an error answer is built is logged, and answered like any other fault."""
    app = App()

    @app.get("/{kind}")
    async def handler(kind: str) -> str:
        error = HTTPException(404, extra={"x": object()})
        if kind == "headers":
            error = HTTPException(404)
            error.headers["x"] = "a\nb"
        if kind == "text":
            error = HTTPException(404)
            error.to_problem = lambda: 1 / 0  # type: ignore[assignment,method-assign,return-value]
        raise error

    for kind in ("headers", "text"):
        answer = client(app).get(f"/{kind}", headers={"accept": accept})
        assert answer.status_code == 500
        assert "could not be built" in caplog.text
        caplog.clear()
    answer = client(app).get("/extra", headers={"accept": accept})
    # The page for people shows no further members, so nothing is in its way.
    assert answer.status_code == (404 if accept == "text/html" else 500)


def test_the_last_resort_is_a_plain_500(
    client: MakeClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If even the page of a failure fails, the client gets an answer and the log both errors."""
    monkeypatch.setattr("undercroft.middleware.failures.dump_json", None)  # broken on purpose
    answer = client(build_app(debug=False)).get("/raises")
    assert (answer.status_code, answer.text) == (500, "500 Internal Server Error")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "the reason" in caplog.text
    assert "not callable" in caplog.text


def test_a_task_group_that_failed_with_answers_gives_the_first(
    client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer raised in a task is an answer; with any fault beside it, it is a failure."""
    app = App()

    async def fail(error: Exception) -> None:
        raise error

    @app.get("/{kind}")
    async def handler(kind: str) -> str:
        async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as group:
            group.create_task(fail(HTTPException(418, "first")))
            group.create_task(fail(HTTPException(404, "second")))
            if kind == "mixed":
                outer.create_task(fail(KeyError("ours")))
        return "never"

    spoken = client(app)
    answer = spoken.get("/answers")
    assert (answer.status_code, answer.json()["detail"]) == (418, "first")
    assert not caplog.records
    assert spoken.get("/mixed").status_code == 500
    assert "ours" in caplog.text


@pytest.mark.parametrize("path", ["/database", "/session"])
def test_an_unreachable_database_is_503(
    client: MakeClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """A database that is down answers 503 and not where it is, for SQLAlchemy's errors too."""
    answer = client(build_app(debug=False)).get(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "db.unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "secret" not in answer.text
    assert "folder" not in answer.text


def test_a_path_cannot_write_log_lines(
    client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Line breaks and escape sequences of a path are escaped in the log."""
    app = App()

    @app.get("/{rest:path}")
    def raises(rest: str) -> str:
        raise ValueError

    caplog.set_level(logging.ERROR)
    client(app).get("/a\u202eb")
    assert all("\u202e" not in record.getMessage() for record in caplog.records)


def test_a_forgotten_await_is_named(client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    """Python says that a coroutine has no such attribute; page and log say why, too."""
    app = App(Settings(debug=True))

    async def find() -> str:
        return "found"

    @app.get("/forgotten")
    async def forgotten() -> str:
        coroutine: Any = find()
        try:
            return str(coroutine.title)
        finally:
            coroutine.close()

    answer = client(app).get("/forgotten")
    assert answer.status_code == 500
    assert "Was an `await` forgotten" in answer.text
    assert "Was an `await` forgotten" in caplog.text


def test_a_value_that_fits_no_column_is_the_clients(client: MakeClient) -> None:
    """Text with a NUL, which no column takes, is 422 where a handler lets it through."""
    app = App()

    @app.post("/")
    def store(text: str) -> str:
        raise FieldValueError(f"Note.text cannot hold {text!r}: text has no NUL.")

    answer = client(app).post("/", params={"text": "a\x00"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "db.field-value"
