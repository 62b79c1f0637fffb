"""Content-Security-Policy: strict unless told otherwise, with a nonce where a page asks for one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from undercroft import App, HTMLResponse, Request, Response, Settings, View, render
from undercroft.errors import ImproperlyConfigured
from undercroft.security.csp import CSP, csp_override, csp_report_only_override
from undercroft.shortcuts import stream_template
from undercroft.testing.client import Client

Clients = Callable[[App], Client]

HEADER = "content-security-policy"
STRICT = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


def page() -> HTMLResponse:
    """Answer with a page."""
    return HTMLResponse("<p>")


def get_policy(client: Clients, handler: Callable[..., Any] = page, **settings: Any) -> str | None:
    """Get the policy that a handler's page is sent with."""
    app = App(Settings(**settings))
    app.get("/")(handler)
    policy: str | None = client(app).get("/").headers.get(HEADER)
    return policy


def test_a_page_has_the_strict_policy(client: Clients) -> None:
    """Nothing but files of our own, in no frame; what is no page has none."""
    assert get_policy(client) == STRICT
    assert get_policy(client, lambda: {"a": 1}) is None
    assert get_policy(client, secure_csp=None) is None


def test_a_policy_of_the_answer_s_own_stands(client: Clients) -> None:
    """It is not sent twice, which would mean both."""
    own = {HEADER: "default-src 'none'"}
    assert get_policy(client, lambda: HTMLResponse("<p>", headers=own)) == "default-src 'none'"


def test_the_nonce_is_made_where_it_is_asked_for(client: Clients, tmp_path: Path) -> None:
    """Each page has its own, the same throughout, in both directives, and no cache shares it."""
    (tmp_path / "page.html").write_text(
        '<script nonce="{{ csp_nonce }}"></script><style nonce="{{ request.csp_nonce }}"></style>'
    )
    app = App(Settings(templates=[tmp_path]))

    @app.get("/")
    def show(request: Request) -> Markup:
        return render(request, "page.html")

    spoken = client(app)
    seen: set[str] = set()
    for _ in range(3):
        answer = spoken.get("/")
        _, nonce, _, same, _ = answer.text.split('"')
        assert nonce == same
        assert len(nonce) >= 22
        assert (
            f"script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}';"
            in (answer.headers[HEADER])
        )
        assert answer.headers["cache-control"] == "private"
        seen.add(nonce)
    assert len(seen) == 3


def test_a_streamed_page_must_ask_for_the_nonce_before(client: Clients, tmp_path: Path) -> None:
    """Its policy has been sent by then, so that the script would be stopped: an error says so."""
    (tmp_path / "page.html").write_text('<script nonce="{{ csp_nonce }}"></script>')
    app = App(Settings(templates=[tmp_path]))

    @app.get("/late")
    def late(request: Request) -> Response:
        return stream_template(request, "page.html")

    @app.get("/early")
    def early(request: Request) -> Response:
        _ = request.csp_nonce
        return stream_template(request, "page.html")

    spoken = client(app)
    with pytest.raises(Exception, match="policy is sent without one"):
        spoken.get("/late")
    answer = spoken.get("/early")
    assert f"'nonce-{answer.text.split(chr(34))[1]}'" in answer.headers[HEADER]


def test_frames_are_as_x_frame_options_says(client: Clients) -> None:
    """Browsers read the policy first, so that both must say the same."""
    own = {"x-frame-options": "SAMEORIGIN"}
    assert "frame-ancestors 'self'" in str(
        get_policy(client, lambda: HTMLResponse("<p>", headers=own))
    )
    assert "frame-ancestors 'self'" in str(get_policy(client, x_frame_options="SAMEORIGIN"))
    assert "frame-ancestors" not in str(get_policy(client, x_frame_options=None))
    told = {"default-src": [CSP.SELF], "frame-ancestors": ["https://a.example"]}
    policy = get_policy(client, secure_csp=told)
    assert policy == "default-src 'self'; frame-ancestors https://a.example"


class Gallery(View):
    """A view one method of which has a policy of its own."""

    @csp_override({"img-src": ["https://images.example"], "upgrade-insecure-requests": []})
    def get(self) -> HTMLResponse:
        """Answer."""
        return page()


def test_handlers_may_have_policies_of_their_own(client: Clients) -> None:
    """By decorators on a function or a view's method; an empty one sends none."""
    app = App(Settings(secure_csp_report_only={"default-src": "'none'"}))
    only = csp_report_only_override({"script-src": [CSP.NONCE]})
    app.get("/none")(csp_override({})(lambda: HTMLResponse("<p>")))
    app.get("/reported")(only(lambda: HTMLResponse("<p>")))
    app.get("/usual")(page)
    app.add_route("/view", Gallery.as_view())
    spoken = client(app)
    reported = f"{HEADER}-report-only"
    assert HEADER not in spoken.get("/none").headers
    assert spoken.get("/usual").headers[reported] == "default-src 'none'"
    assert spoken.get("/reported").headers[reported] == "script-src 'none'"
    assert spoken.get("/reported").headers[HEADER] == STRICT
    assert spoken.get("/view").headers[HEADER] == (
        "img-src https://images.example; upgrade-insecure-requests; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    "policy",
    [
        {"img-src": ["a; script-src *"]},
        {"img-src": ["a, default-src *"]},
        {"img-src": "a\r\nSet-Cookie: x"},
        {"img-src": ["é"]},
        {"img src": []},
        {"": ["a"]},
    ],
)
def test_what_breaks_out_of_a_policy_is_refused_at_start(policy: dict[str, Any]) -> None:
    """A source that is made of a setting cannot add directives or headers."""
    with pytest.raises(ImproperlyConfigured, match="no directive"):
        csp_override(policy)
    with pytest.raises(ImproperlyConfigured, match="no directive"):
        App(Settings(secure_csp=policy)).build()


def test_an_uploaded_picture_runs_nothing(client: Clients) -> None:
    """SVG opened by its own address is a document, and may hold scripts."""

    def picture() -> Response:
        return Response("<svg/>", media_type="image/svg+xml")

    assert str(get_policy(client, picture)).endswith("sandbox")
    assert get_policy(client, picture, secure_csp=None) is None
