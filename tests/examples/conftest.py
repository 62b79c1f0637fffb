"""The example blog, migrated and loaded, in process and behind a real server."""

import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

BLOG = Path(__file__).resolve().parent.parent.parent / "examples" / "blog"
UNDERCROFT = Path(sysconfig.get_path("scripts")) / "undercroft"
PACKAGES = 30
START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Site:
    """A running server."""

    url: str
    log: Path

    def read_log(self) -> str:
        """What the server has written so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def get_environment(database_url: str) -> dict[str, str]:
    """What the blog's processes are told."""
    return {**os.environ, "UNDERCROFT_DATABASE_URL": database_url, "PYTHONPATH": str(BLOG)}


def run(*command: str | Path, database_url: str) -> str:
    """Run one of the project's commands in its folder, and require that it succeeds."""
    result = subprocess.run(
        command,
        cwd=BLOG,
        env=get_environment(database_url),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def fill(database_url: str) -> None:
    """Make the tables and load a small set of posts."""
    run(UNDERCROFT, "migrate", database_url=database_url)
    run(sys.executable, "-m", "blog.load", "--limit", str(PACKAGES), database_url=database_url)


@contextmanager
def serve(database_url: str, log: Path) -> Iterator[Site]:
    """Run `undercroft serve` on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [UNDERCROFT, "serve", "mysite.app:app", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=BLOG, env=get_environment(database_url), stdout=output, stderr=output
        )
    site = Site(f"http://127.0.0.1:{port}", log)
    try:
        wait_until_it_answers(site, process)
        yield site
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def wait_until_it_answers(site: Site, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, site.read_log()
        try:
            httpx.get(f"{site.url}/hello/Ada", timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"The server did not answer within {START_SECONDS} s:\n{site.read_log()}")


@pytest.fixture(scope="session")
def blog_database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An SQLite database with the blog's tables and a small set of posts."""
    url = f"sqlite:///{tmp_path_factory.mktemp('blog') / 'blog.sqlite3'}"
    fill(url)
    return url


@pytest.fixture(scope="session")
def blog_server(blog_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The blog behind a real server."""
    with serve(blog_database, tmp_path_factory.mktemp("server") / "log.txt") as site:
        yield site
