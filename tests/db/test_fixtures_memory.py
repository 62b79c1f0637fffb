"""Memory for dumping and loading does not grow with the number of rows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

#: Run with a URL, a number of rows, a folder and the file to load; prints kilobytes of memory.
PROGRAM = """
import resource, sys
from pathlib import Path

import sqlalchemy as sa

from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.fixtures import DumpOptions, dump_data, load_data


class Owner(models.Model):
    name = models.CharField(max_length=100)

    class Meta:
        app_label = "memory"


class Row(models.Model):
    name = models.CharField(max_length=100)
    data = models.JSONField()
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE)
    before = models.ForeignKey("self", on_delete=models.SET_NULL, null=True)

    class Meta:
        app_label = "memory"


def fill(count):
    Owner.objects.create(id=1, name="Ada")
    for start in range(1, count, 2_000):
        keys = range(start, start + 2_000)
        rows = [{"id": n, "name": f"row {n}" * 5, "data": {"n": [n]}, "owner_id": 1} for n in keys]
        with databases["default"].sync_engine.begin() as connection:
            connection.execute(sa.insert(Row.__table__), rows)
    Row.objects.filter(id__lt=count, id__gte=count - 5_000).update(before=count)


url, count, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
databases.configure({"default": url})
models.create_all()
fill(count)
for name in ("rows.jsonl.gz", "rows.json"):
    dump_data(folder / name, DumpOptions(labels=["memory"]))
Row.objects.delete()
assert load_data(folder / sys.argv[4]) == {"memory.owner": 1, "memory.row": count}
assert Row.objects.filter(before=count).count() == 5_000
models.drop_all()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def measure(url: str, count: int, folder: Path) -> int:
    name = "rows.json" if url.startswith("sqlite") else "rows.jsonl.gz"
    command = [sys.executable, "-c", PROGRAM, url, str(count), str(folder), name]
    # Arenas of threads would be counted as if they were in use.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stderr
    return int(json.loads(result.stdout))


def test_memory_stays_flat(database_url: str, tmp_path: Path) -> None:
    """Seventy thousand rows take what ten thousand take, in both formats."""
    few, many = (measure(database_url, count, tmp_path) for count in (10_000, 70_000))
    # One of the larger files, held as a whole, would be seen at once.
    assert (tmp_path / "rows.json").stat().st_size > 8_000_000
    assert many - few < 6_000, f"{few} kB for few rows, {many} kB for many"
