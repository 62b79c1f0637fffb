"""`createsuperuser` and `changepassword`: by the environment, and asked for at a terminal."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from undercroft.auth.passwords import check_password

pytestmark = pytest.mark.slow

APP = """
from undercroft import App, Settings

settings = Settings(secret_key="k" * 40, database_url="sqlite:///db.sqlite3")
app = App(settings, apps=["undercroft.auth"])
"""
GOOD = "quite a long one"


@pytest.fixture
def people(project: Path, run: Run) -> Path:
    """A project with an empty table of users."""
    (project / "main.py").write_text(APP)
    assert run("migrate").returncode == 0
    return project


def read_users(project: Path) -> list[tuple[str, str, str, int]]:
    """Read the table: name, address, password, and whether it is a superuser."""
    import sqlite3

    with sqlite3.connect(project / "db.sqlite3") as connection:
        return connection.execute(
            "SELECT username, email, password, is_superuser FROM auth_user ORDER BY id"
        ).fetchall()


def test_nobody_is_asked_with_no_input(run: Run, people: Path) -> None:
    """Name, address and password are checked as anywhere; what is wrong is said, and is 1."""
    told = {
        "UNDERCROFT_SUPERUSER_USERNAME": "ada",
        "UNDERCROFT_SUPERUSER_EMAIL": "ada@example.org",
    }
    for more, message in [
        ({"UNDERCROFT_SUPERUSER_USERNAME": ""}, "username: Enter a value."),
        ({"UNDERCROFT_SUPERUSER_PASSWORD": "short"}, "password: This password is too short"),
    ]:
        failed = run("createsuperuser", "--no-input", **{**told, **more})
        assert failed.returncode == 1
        assert message in failed.stderr
        assert "Traceback" not in failed.stderr
    assert read_users(people) == []
    made = run("createsuperuser", "--no-input", UNDERCROFT_SUPERUSER_PASSWORD=GOOD, **told)
    assert made.stdout == "Made the superuser ada.\n"
    [(name, email, password, is_superuser)] = read_users(people)
    assert (name, email, is_superuser) == ("ada", "ada@example.org", 1)
    assert check_password(GOOD, password)
    again = run(
        "createsuperuser", "--noinput", "--username=ADA", UNDERCROFT_SUPERUSER_PASSWORD=GOOD, **told
    )
    assert "There is a user with this username already." in again.stderr
    changed = run("changepassword", "ada", "--no-input", UNDERCROFT_SUPERUSER_PASSWORD="x" + GOOD)
    assert changed.stdout == "Changed the password of ada.\n"
    assert check_password("x" + GOOD, read_users(people)[0][2])
    assert "There is no user 'bob'." in run("changepassword", "bob").stderr


def test_a_password_is_asked_for_without_an_echo(people: Path) -> None:
    """At a terminal: what is wrong is asked again, and no password is ever shown."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "undercroft", "createsuperuser", "--username", "ada"],
        cwd=people,
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
    )
    os.close(other)
    shown = ""
    for question, answer in [
        ("mail: ", "nowhere"),
        ("mail: ", "ada@example.org"),
        ("Password: ", "short"),
        ("again: ", "short"),
        ("Password: ", GOOD),
        ("again: ", GOOD),
    ]:
        shown += wait_for(main, question)
        # The echo is off a moment after the question is there.
        time.sleep(0.1)
        os.write(main, f"{answer}\n".encode())
    shown += wait_for(main, "Made the superuser ada.")
    assert process.wait(10) == 0
    os.close(main)
    assert "too short" in shown
    assert GOOD not in shown
    assert check_password(GOOD, read_users(people)[0][2])


def wait_for(terminal: int, text: str) -> str:
    """Read what is shown until a text comes."""
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 1024).decode()
    return shown
