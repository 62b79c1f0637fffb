"""What people type who come from elsewhere, and what they see."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "typed,hint",
    [
        ("runserver", "Here it is 'run'."),
        ("dev", "Here it is 'run'."),
        ("startapp", "Nothing here does that yet."),
        ("mirgate", "Did you mean 'migrate'?"),
    ],
)
def test_commands_of_other_frameworks_are_known(run: Run, typed: str, hint: str) -> None:
    """A name learnt elsewhere leads to the right command, not to one that sounds like it."""
    result = run(typed)
    assert result.returncode == 2
    assert hint in result.stderr


@pytest.mark.parametrize("command", ["migrate", "makemigrations", "showmigrations"])
def test_an_application_given_as_a_label_is_explained(run: Run, command: str) -> None:
    """These commands take apps, and say how the application is named."""
    result = run(command, "main.py")
    assert result.returncode == 1
    assert "--app main.py" in result.stderr


def test_a_migration_is_found_by_its_number(run: Run, project: Path) -> None:
    """`1` is 0001; a number that is none is answered with those there are."""
    run("makemigrations")
    assert "Applying blog.0001_initial" in run("migrate", "blog", "1").stdout
    result = run("migrate", "blog", "7")
    assert "Known: 0001_initial." in result.stderr


def test_a_rename_is_asked_about_and_a_drop_is_loud(run: Run, project: Path) -> None:
    """Without a terminal a possible rename is an error that shows every way on."""
    run("makemigrations")
    models = project / "blog" / "models.py"
    text = models.read_text("utf-8")
    renamed = text.replace("title = models.CharField(max_length=200)", "head = models.TextField()")
    models.write_text(text.replace("    title =", "    headline ="), "utf-8")
    result = run("makemigrations")
    assert result.returncode == 1
    assert "blog_post.title to headline" in result.stderr
    assert run("makemigrations", "--check").returncode == 1
    made = run("makemigrations", "--rename", "blog_post.title=headline")
    assert "- Rename column blog_post.title to headline" in made.stdout, made.stderr
    assert "changes that no migration" not in run("migrate").stderr
    models.write_text(renamed.replace("TextField()", "TextField(default='')"), "utf-8")
    made = run("makemigrations")
    assert "! Drop column blog_post.headline, and all data in it" in made.stdout, made.stderr


def test_check_counts_the_project_s_routes(run: Run) -> None:
    """One function is one route, however many methods and pages undercroft adds."""
    assert run("check").stdout == "OK: 1 route, no problems.\n"


def test_routes_are_the_project_s_own(run: Run) -> None:
    """Undercroft's own pages are listed when asked for."""
    assert "openapi.json" not in run("routes").stdout
    assert "openapi.json" in run("routes", "--all").stdout


def test_code_for_the_shell_may_await(run: Run) -> None:
    """`-c` and standard input take `await`, and blocking calls where nothing is awaited."""
    run("makemigrations")
    run("migrate")
    code = "a = await Author.objects.acreate(name='Ada')\nprint(await Author.objects.acount())"
    result = run("shell", "-c", code)
    assert result.stdout == "1\n", result.stderr
    assert run("shell", stdin="print(await Author.objects.acount())").stdout == "1\n"


def test_the_shell_shows_the_traceback_of_the_code_alone(run: Run) -> None:
    """An error of one's own code begins in it."""
    result = run("shell", "-c", "def f():\n    return 1 / 0\nf()")
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr
    assert "return 1 / 0" in result.stderr
    assert "click" not in result.stderr
    assert "undercroft" not in result.stderr
    assert "SyntaxError" in run("shell", "-c", "1 +").stderr


def in_terminal(folder: Path, *arguments: str, typed: str = "", term: str = "dumb") -> str:
    """Run a command at a terminal and return what it shows."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60", "TERM": term, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "undercroft", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown, end = b"", time.monotonic() + 30
    while time.monotonic() < end:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break
    process.wait(timeout=10)
    os.close(ours)
    return shown.decode()


def test_a_narrow_terminal_breaks_no_words(project: Path) -> None:
    """Columns that do not fit are left out, the last ones first."""
    shown = in_terminal(project, "routes", term="xterm")
    (line,) = [line for line in shown.splitlines() if "/posts/" in line]
    assert line.split() == ["GET", "/posts/{id:int}", "post", "mysite.app.show_post"]


def test_a_terminal_is_asked_about_renames(run: Run, project: Path) -> None:
    """Yes renames."""
    run("makemigrations")
    models = project / "blog" / "models.py"
    text = models.read_text("utf-8")
    models.write_text(text.replace("    title =", "    headline ="), "utf-8")
    shown = in_terminal(project, "makemigrations", typed="y\n")
    assert "Was the column blog_post.title renamed to headline?" in shown
    assert "Rename column" in shown


def test_the_open_shell_awaits(run: Run, project: Path) -> None:
    """Lines share one event loop; an error does not end the shell."""
    run("makemigrations")
    run("migrate")
    typed = (
        "await Author.objects.acreate(name='Ada')\n1 / 0\nprint('n', await Author.objects.acount())"
        "\nprint('b', Author.objects.count())\nexit()\n"
    )
    shown = in_terminal(project, "shell", "--plain", typed=typed)
    assert "ZeroDivisionError" in shown
    assert "n 1" in shown
    assert "b 1" in shown


def test_run_says_what_is_not_migrated(run: Run, project: Path) -> None:
    """A development server of an application whose tables are missing says what to run."""
    run("makemigrations")
    command = [sys.executable, "-m", "undercroft", "run", "--no-reload", "--port", "0"]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        said = [next(server.stderr) for _ in range(2)]
        server.terminate()
    assert any("blog.0001_initial. Run `undercroft migrate`." in line for line in said), said
