"""Middleware: one contract, the first outermost, and safe headers on every answer."""

import asyncio
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from undercroft import App, Request, Response
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]


def test_middleware_runs_from_the_outside_in(client: MakeClient) -> None:
    """The first middleware sees the request first and the answer last, and may wait."""
    log: list[str] = []

    def logging(name: str) -> Any:
        async def middleware(request: Request, call_next: Any) -> Response:
            log.append(f"{name} in")
            await asyncio.sleep(0)
            response: Response = await call_next(request)
            log.append(f"{name} out")
            response.headers.append("x-layer", name)
            return response

        return middleware

    app = App(middleware=[logging("outer")])
    app.add_middleware(logging("inner"))

    @app.get("/")
    def handler() -> str:
        log.append("handler")
        return "ok"

    answer = client(app).get("/")
    assert log == ["outer in", "inner in", "handler", "inner out", "outer out"]
    assert answer.headers.get_list("x-layer") == ["inner", "outer"]


def test_a_middleware_may_answer_itself(client: MakeClient) -> None:
    """A middleware that does not call the next answers in its place."""

    async def closed(request: Request, call_next: Any) -> Response:
        return Response("closed", 503)

    app = App(middleware=[closed])
    assert client(app).get("/anything").text == "closed"


def test_answers_have_security_headers(client: MakeClient) -> None:
    """Every answer forbids sniffing; a page also forbids frames and leaks no referrer."""
    app = App()
    app.get("/json")(lambda: {"a": 1})
    app.get("/page")(lambda: Markup("<p>page</p>"))

    @app.get("/framed")
    def framed() -> Response:
        return Response("x", headers={"x-frame-options": "SAMEORIGIN"}, media_type="text/html")

    spoken = client(app)
    assert spoken.get("/json").headers["x-content-type-options"] == "nosniff"
    assert "x-frame-options" not in spoken.get("/json").headers
    page = spoken.get("/page").headers
    assert page["x-frame-options"] == "DENY"
    assert page["referrer-policy"] == "same-origin"
    assert page["cross-origin-opener-policy"] == "same-origin"
    assert spoken.get("/framed").headers.get_list("x-frame-options") == ["SAMEORIGIN"]
    assert spoken.get("/missing").headers["x-content-type-options"] == "nosniff"
