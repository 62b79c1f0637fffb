"""Many writers in several processes on one SQLite file: none is refused, and none is lost.

The short form runs with the other tests; `scripts/soak` runs the whole: 4 processes of 125 writers,
20 increments each, as threads and as tasks.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

PROCESSES = 4
#: Writers in each process, and increments of each.
WRITERS, INCREMENTS = (125, 20) if os.environ.get("UNDERCROFT_SOAK") else (25, 4)

WRITER = """
import asyncio
import sys
import threading

import sqlalchemy as sa

from undercroft import models
from undercroft.db import atomic, databases
from undercroft.db.sessions import session

url, kind, writers, increments = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


class Counter(models.Model):
    value = models.IntegerField(default=0)

    class Meta:
        db_table = "soak_counter"


databases.configure({"default": url})
failures = []


@atomic
def increment():
    counter = Counter.objects.get(id=1)
    counter.value += 1
    counter.save()


@atomic
async def aincrement():
    counter = await Counter.objects.aget(id=1)
    counter.value += 1
    await counter.asave()


def increment_by_session():
    with session() as alone:
        alone.execute(sa.update(Counter).values(value=Counter.value + 1))
        alone.commit()


def write(step):
    try:
        for _ in range(increments):
            step()
    except BaseException as error:
        failures.append(error)


async def awrite():
    for _ in range(increments):
        await aincrement()


async def main():
    await asyncio.gather(*(awrite() for _ in range(writers)))


if kind == "tasks":
    asyncio.run(main())
else:
    step = increment if kind == "threads" else increment_by_session
    threads = [threading.Thread(target=write, args=[step]) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
for failure in failures:
    print(repr(failure), file=sys.stderr)
sys.exit(len(failures))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["threads", "tasks", "sessions"])
def test_no_writer_is_refused_and_no_increment_lost(tmp_path: Path, kind: str) -> None:
    """Every writer of every process gets its turn, and the counter is exact."""
    path = tmp_path / "soak.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE soak_counter (id INTEGER PRIMARY KEY, value INTEGER)")
        connection.execute("INSERT INTO soak_counter VALUES (1, 0)")
    script = tmp_path / "writer.py"
    script.write_text(WRITER, "utf-8")
    numbers = [kind, str(WRITERS), str(INCREMENTS)]
    command = [sys.executable, "-W", "error", str(script), f"sqlite:///{path}", *numbers]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(PROCESSES)]
    told = [process.communicate(timeout=600)[1].decode() for process in started]
    assert told == [""] * PROCESSES
    assert [process.returncode for process in started] == [0] * PROCESSES
    with closing(sqlite3.connect(path)) as connection:
        (value,) = connection.execute("SELECT value FROM soak_counter").fetchone()
    assert value == PROCESSES * WRITERS * INCREMENTS
