"""Swagger UI and ReDoc: served from the package, under a strict policy, and they work."""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Annotated
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from playwright.sync_api import Browser

from undercroft import App, Depends, OpenAPIOptions, Settings
from undercroft.openapi import pages
from undercroft.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


def build_app() -> App:
    app = App(Settings(), openapi=OpenAPIOptions(title="Shop </script><b>"))

    @app.get("/items/{id}")
    def show_item(id: int) -> dict[str, int]:
        """Show an item."""
        return {"id": id}

    @app.post("/token")
    def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
        """Exchange a password."""
        return {"access_token": f"of-{form.username}", "token_type": "bearer"}

    @app.get("/me")
    def show_me(token: Annotated[str, Depends(OAuth2PasswordBearer("token"))]) -> str:
        """Show the caller."""
        return f"You hold {token}"

    return app


@pytest.mark.parametrize("address", ["/docs", "/redoc"])
def test_a_page_allows_only_its_own_scripts(client: MakeClient, address: str) -> None:
    """Each page has a nonce of its own, and nothing comes from another host."""
    speaker = client(build_app())
    first, second = speaker.get(address), speaker.get(address)
    nonces = [
        re.findall(r"script-src 'self' 'nonce-([\w-]+)'", page.headers["content-security-policy"])
        for page in (first, second)
    ]
    assert nonces[0] != nonces[1]
    assert f'nonce="{nonces[0][0]}">' in first.text
    assert re.findall(r"<script(?![^>]*(?:nonce|src)=)", first.text) == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//', first.text) == []
    assert "</script><b>" not in first.text


def test_files_are_cached_for_ever(client: MakeClient) -> None:
    """A file's address carries the package's version, so it never changes."""
    speaker = client(build_app())
    (address,) = re.findall(r'src="(/docs/[^"]+\.js)"', speaker.get("/docs").text)
    answer = speaker.get(address)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert speaker.get(address.rsplit("/", 1)[0] + "/scalar.js").status_code == 404


def test_pages_know_their_mount(client: MakeClient) -> None:
    """Below a mount, the page finds document and files there."""
    page = client(build_app(), root_path="/api").get("/docs")
    assert '"/api/openapi.json"' in page.text
    assert 'src="/api/docs/' in page.text


def test_nothing_is_served_that_is_switched_off(client: MakeClient) -> None:
    """None for an address serves nothing there."""
    options = OpenAPIOptions(docs_url=None, redoc_url=None)
    speaker = client(App(Settings(), openapi=options))
    assert speaker.get("/openapi.json").status_code == 200
    assert speaker.get("/docs").status_code == 404
    speaker = client(App(Settings(), openapi=OpenAPIOptions(url=None)))
    assert speaker.get("/openapi.json").status_code == 404
    assert speaker.get("/docs").status_code == 404


def test_a_missing_package_is_explained(
    client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the package the page says what to install."""
    # The package is a dependency, so its absence cannot be had otherwise.
    monkeypatch.setattr(pages, "find_package", lambda: None)
    answer = client(build_app()).get("/docs")
    assert answer.status_code == 503
    assert "pip install offapi" in answer.json()["hint"]


def test_the_package_is_never_imported() -> None:
    """Importing it would read nine megabytes; its folder is found without."""
    code = (
        "import sys; from undercroft import App, Settings; app = App(Settings()); app.build();"
        " sys.exit('offapi' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class Quiet(WSGIRequestHandler):
    """A request handler that does not write to the test's output."""

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    """The application behind a socket, without any network."""
    with make_server("127.0.0.1", 0, build_app().wsgi, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def note(complaints: list[str], kind: str, text: str) -> None:
    """Keep what a browser's console complains of.

    Banners are no complaint, and ReDoc's wish for a logo from its maker's host is refused.
    """
    if kind in {"error", "warning"} and "cdn.redoc.ly" not in text:
        complaints.append(text)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    "page,sign", [("/docs", "#operations-default-show_item"), ("/redoc", "text=Shop")]
)
def test_a_browser_shows_the_api(address: str, chromium: Browser, page: str, sign: str) -> None:
    """The operation appears, and the policy forbids nothing the page needs."""
    tab = chromium.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: note(complaints, message.type, message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(address + page)
    tab.wait_for_selector(sign, timeout=15_000)
    tab.get_by_text("Show an item").first.wait_for(timeout=15_000)
    tab.close()
    assert complaints == [], "\n".join(complaints)


@pytest.mark.browser
@pytest.mark.slow
def test_swagger_ui_logs_in(address: str, chromium: Browser) -> None:
    """The Authorize button gets a token for a name and a password, and calls carry it."""
    tab = chromium.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: note(complaints, message.type, message.text))
    tab.goto(f"{address}/docs")
    tab.get_by_role("button", name="Authorize").first.click(timeout=15_000)
    tab.locator("#oauth_username").fill("ada")
    tab.locator("#oauth_password").fill("pw")
    tab.get_by_role("button", name="Apply given OAuth2 credentials").click()
    tab.get_by_role("button", name="Close").last.click(timeout=15_000)
    operation = tab.locator("#operations-default-show_me")
    operation.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    operation.get_by_text("You hold of-ada").first.wait_for(timeout=15_000)
    tab.close()
    assert complaints == [], "\n".join(complaints)
