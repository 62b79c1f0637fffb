"""Clients that hang up while their request writes and waits: nothing stays open behind them."""

import random
import socket
import struct
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.server.conftest import Start
from tests.server.test_foreign_servers import SERVERS
from undercroft.db.connections.databases import Database

WRITING = """
import asyncio
import random
import time
from typing import Annotated
from undercroft import App, Depends, models
from undercroft.db import databases

class Entry(models.Model):
    side = models.CharField(max_length=5)
    number = models.IntegerField()

    class Meta:
        db_table = "entries"
        app_label = "main"

app = App()
models.create_all()

def write_left(number: int) -> int:
    Entry.objects.create(side="left", number=number)
    time.sleep(random.random() / 50)
    return number

@app.post("/sync")
def sync(number: int) -> int:
    write_left(number)
    Entry.objects.create(side="right", number=number)
    return number

@app.post("/async")
async def on_loop(number: int) -> int:
    await Entry.objects.acreate(side="left", number=number)
    await asyncio.sleep(random.random() / 50)
    await Entry.objects.acreate(side="right", number=number)
    return number

@app.post("/mixed")
async def mixed(number: Annotated[int, Depends(write_left)]) -> int:
    await asyncio.sleep(random.random() / 50)
    await Entry.objects.acreate(side="right", number=number)
    return number

@app.get("/in-use")
def count_in_use() -> int:
    database = databases["default"]
    engines = [database.sync_engine]
    engines += [engine.sync_engine for engine in list(database._async_engines.values())]
    return sum(engine.pool.checkedout() for engine in engines)

async def impatient(scope, receive, send):
    if scope["type"] != "http":
        return await app(scope, receive, send)
    begun = await receive()
    waiting, gone = [begun], asyncio.ensure_future(receive())
    async def receive_begun():
        return waiting.pop() if waiting else await asyncio.shield(gone)
    answering = asyncio.ensure_future(app(scope, receive_begun, send))
    await asyncio.wait([answering, gone], return_when=asyncio.FIRST_COMPLETED)
    answering.cancel()
    gone.cancel()
    await asyncio.wait([answering, gone])
"""

#: One of them cancels the handler of a client that is gone, as some middleware does.
RUNNERS = {
    **{name: SERVERS[name] for name in ("undercroft", "hypercorn", "gunicorn-gthread")},
    "cancelling": ["uvicorn", "main:impatient", "--port", "{port}"],
}

KINDS = ("sync", "async", "mixed")
CLIENTS, REQUESTS = 12, 10


def hang_up(port: int, kind: str, number: int, *, waits: bool) -> None:
    """Send a request and go away at a random moment, politely or by a reset, unless it waits."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(
            f"POST /{kind}?number={number} HTTP/1.1\r\n"
            "Host: localhost\r\nContent-Length: 0\r\n\r\n".encode()
        )
        if waits:
            assert client.recv(1)
            return
        time.sleep(random.random() / 15)
        if number % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def be_a_client(port: int, client: int) -> None:
    """Make requests of every kind, and wait for no answer but the last one's."""
    for turn in range(REQUESTS):
        waits = turn == REQUESTS - 1
        hang_up(port, KINDS[(client + turn) % len(KINDS)], client * REQUESTS + turn, waits=waits)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNNERS)
def test_who_hangs_up_leaves_nothing_open(
    start: Start, project: Path, database_url: str, name: str
) -> None:
    """Afterwards every connection is back, no transaction is open, and nothing is half written."""
    (project / "main.py").write_text(WRITING, "utf-8")
    server = start(*RUNNERS[name], UNDERCROFT_DATABASE_URL=database_url).wait()
    clients = [
        threading.Thread(target=be_a_client, args=(server.port, client))
        for client in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    server.wait_for(lambda: server.get("/in-use").json() == 0, "every connection back in its pool")
    for kind in KINDS:
        assert server.ask("POST", f"/{kind}?number=-1").json() == -1
    database = Database("test", database_url)
    with database.sync_engine.connect() as connection:
        assert count_open(connection) == 0
        rows = connection.execute(sa.text("SELECT number, side FROM entries")).all()
    database.dispose()
    numbers = {row.number for row in rows}
    assert len(numbers) > CLIENTS, "those who waited came to their end"
    sides = sorted((number, side) for number in numbers for side in ("left", "right"))
    assert sorted({tuple(row) for row in rows}) == sides
    assert "Traceback" not in server.read_log()
    server.stop()


def count_open(connection: sa.Connection) -> int:
    """Count the transactions that are open and wait, as far as the database can tell."""
    asked = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        "mariadb": "SELECT count(*) FROM information_schema.innodb_trx"
        " JOIN information_schema.processlist ON id = trx_mysql_thread_id"
        " WHERE db = database() AND id <> connection_id()",
    }.get(connection.dialect.name)
    if asked is None:
        # Another could not begin to write while one is open.
        asked = "SELECT 0"
    return int(connection.execute(sa.text(asked)).scalar_one())
