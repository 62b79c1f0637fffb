"""Signed cookies: nobody else's, under no other name, and no longer than they may."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr

from undercroft import App, JSONResponse, Request, Response, Settings
from undercroft.errors import BadSignature
from undercroft.security.cookies import KeyedCookieSigner
from undercroft.testing.client import Client

KEY, OLDER = SecretStr("k" * 40), SecretStr("o" * 40)


def build_app() -> App:
    async def mark(request: Request, call_next) -> Response:  # type: ignore[no-untyped-def]
        response = await call_next(request)
        if request.path == "/marked":
            response.set_signed_cookie("mark", 1)
        return response

    app = App(Settings(secret_key=KEY), middleware=[mark])
    kept = JSONResponse({"kept": True})
    kept.set_signed_cookie("kept", "yes")

    @app.get("/set")
    async def set_cookie() -> JSONResponse:
        response = JSONResponse({})
        response.set_signed_cookie("user", {"id": 7}, max_age=60)
        return response

    @app.get("/kept")
    def give_kept() -> JSONResponse:
        return kept

    @app.get("/marked")
    def marked() -> str:
        return "marked"

    @app.get("/read")
    def read(request: Request) -> dict[str, object]:
        found = dict(request.signed_cookies)
        return {"all": found, "user": request.get_signed_cookie("user", None, max_age=60)}

    @app.get("/must")
    def must(request: Request) -> dict[str, object]:
        try:
            return {"user": request.get_signed_cookie("user")}
        except BadSignature as error:
            return {"error": error.message}

    return app


def test_a_signed_cookie_comes_back(client: Callable[[App], Client]) -> None:
    """What a handler or a middleware signed is read again, with its attributes as of any cookie."""
    browser = client(build_app())
    header = browser.get("/set").headers["set-cookie"]
    assert header.startswith("user=")
    assert {"Max-Age=60", "HttpOnly"} <= set(header.split("; "))
    browser.get("/marked")
    assert browser.get("/kept").headers.get_list("set-cookie") != []
    assert len(browser.get("/kept").headers.get_list("set-cookie")) == 1
    found = browser.get("/read").json()
    assert found == {"all": {"user": {"id": 7}, "mark": 1, "kept": "yes"}, "user": {"id": 7}}


def test_a_forged_cookie_is_not_there(client: Callable[[App], Client]) -> None:
    """A changed value, one of another name and a plain one count for nothing, and are no 5xx."""
    app = build_app()
    value = client(app).get("/set").cookies["user"]
    for name, forged in (
        ("user", value[:-1] + ("a" if value[-1] != "a" else "b")),
        ("admin", value),
        ("user", "7"),
        ("user", ""),
        ("user", "." * 4000),
    ):
        stranger = client(app, cookies={name: forged})
        assert stranger.get("/read").json() == {"all": {}, "user": None}
        assert "error" in stranger.get("/must").json()


def test_a_signature_ends_with_its_age() -> None:
    """A cookie is refused after its own `max_age`, and after the reader's, if that is shorter."""
    signer = KeyedCookieSigner(Settings(secret_key=KEY))
    ended = signer.sign("a", "v", max_age=-1)
    with pytest.raises(BadSignature, match="too old"):
        signer.read("a", ended)
    lasting = signer.sign("a", "v", max_age=60)
    assert signer.read("a", lasting) == "v"
    with pytest.raises(BadSignature, match="too old"):
        signer.read("a", lasting, timedelta(seconds=-1))


def test_a_key_can_be_rotated() -> None:
    """A cookie of an older key is read while that key is among the fallbacks."""
    text = KeyedCookieSigner(Settings(secret_key=OLDER)).sign("a", 1)
    rotated = KeyedCookieSigner(Settings(secret_key=KEY, secret_key_fallbacks=[OLDER]))
    assert rotated.read("a", text) == 1
    with pytest.raises(BadSignature):
        KeyedCookieSigner(Settings(secret_key=KEY)).read("a", text)
