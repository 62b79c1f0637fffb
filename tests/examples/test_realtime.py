"""The example chat in Chromium: two readers, one by WebSocket and one by events."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.examples.conftest import START_SECONDS, UNDERCROFT

CHAT = Path(__file__).resolve().parent.parent.parent / "examples" / "realtime"

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[str]:
    """The chat, migrated, behind a real server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"sqlite:///{tmp_path / 'chat.sqlite3'}"
    environment = {**os.environ, "UNDERCROFT_DATABASE_URL": url, "UNDERCROFT_APP": "main:app"}
    log = tmp_path / "log.txt"
    subprocess.run([UNDERCROFT, "migrate"], cwd=CHAT, env=environment, check=True, timeout=120)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [UNDERCROFT, "serve", "main:app", "--port", str(port), "--graceful-timeout", "1"],
            cwd=CHAT,
            env=environment,
            stdout=output,
            stderr=output,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(address, process, log)
        yield address
        assert "Traceback" not in log.read_text("utf-8")
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text("utf-8")
        try:
            httpx.get(address, timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"The chat did not answer:\n{log.read_text('utf-8')}")


def test_two_people_talk(chromium: Browser, chat: str) -> None:
    """Both hear both, markup is text, and who comes later reads the history."""
    ada, bob = chromium.new_page(), chromium.new_page()
    complaints: list[str] = []
    for page in (ada, bob):
        page.on("pageerror", lambda error: complaints.append(str(error)))
    ada.goto(chat)
    bob.goto(f"{chat}/?by=events")
    expect(ada.get_by_role("status")).to_have_text("connected")
    expect(bob.get_by_role("status")).to_have_text("listening by events")
    for page, name, text in ((ada, "Ada", "Good day <b>é</b>"), (bob, "Bob", "东京 👩‍🚀")):
        page.get_by_label("Name").fill(name)
        page.get_by_label("Message").fill(text)
        page.get_by_role("button").click()
        for other in (ada, bob):
            expect(other.get_by_role("listitem").last).to_have_text(f"{name}: {text}")
    late = chromium.new_page()
    late.goto(chat)
    expect(late.get_by_role("listitem")).to_have_text(["Ada: Good day <b>é</b>", "Bob: 东京 👩‍🚀"])
    for page in (ada, bob, late):
        page.close()
    assert complaints == []
