"""Redirects to what a client has sent: ours are followed, and nothing else by any trick."""

from collections.abc import Callable

import pytest

from undercroft import App, Request, Response
from undercroft.security.redirects import safe_redirect, url_has_allowed_host_and_scheme
from undercroft.testing.client import Client

HOSTS = {"shop.example", "api.shop.example:8443"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        None,
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\n/evil.example",
        "\x00//evil.example",
        "\x08//evil.example",
        "/\x7f/evil.example",
        "/\x85/evil.example",
        "/\xa0/evil.example",
        "/\u200b/evil.example",
        "\u202e//evil.example",
        "\u2028//evil.example",
        "\ufeff//evil.example",
        "http:///evil.example",
        "http:/evil.example",
        "https:evil.example",
        "http://evil.example",
        "http://shop.example@evil.example",
        "http://ada:secret@shop.example",
        "http://shop.example:80@evil.example",
        "http://shop.example.evil.example",
        "http://evil.example#shop.example",
        "http://evil.example?shop.example",
        "http://evil.example\\@shop.example",
        "http://shop\uff0eexample",
        "http://\u0455hop.example",
        "http://shop.example:443",
        "http://shop.example:port",
        "http://api.shop.example",
        "http://[shop.example",
        "http://[::1]",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,x",
        "ftp://shop.example/a",
        "blob:http://shop.example/a",
        "view-source:http://shop.example",
    ],
)
def test_what_leads_elsewhere_is_refused(url: str | None) -> None:
    """However it is written, and whatever browsers make of it."""
    assert not url_has_allowed_host_and_scheme(url, HOSTS)


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/a/b?next=//evil.example#top",
        "a/b",
        "?page=2",
        "#top",
        "/a//b",
        "/caf\u00e9",
        "/a:b",
        "http://shop.example/a",
        "https://SHOP.example/a?b=c@d",
        "https://api.shop.example:8443",
    ],
)
def test_our_own_addresses_pass(url: str) -> None:
    """Paths, and hosts that are named."""
    assert url_has_allowed_host_and_scheme(url, HOSTS)


def test_https_may_be_required() -> None:
    """Who came safely is not sent back to plain http."""
    assert not url_has_allowed_host_and_scheme("http://shop.example", HOSTS, require_https=True)
    assert url_has_allowed_host_and_scheme("https://shop.example", HOSTS, require_https=True)


def test_a_handler_redirects_safely(client: Callable[[App], Client]) -> None:
    """Its own host and those it names are followed; else the fallback is."""
    app = App()

    @app.get("/log-in")
    def log_in(request: Request, next: str = "") -> Response:
        return safe_redirect(request, next, "/home", allowed_hosts=["shop.example"])

    spoken = client(app)

    def follow(target: str) -> str:
        answer = spoken.get("/log-in", params={"next": target})
        assert answer.status_code == 302
        return answer.headers["location"]

    assert follow("/caf\u00e9?a=b") == "/caf%C3%A9?a=b"
    assert follow("http://localhost/a") == "http://localhost/a"
    assert follow("https://shop.example/a") == "https://shop.example/a"
    for target in ("", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:x()"):
        assert follow(target) == "/home"
