import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from undercroft import App, Request, Response, Settings
from undercroft.errors import ImproperlyConfigured, NotFound
from undercroft.http.request import Address
from undercroft.middleware.cors import CORS
from undercroft.middleware.https import HTTPSRedirect
from undercroft.middleware.proxies import TrustedProxies
from undercroft.middleware.request_id import RequestId, RequestIdFilter, request_id
from undercroft.testing import Client

MakeClient = Callable[..., Client]

ORIGIN = "https://pages.example"


def correct(
    peer: str, *headers: tuple[str, str], trusted: tuple[str, ...] = ("10.0.0.0/8",)
) -> Any:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    request = Request("GET", "/", raw_headers=[(b"host", b"inner"), *raw])
    request.client = Address(peer, 1)
    TrustedProxies(["10.0.0.0/8"]).correct(request)
    client = None if request.client is None else request.client.host
    return client, request.scheme, request.host


@pytest.mark.parametrize(
    "headers, expected",
    [
        ([("x-forwarded-for", "1.2.3.4")], ("1.2.3.4", "http", "inner")),
        ([("x-forwarded-for", "6.6.6.6, 1.2.3.4")], ("1.2.3.4", "http", "inner")),
        ([("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.2")], ("1.2.3.4", "http", "inner")),
        (
            [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")],
            ("1.2.3.4", "http", "inner"),
        ),
        (
            [("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example")],
            ("10.0.0.1", "https", "a.example"),
        ),
        ([("x-forwarded-proto", "https, http")], ("10.0.0.1", "http", "inner")),
        ([("x-forwarded-host", "a"), ("x-forwarded-port", "8443")], ("10.0.0.1", "http", "a:8443")),
        (
            [("forwarded", 'for=6.6.6.6, for="[2001:db8::1]:4711";proto=https;host=a.example')],
            ("2001:db8::1", "https", "a.example"),
        ),
        ([("x_forwarded_for", "1.2.3.4")], ("10.0.0.1", "http", "inner")),
        ([("x-forwarded-for", "<script>")], ("10.0.0.1", "http", "inner")),
        ([("x-forwarded-for", "," * 5000)], ("10.0.0.1", "http", "inner")),
    ],
)
def test_a_trusted_proxy_is_believed_from_right_to_left(headers: Any, expected: Any) -> None:
    """The nearest hop that is no proxy of ours counts, whatever the client put before it."""
    assert correct("10.0.0.1", *headers) == expected


def test_others_are_not_believed() -> None:
    """From an untrusted address every claim is taken away, aliases too."""
    claims = [
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-host", "evil"),
        ("x_forwarded_proto", "https"),
    ]
    assert correct("9.9.9.9", *claims) == ("9.9.9.9", "http", "inner")


def test_what_is_no_network_is_refused_at_start() -> None:
    """The message names the setting's value."""
    with pytest.raises(ImproperlyConfigured, match="no address"):
        App(Settings(trusted_proxies=["proxy"])).build()


def build_shop(**options: Any) -> App:
    app = App(middleware=[CORS(**options)])

    @app.get("/fine")
    def fine() -> str:
        return "fine"

    @app.get("/missing")
    def missing() -> str:
        raise NotFound

    @app.get("/broken")
    def broken() -> str:
        raise ValueError("broken")

    return app


def test_pages_of_allowed_origins_read_answers_and_errors(client: MakeClient) -> None:
    """Exact origins and regular expressions are allowed, also for 404 and 500; others are not."""
    app = build_shop(
        allow_origins=[ORIGIN],
        allow_origin_regex=r"https://[a-z]+\.pages\.example",
        allow_credentials=True,
        expose_headers=["X-Total"],
    )
    speaking = client(app)
    for path in ("/fine", "/missing", "/broken"):
        for origin in (ORIGIN, "https://a.pages.example"):
            headers = speaking.get(path, headers={"origin": origin}).headers
            assert headers["access-control-allow-origin"] == origin
            assert headers["access-control-allow-credentials"] == "true"
            assert headers["access-control-expose-headers"] == "X-Total"
            assert "Origin" in headers["vary"]
        for origin in ("https://evil.example", f"{ORIGIN}.evil.example", "null"):
            headers = speaking.get(path, headers={"origin": origin}).headers
            assert "access-control-allow-origin" not in headers
    assert "Origin" in speaking.get("/fine").headers["vary"]


def test_preflights_are_answered(client: MakeClient) -> None:
    """Method, headers, origin and private network are each checked."""
    app = build_shop(allow_origins=[ORIGIN], allow_methods=["PUT"], allow_headers=["X-Key"])
    speaking = client(app)

    def ask(origin: str = ORIGIN, method: str = "PUT", names: str = "x-key", **more: str) -> int:
        headers = {
            "origin": origin,
            "access-control-request-method": method,
            "access-control-request-headers": names,
            **more,
        }
        return speaking.options("/fine", headers=headers).status_code

    assert ask() == 204
    assert ask(origin="https://evil.example") == 400
    assert ask(method="DELETE") == 400
    assert ask(names="x-other") == 400
    assert ask(**{"access-control-request-private-network": "true"}) == 400


@pytest.mark.parametrize(
    "sent",
    [
        {"origin": "https://a\x01.example"},
        {"access-control-request-method": "PUT\x01"},
        {"access-control-request-method": "PÜT"},
        {"access-control-request-headers": "x-key, x\x01"},
        {"access-control-request-headers": "x key"},
    ],
)
def test_no_request_for_permission_breaks_the_answer(
    client: MakeClient, sent: dict[str, str]
) -> None:
    """Where everything is allowed, what is no origin, method or header name still is not."""
    app = build_shop(allow_origin_regex=".*", allow_methods=["*"], allow_headers=["*"])
    asked = {"origin": ORIGIN, "access-control-request-method": "PUT", **sent}
    headers = {name.encode(): value.encode("latin-1") for name, value in asked.items()}
    answer = client(app).options("/fine", headers=headers)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers
    assert client(app).get("/fine", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "options",
    [{"allow_origins": ["*"], "allow_credentials": True}, {"allow_origins": ["https://a/x"]}],
)
def test_open_doors_are_refused_at_start(options: Any) -> None:
    """`*` with credentials, and what is no origin, is an error."""
    with pytest.raises(ImproperlyConfigured):
        CORS(**options)


def test_http_is_redirected_to_https(client: MakeClient) -> None:
    """GET by 301, others by 308, with path and query; exempt paths answer."""
    app = App(middleware=[HTTPSRedirect(exempt=["/health"])])
    app.add_route("/health", lambda: "ok")
    speaking = client(app, follow_redirects=False)
    answer = speaking.get("/a%20b?x=1")
    assert (answer.status_code, answer.headers["location"]) == (301, "https://localhost/a%20b?x=1")
    assert speaking.post("/a").status_code == 308
    assert speaking.get("/health").text == "ok"


def test_a_redirect_to_https_keeps_the_host_and_the_bytes_of_the_query() -> None:
    """A path without a slash is not read on as a host's name; a query of any bytes stays it."""
    request = Request("GET", "@evil.example/", b"q=\xc3\xa9&b=%20", [(b"host", b"shop.example")])
    answer = asyncio.run(HTTPSRedirect()(request, refuse))  # type: ignore[arg-type]  # a coroutine
    assert answer.headers["location"] == "https://shop.example/@evil.example/?q=%C3%A9&b=%20"


async def refuse(_request: Request) -> Response:
    raise AssertionError


def test_requests_have_an_id(client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    """It is made here, or taken from a trusted proxy, and is in state, log and answer."""
    caplog.handler.addFilter(RequestIdFilter())
    given = {"x-request-id": "given-by-proxy"}
    for trusted, expects in (((), False), (("127.0.0.1",), True)):
        app = App(middleware=[RequestId(trusted_proxies=trusted)])

        @app.get("/broken")
        def broken() -> str:
            raise ValueError("broken")

        @app.get("/waits")
        async def waits() -> str:
            await asyncio.sleep(0)
            return request_id.get()

        answer = client(app).get("/waits", headers=given)
        assert answer.text == answer.headers["x-request-id"]
        assert request_id.get() == ""
        caplog.clear()
        answer = client(app).get("/broken", headers=given)
        name = answer.headers["x-request-id"]
        assert answer.status_code == 500
        assert (name == "given-by-proxy") is expects
        assert name in [vars(record)["request_id"] for record in caplog.records]


def test_a_request_that_waits_has_an_id(client: MakeClient) -> None:
    """An `async def` handler, which under WSGI goes on elsewhere, is named as any other."""
    app = App(middleware=[RequestId()])

    @app.get("/")
    async def home(request: Request) -> str:
        await asyncio.sleep(0)
        return str(vars(request.state)["request_id"])

    answer = client(app).get("/")
    assert answer.text == answer.headers["x-request-id"]


def test_what_takes_too_long_is_given_up(client: MakeClient) -> None:
    """A handler is cancelled after `request_timeout`; a `def` one is no longer waited for."""
    log = list[str]()
    app = App(Settings(request_timeout=0.05))

    @app.get("/slow")
    async def slow() -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        return "slow"

    @app.get("/blocking")
    def blocking() -> Response:
        time.sleep(0.3)
        return Response("late")

    speaking = client(app)
    assert speaking.get("/slow").status_code == 504
    assert log == ["cancelled"]
    assert speaking.get("/blocking").status_code == 504


def test_the_filter_marks_other_records() -> None:
    """Outside of a request the field is a dash."""
    record = logging.LogRecord("x", logging.INFO, "", 0, "", (), None)
    assert RequestIdFilter().filter(record)
    assert vars(record)["request_id"] == "-"
