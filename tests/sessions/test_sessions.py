"""Sessions over both gateways, in every store."""

import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sessions.conftest import MakeApp
from undercroft import App, Request, Response, Settings
from undercroft.cache import MemoryCache
from undercroft.db.connections.databases import databases
from undercroft.errors import ImproperlyConfigured, SerializationError
from undercroft.http.session import SessionChanges, SessionRecord
from undercroft.sessions import sessions_of
from undercroft.sessions.cached import CacheStore
from undercroft.sessions.listing import find_expired
from undercroft.sessions.models import StoredSession
from undercroft.sessions.stores import Ages, Saving, hash_key
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


def get_cookie(response: httpx.Response) -> str:
    """Return what Set-Cookie says, or nothing."""
    return response.headers.get("set-cookie", "")


def test_values_are_remembered(make_app: MakeApp, engine: str, client: MakeClient) -> None:
    """What one request puts there the next one finds, in `def` and `async def` handlers."""
    visitor = client(make_app(engine))
    assert visitor.post("/set/a/1").status_code == 200
    assert visitor.post("/set-async/b/2").status_code == 200
    assert visitor.get("/read").json() == {"a": 1, "b": 2}
    assert visitor.get("/read-async").json() == {"a": 1, "b": 2}
    assert client(visitor.app).get("/read").json() == {}


def test_changes_within_a_value_are_seen(
    make_app: MakeApp, engine: str, client: MakeClient
) -> None:
    """A list that grows is stored without anybody saying so."""
    visitor = client(make_app(engine))
    for value in (1, 2, 3):
        visitor.post(f"/append/{value}")
    assert visitor.get("/read").json() == {"cart": [1, 2, 3]}


def test_an_untouched_session_sends_nothing(
    make_app: MakeApp, engine: str, client: MakeClient
) -> None:
    """Only what looks into the session depends on the cookie; an empty one is not stored."""
    visitor = client(make_app(engine))
    answer = visitor.get("/nothing")
    assert answer.text == "False"
    assert "vary" not in answer.headers
    assert "cache-control" not in answer.headers
    answer = visitor.get("/read")
    assert get_cookie(answer) == ""
    assert answer.headers["vary"] == "Cookie"
    assert answer.headers["cache-control"] == "private"
    assert StoredSession.objects.count() == 0


@pytest.mark.parametrize(
    "told, sent",
    [
        ("public, max-age=60", "private, max-age=60"),
        ("PUBLIC,S-Maxage=5", "private"),
        ("no-store", "no-store"),
        ("private, no-cache", "private, no-cache"),
    ],
)
def test_no_shared_cache_keeps_it(
    make_app: MakeApp, client: MakeClient, told: str, sent: str
) -> None:
    """`public` and `s-maxage` go where a session was read, for the answer is one visitor's."""
    app = make_app("signed_cookies")

    @app.get("/cached")
    def cached(request: Request) -> Response:
        headers = {"cache-control": told, "vary": "Accept"}
        return Response(str(len(request.session)), headers=headers)

    answer = client(app).get("/cached")
    assert answer.headers["cache-control"] == sent
    assert answer.headers["vary"] == "Accept, Cookie"


def test_the_cookie_is_safe_by_default(make_app: MakeApp, engine: str, client: MakeClient) -> None:
    """HttpOnly and SameSite=Lax always; over HTTPS Secure, and a name no other host can set."""
    app = make_app(engine)
    plain = get_cookie(client(app).post("/set/a/1"))
    assert re.match(r"sessionid=[^;]+; Path=/; Max-Age=12095\d\d|sessionid=", plain)
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    secure = get_cookie(client(app, base_url="https://localhost").post("/set/a/1"))
    assert secure.startswith("__Host-sessionid=")
    assert "; Secure; HttpOnly; SameSite=Lax" in secure
    assert "Domain" not in secure


def test_over_https_a_plain_cookie_does_not_count(make_app: MakeApp, client: MakeClient) -> None:
    """Who can write cookies over HTTP, or from a sister host, cannot choose the session."""
    app = make_app("signed_cookies")
    value = client(app).post("/set/a/1").cookies["sessionid"]
    secure = client(app, base_url="https://localhost")
    assert secure.get("/read", headers={"cookie": f"sessionid={value}"}).json() == {}
    assert secure.get("/read", headers={"cookie": f"__Host-sessionid={value}"}).json() == {"a": 1}


def test_settings_shape_the_cookie(make_app: MakeApp, client: MakeClient) -> None:
    """Django's settings, in lower case."""
    app = make_app(
        "cache",
        session_cookie_name="sid",
        session_cookie_path="/",
        session_cookie_domain="localhost",
        session_cookie_secure=True,
        session_cookie_samesite="strict",
        session_expire_at_browser_close=True,
    )
    cookie = get_cookie(client(app).post("/set/a/1"))
    assert cookie.startswith("sid=")
    assert cookie.endswith("; Path=/; Domain=localhost; Secure; HttpOnly; SameSite=Strict")


@pytest.mark.parametrize(
    "value", ["x", "a.b.c", "a" * 5000, "%00", "ünï", '"', "../../etc", "é" * 9]
)
def test_unknown_keys_make_a_new_session(
    make_app: MakeApp, engine: str, client: MakeClient, value: str
) -> None:
    """Nobody chooses a key: an unknown one is empty, is never taken over, and is deleted."""
    visitor = client(make_app(engine))
    headers = [(b"cookie", b"sessionid=" + value.encode("utf-8"))]
    answer = visitor.get("/read", headers=headers)
    assert answer.json() == {}
    assert "Max-Age=0" in get_cookie(answer)
    answer = visitor.post("/set/a/1", headers=headers)
    assert answer.status_code == 200
    assert answer.cookies["sessionid"] != value


def test_a_changed_cookie_is_a_strangers(
    make_app: MakeApp, engine: str, client: MakeClient
) -> None:
    """Every character counts."""
    visitor = client(make_app(engine))
    value = visitor.post("/set/a/1").cookies["sessionid"]
    visitor.cookies.clear()
    for index in range(0, len(value), 5):
        other = "A" if value[index] != "A" else "B"
        changed = value[:index] + other + value[index + 1 :]
        assert visitor.get("/read", headers={"cookie": f"sessionid={changed}"}).json() == {}


def test_a_log_in_changes_the_key(make_app: MakeApp, client: MakeClient) -> None:
    """What was remembered stays, and whoever knew the old key has nothing."""
    for engine in ("cache", "db"):
        app = make_app(engine)
        visitor = client(app)
        old = visitor.post("/set/a/1").cookies["sessionid"]
        new = visitor.post("/login/5").cookies["sessionid"]
        assert new != old
        assert visitor.get("/read").json() == {"a": 1}
        stranger = client(app)
        assert stranger.get("/read", headers={"cookie": f"sessionid={old}"}).json() == {}


@pytest.mark.parametrize("fail", [False, True])
def test_a_log_out_deletes_everything(
    make_app: MakeApp, engine: str, client: MakeClient, fail: bool
) -> None:
    """The session is gone from store and browser, even where the answer failed afterwards."""
    app = make_app(engine)
    visitor = client(app)
    old = visitor.post("/set/a/1").cookies["sessionid"]
    answer = visitor.post("/logout", params={"fail": fail})
    assert answer.status_code == (500 if fail else 200)
    assert "Max-Age=0" in get_cookie(answer)
    assert visitor.get("/read").json() == {}
    if engine != "signed_cookies":
        assert client(app).get("/read", headers={"cookie": f"sessionid={old}"}).json() == {}


def test_a_failed_request_stores_nothing(
    make_app: MakeApp, engine: str, client: MakeClient
) -> None:
    """With an answer of 500 the session stays as it was."""
    visitor = client(make_app(engine))
    visitor.post("/set/a/1")
    assert visitor.post("/fail/b").status_code == 500
    assert visitor.get("/read").json() == {"a": 1}


def test_requests_at_the_same_time_keep_each_others_values(
    make_app: MakeApp, database_url: str, client: MakeClient
) -> None:
    """In database and cache no update of another name is lost."""
    for engine in ("cache", "db"):
        app = make_app(engine, database_url=database_url)
        visitor = client(app)

        @app.post("/slow/{name}", atomic=False)
        def slow(request: Request, name: str) -> str:
            len(request.session)
            time.sleep(0.05)
            request.session[name] = 1
            return name

        visitor.post("/set/a/1")
        threads = [
            threading.Thread(target=visitor.post, args=(f"/slow/n{number}",)) for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(visitor.get("/read").json()) == ["a", "n0", "n1", "n2", "n3"]


def test_a_revoked_session_is_not_stored_again(make_app: MakeApp, client: MakeClient) -> None:
    """A request that began before the session was deleted does not bring it back."""
    app = make_app("db")

    @app.post("/revoke")
    def revoke(request: Request) -> int:
        request.session["late"] = 1
        return StoredSession.objects.all().delete()[0]

    visitor = client(app)
    visitor.post("/set/a/1")
    answer = visitor.post("/revoke")
    assert "Max-Age=0" in get_cookie(answer)
    assert StoredSession.objects.count() == 0


def test_sessions_of_a_user_are_listed_and_revoked(make_app: MakeApp, client: MakeClient) -> None:
    """A log-in says whose session it is; deleting the rows ends them at once."""
    app = make_app("db")
    laptop, phone, other = client(app), client(app), client(app)
    for visitor, user in ((laptop, "5"), (phone, "5"), (other, "6")):
        visitor.post("/set/a/1")
        visitor.post(f"/login/{user}")
    assert sessions_of(5).count() == 2
    mine = hash_key(laptop.cookies["sessionid"])
    assert sessions_of(5).exclude(key_hash=mine).delete()[0] == 1
    assert phone.get("/read").json() == {}
    assert laptop.get("/read").json() == other.get("/read").json() == {"a": 1}


def test_the_key_is_hashed_at_rest(make_app: MakeApp, client: MakeClient) -> None:
    """Who reads the table cannot take over a session."""
    visitor = client(make_app("db"))
    key = visitor.post("/set/a/1").cookies["sessionid"]
    row = StoredSession.objects.get()
    assert len(key) >= 43
    assert key not in repr(vars(row))
    assert row.key_hash == hash_key(key)
    assert visitor.get("/read", headers={"cookie": f"sessionid={row.key_hash}"}).json() == {}


def test_sessions_end_by_idleness_and_by_age(
    make_app: MakeApp, engine: str, client: MakeClient
) -> None:
    """Use prolongs a session up to its absolute age."""
    app = make_app(engine, session_cookie_age=100, session_absolute_age=250)
    now = [time.time()]
    app.sessions.store.ages = Ages(100, 250, lambda: now[0])
    visitor = client(app)
    visitor.post("/set/a/1")
    jar = dict(visitor.cookies)

    def read_later(seconds: float) -> dict[str, Any]:
        now[0] += seconds
        visitor.cookies.clear()
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}
        answer = visitor.get("/read", headers=headers)
        jar.update(answer.cookies)
        found: dict[str, Any] = answer.json()
        return found

    assert read_later(5) == {"a": 1}
    for _ in range(2):
        assert read_later(90) == {"a": 1}
    assert read_later(70) == {}
    visitor.post("/set/a/1")
    jar.update(visitor.cookies)
    assert read_later(101) == {}


def test_expired_sessions_are_found(make_app: MakeApp, client: MakeClient) -> None:
    """What is over stays in the table until it is cleared."""
    app = make_app("db")
    now = time.time()
    app.sessions.store.ages = Ages(100, None, lambda: now - 200)
    client(app).post("/set/a/1")
    app.sessions.store.ages = Ages(100, None)
    client(app).post("/set/a/1")
    assert (StoredSession.objects.count(), find_expired().count()) == (2, 1)


def test_a_session_too_large_for_a_cookie_says_so(
    make_app: MakeApp, client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A browser would drop it in silence; here it is an error that names the largest value."""
    app = make_app("signed_cookies")

    @app.post("/fill")
    def fill(request: Request) -> str:
        request.session["small"] = 1
        request.session["large"] = random.Random(1).randbytes(3000).hex()
        return "full"

    answer = client(app).post("/fill")
    assert answer.status_code == 500
    assert get_cookie(answer) == ""
    assert "the largest value is 'large'" in caplog.text


@pytest.mark.parametrize("value", [object(), {1}, b"x", float("inf"), {"a": [object()]}])
def test_only_jsons_kinds_are_kept(make_app: MakeApp, value: object) -> None:
    """No pickle: another kind of value is refused where it is put there."""
    session = make_app("signed_cookies").sessions.open(Request("GET", "/"))
    with pytest.raises(SerializationError, match="'name'") as caught:
        session["name"] = value
    assert caught.value.code == "sessions.value"
    with pytest.raises(SerializationError, match="Names are text"):
        session[5] = 1  # type: ignore[index]  # that is the point


def test_a_blocking_load_on_the_loop_names_its_twin(make_app: MakeApp) -> None:
    """With the database, an `async def` handler loads the session first."""
    app = make_app("db", debug=True)

    @app.get("/wrong")
    async def wrong(request: Request) -> int:
        return len(request.session)

    with Client(app, cookies={"sessionid": "x"}) as visitor:
        answer = visitor.get("/wrong")
    assert answer.status_code == 500
    assert "await request.session.aload()" in answer.text


def test_the_database_needs_its_app() -> None:
    """Without the app that brings the table, the application does not start."""
    app = App(Settings(session_engine="db", database_url="sqlite://"))
    with pytest.raises(ImproperlyConfigured, match=r"undercroft\.sessions"):
        app.build()
    databases.dispose()


def test_a_rotation_of_a_deleted_session_finds_nothing() -> None:
    """In the cache, too, nothing is brought back."""
    store = CacheStore(MemoryCache(), Ages(100, None))
    record = SessionRecord({"a": 1})
    changes = SessionChanges({"a": 1}, ())
    token = store.save(Saving(None, record, changes))
    assert token is not None
    store.delete(token)
    assert store.save(Saving(token, record, changes, is_rotated=True)) is None
    assert store.save(Saving(token, record, changes)) is None


def test_a_key_is_needed_for_cookies_only_when_touched(client: MakeClient) -> None:
    """An application without sessions needs no secret key."""
    app = App(Settings())

    @app.get("/plain")
    def plain() -> str:
        return "plain"

    assert client(app).get("/plain").text == "plain"
    with pytest.raises(ImproperlyConfigured, match="UNDERCROFT_SECRET_KEY"):
        _ = app.sessions
