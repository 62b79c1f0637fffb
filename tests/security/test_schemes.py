"""Security schemes: what they read, what they refuse, how they ask."""

from base64 import b64encode
from collections.abc import Callable
from typing import Annotated, Any

import pytest

from undercroft import (
    App,
    Depends,
    Request,
    Router,
    Security,
    SecurityScopes,
    Settings,
    WebSocket,
)
from undercroft.errors import ImproperlyConfigured, NotAuthenticated
from undercroft.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    HTTPBearer,
    HTTPDigest,
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2PasswordBearer,
    OAuth2PasswordRequestForm,
    OAuth2PasswordRequestFormStrict,
    OpenIdConnect,
    SecurityScheme,
)
from undercroft.testing.client import Client
from undercroft.testing.sockets import WebSocketDenied

MakeClient = Callable[..., Client]


def build_app(scheme: SecurityScheme[Any]) -> App:
    app = App(Settings())

    @app.get("/")
    async def show(found: Annotated[Any, Depends(scheme)]) -> dict[str, Any]:
        if isinstance(found, HTTPBasicCredentials):
            return {"found": [found.username, found.password]}
        if isinstance(found, HTTPAuthorizationCredentials):
            return {"found": [found.scheme, found.credentials]}
        return {"found": found}

    return app


def encode(text: str | bytes) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


BEARERS = [
    OAuth2PasswordBearer("token"),
    OAuth2AuthorizationCodeBearer("authorize", "token"),
    OAuth2(flows={"clientCredentials": {"tokenUrl": "token", "scopes": {}}}),
    OpenIdConnect(openIdConnectUrl="/.well-known/openid-configuration"),
]


@pytest.mark.parametrize("scheme", BEARERS, ids=lambda scheme: type(scheme).__name__)
def test_a_token_is_read(client: MakeClient, scheme: SecurityScheme[Any]) -> None:
    """The token alone arrives, however its scheme's name is written; without one it is 401."""
    speaker = client(build_app(scheme))
    for name in ("Bearer", "bearer", "BEARER"):
        answer = speaker.get("/", headers={"authorization": f"{name} abc.def"})
        assert answer.json() == {"found": "abc.def"}
    for sent in ({}, {"authorization": "Basic abc"}, {"authorization": "Bearer "}):
        answer = speaker.get("/", headers=sent)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.json()["code"] == "security.no-credentials"


def test_a_name_and_a_password_are_read(client: MakeClient) -> None:
    """Both are UTF-8, and a password may hold colons (RFC 7617, section 2)."""
    speaker = client(build_app(HTTPBasic(realm="Shop")))
    sent = {"authorization": f"Basic {encode('Ädä:pass:wörd')}"}
    assert speaker.get("/", headers=sent).json() == {"found": ["Ädä", "pass:wörd"]}
    assert speaker.get("/", headers={"authorization": f"basic {encode(':')}"}).json() == {
        "found": ["", ""]
    }


UNREADABLE = ["", "Basic", "Basic !!!", *(f"Basic {encode(each)}" for each in ("no", b"\xff:x"))]


@pytest.mark.parametrize("sent", UNREADABLE)
def test_what_is_no_name_and_password_is_refused(client: MakeClient, sent: str) -> None:
    """Whatever cannot be read is a 401 that asks again, never a 5xx."""
    speaker = client(build_app(HTTPBasic(realm="Shop")))
    answer = speaker.get("/", headers={"authorization": sent} if sent else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="Shop", charset="UTF-8"'


def test_a_realm_cannot_break_its_header() -> None:
    """A realm that would end its quotes, or the header, is refused when it is written."""
    for realm in ('a"b', "a\\b", "a\r\nb", "ä"):
        with pytest.raises(ImproperlyConfigured, match="realm"):
            HTTPBasic(realm=realm)


@pytest.mark.parametrize("scheme", [HTTPBearer(bearerFormat="JWT"), HTTPDigest()])
def test_credentials_are_read_with_their_scheme(
    client: MakeClient, scheme: SecurityScheme[Any]
) -> None:
    """The scheme's name comes as it was spelled."""
    name = scheme.challenge
    speaker = client(build_app(scheme))
    found = speaker.get("/", headers={"authorization": f"{name.lower()} x=1"}).json()
    assert found == {"found": [name.lower(), "x=1"]}
    assert speaker.get("/").headers["www-authenticate"] == name


def test_keys_are_read_from_their_places(client: MakeClient) -> None:
    """Header, query and cookie each have a key of their own name."""
    speaker = client(build_app(APIKeyHeader(name="X-Key")))
    assert speaker.get("/", headers={"x-key": "k"}).json() == {"found": "k"}
    assert speaker.get("/").headers["www-authenticate"] == "APIKey"
    speaker = client(build_app(APIKeyQuery(name="key")))
    assert speaker.get("/?key=k").json() == {"found": "k"}
    assert speaker.get("/?key=").status_code == 401
    speaker = client(build_app(APIKeyCookie(name="key")))
    assert speaker.get("/", headers={"cookie": "key=k"}).json() == {"found": "k"}
    assert "cookie 'key'" in speaker.get("/").json()["hint"]


def test_credentials_that_are_sent_twice_are_none() -> None:
    """A proxy may have looked at the other one of two headers; WSGI tells us of one only."""
    twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")]
    assert Client(build_app(BEARERS[0])).get("/", headers=twice).status_code == 401
    twice = [("x-key", "a"), ("x-key", "b")]
    assert Client(build_app(APIKeyHeader(name="X-Key"))).get("/", headers=twice).status_code == 401


def test_a_scheme_may_do_without(client: MakeClient) -> None:
    """With `auto_error=False` a request without credentials gets None."""
    for scheme in (OAuth2PasswordBearer("t", auto_error=False), HTTPBasic(auto_error=False)):
        assert client(build_app(scheme)).get("/").json() == {"found": None}


def test_a_scheme_may_refuse_in_its_own_words(client: MakeClient) -> None:
    """A subclass makes another error."""

    class Own(HTTPBearer):
        def make_not_authenticated_error(self) -> NotAuthenticated:
            return NotAuthenticated("Who are you?", headers={"WWW-Authenticate": "Bearer"})

    assert client(build_app(Own())).get("/").json()["detail"] == "Who are you?"


def test_passwords_are_not_shown() -> None:
    """What a log or an error page writes of credentials has no secret in it."""
    shown = repr(HTTPBasicCredentials("ada", "hunter2"))
    shown += repr(HTTPAuthorizationCredentials("Bearer", "hunter2"))
    assert "hunter2" not in shown


def test_the_password_form_is_read(client: MakeClient) -> None:
    """Its scopes come as a list; the strict form wants `grant_type`, too."""
    app = App(Settings())

    @app.post("/token")
    def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, Any]:
        return vars(form)

    @app.post("/strict")
    def log_in_strictly(
        form: Annotated[OAuth2PasswordRequestFormStrict, Depends()],
    ) -> dict[str, Any]:
        return vars(form)

    speaker = client(app)
    sent = {"username": "ada", "password": "pw", "scope": "me items"}
    assert speaker.post("/token", data=sent).json() == {
        "grant_type": None,
        "username": "ada",
        "password": "pw",
        "scopes": ["me", "items"],
        "client_id": None,
        "client_secret": None,
    }
    assert speaker.post("/strict", data=sent).status_code == 422
    assert speaker.post("/strict", data={**sent, "grant_type": "password"}).status_code == 200
    assert speaker.post("/token", data={**sent, "grant_type": "other"}).status_code == 422
    assert speaker.post("/token", data={"username": "ada"}).status_code == 422


def test_scopes_are_told_to_who_checks_them(client: MakeClient) -> None:
    """What `Security` asks for, from the handler down, arrives as `SecurityScopes`."""
    app = App(Settings())
    bearer = OAuth2PasswordBearer("token")

    def get_user(scopes: SecurityScopes, token: Annotated[str, Depends(bearer)]) -> str:
        return f"{token}:{scopes.scope_str}"

    def get_active(user: Annotated[str, Security(get_user, scopes=["me"])]) -> str:
        return user

    @app.get("/items")
    def list_items(user: Annotated[str, Security(get_active, scopes=["items", "me"])]) -> str:
        return user

    @app.get("/status")
    async def show_status(user: Annotated[str, Depends(get_user)]) -> str:
        return user

    speaker = client(app)
    sent = {"authorization": "Bearer t"}
    assert speaker.get("/items", headers=sent).text == "t:items me"
    assert speaker.get("/status", headers=sent).text == "t:"


def test_a_value_is_shared_unless_it_looks_at_scopes(client: MakeClient) -> None:
    """One that sees other scopes is called again; what it depends on is not."""
    app = App(Settings())
    calls: list[str] = []

    def connect() -> str:
        calls.append("connect")
        return "connection"

    def get_user(scopes: SecurityScopes, connection: Annotated[str, Depends(connect)]) -> str:
        calls.append(f"user {scopes.scope_str}")
        return scopes.scope_str

    @app.get("/", dependencies=[Security(get_user, scopes=["a"])])
    def show(
        one: Annotated[str, Security(get_user, scopes=["b"])],
        same: Annotated[str, Security(get_user, scopes=["a"])],
        connection: Annotated[str, Depends(connect)],
    ) -> list[str]:
        return [one, same]

    assert client(app).get("/").json() == ["b", "a"]
    assert calls == ["connect", "user a", "user b"]


def test_a_scheme_can_be_replaced_in_tests(client: MakeClient) -> None:
    """`dependency_overrides` puts another function in its place."""
    scheme = OAuth2PasswordBearer("token")
    app = build_app(scheme)
    app.dependency_overrides[scheme] = lambda: "mine"
    assert client(app).get("/").json() == {"found": "mine"}


def test_a_websocket_has_the_same_schemes() -> None:
    """The handshake is refused without credentials, and routes below a router ask for them."""
    router = Router(dependencies=[Depends(HTTPBearer())])

    @router.websocket("/ws")
    async def talk(socket: WebSocket, token: Annotated[Any, Depends(HTTPBearer())]) -> None:
        await socket.accept()
        await socket.send_text(token.credentials)

    app = App(Settings())
    app.include(router)
    with Client(app) as speaker:
        with speaker.websocket_connect("/ws", headers={"authorization": "Bearer t"}) as socket:
            assert socket.receive_text() == "t"
        with pytest.raises(WebSocketDenied, match="401"), speaker.websocket_connect("/ws"):
            pass


def test_a_path_parameter_must_still_be_taken() -> None:
    """A scheme reads the request, and yet knows nothing of the path."""
    app = App(Settings())

    @app.get("/items/{id}", dependencies=[Depends(HTTPBearer())])
    def show(number: int) -> int:
        return number

    with pytest.raises(ImproperlyConfigured, match="'id'"):
        app.build()


def test_a_request_without_credentials_reaches_nothing(client: MakeClient) -> None:
    """The dependencies of a route run before its own, and a refusal ends there."""
    app = App(Settings())
    called: list[str] = []

    @app.get("/", dependencies=[Depends(HTTPBearer())])
    async def show(request: Request, note: Annotated[None, Depends(lambda: called.append("x"))]):
        called.append("handler")

    assert client(app).get("/").status_code == 401
    assert called == []
