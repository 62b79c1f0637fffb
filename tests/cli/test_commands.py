"""The commands, run as a user runs them."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from undercroft.cli.main import COMMANDS, LazyGroup, command

pytestmark = pytest.mark.slow


def test_help_lists_every_command_without_importing_any(run: Run) -> None:
    """The first thing a person types answers at once, and importing nothing is why."""
    result = run("--help")
    assert result.returncode == 0
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert line in result.stdout
    code = (
        "import sys\nfrom undercroft.cli.main import run\nrun(['--help'])\n"
        "slow = {'sqlalchemy', 'rich', 'alembic', 'uvicorn', 'pydantic', 'asyncio', 'jinja2'}\n"
        "assert not slow & sys.modules.keys(), slow & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    """Each name in the list leads to a command of that name with a help text."""
    module = import_module(f"undercroft.cli.{COMMANDS[name][0]}")
    assert module.command.name == name
    assert module.command.help
    assert isinstance(command, LazyGroup)


def test_version_is_printed(run: Run) -> None:
    """By command and by option."""
    from undercroft import __version__

    assert run("version").stdout.strip() == __version__
    assert run("--version").stdout.strip() == __version__


def test_an_unknown_command_suggests_one(run: Run) -> None:
    """Wrong usage ends with status 2."""
    result = run("mirgate")
    assert result.returncode == 2
    assert "Did you mean 'migrate'?" in result.stderr


def test_the_way_of_a_project(run: Run, project: Path) -> None:
    """From models to a migrated database and back, as the documentation tells it."""
    assert run("makemigrations", "--check").returncode == 1
    assert not (project / "blog" / "migrations").exists()
    assert "changes that no migration has yet: blog" in run("migrate").stderr
    made = run("makemigrations")
    assert made.returncode == 0, made.stderr
    assert "blog/migrations/0001_initial.py" in made.stdout
    assert "- Create table blog_post" in made.stdout
    assert run("makemigrations").stdout == "No changes detected\n"
    migrated = run("migrate")
    assert "Applying blog.0001_initial... OK" in migrated.stdout, migrated.stderr
    assert (project / "db.sqlite3").exists()
    assert run("migrate").stdout == "No migrations to apply.\n"
    assert "[X] 0001_initial" in run("showmigrations").stdout
    code = "a = Author.objects.create(name='Ada'); print(a.pk, app.settings is settings)"
    assert run("shell", "-c", code).stdout == "1 True\n"
    code = "import datetime; print(datetime.date.today().year > 2000)"
    assert run("shell", "-c", code).stdout == "True\n"
    models = project / "blog" / "models.py"
    models.write_text(
        models.read_text("utf-8").replace("max_length=100", "max_length=120"), "utf-8"
    )
    assert "0002_alter_blog_author_name.py" in run("makemigrations", "blog").stdout
    assert "Applying blog.0002" in run("migrate", "blog").stdout
    assert "Taking back blog.0002" in run("migrate", "blog", "0001").stdout
    assert run("shell", stdin="print(Author.objects.get(id=1).name)").stdout == "Ada\n"


def test_a_migration_that_fails_ends_its_line(run: Run, project: Path) -> None:
    """The error stands on lines of its own, below the name of the migration."""
    run("makemigrations")
    (file,) = (project / "blog" / "migrations").glob("0001*.py")
    source = file.read_text("utf-8")
    file.write_text(
        source.replace(
            "def upgrade() -> None:\n", 'def upgrade() -> None:\n    op.execute("SELEC")\n'
        )
    )
    result = run("migrate")
    assert result.returncode == 1
    assert result.stdout.endswith("Applying blog.0001_initial... FAILED\n")


def test_a_single_file_has_migrations_beside_it(run: Run, project: Path) -> None:
    """Models in `main.py` belong to the label `main`."""
    folder = project / "small"
    folder.mkdir()
    code = (
        "from undercroft import App, models\n"
        "app = App()\n"
        "class Note(models.Model):\n    text = models.TextField()\n"
    )
    (folder / "main.py").write_text(code, "utf-8")
    assert "migrations/0001_initial.py" in run("makemigrations", cwd="small").stdout
    assert "main.0001_initial... OK" in run("migrate", cwd="small").stdout
    assert (folder / "migrations" / "0001_initial.py").exists()


def test_routes_are_listed(run: Run) -> None:
    """Methods, path, name, handler and place, one line each."""
    lines = run("routes").stdout.splitlines()
    (line,) = [line for line in lines if "/posts/{id:int}" in line]
    assert line.split() == [
        "GET",
        "/posts/{id:int}",
        "post",
        "mysite.app.show_post",
        "mysite/app.py:6",
    ]


def test_mounts_are_listed(run: Run, project: Path) -> None:
    """A mounted application is a line with its kind; one of ours shows its routes below."""
    folder = project / "mounting"
    folder.mkdir()
    code = (
        "from flask import Flask\nfrom undercroft import App\n"
        "async def other(scope, receive, send): ...\n"
        "inner = App()\n"
        "@inner.get('/posts')\ndef posts() -> str: return ''\n"
        "inner.mount('/deep', other)\n"
        "app = App()\napp.mount('/blog', inner)\napp.mount('/old', Flask('old'), 'old')\n"
    )
    (folder / "main.py").write_text(code, "utf-8")
    lines = [line.split() for line in run("routes", cwd="mounting").stdout.splitlines()[1:]]
    assert [" ".join(line[:-1]) for line in lines] == [
        "GET /blog/posts main.posts",
        "* /blog/deep/ main.other (asgi)",
        "* /old/ old flask.app.Flask (wsgi)",
    ]


def test_check_builds_the_application(run: Run, project: Path) -> None:
    """A sound project is OK; a route declared twice is not, with both places."""
    assert run("check").stdout.startswith("OK: ")
    app = project / "mysite" / "app.py"
    again = '@app.get("/posts/{number:int}")\ndef show_again(number: int) -> int:\n    return 1\n'
    app.write_text(app.read_text("utf-8") + again, "utf-8")
    result = run("check")
    assert result.returncode == 1
    assert result.stderr.startswith("RouteConflictError: ")
    assert result.stderr.count("mysite/app.py:") == 2
    assert "Traceback" not in result.stderr


def test_an_unreachable_database_is_one_readable_error(run: Run) -> None:
    """No traceback, no password."""
    run("makemigrations")
    result = run("migrate", UNDERCROFT_DATABASE_URL="postgresql://ada:geheim@127.0.0.1:1/none")
    assert result.returncode == 1
    assert "DatabaseUnavailable: Database 'default' cannot be reached" in result.stderr
    assert "geheim" not in result.stderr
    assert "Traceback" not in result.stderr


def test_clearsessions_deletes_what_is_over(run: Run, project: Path) -> None:
    """Sessions in the database are deleted once they are over; elsewhere there is nothing to do."""
    assert "forgets by itself" in run("clearsessions").stdout
    (project / "main.py").write_text(
        "from undercroft import App, Settings\n"
        "app = App(Settings(session_engine='db'), apps=['undercroft.sessions'])\n",
        "utf-8",
    )
    assert "sessions" in run("migrate", "--app", "main.py").stdout
    code = (
        "from datetime import UTC, datetime, timedelta\n"
        "for days in (-1, -2, 1):\n"
        "    moment = datetime.now(UTC) + timedelta(days=days)\n"
        "    StoredSession.objects.create(key_hash=str(days), data='{}', created_at=moment,"
        " refreshed_at=moment, expires_at=moment)\n"
    )
    assert run("shell", "main.py", "-c", code).returncode == 0
    assert run("clearsessions", "main.py").stdout == "Deleted 2 sessions.\n"
    assert run("clearsessions", "main.py").stdout == "Deleted 0 sessions.\n"


def test_collectstatic_collects_and_says_what(run: Run, project: Path) -> None:
    """The files of project and apps are collected; a second run writes nothing."""
    for name in ("static/a.css", "blog/static/blog/b.css"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("p{}", "utf-8")
    assert run("collectstatic", "--dry-run").stdout.split() == ["a.css", "blog/b.css"]
    assert not (project / "staticfiles").exists()
    assert "2 static files in" in (first := run("collectstatic").stdout)
    assert "4 written" in first
    assert "0 written" in run("collectstatic").stdout
    assert (project / "staticfiles/staticfiles.json").exists()
