"""Log-in and log-out by session and by Basic credentials, under both kinds of server."""

import base64
import hashlib
from collections.abc import Callable

import pytest

from tests.auth.conftest import MakeApp
from undercroft.auth.models import LoginAttempts, Permission, User
from undercroft.sessions.models import StoredSession
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]
SYNC = pytest.mark.parametrize("kind", ["", "-sync"])


def basic(name: str, password: str) -> dict[str, str]:
    """Write Basic credentials."""
    text = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"authorization": f"Basic {text}"}


@SYNC
@pytest.mark.parametrize("engine", ["db", "cache", "signed_cookies"])
def test_a_session_is_somebodys_until_the_log_out(
    make_app: MakeApp, client: MakeClient, kind: str, engine: str
) -> None:
    """By name or address, in any case; both kinds of handlers see who it is."""
    visitor = client(make_app(session_engine=engine))
    User.objects.create_user("ada", "ada@example.org", "secret")
    assert visitor.get("/maybe").text == "nobody"
    assert visitor.post(f"/login{kind}?name=ADA@example.ORG&password=secret").text == "in"
    for path in ("/me", "/me-sync", "/maybe", "/members"):
        assert visitor.get(path).text == "ada", path
    assert User.objects.get().last_login is not None
    assert visitor.post(f"/logout{kind}").text == "out"
    assert visitor.get("/maybe").text == "nobody"
    assert "sessionid" not in visitor.cookies


@SYNC
def test_the_session_has_a_new_key_after_the_log_in(
    make_app: MakeApp, client: MakeClient, kind: str
) -> None:
    """Who planted a key, or saw the old one, is a stranger afterwards."""
    visitor = client(make_app())
    User.objects.create_user("ada", password="secret")
    User.objects.create_user("bob", password="secret")
    visitor.post(f"/login{kind}?name=ada&password=secret")
    first = visitor.cookies["sessionid"]
    visitor.post(f"/login{kind}?name=ada&password=secret")
    assert visitor.cookies["sessionid"] != first
    visitor.post(f"/login{kind}?name=bob&password=secret")
    assert visitor.get("/me").text == "bob"
    assert StoredSession.objects.count() == 1
    visitor.cookies.clear()
    assert visitor.get("/me", headers={"cookie": f"sessionid={first}"}).status_code == 401


@pytest.mark.parametrize("engine", ["db", "cache", "signed_cookies"])
def test_a_session_ends_with_the_password_and_with_the_account(
    make_app: MakeApp, client: MakeClient, engine: str
) -> None:
    """Whatever store has it, a session of yesterday's password is nobody's."""
    visitor = client(make_app(session_engine=engine))
    ada = User.objects.create_user("ada", password="secret")
    visitor.post("/login?name=ada&password=secret")
    assert visitor.get("/me").text == "ada"
    ada.is_active = False
    ada.save()
    assert visitor.get("/me").status_code == 401
    ada.is_active = True
    ada.set_password("another")
    ada.save()
    assert visitor.get("/me").status_code == 401
    visitor.post("/login?name=ada&password=another")
    assert visitor.get("/me").text == "ada"
    ada.delete()
    assert visitor.get("/me").status_code == 401


def test_names_that_do_not_exist_are_answered_as_wrong_passwords(
    make_app: MakeApp, client: MakeClient
) -> None:
    """Same text, same status, for unknown, inactive and passwordless accounts."""
    visitor = client(make_app())
    User.objects.create_user("ada", password="secret")
    User.objects.create_user("idle", password="secret", is_active=False)
    User.objects.create_user("guest")
    answers = {
        (answer.status_code, answer.text)
        for name in ("ada", "idle", "guest", "nobody", "x" * 1000, "\x00")
        for answer in [visitor.post("/login", params={"name": name, "password": "secre"})]
    }
    assert answers == {(200, "wrong")}


def test_others_are_asked_to_log_in(make_app: MakeApp, client: MakeClient) -> None:
    """A browser is sent to the page and back; a script is told how."""
    visitor = client(make_app(authentication=["session", "basic"]))
    page = {"accept": "text/html"}
    answer = visitor.get("/members?a=1&b=%26", headers=page, follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"] == "/accounts/login/?next=/members%3Fa%3D1%26b%3D%2526"
    answer = visitor.get("/members")
    assert answer.status_code == 401
    assert answer.json()["code"] == "auth.required"
    assert answer.headers["www-authenticate"].startswith('Session realm="api", Basic realm=')


def test_permissions_are_asked_for(make_app: MakeApp, client: MakeClient) -> None:
    """Who is known and may not is told 403; whoever may is let in."""
    visitor = client(make_app())
    ada = User.objects.create_user("ada", password="secret")
    assert visitor.get("/writers").status_code == 401
    visitor.post("/login?name=ada&password=secret")
    assert visitor.get("/writers").status_code == 403
    assert visitor.get("/staff").status_code == 401
    ada.user_permissions.add(
        Permission.objects.create(app_label="blog", codename="add_post", name="x")
    )
    ada.is_staff = True
    ada.save()
    assert visitor.get("/writers").text == visitor.get("/staff").text == "ada"


def test_basic_credentials_are_checked_each_time(make_app: MakeApp, client: MakeClient) -> None:
    """They need no session; what cannot be read is refused as what is wrong is."""
    visitor = client(make_app(authentication=["session", "basic"]))
    User.objects.create_user("ada", password="a:ü")
    assert visitor.get("/me", headers=basic("ada", "a:ü")).text == "ada"
    assert "set-cookie" not in visitor.get("/me", headers=basic("ada", "a:ü")).headers
    for wrong in (basic("ada", "b"), *({"authorization": f"Basic {x}"} for x in ("", "%", "YQ=="))):
        answer = visitor.get("/me", headers=wrong)
        assert answer.status_code == 401
        assert "Basic" in answer.headers["www-authenticate"]
    assert visitor.get("/me", headers={"authorization": "Other x"}).status_code == 401


@SYNC
def test_too_many_wrong_passwords_have_to_wait(
    make_app: MakeApp, client: MakeClient, kind: str
) -> None:
    """Known or not, an account takes five; then the right one waits, after a restart, too."""
    visitor = client(make_app())
    User.objects.create_user("ada", password="secret")
    for name in ("ada", "nobody"):
        found = [
            visitor.post(f"/login{kind}?name={name}&password=wrong").status_code for _ in range(7)
        ]
        assert found == [200] * 5 + [429] * 2
    answer = visitor.post(f"/login{kind}?name=ADA&password=secret")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    again = client(make_app())
    assert again.post(f"/login{kind}?name=ada&password=secret").status_code == 429
    LoginAttempts.objects.update(waits_until=User.objects.get().date_joined)
    assert visitor.post(f"/login{kind}?name=ada&password=secret").text == "in"
    assert visitor.get("/me").text == "ada"


def test_an_address_is_throttled_over_all_accounts(make_app: MakeApp, client: MakeClient) -> None:
    """One password tried on many accounts is stopped, too."""
    visitor = client(make_app())
    found = [
        visitor.post(f"/login?name=user{number}&password=123456").status_code
        for number in range(30)
    ]
    assert found == [200] * 25 + [429] * 5


def test_an_old_hash_is_made_anew_at_the_log_in(make_app: MakeApp, client: MakeClient) -> None:
    """A user whose password Django hashed logs in, and is stored as our own are."""
    visitor = client(make_app())
    ada = User.objects.create_user("ada")
    salt, rounds = "abc", 1000
    digest = hashlib.pbkdf2_hmac("sha256", b"secret", salt.encode(), rounds)
    ada.password = f"pbkdf2_sha256${rounds}${salt}${base64.b64encode(digest).decode()}"
    ada.save()
    assert visitor.post("/login?name=ada&password=secret").text == "in"
    ada.refresh_from_db()
    assert ada.password.startswith("argon2$argon2id$")
    assert visitor.get("/me").text == "ada"


def test_who_is_refused_by_address_does_not_lock_an_account(
    make_app: MakeApp, client: MakeClient
) -> None:
    """An attempt that was not made is not counted for the account it was meant for."""
    visitor = client(make_app())
    User.objects.create_user("ada", password="secret")
    for number in range(25):
        visitor.post(f"/login?name=user{number}&password=wrong")
    before = LoginAttempts.objects.count()
    told = {"username": "ada", "password": "wrong"}
    assert visitor.post("/accounts/login/", json=told).status_code == 429
    assert LoginAttempts.objects.count() == before
