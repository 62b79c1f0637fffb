"""Undercroft beside Flask with SQLAlchemy and Django with REST framework, all on SQLite.

    BENCH_VENV=... BENCH_PEER_DIR=.../bench/peers python benchmarks/sqlite.py [--check]

Workloads 5 to 8 of the comparison of all stacks, whose checks, load and tables these are too: one
worker on core 0, wrk on core 1, all servers up at once, short rounds in turn.
"""

import argparse
import hashlib
import os
import sqlite3
import sys
import time
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEER_FOLDER = Path(os.environ["BENCH_PEER_DIR"]).resolve()

sys.path.insert(0, str(PEER_FOLDER.parent))
import run as bench

FILE = bench.WORK / "bench.sqlite3"
NUMBERS = [5, 6, 7, 8]

#: As the peers on PostgreSQL are served; gunicorn keeps no access log by itself.
GUNICORN = "{bin}/gunicorn -w 1 -k gthread --threads 4 -b 127.0.0.1:{port} {module}:app"

SCHEMA = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL);
CREATE TABLE posts (
    id INTEGER PRIMARY KEY,
    title VARCHAR(200) NOT NULL,
    content TEXT NOT NULL,
    pub_date DATETIME NOT NULL,
    author_id INTEGER NOT NULL REFERENCES authors (id));
CREATE INDEX posts_author ON posts (author_id);
CREATE TABLE fortunes (id INTEGER PRIMARY KEY, message VARCHAR(500) NOT NULL);
"""


def make_file():
    """Make the rows that the checks expect, the same as on PostgreSQL."""
    for path in FILE.parent.glob(f"{FILE.name}*"):
        path.unlink()
    with sqlite3.connect(FILE) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA}")
        authors = [(n, f"Author {n}") for n in range(1, bench.AUTHORS + 1)]
        connection.executemany("INSERT INTO authors VALUES (?, ?)", authors)
        posts = (build_post(n) for n in range(1, bench.POSTS + 1))
        connection.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?)", posts)
        fortunes = list(enumerate(bench.FORTUNES, 1))
        connection.executemany("INSERT INTO fortunes VALUES (?, ?)", fortunes)
    connection.close()


def build_post(number):
    content = (hashlib.md5(str(number).encode()).hexdigest() + " ") * 6
    moment = bench.SEED_START + timedelta(minutes=number)
    text = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    return number, f"Post number {number}", content, text, (number - 1) % bench.AUTHORS + 1


def ask_file(statement):
    connection = sqlite3.connect(FILE, timeout=30)
    with connection:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return str(rows[0][0]) if rows else ""


def tidy_posts():
    time.sleep(0.3)  # let a server finish what the last load left queued
    ask_file(f"DELETE FROM posts WHERE id > {bench.POSTS}")


def list_peers():
    ours = bench.constants(HERE / "undercroft_app.py")["PEERS"]["undercroft"]
    peers = [bench.Peer("undercroft", ours, NUMBERS, "undercroft_app.py", HERE)]
    for name in ("flask", "drf"):
        command = GUNICORN.replace("{module}", f"{name}_sqlite")
        folder = HERE / "sqlite_peers"
        peers.append(bench.Peer(f"{name}-sqlite", command, NUMBERS, f"{name}_sqlite.py", folder))
    return peers


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only check the answers")
    parser.add_argument("--workloads", default="5-8")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--extra", type=int, default=3, help="more rounds for disturbed runs")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--connections", type=int, default=32)
    parser.set_defaults(reference="flask-sqlite", ceiling="drf-sqlite")
    args = parser.parse_args()
    numbers = bench.spans(args.workloads)
    bench.WORK.mkdir(parents=True, exist_ok=True)
    make_file()
    bench.DSN, bench.sql, bench.tidy_posts = f"sqlite:///{FILE}", ask_file, tidy_posts
    bench.favour("self")
    running = []
    try:
        for offset, peer in enumerate(list_peers()):
            peer.start(bench.FIRST_PORT + offset)
            running.append(peer)
        cells, excluded = bench.measure(running, numbers, args)
        if cells:
            bench.report(running, numbers, cells, args)
        sys.exit("\n".join(map(str, excluded)) or 0)
    finally:
        for peer in running:
            peer.stop()


if __name__ == "__main__":
    main()
