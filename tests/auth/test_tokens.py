"""Tokens: made once, stored as hashes, refused when they do not count, and asked for scopes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import pytest

from tests.auth.conftest import MakeApp
from undercroft import App
from undercroft.auth import CurrentUser, get_current_user
from undercroft.auth.models import Token, User
from undercroft.auth.token_keys import make_key
from undercroft.db.watching import max_queries
from undercroft.security import Security
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


def bearer(key: str) -> dict[str, str]:
    """Write a bearer token."""
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def app(make_app: MakeApp) -> App:
    """An application that knows sessions and tokens."""
    app = make_app(authentication=["session", "token"])

    @app.post("/write")
    async def write(
        user: Annotated[User, Security(get_current_user, scopes=["posts:write"])],
    ) -> str:
        return user.username

    @app.post("/open")
    async def open_to_users(user: CurrentUser[User]) -> str:
        return user.username

    return app


@pytest.fixture
def ada(app: App) -> User:
    """Somebody with an account."""
    user: User = User.objects.create_user("ada", password="secret")
    return user


def test_a_token_is_its_users(app: App, client: MakeClient, ada: User) -> None:
    """By either scheme, in handlers of both kinds, for unsafe requests without a cookie, too."""
    visitor = client(app)
    _, key = Token.objects.create_token(ada, "ci")
    for scheme in ("Bearer", "bearer", "Token"):
        headers = {"authorization": f"{scheme} {key}"}
        for path in ("/me", "/me-sync", "/maybe", "/members"):
            assert visitor.get(path, headers=headers).text == "ada", path
        answer = visitor.post("/open", headers=headers)
        assert answer.text == "ada"
        assert "set-cookie" not in answer.headers
    assert Token.objects.get().last_used_at is not None


def test_a_key_is_stored_nowhere(app: App, ada: User) -> None:
    """Its hash and its beginning are; 256 bits of it are chance."""
    token, key = Token.objects.create_token(ada, "ci", expires_in=timedelta(days=1))
    (row,) = Token.objects.values()
    assert not any(key in str(value) for value in row.values())
    assert row["prefix"] == key[:11]
    assert len({make_key() for _ in range(100)}) == 100
    assert key not in repr(token) + str(token)
    assert 62 ** (len(key) - len("uc_")) >= 2**256


def test_one_query_finds_token_and_user(app: App, client: MakeClient, ada: User) -> None:
    """The use is stored after the answer, and then not for a minute."""
    visitor = client(app)
    token, key = Token.objects.create_token(ada)
    assert visitor.get("/me", headers=bearer(key)).text == "ada"
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    with max_queries(1):
        assert visitor.get("/me", headers=bearer(key)).text == "ada"
    token.refresh_from_db()
    assert token.last_used_at == first
    Token.objects.update(last_used_at=first - timedelta(minutes=2))
    visitor.get("/me", headers=bearer(key))
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at >= first


def test_tokens_that_do_not_count_are_refused_alike(
    app: App, client: MakeClient, ada: User
) -> None:
    """Unknown, altered, over, revoked, and of users who are idle or gone: one answer."""
    visitor = client(app)
    over, over_key = Token.objects.create_token(ada, expires_in=timedelta(hours=1))
    over.expires_at = datetime.now(UTC)
    over.save()
    revoked, revoked_key = Token.objects.create_token(ada)
    revoked.revoke()
    idle = User.objects.create_user("idle", is_active=False)
    _, idle_key = Token.objects.create_token(idle)
    gone = User.objects.create_user("gone")
    _, gone_key = Token.objects.create_token(gone)
    gone.delete()
    _, good = Token.objects.create_token(ada)
    digest = Token.objects.get(prefix=good[:11]).key_hash
    altered = good[:-1] + ("a" if good[-1] != "a" else "b")
    wrong = (over_key, revoked_key, idle_key, gone_key, altered, make_key(), good + "a")
    odd = ("uc_", "uc_" + "x" * 10_000, "uc_" + digest, "uc_%00")
    answers = [visitor.get("/me", headers=bearer(key)) for key in (*wrong, *odd)]
    assert {
        (each.status_code, each.text, each.headers["www-authenticate"]) for each in answers
    } == {(401, answers[0].text, 'Bearer realm="api", error="invalid_token"')}
    assert answers[0].json()["code"] == "auth.token"
    # Not even where nobody need be known: who shows a proof wants to be somebody.
    assert visitor.get("/maybe", headers=bearer(altered)).status_code == 401
    assert visitor.get("/me", headers=bearer(good)).text == "ada"


def test_no_token_is_taken_from_elsewhere(app: App, client: MakeClient, ada: User) -> None:
    """Neither from the query, nor from a cookie, nor where two are sent."""
    visitor = client(app)
    _, key = Token.objects.create_token(ada)
    assert visitor.get(f"/me?access_token={key}").status_code == 401
    assert visitor.get("/me", headers={"cookie": f"access_token={key}"}).status_code == 401
    two = [("authorization", f"Bearer {key}"), ("authorization", "Bearer x")]
    assert visitor.get("/me", headers=two).status_code == 401
    assert 'Bearer realm="api"' in visitor.get("/me").headers["www-authenticate"]


def test_a_token_does_what_its_scopes_say(app: App, client: MakeClient, ada: User) -> None:
    """A handler that asks for a scope gets it from tokens that have it, and from sessions."""
    visitor = client(app)
    _, reader = Token.objects.create_token(ada, scopes=["posts:read"])
    _, writer = Token.objects.create_token(ada, scopes=["posts:read", "posts:write"])
    _, bare = Token.objects.create_token(ada)
    for key in (reader, bare):
        answer = visitor.post("/write", headers=bearer(key))
        assert answer.status_code == 403
        assert answer.json()["code"] == "auth.scope"
        assert answer.headers["www-authenticate"] == (
            'Bearer error="insufficient_scope", scope="posts:write"'
        )
        assert visitor.get("/me", headers=bearer(key)).text == "ada"
    assert visitor.post("/write", headers=bearer(writer)).text == "ada"
    assert visitor.post("/write").status_code == 401
    visitor.post("/login?name=ada&password=secret")
    assert visitor.post("/write").text == "ada"


@pytest.mark.parametrize("scope", ["", "a b", 'a"', "é", "a\\b", "a\n"])
def test_what_cannot_be_a_scope_is_refused(app: App, ada: User, scope: str) -> None:
    """A scope with a space would be two."""
    with pytest.raises(ValueError, match="cannot be a scope"):
        Token.objects.create_token(ada, scopes=[scope])
