"""What a row costs when there are few and when there are many, and what memory a million takes.

    python benchmarks/rows.py [--url postgresql://...] [--repeats 15] [--rows 1000000]

Reads 1 to 10,000 rows as instances, as dicts and through a serializer with a nested one: the time
for each further row is to stay the same. Then a process of its own iterates over few rows and over
many: its memory is to stay the same. The database must be empty; the default is an SQLite file.
"""

import argparse
import gc
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from undercroft import models, serializers
from undercroft.api.loading import build_load_plan
from undercroft.concurrency import drive
from undercroft.db import databases

SIZES = [1, 10, 100, 1_000, 10_000]
FEW = 10_000


class Author(models.Model):
    name = models.CharField(max_length=100)

    class Meta:
        app_label = "rows"


class Post(models.Model):
    title = models.CharField(max_length=200)
    content = models.TextField()
    pub_date = models.DateTimeField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE)

    class Meta:
        app_label = "rows"


class AuthorSerializer(serializers.ModelSerializer):
    class Meta:
        model = Author
        fields = ["id", "name"]


class PostSerializer(serializers.ModelSerializer):
    author: AuthorSerializer

    class Meta:
        model = Post
        fields = ["id", "title", "content", "pub_date", "author"]


PLAN = build_load_plan(PostSerializer)


def fill(count: int) -> None:
    """Insert rows in large steps."""
    models.create_all()
    Author.objects.create(id=1, name="Ada")
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    statement = sa.insert(Post.__table__)
    for start in range(1, count + 1, 10_000):
        values = [
            {"title": f"Post {n}", "content": "word " * 20, "pub_date": moment, "author_id": 1}
            for n in range(start, min(start + 10_000, count + 1))
        ]
        with databases["default"].sync_engine.begin() as connection:
            connection.execute(statement, values)


def read_instances(count: int) -> int:
    return len(list(Post.objects.select_related("author").order_by("id")[:count]))


def read_dicts(count: int) -> int:
    names = ["id", "title", "content", "pub_date", "author__id", "author__name"]
    return len(list(Post.objects.order_by("id").values(*names)[:count]))


def read_through_serializer(count: int) -> int:
    rendered: Any = PLAN.render_many(Post.objects.order_by("id")[:count])
    return len(rendered if isinstance(rendered, bytes) else drive(rendered))


WAYS: dict[str, Callable[[int], int]] = {
    "instances": read_instances,
    "dicts": read_dicts,
    "serializer": read_through_serializer,
}


def measure(read: Callable[[int], int], count: int, repeats: int) -> float:
    """Measure a reading in seconds of this process's own time; the least of several."""
    read(count)
    times: list[float] = []
    for _ in range(repeats):
        gc.collect()
        began = time.process_time()
        for _ in range(max(1, 1_000 // count)):
            read(count)
        times.append((time.process_time() - began) / max(1, 1_000 // count))
    return min(times)


def print_costs(repeats: int) -> None:
    costs = {
        way: {count: measure(read, count, repeats) for count in SIZES} for way, read in WAYS.items()
    }
    print("| rows | " + " | ".join(f"{way}, ms | µs a further row" for way in WAYS) + " |")
    print("| ---: |" + " ---: |" * 2 * len(WAYS))
    for before, count in zip([None, *SIZES], SIZES, strict=False):
        cells: list[str] = []
        for way in WAYS:
            cells.append(f"{costs[way][count] * 1e3:,.3f}")
            cells.append("" if before is None else f"{slope(costs[way], before, count):.2f}")
        print(f"| {count:,} | " + " | ".join(cells) + " |")
    for way, cost in costs.items():
        growth = slope(cost, 1_000, 10_000) / slope(cost, 100, 1_000)
        print(f"{way}: a further row above 1,000 costs {growth:.2f} times one below")


def slope(cost: dict[int, float], few: int, many: int) -> float:
    """Microseconds for each row more."""
    return (cost[many] - cost[few]) / (many - few) * 1e6


def iterate(count: int) -> int:
    """Iterate over rows; give the greatest memory of this process in kilobytes."""
    seen = sum(1 for _ in Post.objects.order_by("id")[:count].iterator(chunk_size=2_000))
    if seen != count:
        raise SystemExit(f"{seen} rows instead of {count}")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def print_memory(url: str, rows: int) -> None:
    few, many = (statistics.median(ask(url, count) for _ in range(3)) for count in (FEW, rows))
    print(f"\niterator() over {FEW:,} rows: {few / 1024:.1f} MiB; over {rows:,}: {many / 1024:.1f}")


def ask(url: str, count: int) -> int:
    command = [sys.executable, __file__, "--url", url, "--iterate", str(count)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--iterate", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = args.url or f"sqlite:///{Path(folder) / 'rows.sqlite3'}"
        databases.configure({"default": url})
        if args.iterate:
            print(iterate(args.iterate))
            return
        try:
            fill(args.rows)
            print_costs(args.repeats)
            print_memory(url, args.rows)
        finally:
            models.drop_all()
            databases.dispose()


if __name__ == "__main__":
    main()
