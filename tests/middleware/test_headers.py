"""Security headers: on every answer once, the page's own on pages."""

from collections.abc import Callable

import pytest

from undercroft import App
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
