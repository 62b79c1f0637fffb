"""Security headers: on every answer once, the page's own on pages."""

from collections.abc import Callable
from typing import Any

import pytest

from undercroft import App, HTMLResponse, Settings
from undercroft.http.responses import Response
from undercroft.testing.client import Client


@pytest.mark.parametrize("media_type", ["text/html", "Text/HTML", "TEXT/HTML; charset=utf-8"])
def test_pages_are_recognised_in_any_case(client: Callable[[App], Client], media_type: str) -> None:
    """A media type is case-insensitive (RFC 9110, section 8.3.1), and so is its protection."""
    app = App()
    app.get("/")(lambda: Response("<p>", media_type=media_type))
    answer = client(app).get("/")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_what_a_handler_sets_is_not_sent_twice(client: Callable[[App], Client]) -> None:
    """A handler's own value stands, alone."""
    own = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Content-Type": "text/html",
    }
    app = App()
    app.get("/")(lambda: Response("<p>", headers=own))
    answer = client(app).get("/")
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("x-frame-options") == ["SAMEORIGIN"]


def get_headers(client: Callable[..., Client], scheme: str = "http", **settings: Any) -> Any:
    """Get the headers of a page."""
    app = App(Settings(**settings))
    app.get("/")(lambda: HTMLResponse("<p>"))
    return client(app, base_url=f"{scheme}://localhost").get("/").headers


def test_https_is_kept_to_where_it_is_spoken(client: Callable[..., Client]) -> None:
    """Strict-Transport-Security means nothing by http, and too much for a developer's machine."""
    name = "strict-transport-security"
    assert name not in get_headers(client)
    assert get_headers(client, "https")[name] == "max-age=3600"
    assert name not in get_headers(client, "https", debug=True)
    assert name not in get_headers(client, "https", secure_hsts_seconds=0)
    told = {"secure_hsts_include_subdomains": True, "secure_hsts_preload": True}
    headers = get_headers(client, "https", secure_hsts_seconds=31536000, **told)
    assert headers[name] == "max-age=31536000; includeSubDomains; preload"


def test_each_header_can_be_turned_off(client: Callable[..., Client]) -> None:
    """By its setting, and none of them by another's."""
    off = {
        "secure_referrer_policy": (None, "referrer-policy"),
        "secure_cross_origin_opener_policy": (None, "cross-origin-opener-policy"),
        "x_frame_options": (None, "x-frame-options"),
        "secure_content_type_nosniff": (False, "x-content-type-options"),
        "secure_csp": (None, "content-security-policy"),
    }
    names = {name for _, name in off.values()}
    assert names <= set(get_headers(client))
    for setting, (value, name) in off.items():
        assert names - set(get_headers(client, **{setting: value})) == {name}


def test_plain_http_is_redirected_where_the_setting_says_so(client: Callable[..., Client]) -> None:
    """To a host that was checked; the paths that are exempt answer."""
    app = App(Settings(secure_ssl_redirect=True, secure_redirect_exempt=["/health"]))
    app.get("/health")(lambda: "well")
    app.get("/a")(lambda: "page")
    spoken = client(app)
    assert spoken.get("/a?b=c").headers["location"] == "https://localhost/a?b=c"
    assert spoken.get("/health").text == "well"
    assert spoken.get("/a", headers={"host": "evil.example"}).status_code == 400
    assert spoken.get("https://localhost/a").text == "page"
