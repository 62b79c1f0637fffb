"""Forged requests: what a stranger's page makes a browser send is refused; our own pages pass."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated

import pytest
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from undercroft import App, Form, Request, Router, Settings, UploadFile, View, render
from undercroft.errors import ImproperlyConfigured
from undercroft.http.responses import StreamingResponse
from undercroft.security.csrf import (
    csrf_exempt,
    csrf_protect,
    ensure_csrf_cookie,
    get_token,
    rotate_csrf_token,
)
from undercroft.security.csrf_tokens import is_match, make_secret, mask
from undercroft.shortcuts import stream_template
from undercroft.testing.client import Client

Clients = Callable[..., Client]

KEY = "k" * 40
OWN = {"sec-fetch-site": "same-origin"}
FOREIGN = [
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "same-site", "origin": "http://localhost:8001"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site", "origin": "null"},
    {"sec-fetch-site": "a-word-to-come"},
    {"origin": "https://evil.example"},
    {"origin": "http://localhost.evil.example"},
    {"origin": "http://localhost:8001"},
    {"origin": "http://localhost@evil.example"},
    {"origin": "null"},
]


class Strict(BaseModel):
    """A form that allows no other fields."""

    model_config = ConfigDict(extra="forbid")
    title: str


def build_app(**settings: object) -> App:
    """Build an application with a session and one handler of each kind that reads a body."""
    app = App(Settings(secret_key=KEY, **settings))  # type: ignore[arg-type]  # what each test names

    @app.get("/token")
    def token(request: Request) -> str:
        request.session["user"] = "ada"
        return get_token(request)

    @app.post("/json")
    async def take_json(request: Request) -> dict[str, object]:
        return {"got": await request.json() if await request.body() else None}

    @app.post("/form")
    async def take_form(title: Annotated[str, Form()]) -> str:
        return title

    @app.post("/strict")
    async def take_model(form: Annotated[Strict, Form()]) -> str:
        return form.title

    @app.post("/upload")
    async def take_file(file: UploadFile) -> str:
        return (await file.read()).decode()

    @app.post("/stream")
    async def take_stream(body: AsyncIterator[bytes]) -> str:
        return str(sum([len(piece) async for piece in body]))

    @app.post("/parts")
    async def take_parts(request: Request) -> str:
        return ",".join([part.name async for part in request.multipart()])

    @app.post("/log-in")
    def log_in(request: Request) -> str:
        rotate_csrf_token(request)
        return get_token(request)

    @app.get("/")
    def safe() -> str:
        return "read"

    return app


@pytest.fixture
def visitor(client: Clients) -> Client:
    """A browser that has a session and the cookie, and sends nothing else by itself."""
    spoken = client(build_app(), enforce_csrf_checks=True)
    spoken.get("/token")
    return spoken


# ------------------------------------------------------------------------------------ where from


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", ["/json", "/form"])
def test_a_stranger_s_page_cannot_use_a_session(
    visitor: Client, headers: dict[str, str], path: str
) -> None:
    """Not even with a token that is right: the request's origin is asked first."""
    headers = {**headers, "X-CSRFToken": visitor.get("/token").text}
    answer = visitor.post(path, data={"title": "forged"}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "csrf"


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "text/plain",
        "Text/Plain; charset=utf-8",
        "text/plain; application/json",
        "text/ping",
        None,
    ],
)
def test_what_any_page_may_send_is_refused_without_cookies_too(
    client: Clients, headers: dict[str, str], kind: str | None
) -> None:
    """JSON sent as text, and a log-in with the attacker's own name, need no cookie."""
    declared = {} if kind is None else {"content-type": kind}
    spoken = client(build_app(), enforce_csrf_checks=True)
    answer = spoken.post("/json", content=b'{"a": 1}', headers={**headers, **declared})
    assert answer.status_code == 403


def test_any_cookie_makes_the_origin_count(client: Clients) -> None:
    """A cookie of one's own may be what authenticates: JSON of strangers is refused with it."""
    spoken = client(build_app(), enforce_csrf_checks=True, cookies={"own": "x"})
    assert spoken.post("/json", json={}, headers=FOREIGN[0]).status_code == 403
    assert spoken.post("/json", json={}, headers=OWN).json() == {"got": {}}


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_an_api_without_cookies_is_open_to_all_pages(
    client: Clients, headers: dict[str, str]
) -> None:
    """JSON is sent only by who may (CORS), and no browser adds a header that authenticates."""
    headers = {**headers, "authorization": "Bearer t"}
    spoken = client(build_app(), enforce_csrf_checks=True)
    assert spoken.post("/json", json={"a": 1}, headers=headers).json() == {"got": {"a": 1}}


@pytest.mark.parametrize(
    "headers",
    [
        OWN,
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"origin": "http://localhost"},
        {"origin": "http://localhost:80"},
        {},
    ],
    ids=str,
)
def test_our_own_pages_pass(visitor: Client, headers: dict[str, str]) -> None:
    """With the browser's word in either form, or from what is no browser, and a token."""
    token = visitor.get("/token").text
    answer = visitor.post("/json", json={"a": 1}, headers={**headers, "X-CSRFToken": token})
    assert answer.json() == {"got": {"a": 1}}


def test_a_referer_counts_by_https_where_nothing_else_is_said(client: Clients) -> None:
    """Of a stranger it is refused; one of ours passes, and so does its absence."""
    spoken = client(build_app(), enforce_csrf_checks=True, base_url="https://localhost")
    headers = {"X-CSRFToken": spoken.get("/token").text}

    def post(referer: str) -> int:
        return spoken.post("/json", json={}, headers={**headers, "referer": referer}).status_code

    assert post("https://evil.example/a?https://localhost/") == 403
    assert post("http://localhost/a") == 403
    assert post("https://[") == 403
    assert post("https://localhost/a?b=c") == 200
    assert spoken.post("/json", json={}, headers=headers).status_code == 200


def test_the_origin_is_ours_by_the_word_of_a_trusted_proxy(client: Clients) -> None:
    """Scheme, host and port are those the browser asked for, not those between proxy and us."""
    app = build_app(allowed_hosts=["shop.example"], trusted_proxies=["127.0.0.1"])
    spoken = client(app, enforce_csrf_checks=True, base_url="http://shop.example:8000")
    seen = {"x-forwarded-proto": "https", "x-forwarded-host": "shop.example"}
    kind = {"content-type": "text/plain"}

    def post(origin: str) -> int:
        headers = {**seen, **kind, "origin": origin}
        return spoken.post("/json", content=b"{}", headers=headers).status_code

    assert post("https://shop.example") == 200
    assert post("http://shop.example") == 403
    assert post("https://shop.example:8000") == 403


def test_trusted_origins_may_send_forms(client: Clients) -> None:
    """By their exact name, or all below one; what only looks like them is refused."""
    trusted = ["https://app.example.org", "https://*.shop.example", "http://*.dev.example:8000"]
    spoken = client(build_app(csrf_trusted_origins=trusted), enforce_csrf_checks=True)

    def post(origin: str) -> int:
        headers = {"sec-fetch-site": "cross-site", "origin": origin}
        return spoken.post("/form", data={"title": "t"}, headers=headers).status_code

    for origin in (
        "https://app.example.org",
        "https://a.shop.example",
        "http://b.dev.example:8000",
    ):
        assert post(origin) == 200
    for origin in (
        "http://app.example.org",
        "https://app.example.org:444",
        "https://app.example.org.evil.example",
        "https://shop.example",
        "https://evilshop.example",
        "https://evil.example/.shop.example",
        "https://a.shop.example:444",
        "http://b.dev.example",
    ):
        assert post(origin) == 403


@pytest.mark.parametrize("origin", ["app.example.org", "*", "https://", "https://*.", "ftp://a.b"])
def test_what_is_no_origin_is_refused_at_start(origin: str) -> None:
    """A mistake in the list shows before it lets somebody in, or keeps somebody out."""
    with pytest.raises(ImproperlyConfigured, match="csrf_trusted_origins holds"):
        build_app(csrf_trusted_origins=[origin]).build()


# ------------------------------------------------------------------------------------ the token


def test_a_session_needs_a_token(visitor: Client) -> None:
    """Without one, with a stranger's or with a broken one the request is refused."""
    for headers in (
        {},
        {"X-CSRFToken": ""},
        {"X-CSRFToken": mask(make_secret())},
        {"X-CSRFToken": make_secret()},
        {"X-CSRFToken": "é" * 64},
        {"X-CSRFToken": "A" * 20_000},
    ):
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = visitor.post("/json", json={}, headers={**OWN, **raw})  # type: ignore[dict-item]  # bytes, as httpx takes them
        assert answer.status_code == 403, headers


def test_a_session_s_token_needs_the_cookie(visitor: Client) -> None:
    """Who brings a token of their own choice must have its secret in the cookie, well-formed."""
    token = visitor.get("/token").text
    del visitor.cookies["csrftoken"]
    assert visitor.post("/json", json={}, headers={"X-CSRFToken": token}).status_code == 403
    visitor.cookies["csrftoken"] = "short"
    assert visitor.post("/json", json={}, headers={"X-CSRFToken": "short"}).status_code == 403


def test_each_token_is_another_mask(visitor: Client) -> None:
    """A compressed page tells nothing of the secret (BREACH), and every mask counts."""
    tokens = {visitor.get("/token").text for _ in range(5)}
    assert len(tokens) == 5
    assert visitor.cookies["csrftoken"] not in "".join(tokens)
    for token in tokens:
        assert visitor.post("/json", json={}, headers={"X-CSRFToken": token}).status_code == 200


def test_a_script_may_send_what_it_reads_in_the_cookie(visitor: Client) -> None:
    """The secret itself counts as well."""
    headers = {"X-CSRFToken": visitor.cookies["csrftoken"]}
    assert visitor.post("/json", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/form", "/strict"])
@pytest.mark.parametrize("files", [None, {"f": b"x"}], ids=["urlencoded", "multipart"])
def test_a_form_carries_its_token(
    visitor: Client, path: str, files: dict[str, bytes] | None
) -> None:
    """In its hidden field, whichever way it is encoded; the handler finds the rest of it."""
    if files is not None and path == "/strict":
        files = {"title": b"t"}
    data = {"title": "t", "csrfmiddlewaretoken": visitor.get("/token").text}
    if path == "/strict":
        files = None
    assert visitor.post(path, data=data, files=files).text == "t"
    data["csrfmiddlewaretoken"] = mask(make_secret())
    assert visitor.post(path, data=data, files=files).status_code == 403
    assert visitor.post(path, data={"title": "t"}, files=files).status_code == 403


def test_a_file_is_there_after_the_check(visitor: Client) -> None:
    """What the check has read of an upload is kept for the handler."""
    data = {"csrfmiddlewaretoken": visitor.get("/token").text}
    assert visitor.post("/upload", data=data, files={"file": b"whole"}).text == "whole"


@pytest.mark.parametrize("path", ["/stream", "/parts"])
def test_a_streamed_body_is_left_alone(visitor: Client, path: str) -> None:
    """There only the header counts; a token in the form is refused, and is no failure of ours."""
    token = visitor.get("/token").text
    files, data = {"f": b"x"}, {"csrfmiddlewaretoken": token}
    headers = {"X-CSRFToken": token}
    assert visitor.post(path, data=data, files=files, headers=headers).status_code == 200
    assert visitor.post(path, data=data, files=files).status_code == 403


def test_who_has_no_session_needs_no_token(client: Clients) -> None:
    """A log-in form is covered by its origin."""
    spoken = client(build_app(), enforce_csrf_checks=True)
    assert spoken.post("/form", data={"title": "t"}, headers=OWN).text == "t"


def test_a_log_in_gives_a_new_secret(visitor: Client) -> None:
    """Who knew the one before knows nothing now."""
    before = visitor.get("/token").text
    after = visitor.post("/log-in", headers={"X-CSRFToken": before}).text
    assert visitor.post("/json", json={}, headers={"X-CSRFToken": before}).status_code == 403
    assert visitor.post("/json", json={}, headers={"X-CSRFToken": after}).status_code == 200


def test_the_prefixed_session_cookie_counts_too(client: Clients) -> None:
    """By HTTPS both cookies are bound to the host, and the check is the same."""
    spoken = client(build_app(), enforce_csrf_checks=True, base_url="https://localhost")
    token = spoken.get("/token").text
    assert {"__Host-sessionid", "__Host-csrftoken"} == set(spoken.cookies)
    assert spoken.post("/json", json={}).status_code == 403
    assert spoken.post("/json", json={}, headers={"X-CSRFToken": token}).status_code == 200


def test_a_cookie_that_another_host_may_set_is_no_secret(client: Clients) -> None:
    """By HTTPS a plain `csrftoken`, which a neighbouring host can plant, does not count."""
    spoken = client(build_app(), enforce_csrf_checks=True, base_url="https://localhost")
    spoken.get("/token")
    secret = make_secret()
    del spoken.cookies["__Host-csrftoken"]
    spoken.cookies["csrftoken"] = secret
    assert spoken.post("/json", json={}, headers={"X-CSRFToken": secret}).status_code == 403


def test_the_cookie_is_as_the_settings_say(client: Clients) -> None:
    """It is Lax and for scripts to read, unless told otherwise."""
    given = client(build_app()).get("/token").headers.get_list("set-cookie")
    cookie = next(each for each in given if each.startswith("csrftoken="))
    assert cookie.endswith("; Path=/; Max-Age=31449600; SameSite=Lax")
    app = build_app(
        csrf_cookie_name="own",
        csrf_cookie_httponly=True,
        csrf_cookie_samesite="strict",
        csrf_cookie_age=None,
        csrf_cookie_domain="localhost",
        csrf_cookie_secure=True,
        csrf_cookie_path="/a",
    )
    given = client(app).get("/token").headers.get_list("set-cookie")
    cookie = next(each for each in given if each.startswith("own="))
    assert cookie.endswith("; Path=/a; Domain=localhost; Secure; HttpOnly; SameSite=Strict")


def test_an_answer_with_a_token_is_nobody_else_s(client: Clients) -> None:
    """No shared cache keeps it: its cookie would be everybody's."""
    answer = client(build_app()).get("/token")
    assert "Cookie" in answer.headers["vary"]
    assert "private" in answer.headers["cache-control"]
    assert "set-cookie" not in client(build_app()).get("/").headers


# -------------------------------------------------------------------------- what routes say


@csrf_exempt
async def exempt(request: Request) -> str:
    """Take anything from anywhere."""
    return (await request.body()).decode()


@csrf_protect
async def protected() -> str:
    """Ask for a token always."""
    return "protected"


class Mixed(View):
    """A view of which one method is exempt."""

    def get(self) -> str:
        """Answer."""
        return "read"

    @csrf_exempt
    def post(self) -> str:
        """Answer."""
        return "posted"

    def put(self) -> str:
        """Answer."""
        return "put"


@csrf_exempt
class Open(View):
    """A view that is exempt as a whole."""

    def delete(self) -> str:
        """Answer."""
        return "deleted"


def test_routes_and_handlers_may_say_otherwise(client: Clients) -> None:
    """By a decorator on a function, a method or a class, or by the route's option."""
    app = build_app()
    app.post("/exempt")(exempt)
    app.post("/protected")(protected)
    app.post("/closed", csrf=True)(exempt)
    app.post("/open", csrf=False)(protected)
    app.add_route("/mixed", Mixed.as_view())
    app.add_route("/class", Open.as_view())
    app.add_route("/handler", csrf_exempt(Mixed.as_view()))
    app.route("/both", methods=["GET", "POST"])(lambda: "both")
    spoken = client(app, enforce_csrf_checks=True)
    bare = spoken.post("/protected", headers=OWN)
    token = spoken.get("/token").text

    def send(method: str, path: str) -> int:
        return spoken.request(method, path, headers=FOREIGN[0]).status_code

    assert bare.status_code == 403
    assert spoken.post("/protected", headers={**OWN, "X-CSRFToken": token}).status_code == 200
    assert {path: send("POST", path) for path in ("/exempt", "/closed", "/open", "/mixed")} == {
        "/exempt": 200,
        "/closed": 403,
        "/open": 200,
        "/mixed": 200,
    }
    assert send("PUT", "/mixed") == 403
    assert send("DELETE", "/class") == 200
    assert send("PUT", "/handler") == 200
    assert [send(method, "/both") for method in ("GET", "HEAD", "POST")] == [200, 200, 403]


def test_safe_methods_are_not_asked(visitor: Client) -> None:
    """A link from anywhere may be followed."""
    assert visitor.get("/", headers=FOREIGN[0]).status_code == 200
    assert visitor.head("/", headers=FOREIGN[0]).status_code == 200
    assert visitor.options("/json", headers=FOREIGN[0]).status_code == 204


def test_a_router_s_hooks_and_a_transaction_s_rows_stay_untouched(client: Clients) -> None:
    """The handler and what is around it closest do not run for a forged request."""
    ran: list[str] = []
    router = Router()
    router.post("/x")(lambda: ran.append("handler") or "done")
    app = build_app()
    app.include(router)
    assert client(app, enforce_csrf_checks=True).post("/x", headers=FOREIGN[0]).status_code == 403
    assert ran == []


def test_the_cookie_may_be_asked_for_by_a_decorator(client: Clients) -> None:
    """A page whose script reads the cookie has one sent with it."""

    @ensure_csrf_cookie
    def page() -> str:
        return "page"

    app = build_app()
    app.get("/page")(page)
    spoken = client(app)
    spoken.get("/page")
    assert len(spoken.cookies["csrftoken"]) == 32


# ------------------------------------------------------------------------------- what is told


def test_strangers_are_told_little_and_the_log_everything(
    visitor: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer names no rule; the log names the page, with nothing that breaks its line."""
    with caplog.at_level(logging.WARNING, "undercroft.security.csrf"):
        answer = visitor.post(
            "/json", headers={"origin": "https://evil.example\x1b[31m", "accept": "text/html"}
        )
    assert "evil" not in answer.text
    assert "trusted" not in answer.text
    assert "Reload the page" in answer.text
    [record] = caplog.records
    assert "/json refused: It was sent by a page of 'https://evil.example\\x1b[31m'" in (
        record.getMessage()
    )


def test_a_developer_is_told_the_reason(client: Clients) -> None:
    """In debug, at this machine: what is missing, how to mend it, and its own code."""
    spoken = client(build_app(debug=True), enforce_csrf_checks=True)

    def find_code(path: str = "/json", **headers: str) -> str:
        problem = spoken.post(path, headers=headers).json()
        assert problem["hint"]
        return str(problem["code"])

    assert find_code(origin="https://evil.example") == "csrf.origin"
    token = spoken.get("/token").text
    assert find_code() == "csrf.no-token"
    assert find_code("/stream") == "csrf.streamed"
    assert find_code(**{"X-CSRFToken": make_secret()}) == "csrf.wrong-token"
    del spoken.cookies["csrftoken"]
    assert find_code(**{"X-CSRFToken": token}) == "csrf.no-cookie"


# --------------------------------------------------------------------------------- templates


def build_pages(folder: Path) -> App:
    """Build an application whose pages have forms."""
    (folder / "tag.html").write_text("<form>{% csrf_token %}</form>")
    (folder / "name.html").write_text('<meta content="{{ csrf_token }}">')
    (folder / "none.html").write_text("{% if csrf_token %}no form{% endif %}")
    app = build_app(templates=[folder], strict_templates=True)

    @app.get("/pages/{name}")
    def show(request: Request, name: str) -> Markup:
        return render(request, f"{name}.html")

    @app.get("/streamed")
    def stream(request: Request) -> StreamingResponse:
        return stream_template(request, "tag.html")

    return app


def test_templates_know_the_token(client: Clients, tmp_path: Path) -> None:
    """As Django's tag, or by name; a page without a form sets no cookie."""
    spoken = client(build_pages(tmp_path))
    page = spoken.get("/pages/tag").text
    start = '<form><input type="hidden" name="csrfmiddlewaretoken" value="'
    assert page.startswith(start)
    secret = spoken.cookies["csrftoken"]
    assert is_match(page.removeprefix(start)[:64], secret)
    assert is_match(spoken.get("/pages/name").text.split('"')[1], secret)
    assert "set-cookie" not in spoken.get("/pages/none").headers
    assert spoken.get("/pages/none").text == "no form"


def test_a_streamed_page_needs_the_cookie_before(client: Clients, tmp_path: Path) -> None:
    """A token without its cookie would fail when the form comes back: that is an error at once."""
    app = build_pages(tmp_path)

    @app.get("/early")
    def early(request: Request) -> StreamingResponse:
        get_token(request)
        return stream_template(request, "tag.html")

    spoken = client(app)
    with pytest.raises(Exception, match="there is no cookie"):
        spoken.get("/streamed")
    page = spoken.get("/early").text
    assert is_match(page.split('value="')[1][:64], spoken.cookies["csrftoken"])
    assert spoken.get("/streamed").text.startswith("<form><input")


# ------------------------------------------------------------------------------- test clients


def test_the_test_client_behaves_like_a_page_of_ours(client: Clients) -> None:
    """Tests of handlers need not think of tokens, and the check runs all the same."""
    spoken = client(build_app())
    spoken.get("/token")
    assert spoken.post("/json", json={"a": 1}).json() == {"got": {"a": 1}}
    del spoken.cookies["csrftoken"]
    assert spoken.post("/form", data={"title": "t"}).text == "t"
    assert spoken.post("/json", json={}, headers=FOREIGN[0]).status_code == 403
    assert spoken.post("/json", json={}, headers={"X-CSRFToken": "wrong"}).status_code == 403


def test_a_token_is_read_in_the_same_time_whatever_it_is() -> None:
    """Malformed tokens of any kind are refused, and raise nothing."""
    secret = make_secret()
    assert is_match(secret, secret)
    assert is_match(mask(secret), secret)

    def list_wrong() -> Iterator[str]:
        yield from ("", secret[:-1], secret + "=", mask(secret)[:-1], mask(secret) + "\n")
        yield from ("é" * 64, "\x00" * 32, " " + secret, secret[::-1])

    assert [token for token in list_wrong() if is_match(token, secret)] == []
