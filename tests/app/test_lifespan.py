"""Lifespan: around an application's life under ASGI and under WSGI."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from undercroft import App, Settings
from undercroft.concurrency import run_in_thread
from undercroft.db.connections.databases import databases
from undercroft.testing.client import Client, Through

MakeClient = Callable[..., Client]


def build_app(log: list[str]) -> App:
    """Build an application that notes when its life begins and ends."""

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        # A cancel scope has to be left in the task it was entered in.
        async with asyncio.timeout(60):
            await asyncio.sleep(0.01)
            log.append("up")
            yield
            log.append("down")

    app = App(lifespan=lifespan)
    app.get("/")(lambda: ",".join(log))
    return app


@pytest.mark.parametrize("through", ["asgi", "wsgi"])
def test_the_lifespan_surrounds_the_requests(through: Through) -> None:
    """The lifespan is entered before the first request is handled, and left after the last."""
    log: list[str] = []
    app = build_app(log)
    for round_ in (1, 2):
        with Client(app, through=through) as spoken:
            assert [spoken.get("/").text for _ in range(2)] == [",".join(log)] * 2
            assert log == ["up", "down"] * (round_ - 1) + ["up"]
        assert log == ["up", "down"] * round_


def test_wsgi_threads_start_one_life() -> None:
    """Requests that come at once wait for the one start."""
    log: list[str] = []
    texts: list[str] = []
    with Client(build_app(log), through="wsgi") as spoken:
        threads = [
            threading.Thread(target=lambda: texts.append(spoken.get("/").text)) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert texts == ["up"] * 8


def test_a_server_s_own_start_is_enough() -> None:
    """What an ASGI server started, a WSGI request does not start again."""
    log: list[str] = []
    app = build_app(log)
    with Client(app), Client(app, through="wsgi") as spoken:
        assert spoken.get("/").text == "up"
    assert log == ["up", "down"]


def test_a_start_that_fails_under_wsgi_is_a_failure_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The request that met it answers 500, the log has the reason, the next request tries anew."""
    tries: list[int] = []

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("no disk")
        yield

    app = App(lifespan=lifespan)
    app.get("/")(lambda: "ok")
    with Client(app, through="wsgi") as spoken:
        assert spoken.get("/").status_code == 500
        assert "no disk" in caplog.text
        assert spoken.get("/").text == "ok"
    assert len(tries) == 2


def test_a_process_ends_the_lifespan_that_wsgi_began(tmp_path: Path) -> None:
    """The end runs at the process's exit, while threads can still be had."""
    program = tmp_path / "program.py"
    program.write_text(
        "from contextlib import asynccontextmanager\n"
        "from undercroft import App\n"
        "from undercroft.concurrency import run_in_thread\n"
        "@asynccontextmanager\n"
        "async def lifespan(app):\n"
        "    await run_in_thread(print, 'up', flush=True)\n"
        "    yield\n"
        "    await run_in_thread(print, 'down', flush=True)\n"
        "    raise ValueError('told of')\n"
        "app = App(lifespan=lifespan)\n"
        "app.get('/')(lambda: 'ok')\n"
        "environ = {'REQUEST_METHOD': 'GET', 'HTTP_HOST': 'localhost'}\n"
        "print(app(environ, lambda *_: None), flush=True)\n",
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.split() == ["up", "[b'ok']", "down"]
    assert "could not shut down cleanly" in done.stderr
    assert "told of" in done.stderr


def test_databases_are_closed_even_if_the_lifespan_raises(tmp_path: Path) -> None:
    """An end that fails does not keep the databases open."""

    @asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        yield
        raise ValueError("at the end")

    app = App(Settings(database_url=f"sqlite:///{tmp_path / 'a.sqlite3'}"), lifespan=lifespan)

    async def live() -> None:
        await app.startup()
        database = databases["default"]
        before = await run_in_thread(lambda: database.sync_engine)
        with pytest.raises(ValueError, match="at the end"):
            await app.shutdown()
        after = await run_in_thread(lambda: database.sync_engine)
        assert after is not before

    asyncio.run(live())
