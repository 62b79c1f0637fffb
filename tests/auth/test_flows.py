"""The flows of accounts as pages, and the same addresses in JSON, through both gateways."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.auth.conftest import MakeApp
from undercroft.auth.models import LoginAttempts, User
from undercroft.mail import EmailMessage
from undercroft.testing.client import Client

pytest_plugins = ["undercroft.testing.fixtures"]

MakeClient = Callable[..., Client]
Outbox = list[EmailMessage]
PAGE = {"accept": "text/html", "user-agent": "a browser"}
OLD, NEW = "a long password", "quite another one"


@pytest.fixture
def visitor(make_app: MakeApp, client: MakeClient) -> Client:
    """A browser that follows no redirects."""
    return client(make_app(), headers=PAGE, follow_redirects=False)


@pytest.fixture
def ada(visitor: Client) -> Any:
    """Somebody with an account."""
    return User.objects.create_user("ada", "ada@example.org", OLD)


def find_link(message: EmailMessage) -> str:
    """Find the link in a mail."""
    found = re.search(r"http://\S+", message.body)
    assert found is not None, message.body
    return found[0]


def log_in(visitor: Client, password: str = OLD) -> Any:
    """Log in by the page."""
    return visitor.post("/accounts/login/", data={"username": "ada", "password": password})


def test_a_page_logs_in_and_out(visitor: Client, ada: User) -> None:
    """It goes where the visitor came from, if that is here, and out by POST only."""
    page = visitor.get("/accounts/login/?next=/members%3Fa=1")
    assert page.status_code == 200
    assert "no-store" in page.headers["cache-control"]
    assert '<input type="hidden" name="next" value="/members?a=1">' in page.text
    form = {"username": "ada", "password": OLD, "next": "/members?a=1"}
    answer = visitor.post("/accounts/login/", data=form)
    assert (answer.status_code, answer.headers["location"]) == (302, "/members?a=1")
    assert visitor.get("/me").text == "ada"
    assert visitor.get("/accounts/logout/").status_code == 405
    assert visitor.get("/me").text == "ada"
    answer = visitor.post("/accounts/logout/", data={"next": "/maybe"})
    assert answer.headers["location"] == "/maybe"
    assert visitor.get("/maybe").text == "nobody"


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x()", "\n/"]
)
def test_nobody_is_sent_elsewhere_by_next(visitor: Client, ada: User, target: str) -> None:
    """Neither by the query nor by the form, at log-in and log-out."""
    form = {"username": "ada", "password": OLD}
    page = visitor.get("/accounts/login/", params={"next": target})
    assert 'name="next"' not in page.text
    answer = visitor.post("/accounts/login/", data={**form, "next": target})
    assert answer.headers["location"] == "/"
    answer = visitor.post("/accounts/login/", params={"next": target}, data=form)
    assert answer.headers["location"] == "/"
    assert visitor.post("/accounts/logout/", params={"next": target}).headers["location"] == "/"


def test_a_wrong_password_shows_the_page_again(visitor: Client, ada: User) -> None:
    """The name stays, the password does not; in the end the page says how long to wait."""
    answer = log_in(visitor, "wrong")
    assert answer.status_code == 200
    assert "<title>Error: Log in</title>" in answer.text
    assert "Name or password is wrong." in answer.text
    assert 'value="ada"' in answer.text
    assert 'value="wrong"' not in answer.text
    statuses = [log_in(visitor, "wrong").status_code for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2
    answer = log_in(visitor)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "There were too many attempts to log in." in answer.text


def test_scripts_log_in_and_out_by_json(make_app: MakeApp, client: MakeClient) -> None:
    """The same addresses, told by what is sent or accepted; what is wrong is problem details."""
    script = client(make_app(), follow_redirects=False)
    User.objects.create_user("ada", password=OLD)
    told = script.get("/accounts/login/").json()
    assert [field["name"] for field in told["fields"]] == ["username", "password"]
    answer = script.post("/accounts/login/", json={"username": "ada", "password": "wrong"})
    assert answer.status_code == 401
    assert answer.json()["code"] == "auth.wrong"
    assert answer.headers["www-authenticate"] == 'Session realm="api"'
    answer = script.post("/accounts/login/", json={"username": ["ada"]})
    assert answer.status_code == 422
    places = [error["location"] for error in answer.json()["errors"]]
    assert places == [["body", "username"], ["body", "password"]]
    assert script.post("/accounts/login/", json=["ada"]).status_code == 400
    headers = {**PAGE, "content-type": "application/json"}
    answer = script.post("/accounts/login/", content=b"{", headers=headers)
    assert answer.status_code == 400
    answer = script.post(
        "/accounts/login/", json={"username": "ada", "password": OLD, "next": "//x"}
    )
    assert answer.json() == {"username": "ada", "next": "/"}
    change = {"old_password": OLD, "new_password1": NEW}
    answer = script.post("/accounts/password_change/", json=change)
    assert answer.json() == {"next": "/accounts/password_change/done/"}
    assert script.get("/me").text == "ada"
    assert script.post("/accounts/logout/").json() == {"next": "/"}
    assert script.post("/accounts/password_change/", json=change).status_code == 401
    for _ in range(6):
        answer = script.post("/accounts/login/", json={"username": "ada", "password": "wrong"})
    assert (answer.status_code, answer.json()["code"]) == (429, "auth.throttled")


@pytest.mark.parametrize("engine", ["db", "cache", "signed_cookies"])
def test_a_new_password_ends_the_other_sessions(
    make_app: MakeApp, client: MakeClient, engine: str
) -> None:
    """The one that changed it goes on, under a new key; whoever else was logged in is out."""
    app = make_app(session_engine=engine)
    here, there = (client(app, headers=PAGE, follow_redirects=False) for _ in range(2))
    User.objects.create_user("ada", password=OLD)
    log_in(here)
    log_in(there)
    key = here.cookies["sessionid"]
    change = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    answer = here.post("/accounts/password_change/", data=change)
    assert answer.headers["location"] == "/accounts/password_change/done/"
    assert here.get("/me").text == "ada"
    assert here.cookies["sessionid"] != key
    assert there.get("/me").status_code == 401
    assert here.get("/accounts/password_change/done/").status_code == 200


def test_a_password_is_changed_by_the_rules_only(visitor: Client, ada: User) -> None:
    """Wrong old, unlike and weak new ones are refused, and wrong old ones are throttled."""
    visitor.get("/accounts/password_change/")
    assert visitor.get("/accounts/password_change/").headers["location"].endswith("_change/")
    log_in(visitor)

    def change(old: str, first: str, second: str) -> Any:
        form = {"old_password": old, "new_password1": first, "new_password2": second}
        return visitor.post("/accounts/password_change/", data=form)

    assert "not the same" in change(OLD, NEW, "x").text
    assert "too short" in change(OLD, "x", "x").text
    assert "too similar to your email" in change(OLD, "ada@example.org", "ada@example.org").text
    for _ in range(5):
        assert "This password is wrong." in change("wrong", NEW, NEW).text
    assert change(OLD, NEW, NEW).status_code == 429
    assert User.objects.get().check_password(OLD)


def test_a_lost_password_is_replaced_by_a_mailed_link(
    visitor: Client, ada: User, mailoutbox: Outbox
) -> None:
    """The link goes to the stored address, counts once, and ends every session."""
    log_in(visitor)
    answer = visitor.post("/accounts/password_reset/", data={"email": "ADA@Example.org"})
    assert answer.headers["location"] == "/accounts/password_reset/done/"
    assert [message.to for message in mailoutbox] == [["ada@example.org"]]
    link = find_link(mailoutbox[0])
    page = visitor.get(link)
    assert page.headers["referrer-policy"] == "same-origin"
    assert "no-store" in page.headers["cache-control"]
    assert (
        "not the same" in visitor.post(link, data={"new_password1": NEW, "new_password2": "x"}).text
    )
    form = {"new_password1": NEW, "new_password2": NEW}
    assert visitor.post(link, data=form).headers["location"] == "/accounts/reset/done/"
    assert visitor.get("/me").status_code == 401
    for answer in (visitor.get(link), visitor.post(link, data=form)):
        assert answer.status_code == 400
        assert "This link does not count" in answer.text
    assert log_in(visitor, NEW).status_code == 302


def test_who_was_locked_out_is_let_in_by_the_link(
    visitor: Client, ada: User, mailoutbox: Outbox
) -> None:
    """The wrong attempts were somebody else's: they are forgotten with the password."""
    for _ in range(7):
        log_in(visitor, "wrong")
    visitor.post("/accounts/password_reset/", data={"email": "ada@example.org"})
    form = {"new_password1": NEW, "new_password2": NEW}
    visitor.post(find_link(mailoutbox[0]), data=form)
    assert log_in(visitor, NEW).status_code == 302


def test_an_address_is_changed_by_a_link_to_it(
    visitor: Client, ada: User, mailoutbox: Outbox
) -> None:
    """By the password, and a button behind the link; the old address is told, the link is dead."""
    log_in(visitor)
    form = {"email": "new@example.org", "password": "wrong"}
    assert "This password is wrong." in visitor.post("/accounts/email/", data=form).text
    answer = visitor.post("/accounts/email/", data={**form, "password": OLD})
    assert answer.headers["location"] == "/accounts/email/sent/"
    assert mailoutbox[0].to == ["new@example.org"]
    link = find_link(mailoutbox[0])
    assert "new@example.org" in visitor.get(link).text
    assert User.objects.get().email == "ada@example.org"
    assert visitor.post(link).headers["location"] == "/accounts/email/done/"
    changed = User.objects.get()
    assert (changed.email, changed.email_key) == ("new@example.org", "new@example.org")
    assert changed.email_verified_at is not None
    assert mailoutbox[1].to == ["ada@example.org"]
    assert "new@example.org" in mailoutbox[1].body
    # Back again: the first link does not come to life with the state of then.
    visitor.post("/accounts/email/", data={"email": "ada@example.org", "password": OLD})
    visitor.post(find_link(mailoutbox[2]))
    assert User.objects.get().email == "ada@example.org"
    assert visitor.post(link).status_code == 400


def test_an_address_is_proved_by_a_link(visitor: Client, ada: User, mailoutbox: Outbox) -> None:
    """To the stored address, once; a log-in in between does no harm."""
    log_in(visitor)
    assert "ada@example.org" in visitor.get("/accounts/email/verify/").text
    assert visitor.post("/accounts/email/verify/").status_code == 302
    link = find_link(mailoutbox[0])
    log_in(visitor)
    visitor.post("/accounts/logout/")
    assert User.objects.get().email_verified_at is None
    assert visitor.post(link).status_code == 302
    assert User.objects.get().email_verified_at is not None
    assert visitor.post(link).status_code == 400
    assert len(mailoutbox) == 1


def test_an_account_is_made_by_a_link(visitor: Client, mailoutbox: Outbox) -> None:
    """Nothing is stored before; then the address is proved, and its owner logged in."""
    answer = visitor.post("/accounts/signup/", data={"email": "bob@example.org"})
    assert answer.headers["location"] == "/accounts/signup/done/"
    assert User.objects.count() == 0
    link = find_link(mailoutbox[0])
    assert "bob@example.org" in visitor.get(link).text
    form = {"username": "bob", "password1": "bob", "password2": "bob"}
    assert "too short" in visitor.post(link, data=form).text
    form = {"username": "bob", "password1": NEW, "password2": NEW, "is_staff": "1"}
    assert visitor.post(link, data=form).headers["location"] == "/"
    bob = User.objects.get()
    assert (bob.email, bob.is_staff) == ("bob@example.org", False)
    assert bob.email_verified_at is not None
    assert visitor.get("/me").text == "bob"
    assert visitor.post(link, data={**form, "username": "bob2"}).status_code == 400
    assert User.objects.count() == 1


def test_a_name_that_is_taken_is_told_at_the_sign_up(
    visitor: Client, ada: User, mailoutbox: Outbox
) -> None:
    """In whatever case; names are what others see, and whoever asks has shown an address."""
    visitor.post("/accounts/signup/", data={"email": "bob@example.org"})
    form = {"username": "ADA", "password1": NEW, "password2": NEW}
    answer = visitor.post(find_link(mailoutbox[0]), data=form)
    assert answer.status_code == 200
    assert "Somebody has this already." in answer.text


def test_mails_to_an_address_are_throttled(visitor: Client, ada: User, mailoutbox: Outbox) -> None:
    """Nobody fills somebody's mailbox from here, known or not."""
    for address in ("ada@example.org", "nobody@example.org"):
        form = {"email": address}
        found = [visitor.post("/accounts/password_reset/", data=form).status_code for _ in range(5)]
        assert found == [302] * 3 + [429] * 2, address
    assert len(mailoutbox) == 3
    assert LoginAttempts.objects.count() == 3
