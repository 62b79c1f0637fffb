"""Links of mails: forged, old, used and foreign ones do not count."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.auth.conftest import MakeApp
from undercroft import App
from undercroft.auth.links import EMAIL, PASSWORD_RESET, SIGNUP, LinkKind, build_address
from undercroft.auth.models import User
from undercroft.db.twins import run_steps
from undercroft.errors import BadRequest, ImproperlyConfigured
from undercroft.http.request import Request
from undercroft.security.signing import Signer
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


@pytest.fixture
def app(make_app: MakeApp) -> App:
    """An application with an account."""
    app = make_app()
    User.objects.create_user("ada", "ada@example.org", "a long password")
    return app


def check(app: App, kind: LinkKind, token: str) -> bool:
    """Tell whether a token counts."""
    try:
        run_steps(kind.find_steps(app.settings, token))
    except BadRequest as error:
        return error.code != "auth.link"
    return True


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "x"},
        {"email": "x@example.org"},
        {"last_login": datetime.now(UTC)},
        {"is_active": False},
    ],
)
def test_a_reset_does_not_survive_a_change_of_the_account(
    app: App, changes: dict[str, object]
) -> None:
    """Password, address and last log-in are in it, and the account has to be active."""
    ada = User.objects.get()
    token = PASSWORD_RESET.make_token(app.settings, ada)
    assert check(app, PASSWORD_RESET, token)
    User.objects.update(**changes)
    assert not check(app, PASSWORD_RESET, token)


def test_a_link_is_for_one_purpose_and_one_account(app: App) -> None:
    """Of another kind, of another account, shortened or with another value it is worth nothing."""
    ada, bob = User.objects.get(), User.objects.create_user("bob", password="a long password")
    token = EMAIL.make_token(app.settings, ada, "new@example.org")
    assert check(app, EMAIL, token)
    assert not check(app, PASSWORD_RESET, token)
    assert not check(app, PASSWORD_RESET, SIGNUP.make_for_address(app.settings, "a@example.org"))
    for wrong in ("", "x", ".", token[:-1], token[1:], token + "x", "é", "\x00", "a" * 5000):
        assert not check(app, EMAIL, wrong), wrong
    signer = Signer(app.settings, "auth.email")
    state = signer.read(token)[1]
    forms: list[object] = [[str(bob.pk), state, ""], ["x", state, ""], [str(ada.pk)], [1, 2, 3], {}]
    for told in [*forms, None]:
        assert not check(app, EMAIL, signer.sign(told)), told


def test_a_link_expires(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the setting's seconds, in whole ones."""
    token = PASSWORD_RESET.make_token(app.settings, User.objects.get())
    settings = app.settings.model_copy(update={"password_reset_timeout": -1})
    with pytest.raises(BadRequest):
        run_steps(PASSWORD_RESET.find_steps(settings, token))


def test_the_host_of_a_link_is_not_the_askers_choice(make_app: MakeApp) -> None:
    """With every host allowed the setting has to say it; where it does, that counts."""
    request = Request("GET", "/", raw_headers=[(b"host", b"evil.example")])
    request.app = make_app(allowed_hosts=["*"])
    with pytest.raises(ImproperlyConfigured, match="choose its host") as caught:
        build_address(request, "login")
    assert caught.value.code == "auth.link-host"
    request.app = make_app(allowed_hosts=["*"], site_url="https://example.org")
    assert build_address(request, "login") == "https://example.org/accounts/login/"


def test_of_two_uses_at_once_one_counts(app: App) -> None:
    """The second finds that the password is not the one the link was made for."""
    from undercroft.auth.forms import SetPasswordForm

    form = {"new_password1": "quite another one", "new_password2": "quite another one"}
    first, second = (SetPasswordForm(User.objects.get(), form) for _ in range(2))
    assert first.is_valid()
    assert second.is_valid()
    assert [first.save(), second.save()] == [True, False]
