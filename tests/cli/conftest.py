"""Fixtures for commands: a project on disk, and commands run in it as a user would."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MODELS = """
from undercroft import models

class Author(models.Model):
    name = models.CharField(max_length=100)

class Post(models.Model):
    title = models.CharField(max_length=200)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="posts")
"""
APP = """
from undercroft import App, Settings

app = App(Settings(), apps=["blog"])

@app.get("/posts/{id:int}", name="post")
def show_post(id: int) -> int:
    return id
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an app `blog` and its application in `mysite/app.py`."""
    for name, content in {
        "blog/__init__.py": "",
        "blog/models.py": MODELS,
        "mysite/__init__.py": "",
        "mysite/app.py": APP,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    """Run a command in the project."""

    def call(
        *arguments: str, cwd: str = ".", stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "undercroft", *arguments],
            cwd=project / cwd,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **variables},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call
