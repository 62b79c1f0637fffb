"""`undercroft run`: reload, errors that wait for their repair, what a developer reads."""

import signal
from pathlib import Path

import pytest
from watchfiles import Change

from tests.server.conftest import HELLO, Server, Start
from undercroft.server.reload import ProjectFilter

pytestmark = pytest.mark.slow


def answers(server: Server, text: str) -> bool:
    return text in server.get("/plain").text


def test_a_change_is_served_and_an_error_waits_for_its_repair(start: Start, project: Path) -> None:
    """The port stays open all the time: a request during the error gets the repaired answer."""
    file = project / "main.py"
    server = start("undercroft", "run", "main.py", "--port", "{port}").wait()
    assert server.get("/plain").text == "plain"
    assert f"open http://127.0.0.1:{server.port}/" in server.read_log()

    file.write_text(HELLO.replace('"plain"', '"changed"', 2), "utf-8")
    server.wait_for(lambda: answers(server, "changed"), "the changed answer")

    file.write_text(HELLO + "\ndef broken(:\n", "utf-8")
    server.wait_for_log("Waiting for a change")
    log = server.read_log()
    assert "main.py:" in log
    assert "def broken(:" in log
    assert "Traceback" not in log

    file.write_text(HELLO.replace('"plain"', '"repaired"'), "utf-8")
    server.wait_for(lambda: answers(server, "repaired"), "the repaired answer")
    assert server.stop(signal.SIGINT) == 0
    assert not server.is_port_taken()


def test_a_file_of_any_name_is_served(start: Start, project: Path) -> None:
    """The child finds a file whose name is no module's."""
    (project / "main.py").rename(project / "my app-1.py")
    server = start("undercroft", "run", "my app-1.py:app", "--port", "{port}").wait()
    assert server.get("/plain").text == "plain"


def test_a_mistake_in_the_application_is_readable(start: Start, project: Path) -> None:
    """What the project raises is shown with its place and source, and none of our own frames."""
    (project / "main.py").write_text("import os\n\nvalue = os.environ['NO_SUCH_VALUE']\n", "utf-8")
    server = start("undercroft", "run", "main.py", "--port", "{port}")
    server.wait_for_log("Waiting for a change")
    log = server.read_log()
    assert "KeyError: 'NO_SUCH_VALUE'" in log
    assert "main.py:3" in log
    assert "value = os.environ" in log
    assert "undercroft/" not in log


def test_the_child_ends_with_its_supervisor(start: Start) -> None:
    """A supervisor that is killed leaves no server behind."""
    server = start("undercroft", "run", "main.py", "--port", "{port}").wait()
    server.get("/plain")
    server.stop(signal.SIGKILL)
    server.wait_for(lambda: not server.is_port_taken(), "a free port")


@pytest.mark.parametrize(
    "env_file,variable,is_debug",
    [("", None, True), ("UNDERCROFT_DEBUG=0\n", None, False), ("", "0", False)],
)
def test_debug_is_on_unless_set(
    start: Start, project: Path, env_file: str, variable: str | None, is_debug: bool
) -> None:
    """The environment and .env decide; otherwise a developer gets the error page."""
    (project / ".env").write_text(env_file, "utf-8")
    code = HELLO + "\n@app.get('/debug')\ndef debug() -> bool:\n    return app.settings.debug\n"
    (project / "main.py").write_text(code, "utf-8")
    variables = {"UNDERCROFT_DEBUG": variable} if variable is not None else {}
    server = start("undercroft", "run", "--no-reload", "--port", "{port}", **variables).wait()
    assert server.get("/debug").json() is is_debug
    assert server.stop() == 0


def test_requests_are_logged_in_colour_when_forced(start: Start) -> None:
    """Method, path, status and milliseconds; colours only where they can be seen."""
    plain = start("undercroft", "run", "main.py", "--no-reload", "--port", "{port}").wait()
    plain.get("/plain?a=1")
    plain.wait_for_log("/plain?a=1  200")
    assert "\x1b[" not in plain.read_log()
    coloured = start(
        *("undercroft", "run", "main.py", "--no-reload", "--port", "{port}"),
        NO_COLOR="",
        FORCE_COLOR="1",
    ).wait()
    coloured.get("/plain")
    coloured.wait_for_log("\x1b[32m200\x1b[0m")


@pytest.mark.parametrize(
    "path,is_watched",
    [
        ("blog/models.py", True),
        (".env", True),
        ("pyproject.toml", True),
        ("db.sqlite3", False),
        ("__pycache__/models.py", False),
        (".git/hooks/x.py", False),
        ("venv/lib/thing.py", False),
        ("x/site-packages/thing.py", False),
    ],
)
def test_only_the_project_is_watched(tmp_path: Path, path: str, is_watched: bool) -> None:
    """Virtual environments, caches, version control and databases start nothing again."""
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    assert ProjectFilter()(Change.modified, str(tmp_path / path)) is is_watched
