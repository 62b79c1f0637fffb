"""`undercroft check`, run as a user would: status, levels, tags, and the database of a project."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

APP = """
from undercroft import App, OpenAPIOptions, Settings

app = App(Settings(), apps=["blog"], openapi=OpenAPIOptions(url=None))
"""
MODELS = """
from undercroft import models

class Post(models.Model):
    title = models.CharField(max_length=200)
"""
GOOD = {
    "SECRET_KEY": "Zk4vT1xQ9sLw7RbN2yHc8mUe5aJd3fPgXo6iKqVt0EhSnBzWlY",
    "ALLOWED_HOSTS": "example.org",
    "TRUSTED_PROXIES": "10.0.0.1",
    "REQUEST_TIMEOUT": "30",
    "SECURE_SSL_REDIRECT": "1",
    "SECURE_HSTS_SECONDS": "31536000",
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": "1",
    "SECURE_HSTS_PRELOAD": "1",
    "CACHE_URL": "redis://127.0.0.1:6379/0",
}

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command in a project with one model."""
    for name, content in {"blog/__init__.py": "", "blog/models.py": MODELS, "main.py": APP}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")

    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        settings = {f"UNDERCROFT_{name}": text for name, text in (GOOD | variables).items()}
        return subprocess.run(
            [sys.executable, "-m", "undercroft", *arguments],
            cwd=tmp_path,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


@pytest.mark.slow
def test_a_project_becomes_fit_for_the_world(run: Run) -> None:
    """Models without migrations, then migrations that wait, fail; afterwards all is well."""
    result = run("check", "--deploy")
    assert result.returncode == 1
    assert "error: blog: The models of 'blog' have changes" in result.stdout
    run("makemigrations")
    result = run("check", "--deploy")
    assert result.returncode == 1
    assert "[database.pending-migration]" in result.stdout
    run("migrate")
    result = run("check", "--deploy")
    assert (result.stdout, result.returncode) == ("OK: 0 routes, no problems.\n", 0)


@pytest.mark.slow
def test_levels_and_tags_choose(run: Run) -> None:
    """`--fail-level` says what fails, `--tag` what is asked; an unknown tag is told of."""
    asked = ("check", "--deploy", "-t", "security")
    result = run(*asked, TRUSTED_PROXIES="")
    assert result.stdout.startswith("info: trusted_proxies: No proxy is trusted")
    assert result.stdout.endswith("OK: 0 routes, 1 problem.\n")
    assert result.returncode == 0
    failing = run(*asked, "--fail-level", "INFO", TRUSTED_PROXIES="")
    assert failing.returncode == 1
    assert failing.stdout.endswith("Failed: 0 routes, 1 problem.\n")
    assert "[checks.tag]" in run("check", "--tag", "no-such").stderr
    assert "security" in run("check", "--list-tags", "--deploy").stdout.splitlines()


@pytest.mark.slow
def test_a_database_that_is_gone_is_told_of_without_its_password(run: Run) -> None:
    """The deployment's check says that it does not answer; nothing shows the URL."""
    result = run("check", "--deploy", DATABASE_URL="postgresql://ada:s3cret@127.0.0.1:9/none")
    assert result.returncode == 1
    assert "[database.unreachable]" in result.stdout
    assert "s3cret" not in result.stdout + result.stderr


@pytest.mark.slow
def test_models_that_do_not_fit_are_told_of(run: Run, tmp_path: Path) -> None:
    """An ordering by no field and a field the database has not, in every run; then migrations."""
    wrong = """
    tags = models.ArrayField(models.CharField(max_length=9))

    class Meta:
        ordering = ["no_such_field"]
"""
    (tmp_path / "blog" / "models.py").write_text(f"{MODELS.rstrip()}\n{wrong}", "utf-8")
    result = run("check")
    assert result.returncode == 1
    assert "[models.ordering]" in result.stdout
    assert "[models.database]" in result.stdout
    (tmp_path / "blog" / "models.py").write_text(MODELS, "utf-8")
    folder = tmp_path / "blog" / "migrations"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "0001_initial.py").write_text("revision = 'blog_0001'\ndown_revision = 'gone'\n")
    assert "[models.migrations]" in run("check", "--deploy", "-t", "models").stdout
