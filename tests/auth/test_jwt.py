"""JSON Web Tokens: what counts, what is forged, how keys change, and how refreshing ends."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from tests.auth.conftest import MakeApp
from undercroft import App, Settings
from undercroft.auth import get_current_user
from undercroft.auth.jwt import AccessTokens
from undercroft.auth.models import RefreshFamily, Token, User
from undercroft.auth.token_routes import token_router
from undercroft.db.watching import max_queries
from undercroft.errors import ImproperlyConfigured
from undercroft.security import Security
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]
SECRET = "k" * 40
FORM = {"username": "ada", "password": "secret"}


def to_pem(key: Any) -> str:
    """Write a private key."""
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


def to_public_pem(pem: str) -> str:
    """Write the public half of a key."""
    key: Any = serialization.load_pem_private_key(pem.encode(), None)
    public: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


RSA = to_pem(rsa.generate_private_key(65537, 2048))
ED25519 = to_pem(ed25519.Ed25519PrivateKey.generate())
P256 = to_pem(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def make_tokens(make_app: MakeApp) -> Callable[..., App]:
    """Make an application that gives tokens to Ada."""

    def make(**settings: Any) -> App:
        ways = ["session", "token", "jwt"]
        told = {"jwt_scopes": {"posts:write": "Write posts"}, "authentication": ways, **settings}
        app = make_app(**told)
        app.include(token_router, prefix="/token")

        @app.post("/write")
        async def write(
            user: Annotated[User, Security(get_current_user, scopes=["posts:write"])],
        ) -> str:
            return user.username

        if not User.objects.exists():
            User.objects.create_user("ada", password="secret")
        return app

    return make


def bearer(token: str) -> dict[str, str]:
    """Write a bearer token."""
    return {"authorization": f"Bearer {token}"}


def encode(value: Any) -> str:
    """Write a part of a token."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def decode(part: str) -> Any:
    """Read a part of a token."""
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def split(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Take a token apart, unchecked."""
    header, claims, signature = token.split(".")
    return decode(header), decode(claims), signature


def test_a_name_and_a_password_become_tokens(
    make_tokens: Callable[..., App], client: MakeClient
) -> None:
    """They name the user without a query; nobody keeps the answer."""
    visitor = client(make_tokens())
    answer = visitor.post("/token", data=FORM)
    told = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 900, "")
    headers = bearer(told["access_token"])
    with max_queries(0):
        for path in ("/me", "/me-sync", "/maybe", "/members"):
            assert visitor.get(path, headers=headers).text == "ada", path
    assert visitor.get("/writers", headers=headers).status_code == 403
    assert visitor.get("/staff", headers=headers).status_code == 401
    for wrong in ({**FORM, "password": "x"}, {**FORM, "username": "nobody"}):
        answer = visitor.post("/token", data=wrong)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


def test_tokens_of_the_table_and_signed_ones_work_together(
    make_tokens: Callable[..., App], client: MakeClient
) -> None:
    """Each way knows its own."""
    visitor = client(make_tokens())
    _, key = Token.objects.create_token(User.objects.get())
    signed = visitor.post("/token", data=FORM).json()["access_token"]
    for token in (key, signed):
        assert visitor.get("/me", headers=bearer(token)).text == "ada"
    assert visitor.get("/me").headers["www-authenticate"].count("Bearer") == 1


def test_a_token_does_what_was_asked_for(
    make_tokens: Callable[..., App], client: MakeClient
) -> None:
    """Scopes are those of the log-in, after refreshing, too; unknown ones are refused."""
    visitor = client(make_tokens())
    bare = visitor.post("/token", data=FORM).json()
    assert visitor.post("/write", headers=bearer(bare["access_token"])).status_code == 403
    told = visitor.post("/token", data={**FORM, "scope": "posts:write"}).json()
    assert visitor.post("/write", headers=bearer(told["access_token"])).text == "ada"
    again = visitor.post("/token/refresh", data={"refresh_token": told["refresh_token"]}).json()
    assert again["scope"] == "posts:write"
    assert visitor.post("/write", headers=bearer(again["access_token"])).text == "ada"
    answer = visitor.post("/token", data={**FORM, "scope": "posts:write admin"})
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_scope"})


def test_a_refresh_token_counts_once(make_tokens: Callable[..., App], client: MakeClient) -> None:
    """Shown a second time, it ends the family: of thief and owner, nobody knows which is which."""
    visitor = client(make_tokens())
    first = visitor.post("/token", data=FORM).json()["refresh_token"]
    other = visitor.post("/token", data=FORM).json()["refresh_token"]
    second = visitor.post("/token/refresh", data={"refresh_token": first}).json()["refresh_token"]
    third = visitor.post("/token/refresh", data={"refresh_token": second}).json()["refresh_token"]
    for token in (first, third):
        answer = visitor.post("/token/refresh", data={"refresh_token": token})
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})
    assert visitor.post("/token/refresh", data={"refresh_token": other}).status_code == 200
    for row in RefreshFamily.objects.values():
        assert not any(str(value) in (first, other, third) for value in row.values())


@pytest.mark.parametrize("end", ["revoked", "over", "idle", "deleted", "password"])
def test_refreshing_ends(make_tokens: Callable[..., App], client: MakeClient, end: str) -> None:
    """With the log-out, with its time, with the account, and with a new password."""
    visitor = client(make_tokens())
    token = visitor.post("/token", data=FORM).json()["refresh_token"]
    ada = User.objects.get()
    if end == "revoked":
        assert visitor.post("/token/revoke", data={"token": token}).status_code == 200
    elif end == "over":
        RefreshFamily.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    elif end == "idle":
        User.objects.update(is_active=False)
    elif end == "deleted":
        ada.delete()
    else:
        ada.set_password("another")
        ada.save()
    answer = visitor.post("/token/refresh", data={"refresh_token": token})
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("token", ["", "x", "ur_", "ur_.x", "ur_\x00.x", "ur_é.x", "a" * 100_000])
def test_odd_refresh_tokens_are_refused(
    make_tokens: Callable[..., App], client: MakeClient, token: str
) -> None:
    """Neither refreshing nor revoking stumbles."""
    visitor = client(make_tokens())
    answer = visitor.post("/token/refresh", data={"refresh_token": token})
    assert answer.status_code in (400, 422)
    assert visitor.post("/token/revoke", data={"token": token}).status_code in (200, 422)


def test_a_user_is_looked_up_where_that_is_wanted(
    make_tokens: Callable[..., App], client: MakeClient
) -> None:
    """A deleted or idle user's token ends at once, not with its time."""
    visitor = client(make_tokens(jwt_check_user=True))
    headers = bearer(visitor.post("/token", data=FORM).json()["access_token"])
    assert visitor.get("/me", headers=headers).text == "ada"
    User.objects.update(is_active=False)
    assert visitor.get("/me", headers=headers).status_code == 401
    User.objects.all().delete()
    assert visitor.get("/me", headers=headers).status_code == 401


def test_what_a_deleted_user_may_do_is_nothing(
    make_tokens: Callable[..., App], client: MakeClient
) -> None:
    """Rights are the row's; a token of a user who is gone has none."""
    visitor = client(make_tokens())
    ada = User.objects.get()
    User.objects.update(is_superuser=True)
    headers = bearer(visitor.post("/token", data=FORM).json()["access_token"])
    assert visitor.get("/writers", headers=headers).text == "ada"
    ada.delete()
    assert visitor.get("/writers", headers=headers).status_code == 401


def build(**settings: Any) -> AccessTokens:
    """Build what writes and reads tokens."""
    told: dict[str, Any] = {"secret_key": SECRET, **settings}
    return AccessTokens(Settings(**told))


class Person:
    """Somebody with a key and a name."""

    pk = 7

    def get_username(self) -> str:
        return "ada"


def forge(key: Any, token: str, **changes: Any) -> str:
    """Sign a token's claims anew, with changes of header (`h_alg`) and claims."""
    header, claims, _ = split(token)
    header |= {name[2:]: value for name, value in changes.items() if name.startswith("h_")}
    claims |= {name: value for name, value in changes.items() if not name.startswith("h_")}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(header, claims, key, [header["alg"]])


@pytest.mark.parametrize(
    "pem, algorithm", [(None, "HS256"), (RSA, "RS256"), (ED25519, "Ed25519"), (P256, "ES256")]
)
def test_each_key_has_its_algorithm(pem: str | None, algorithm: str) -> None:
    """The public half is told to those who check tokens, a shared key to nobody."""
    tokens = build(jwt_keys=[pem] if pem else [])
    token = tokens.write(Person(), "a b")
    header, _, _ = split(token)
    found = tokens.read(token)
    assert found is not None
    assert found.claims["sub"] == "7"
    assert found.scopes == {"a", "b"}
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")
    described = tokens.describe_keys()["keys"]
    assert [each["kid"] for each in described] == ([header["kid"]] if pem else [])
    for each in described:
        assert each["alg"] == algorithm
        assert not {"d", "p", "q", "k"} & each.keys()


@pytest.mark.parametrize("pem", [None, RSA, ED25519, P256])
def test_nothing_unsigned_and_no_public_key_signs(pem: str | None) -> None:
    """Neither `none`, nor a public key used as a shared one, nor another key under its name."""
    tokens = build(jwt_keys=[pem] if pem else [])
    good = tokens.write(Person())
    header, claims, signature = split(good)
    body = encode({**claims, "sub": "1"})
    forged = [f"{encode({**header, 'alg': name})}.{body}." for name in ("none", "None", "NONE")]
    forged.append(f"{encode({**header, 'alg': 'none'})}.{body}.{signature}")
    secrets = [b"", b"k", SECRET.encode(), *([to_public_pem(pem).encode()] if pem else [])]
    for secret in secrets:
        start = f"{encode({**header, 'alg': 'HS256'})}.{body}"
        forged.append(f"{start}.{encode(hmac.digest(secret, start.encode(), 'sha256'))}")
    other = build(secret_key="o" * 40).write(Person())
    forged.append(forge(OctKey.import_key(b"x" * 32), other, h_kid=header["kid"]))
    forged.append(forge(OKPKey.generate_key("Ed25519"), good, h_alg="Ed25519"))
    # A key that comes with the token proves nothing.
    own = OKPKey.generate_key("Ed25519")
    jwk = own.as_dict(private=False)
    forged.append(forge(own, good, h_alg="Ed25519", h_jwk=jwk, h_kid="x"))
    assert [tokens.read(each) for each in forged] == [None] * len(forged)
    assert tokens.read(good) is not None


@pytest.mark.parametrize("pem", [None, ED25519])
def test_a_changed_token_is_none(pem: str | None) -> None:
    """Whatever part of it was touched, or is none."""
    tokens = build(jwt_keys=[pem] if pem else [])
    good = tokens.write(Person())
    header, claims, signature = good.split(".")
    changed = encode({**decode(claims), "sub": "1"})
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    odd = ["", ".", "..", "...", "a.b.c", "é.é.é", good + ".x", good + "." + good, "x" * 100_000]
    odd += [f"{header}.{changed}.{signature}", f"{header}.{claims}.{flipped}"]
    odd += [f"{header}.{claims}.", f"{header}.{claims}", f"{encode([])}.{claims}.{signature}"]
    odd += [f"{encode({'alg': 'HS256'})}.{claims}.{signature}"]
    odd += [f"{encode({**decode(header), 'kid': ['x']})}.{claims}.{signature}"]
    odd += [f"{encode({**decode(header), 'crit': ['x'], 'x': 1})}.{claims}.{signature}"]
    assert [tokens.read(each) for each in odd] == [None] * len(odd)


NOW = int(datetime.now(UTC).timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": "9999999999"},
        {"nbf": NOW + 600},
        {"iat": NOW + 600},
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"sub": None},
        {"sub": 7},
        {"scope": ["a"]},
        {"h_typ": "JWT"},
        {"h_typ": "rt+jwt"},
    ],
)
def test_claims_are_held_against_what_is_expected(changes: dict[str, Any]) -> None:
    """Rightly signed, and still not for us, not now, or not for access."""
    tokens = build(jwt_keys=[ED25519], jwt_issuer="https://we.example", jwt_audience="api")
    good = tokens.write(Person())
    key = OKPKey.import_key(ED25519)
    assert tokens.read(forge(key, good)) is not None
    assert tokens.read(forge(key, good, **changes)) is None


def test_a_token_for_others_is_not_for_those_without_a_name() -> None:
    """Who expects no audience is not the one that is named."""
    key = OKPKey.import_key(ED25519)
    tokens = build(jwt_keys=[ED25519])
    assert tokens.read(forge(key, tokens.write(Person()), aud="other")) is None


def test_clocks_may_differ_as_far_as_is_told() -> None:
    """By the leeway, and no more."""
    tokens = build(jwt_keys=[ED25519], jwt_leeway=60)
    key = OKPKey.import_key(ED25519)
    now = int(datetime.now(UTC).timestamp())
    good = tokens.write(Person())
    assert tokens.read(forge(key, good, exp=now - 30)) is not None
    assert tokens.read(forge(key, good, exp=now - 90)) is None


def test_keys_are_changed_without_anybody_noticing() -> None:
    """The first signs, older ones still count, with their public half alone, too."""
    old = build(jwt_keys=[RSA]).write(Person())
    tokens = build(jwt_keys=[ED25519, to_public_pem(RSA)])
    assert tokens.read(old) is not None
    assert split(tokens.write(Person()))[0]["alg"] == "Ed25519"
    assert len(tokens.describe_keys()["keys"]) == 2
    assert build(jwt_keys=[ED25519]).read(old) is None
    shared = build().write(Person())
    after = {"secret_key": "n" * 40, "secret_key_fallbacks": [SECRET]}
    assert build(**after).read(shared) is not None
    assert build(secret_key="n" * 40).read(shared) is None
    assert build(**after, jwt_keys=[ED25519]).read(shared) is None


@pytest.mark.parametrize(
    "keys",
    [
        ["no key"],
        [to_public_pem(ED25519)],
        [to_pem(rsa.generate_private_key(65537, 1024))],
        [to_pem(ec.generate_private_key(ec.SECP256K1()))],
    ],
)
def test_keys_that_cannot_sign_are_refused_at_start(keys: list[str]) -> None:
    """No key, a public one in the first place, a short one, another curve; none is shown."""
    with pytest.raises(ImproperlyConfigured) as caught:
        build(jwt_keys=keys)
    assert caught.value.code == "auth.jwt-key"
    assert keys[0] not in str(caught.value)
