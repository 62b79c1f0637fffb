"""The second step of a log-in: nobody is logged in before it, and each code counts once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyotp.totp import TOTP

from tests.auth.conftest import MakeApp
from undercroft import App, Request
from undercroft.auth import CurrentUser, SecondStep, afinish_login, finish_login
from undercroft.auth.models import LoginAttempts, RecoveryCode, SecondFactor, User
from undercroft.auth.token_routes import token_router
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]
SYNC = pytest.mark.parametrize("kind", ["", "-sync"])


@pytest.fixture
def app(make_app: MakeApp) -> App:
    """An application in which a second step can be set up and taken."""
    app = make_app(authentication=["session", "jwt", "basic"])
    app.include(token_router, prefix="/token")

    @app.post("/enrol")
    async def enrol(request: Request, user: CurrentUser[User]) -> dict[str, str]:
        enrolment = await SecondStep(request, user).aenrol("Shop")
        return {"secret": enrolment.secret, "uri": enrolment.uri, "svg": enrolment.to_svg()}

    @app.post("/confirm")
    async def confirm(request: Request, user: CurrentUser[User], code: str) -> list[str]:
        return await SecondStep(request, user).aconfirm(code) or []

    @app.post("/disable")
    def disable(request: Request, user: CurrentUser[User]) -> str:
        SecondStep(request, user).disable()
        return "off"

    @app.post("/code")
    async def code(request: Request, code: str) -> str:
        return str(await afinish_login(request, code))

    @app.post("/code-sync")
    def code_sync(request: Request, code: str) -> str:
        return str(finish_login(request, code))

    return app


def make_code(ahead: int = 0) -> str:
    """Make the code of Ada's app, of now or of half minutes ahead."""
    return TOTP(SecondFactor.objects.get().secret).at(
        datetime.now(UTC) + timedelta(seconds=30 * ahead)
    )


@pytest.fixture
def enrolled(app: App, client: MakeClient) -> tuple[Client, list[str]]:
    """A visitor who has given Ada's password, and Ada's recovery codes."""
    visitor = client(app)
    User.objects.create_user("ada", password="secret")
    visitor.post("/login?name=ada&password=secret")
    told = visitor.post("/enrol").json()
    assert told["uri"].startswith("otpauth://totp/Shop:ada?secret=" + told["secret"])
    assert told["svg"].startswith("<svg")
    assert visitor.post("/confirm?code=000000").json() == []
    codes = visitor.post(f"/confirm?code={make_code(-1)}").json()
    assert len(set(codes)) == 10
    visitor.post("/logout")
    visitor.post("/login?name=ada&password=secret")
    return visitor, codes


@SYNC
def test_half_logged_in_is_nobody(enrolled: tuple[Client, list[str]], kind: str) -> None:
    """After the password alone; the code ends the log-in, under a new key of the session."""
    visitor, _ = enrolled
    assert visitor.get("/me").status_code == 401
    assert visitor.get("/me-sync").text == "AnonymousUser"
    assert visitor.get("/members").status_code == 401
    half = visitor.cookies["sessionid"]
    assert visitor.post(f"/code{kind}?code={make_code()}").text == "ada"
    assert visitor.get("/me").text == "ada"
    assert visitor.cookies["sessionid"] != half


@SYNC
def test_a_code_counts_once(enrolled: tuple[Client, list[str]], kind: str) -> None:
    """Not even for the half minute it is of, nor does an older one after it."""
    visitor, _ = enrolled
    code = make_code()
    assert visitor.post(f"/code{kind}?code={code}").text == "ada"
    visitor.post("/logout")
    visitor.post("/login?name=ada&password=secret")
    for used in (code, make_code(-1)):
        assert visitor.post(f"/code{kind}?code={used}").text == "None"
    assert visitor.get("/me").status_code == 401


def test_a_recovery_code_counts_once(enrolled: tuple[Client, list[str]]) -> None:
    """However it is typed; only its hash is stored."""
    visitor, codes = enrolled
    stored = set(RecoveryCode.objects.values_list("code_hash", flat=True))
    assert not stored & set(codes)
    typed = codes[0].upper().replace("-", " ")
    assert visitor.post("/code", params={"code": typed}).text == "ada"
    visitor.post("/logout")
    visitor.post("/login?name=ada&password=secret")
    assert visitor.post("/code", params={"code": codes[0]}).text == "None"
    assert visitor.post("/code", params={"code": codes[1]}).text == "ada"


def test_guessing_has_to_wait(enrolled: tuple[Client, list[str]]) -> None:
    """After five wrong codes, the right one waits, too; the right password forgets none of them."""
    visitor, codes = enrolled
    LoginAttempts.objects.all().delete()
    for _ in range(5):
        assert visitor.post("/code?code=abc").status_code == 200
        visitor.post("/login?name=ada&password=secret")
    assert visitor.post("/code", params={"code": codes[0]}).status_code == 429


@pytest.mark.parametrize("change", ["password", "idle", "late", "nothing"])
def test_the_first_step_does_not_last(enrolled: tuple[Client, list[str]], change: str) -> None:
    """It ends with the password, with the account, and without one there is no second."""
    visitor, _ = enrolled
    ada = User.objects.get()
    if change == "password":
        ada.set_password("another")
        ada.save()
    elif change == "idle":
        User.objects.update(is_active=False)
    elif change == "late":
        visitor.post("/logout")
    else:
        visitor.cookies.clear()
    assert visitor.post(f"/code?code={make_code()}").text == "None"
    assert visitor.get("/me").status_code == 401


def test_no_way_around(enrolled: tuple[Client, list[str]]) -> None:
    """Name and password alone give no token, and open nothing by themselves."""
    visitor, _ = enrolled
    form: dict[str, Any] = {"username": "ada", "password": "secret"}
    visitor.cookies.clear()
    for given in (form, {**form, "otp": "000000"}):
        answer = visitor.post("/token", data=given)
        assert (answer.status_code, answer.json()) == (400, {"error": "otp_required"})
    assert visitor.get("/me", auth=("ada", "secret")).status_code == 401
    assert "access_token" in visitor.post("/token", data={**form, "otp": make_code()}).json()


def test_an_unconfirmed_factor_is_not_asked_for(app: App, client: MakeClient) -> None:
    """Who never got as far as a code is not locked out; who ends it, neither."""
    visitor = client(app)
    User.objects.create_user("ada", password="secret")
    visitor.post("/login?name=ada&password=secret")
    visitor.post("/enrol")
    visitor.post("/logout")
    visitor.post("/login?name=ada&password=secret")
    assert visitor.get("/me").text == "ada"
    visitor.post(f"/confirm?code={make_code()}")
    assert visitor.post("/disable").text == "off"
    visitor.post("/login?name=ada&password=secret")
    assert visitor.get("/me").text == "ada"
    assert not RecoveryCode.objects.exists()


def test_the_pages_ask_for_the_code(enrolled: tuple[Client, list[str]]) -> None:
    """The log-in leads to the code, and the code to where the visitor wanted to go."""
    visitor, codes = enrolled
    page = {"accept": "text/html"}
    form = {"username": "ada", "password": "secret", "next": "/members"}
    answer = visitor.post("/accounts/login/", data=form, headers=page, follow_redirects=False)
    assert answer.headers["location"] == "/accounts/login/code/?next=%2Fmembers"
    shown = visitor.get(answer.headers["location"], headers=page)
    assert 'autocomplete="one-time-code"' in shown.text
    assert visitor.get("/me").status_code == 401
    for code, expected in (("123", 200), (codes[3], 302)):
        answer = visitor.post(
            "/accounts/login/code/",
            data={"code": code, "next": "/members"},
            headers=page,
            follow_redirects=False,
        )
        assert answer.status_code == expected
    assert answer.headers["location"] == "/members"
    assert visitor.get("/me").text == "ada"
