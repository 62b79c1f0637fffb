"""Schemathesis against the applications' own descriptions: no 5xx, no breach of a schema.

What runs by itself is short and the same every time. `scripts/fuzz` runs the long form, with other
values each time.
"""

import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
#: How many values each operation is tried with in the long form; unset for the short one.
VARIABLE = "UNDERCROFT_FUZZ"
START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Target:
    """An application, and what schemathesis cannot hold against it."""

    folder: Path
    name: str
    left_out: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    has_tables: bool = True


TARGETS = {
    "everything": Target(
        REPOSITORY,
        "tests.openapi.everything:app",
        # Pydantic reads `false` as the number 0, and text as the bytes of a file.
        ("negative_data_rejection",),
        has_tables=False,
    ),
    "blog": Target(
        REPOSITORY / "examples" / "blog",
        "mysite.app:app",
        # Whether a name is free and a key leads somewhere is known to the database alone, and a
        # greeting is taken for something that was deleted.
        ("positive_data_acceptance", "use_after_free"),
    ),
    "realtime": Target(
        REPOSITORY / "examples" / "realtime",
        "main:app",
        # A stream of events does not end.
        options=("--exclude-path-regex", "/events$"),
    ),
}


@contextmanager
def serve(target: Target, folder: Path) -> Iterator[str]:
    """Serve an application with a database of its own, and give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    search = os.pathsep.join(filter(None, [str(target.folder), os.environ.get("PYTHONPATH")]))
    environment = {
        **os.environ,
        "UNDERCROFT_DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "UNDERCROFT_APP": target.name,
        "PYTHONPATH": search,
    }
    undercroft = SCRIPTS / "undercroft"
    if target.has_tables:
        subprocess.run(
            [undercroft, "migrate"], cwd=target.folder, env=environment, check=True, timeout=60
        )
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [undercroft, "serve", target.name, "--port", str(port), "--graceful-timeout", "1"],
            cwd=target.folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(address)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_it_answers(address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(f"{address}/openapi.json").raise_for_status()
            return
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def choose_effort(target: Target) -> list[str]:
    """Choose how much is tried: the same few values each time, or many others.

    Among many, schemathesis meets names of form fields that it writes unescaped, so that its own
    requests are malformed; that valid values are taken is for the few to show.
    """
    count = os.environ.get(VARIABLE)
    left_out = {*target.left_out, *(["positive_data_acceptance"] if count else [])}
    checks = ["--exclude-checks", ",".join(sorted(left_out))] if left_out else []
    if count:
        every = "examples,coverage,fuzzing,stateful"
        return [*checks, "--max-examples", count, "--phases", every]
    few = ["--max-examples", "4", "--phases", "examples,coverage,fuzzing"]
    return [*checks, *few, "--generation-deterministic", "--seed", "1"]


@pytest.mark.parametrize("name", TARGETS)
def test_an_application_keeps_to_its_description(name: str, tmp_path: Path) -> None:
    """Nothing that strangers may send is a 5xx, and every answer is as the description says."""
    target = TARGETS[name]
    with serve(target, tmp_path) as address:
        result = subprocess.run(
            [
                *(SCRIPTS / "schemathesis", "run", f"{address}/openapi.json", "--url", address),
                *("--checks", "all", "--workers", "1", "--no-color", "--request-timeout", "10"),
                *choose_effort(target),
                *target.options,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    log = (tmp_path / "log.txt").read_text(encoding="utf-8", errors="replace")
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}\n{log[-5000:]}"
    assert "Traceback" not in log, log[-5000:]
