"""One's own sessions: listed, ended, and never those of others; in the database and the cache."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.auth.conftest import MakeApp
from undercroft import App, Request
from undercroft.auth import end_other_sessions, list_sessions
from undercroft.auth.models import User
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]
PAGE = {"accept": "text/html"}
PASSWORD = "a long password"


@pytest.fixture(params=["db", "cache"])
def app(request: pytest.FixtureRequest, make_app: MakeApp) -> App:
    """An application that knows whose its sessions are, and two people."""
    app = make_app(session_engine=request.param)

    @app.get("/count")
    def count(request: Request) -> int:
        return len(list_sessions(request))

    @app.post("/end")
    def end(request: Request) -> int:
        return end_other_sessions(request)

    for name in ("ada", "bob"):
        User.objects.create_user(name, password=PASSWORD)
    return app


def log_in(client: MakeClient, app: App, name: str, agent: str) -> Client:
    """Log in by a browser of its own."""
    visitor = client(app, headers={"user-agent": agent}, follow_redirects=False)
    answer = visitor.post("/accounts/login/", json={"username": name, "password": PASSWORD})
    assert answer.status_code == 200
    return visitor


def read(visitor: Client) -> list[dict[str, Any]]:
    """Read the list."""
    sessions: list[dict[str, Any]] = visitor.get("/accounts/sessions/").json()["sessions"]
    return sessions


def test_ones_own_sessions_are_listed_and_ended(app: App, client: MakeClient) -> None:
    """With what logged in; the ended one is a stranger's, and others' cannot be ended."""
    phone = log_in(client, app, "ada", "<a phone>")
    desk = log_in(client, app, "ada", "a desk")
    bob = log_in(client, app, "bob", "bob's")
    assert {each["user_agent"]: each["is_current"] for each in read(desk)} == {
        "<a phone>": False,
        "a desk": True,
    }
    page = desk.get("/accounts/sessions/", headers=PAGE)
    assert "&lt;a phone&gt;" in page.text
    assert page.text.count("<form") == 2
    [bobs] = read(bob)
    assert desk.post(f"/accounts/sessions/{bobs['id']}/end/").status_code == 404
    assert bob.get("/me").text == "bob"
    other = next(each for each in read(desk) if not each["is_current"])
    answer = desk.post(f"/accounts/sessions/{other['id']}/end/", headers=PAGE)
    assert answer.headers["location"] == "/accounts/sessions/"
    assert phone.get("/me").status_code == 401
    assert [each["user_agent"] for each in read(desk)] == ["a desk"]
    assert desk.post(f"/accounts/sessions/{other['id']}/end/").status_code == 404
    cookie = {"cookie": f"sessionid={read(desk)[0]['id']}"}
    assert client(app).get("/me", headers=cookie).status_code == 401


def test_all_but_this_one_are_ended(app: App, client: MakeClient) -> None:
    """By the page, and by the functions; log-outs and log-ins as somebody else count."""
    phones = [log_in(client, app, "ada", f"phone {number}") for number in range(4)]
    desk = log_in(client, app, "ada", "a desk")
    assert desk.get("/count").json() == 5
    phones[0].post("/accounts/logout/")
    phones[1].post("/accounts/login/", json={"username": "bob", "password": PASSWORD})
    assert desk.get("/count").json() == 3
    assert desk.post("/end").json() == 2
    assert phones[2].get("/me").status_code == 401
    assert phones[1].get("/me").text == "bob"
    phones[3].post("/accounts/login/", json={"username": "ada", "password": PASSWORD})
    assert desk.post("/accounts/sessions/others/end/").json()["ended"] == 1
    assert desk.get("/me").text == "ada"
    assert desk.get("/count").json() == 1


def test_a_new_password_takes_the_others_off_the_list(app: App, client: MakeClient) -> None:
    """They are over by their fingerprints; the list says so, too."""
    log_in(client, app, "ada", "a phone")
    desk = log_in(client, app, "ada", "a desk")
    change = {"old_password": PASSWORD, "new_password1": "quite another one"}
    assert desk.post("/accounts/password_change/", json=change).status_code == 200
    assert [each["user_agent"] for each in read(desk)] == ["a desk"]
    assert read(desk)[0]["is_current"]


def test_sessions_in_cookies_cannot_be_listed(make_app: MakeApp, client: MakeClient) -> None:
    """Who asks by code is told which setting to change; the page is not there."""
    app = make_app(session_engine="signed_cookies")
    User.objects.create_user("ada", password=PASSWORD)
    caught: list[ImproperlyConfigured] = []

    @app.get("/count")
    def count(request: Request) -> int:
        try:
            return len(list_sessions(request))
        except ImproperlyConfigured as error:
            caught.append(error)
            return 0

    visitor = log_in(client, app, "ada", "a browser")
    visitor.get("/count")
    assert caught[0].code == "sessions.unlisted"
    answer = visitor.get("/accounts/sessions/")
    assert (answer.status_code, answer.json()["code"]) == (404, "sessions.unlisted")
