"""A `Response` as an argument: headers, cookies and a status beside what a handler returns."""

from collections.abc import Callable

import pytest

from undercroft import App, Depends, Response, Settings
from undercroft.errors import NotFound
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


@pytest.fixture
def app() -> App:
    """An application whose handlers and dependencies say more than they return."""
    app = App(Settings(secret_key="k" * 40))

    def count(response: Response) -> int:
        response.headers["x-count"] = "1"
        response.set_cookie("seen", "1")
        return 1

    @app.get("/")
    async def home(response: Response, number: int = Depends(count)) -> dict[str, int]:
        response.headers["x-home"] = "yes"
        response.set_signed_cookie("signed", number)
        response.status_code = 203
        return {"number": number}

    @app.post("/made", status_code=201)
    def made(response: Response, status: int = 0) -> str | None:
        if status:
            response.status_code = status
        return None if status == 204 else "made"

    @app.get("/missing")
    def missing(response: Response) -> str:
        response.set_cookie("never", "1")
        response.status_code = 200
        raise NotFound

    return app


def test_what_is_said_beside_is_in_the_answer(app: App, client: MakeClient) -> None:
    """Of the handler and its dependencies alike, signed cookies too."""
    answer = client(app).get("/")
    assert answer.status_code == 203
    assert answer.json() == {"number": 1}
    assert (answer.headers["x-count"], answer.headers["x-home"]) == ("1", "yes")
    assert set(answer.cookies) == {"seen", "signed"}
    assert answer.headers["content-type"] == "application/json"


def test_the_routes_status_stays_unless_another_is_told(app: App, client: MakeClient) -> None:
    """One that has no body is refused where there is one."""
    visitor = client(app)
    assert visitor.post("/made").status_code == 201
    assert (answer := visitor.post("/made?status=202")).json() == "made"
    assert answer.status_code == 202
    assert (answer := visitor.post("/made?status=204")).content == b""
    assert (answer.status_code, answer.headers.get("content-type")) == (204, None)
    assert visitor.post("/made?status=304").status_code == 500


def test_a_failure_is_answered_without(app: App, client: MakeClient) -> None:
    """What was meant for a good answer is not said in another one."""
    answer = client(app).get("/missing")
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_requests_share_nothing(app: App, client: MakeClient) -> None:
    """Each has a draft of its own."""
    visitor = client(app)
    first, second = visitor.get("/"), visitor.get("/")
    assert first.headers.get_list("x-count") == second.headers.get_list("x-count") == ["1"]
