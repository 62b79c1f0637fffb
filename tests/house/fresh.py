"""Runs code as a fresh interpreter would, without waiting for its imports each time.

One process imports what most code here begins with, and then only forks: each child runs one piece
of code as `python -W error -c code` does, in a folder and with a path of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

#: Slow to import, and the same for everybody afterwards.
PRELOADED = (
    *("asyncio", "sqlalchemy.orm", "sqlalchemy.ext.asyncio", "alembic.autogenerate", "pydantic"),
    *("pydantic_settings", "jinja2", "httpx", "click", "rich.console", "orjson", "uvicorn"),
    *(
        "undercroft.models",
        "undercroft.serializers",
        "undercroft.forms",
        "undercroft.app.application",
    ),
    *("undercroft.testing.client", "undercroft.views.editing", "undercroft.sessions.opening"),
)
TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a piece of code ended.

    Attributes:
        returncode: Of its process.
        stderr: What it complained of.
    """

    returncode: int
    stderr: str


class FreshInterpreters:
    """A process that forks one interpreter after the other; close it at the end."""

    def __init__(self) -> None:
        command = [sys.executable, "-W", "error", __file__]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, code: str, folder: Path) -> Outcome:
        """Run a piece of code in a folder, which is the first to import from as well."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([code, str(folder)]), file=self._process.stdin, flush=True)
        return Outcome(*json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()


def serve(orders: TextIO, answers: TextIO) -> None:
    """Fork a child for each order, and answer how it ended; returns in each child."""
    for line in orders:
        code, folder = json.loads(line)
        with tempfile.TemporaryFile("w+") as errors:
            child = os.fork()
            if child == 0:
                become(code, folder, errors)
                return
            returncode = wait_for(child)
            errors.seek(0)
            print(json.dumps([returncode, errors.read()]), file=answers, flush=True)


def wait_for(child: int) -> int:
    """Wait for a child, and end it where it takes too long."""
    until = time.monotonic() + TIMEOUT
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -9


def become(code: str, folder: str, errors: TextIO) -> None:
    """Be the interpreter of a piece of code."""
    os.dup2(errors.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.dup2(1, 0)
    os.chdir(folder)
    sys.path[0] = ""
    sys.path.insert(1, folder)
    main: dict[str, Any] = sys.modules["__main__"].__dict__
    for name in [name for name in main if not name.startswith("__")]:
        del main[name]
    main.pop("__file__", None)
    exec(compile(code, "<string>", "exec"), main)


if __name__ == "__main__":
    for name in PRELOADED:
        __import__(name)
    serve(sys.stdin, sys.stdout)
