"""A person's way through the pages of accounts, in Chromium and without JavaScript."""

import os
import re
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.auth.conftest import MakeApp
from undercroft import App
from undercroft.auth.models import User
from undercroft.mail import EmailMessage

pytest_plugins = ["undercroft.testing.fixtures"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

OLD, NEW, NEWEST = "a long password", "quite another one", "and a third of them"


class Quiet(WSGIRequestHandler):
    """A request handler that does not write to the test's output."""

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def serve(app: App) -> Generator[str]:
    """Serve an application at a port of its own."""
    with make_server("127.0.0.1", 0, app.wsgi, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def site(make_app: MakeApp) -> Iterator[str]:
    """The address of a site where Ada has an account."""
    app = make_app()
    User.objects.create_user("ada", "ada@example.org", OLD)
    with serve(app) as address:
        yield address


def send(tab: Page, **values: str) -> None:
    """Fill a form in by its labels' fields, and press its button."""
    for name, value in values.items():
        tab.fill(f"[name={name}]", value)
    tab.click("form button")


def photograph(tab: Page, name: str) -> None:
    """Keep a picture for who wants to look, `UNDERCROFT_PICTURES=/tmp/x`."""
    if folder := os.environ.get("UNDERCROFT_PICTURES"):
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # it is one of them
            tab.screenshot(path=Path(folder) / f"{name}-{scheme}.png")


def test_a_person_goes_through_the_pages(  # noqa: PLR0915 - one long way
    site: str, mailoutbox: list[EmailMessage], chromium: Browser
) -> None:
    """Log-in, wrong password, reset by the mailed link, change, log-out; the policy is kept."""
    context = chromium.new_context(
        java_script_enabled=False, viewport={"width": 420, "height": 640}
    )
    tab = context.new_page()
    told: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if "favicon" not in message.location.get("url", ""):
            told.append(message.text)

    tab.on("console", note)
    tab.goto(f"{site}/members")
    assert tab.url == f"{site}/accounts/login/?next=/members"
    photograph(tab, "login")
    send(tab, username="ada", password="wrong")
    assert tab.title() == "Error: Log in"
    assert tab.get_by_role("alert").inner_text().split("\n")[-1] == "Name or password is wrong."
    assert tab.get_by_label("Name or e-mail address").input_value() == "ada"
    photograph(tab, "wrong")
    tab.click("text=Forgotten your password?")
    send(tab, email="ada@example.org")
    assert tab.inner_text("h1") == "Look at your mail"
    photograph(tab, "mailed")
    link = re.search(r"http://\S+", mailoutbox[0].body)
    assert link is not None
    tab.goto(link[0])
    photograph(tab, "reset")
    send(tab, new_password1=NEW, new_password2=NEW)
    tab.click("text=Log in")
    send(tab, username="ada", password=NEW)
    tab.goto(f"{site}/accounts/password_change/")
    send(tab, old_password=NEW, new_password1="short", new_password2="short")
    photograph(tab, "change")
    send(tab, old_password=NEW, new_password1=NEWEST, new_password2=NEWEST)
    assert tab.inner_text("h1") == "Your password is changed"
    tab.goto(f"{site}/members")
    assert tab.inner_text("body") == "ada"
    tab.goto(link[0])
    assert tab.inner_text("h1") == "This link does not count"
    photograph(tab, "dead")
    tab.goto(f"{site}/accounts/password_change/done/")
    tab.click("text=Log out")
    tab.goto(f"{site}/maybe")
    assert tab.inner_text("body") == "nobody"
    assert [text for text in told if "Content Security" in text] == []
