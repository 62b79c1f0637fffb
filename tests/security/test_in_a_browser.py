"""What Chromium makes of the defences: forms of our own pages and of strangers', and the policy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from markupsafe import Markup
from playwright.sync_api import Browser

from undercroft import App, Form, HTMLResponse, Request, Settings, render

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGE = """<!doctype html><link rel="icon" href="data:,"><title>page</title>
<form method="post" action="/transfer">{% csrf_token %}<input name="amount" value="1">
<button>Send</button></form>
<script nonce="{{ csp_nonce }}">document.title = "ours"</script>
<script>document.title = "injected"</script>
<img src="data:," onerror="document.title = 'injected'">"""

EVIL = """<!doctype html><form method="post" action="{target}" enctype="{kind}">
<input name="amount" value="1000"><button>Win</button></form>"""


class Quiet(WSGIRequestHandler):
    """A request handler that does not write to the test's output."""

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def serve(app: App) -> Iterator[int]:
    """Serve an application at a port of its own."""
    with make_server("127.0.0.1", 0, app.wsgi, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def build_bank(folder: Path, transfers: list[int]) -> App:
    """Build an application with a session and a form that moves money."""
    (folder / "page.html").write_text(PAGE)
    app = App(Settings(secret_key="k" * 40, templates=[folder]))

    @app.get("/")
    def show(request: Request) -> Markup:
        request.session["user"] = "ada"
        return render(request, "page.html")

    @app.post("/transfer")
    def transfer(amount: Annotated[int, Form()]) -> str:
        transfers.append(amount)
        return "sent"

    return app


def build_stranger(bank: int, host: str, kind: str) -> App:
    """Build the site of a stranger, whose form leads to the bank."""
    app = App(Settings(secure_csp=None))
    target = f"http://{host}:{bank}/transfer"
    app.get("/")(lambda: HTMLResponse(EVIL.format(target=target, kind=kind)))
    return app


def test_forms_of_our_own_pages_pass_and_strangers_are_refused(
    chromium: Browser, tmp_path: Path
) -> None:
    """Another port of the same host is a stranger, too; none of them moves money."""
    transfers: list[int] = []
    with serve(build_bank(tmp_path, transfers)) as port:
        context = chromium.new_context()
        tab = context.new_page()
        tab.goto(f"http://127.0.0.1:{port}/")
        tab.click("button")
        assert tab.text_content("body") == "sent"
        assert transfers == [1]
        for name in ("127.0.0.1", "localhost"):
            for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
                with serve(build_stranger(port, "127.0.0.1", kind)) as other:
                    tab.goto(f"http://{name}:{other}/")
                    with tab.expect_response("**/transfer") as answer:
                        tab.click("button")
                    assert answer.value.status == 403, (name, kind)
        assert transfers == [1]
        context.close()


def test_only_scripts_with_the_nonce_run(chromium: Browser, tmp_path: Path) -> None:
    """What somebody has written into the page is stopped, and the console says why."""
    with serve(build_bank(tmp_path, [])) as port:
        tab = chromium.new_page()
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(f"http://127.0.0.1:{port}/")
        tab.wait_for_timeout(200)
        assert tab.title() == "ours"
        assert len([text for text in said if "Content Security Policy" in text]) == 2
        tab.close()
