"""Nobody learns from the flows who has an account."""

from collections.abc import Callable

import pytest

from tests.auth.conftest import MakeApp
from undercroft import Request, Response
from undercroft.auth.models import User
from undercroft.db.watching import capture_queries
from undercroft.mail import EmailMessage
from undercroft.middleware.pipeline import Endpoint
from undercroft.testing.client import Client

pytest_plugins = ["undercroft.testing.fixtures"]

MakeClient = Callable[..., Client]
PAGE = {"accept": "text/html"}


@pytest.fixture
def visitor(make_app: MakeApp, client: MakeClient) -> Client:
    """A browser at a site where some people have accounts."""
    visitor = client(make_app(), headers=PAGE, follow_redirects=False)
    User.objects.create_user("ada", "ada@example.org", "a long password")
    User.objects.create_user("idle", "idle@example.org", "a long password", is_active=False)
    User.objects.create_user("guest", "guest@example.org")
    return visitor


@pytest.mark.parametrize("headers", [PAGE, {"accept": "application/json"}])
@pytest.mark.parametrize("path", ["/accounts/password_reset/", "/accounts/signup/"])
def test_known_and_unknown_addresses_are_answered_alike(
    visitor: Client, mailoutbox: list[EmailMessage], path: str, headers: dict[str, str]
) -> None:
    """Status, text and headers; what differs is in the mail."""
    answers = {
        (answer.status_code, answer.text, str(sorted(answer.headers.items())))
        for name in ("ada", "idle", "guest", "nobody")
        for answer in [visitor.post(path, data={"email": f"{name}@example.org"}, headers=headers)]
    }
    assert len(answers) == 1
    told = {message.to[0] for message in mailoutbox}
    resets = {"ada@example.org"}
    signups = {f"{name}@example.org" for name in ("ada", "idle", "guest", "nobody")}
    assert told == (resets if "reset" in path else signups)


def test_nothing_is_looked_up_before_the_answer(
    make_app: MakeApp, client: MakeClient, mailoutbox: list[EmailMessage]
) -> None:
    """Were it, an answer would take longer for who has an account: all of it comes later."""
    app = make_app()
    asked: list[set[str]] = []

    async def watch(request: Request, call_next: Endpoint) -> Response:
        with capture_queries() as seen:
            response = await call_next(request)
        asked.append({query.model for query in seen.queries})
        return response

    app.add_middleware(watch)
    visitor = client(app, headers=PAGE, follow_redirects=False)
    User.objects.create_user("ada", "ada@example.org", "a long password")
    for path in ("/accounts/password_reset/", "/accounts/signup/"):
        visitor.post(path, data={"email": "ada@example.org"})
    assert asked == [{"LoginAttempts"}] * 2
    assert len(mailoutbox) == 2


def test_who_has_an_account_is_told_by_mail(
    visitor: Client, mailoutbox: list[EmailMessage]
) -> None:
    """Somebody else's sign-up makes nothing, and leads the owner to the log-in."""
    visitor.post("/accounts/signup/", data={"email": "ADA@example.org"})
    assert mailoutbox[0].to == ["ada@example.org"]
    assert "There is\none already: ada." in mailoutbox[0].body
    assert "/accounts/password_reset/" in mailoutbox[0].body
    assert User.objects.count() == 3


def test_a_change_to_somebodys_address_tells_its_owner_only(
    visitor: Client, mailoutbox: list[EmailMessage]
) -> None:
    """Who asks is answered as for any address."""
    eve = User.objects.create_user("eve", "eve@example.org", "a long password")
    visitor.post("/accounts/login/", data={"username": "eve", "password": "a long password"})
    answers = {
        visitor.post(
            "/accounts/email/", data={"email": address, "password": "a long password"}
        ).headers["location"]
        for address in ("ada@example.org", "free@example.org")
    }
    assert answers == {"/accounts/email/sent/"}
    assert [(message.to, "link" in message.body) for message in mailoutbox] == [
        (["ada@example.org"], False),
        (["free@example.org"], True),
    ]
    eve.refresh_from_db()
    assert eve.email == "eve@example.org"


def test_mail_goes_to_the_stored_address(visitor: Client, mailoutbox: list[EmailMessage]) -> None:
    """An address that folds to the same key is not that one (Django CVE-2019-19844)."""
    User.objects.create_user("mike", "mike@example.org", "a long password")
    for typed in ("MIKE@Example.org", "mi\N{KELVIN SIGN}e@example.org"):
        visitor.post("/accounts/password_reset/", data={"email": typed})
        assert mailoutbox.pop().to == ["mike@example.org"]
