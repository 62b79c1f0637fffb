"""Collected static files as Chromium loads them from a real server."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from undercroft.staticfiles.collecting import Collector

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MAIN = """
from undercroft import App, Request, render
from undercroft.templating import Markup

app = App()

@app.get("/")
def home(request: Request) -> Markup:
    return render(request, "home.html")
"""
HOME = """<!doctype html><link rel="icon" href="data:,">
<link rel="stylesheet" href="{{ static('css/site.css') }}">
<script type="module" src="{{ static('js/main.js') }}"></script><p>text</p>"""
DOT = "<svg xmlns='http://www.w3.org/2000/svg' width='7' height='5'/>"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of a site in production, with collected files."""
    for name, text in {
        "main.py": MAIN,
        "templates/home.html": HOME,
        "static/css/site.css": "@import 'more.css';" + "/* filling */" * 100,
        "static/css/more.css": "p{color:rgb(1, 2, 3);background:url(../dot.svg)}",
        "static/dot.svg": DOT,
        "static/js/main.js": "import {word} from './part.js'; document.title = word",
        "static/js/part.js": "export const word = 'loaded'",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    Collector([tmp_path / "static"], tmp_path / "staticfiles", "/static/").collect()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "undercroft", "serve", "main.py", "--port", str(port)]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(20)


def test_a_page_loads_all_it_refers_to_and_keeps_it(chromium: Browser, address: str) -> None:
    """Style sheets, their pictures and modules arrive under hashed names, and only once."""
    page = chromium.new_page()
    answers: dict[str, int] = {}
    page.on("response", lambda answer: answers.update({answer.url: answer.status}))
    page.goto(address)
    page.wait_for_function("document.title === 'loaded'")
    color = page.evaluate("getComputedStyle(document.querySelector('p')).color")
    assert color == "rgb(1, 2, 3)"
    loaded = [url for url in answers if "/static/" in url]
    assert len(loaded) == 5
    assert set(answers.values()) == {200}
    sizes = "performance.getEntriesByType('resource').map(entry => entry.transferSize)"
    page.goto(f"{address}/?again")
    page.wait_for_function("document.title === 'loaded'")
    assert set(page.evaluate(sizes)) == {0}
