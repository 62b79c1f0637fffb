"""A deadline that has passed: nothing is committed, also by a thread that nobody can stop."""

import threading
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from undercroft import App, Settings, models
from undercroft.concurrency import run_on_background_loop
from undercroft.db.connections.databases import databases
from undercroft.errors import TransactionManagementError
from undercroft.testing import Client


class LateEntry(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        db_table = "late_entries"
        app_label = "deadlines"


@pytest.fixture
def entries(database_url: str) -> Iterator[str]:
    """An empty table on each kind of database."""
    before = {alias: known.url for alias, known in databases.items()}
    databases.configure({"default": database_url})
    table = sa.inspect(LateEntry).local_table
    assert isinstance(table, sa.Table)
    table.create(databases["default"].sync_engine)
    yield database_url
    run_on_background_loop(databases.adispose())
    databases.dispose()
    databases.configure(before)


def test_a_thread_beyond_its_deadline_writes_nothing(
    client: Callable[..., Client], entries: str
) -> None:
    """What a `def` handler wrote is rolled back at 504, and what it writes later is refused."""
    app = App(Settings(request_timeout=0.2, databases={"default": entries}))
    answered, over = threading.Event(), threading.Event()
    problems: list[str] = []

    @app.post("/slow")
    def slow() -> str:
        LateEntry.objects.create(name="before")
        answered.wait(10)
        try:
            LateEntry.objects.create(name="after")
        except TransactionManagementError as error:
            problems.append(error.code)
        over.set()
        return "late"

    http = client(app)
    assert http.post("/slow").status_code == 504
    answered.set()
    assert over.wait(10)
    assert problems == ["db.transaction-over"]
    assert LateEntry.objects.count() == 0
