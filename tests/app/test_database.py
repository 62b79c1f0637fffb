"""The application and its database: one transaction for a request, clear failures."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pytest

from tests.conftest import create_tables
from undercroft import (
    App,
    BackgroundTasks,
    Depends,
    HTTPException,
    JSONResponse,
    Settings,
    models,
)
from undercroft.db.connections.databases import databases
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]


class Entry(models.Model):
    """A row to write."""

    text = models.CharField(max_length=20, unique=True)

    class Meta:
        db_table = "app_test_entries"


@pytest.fixture
def app(database_url: str) -> Iterator[App]:
    """An application that writes in every way, on each database."""
    app = App(Settings(database_url=database_url))
    create_tables("app_test_entries")

    @app.post("/async/{ending}")
    async def on_loop(ending: str) -> Any:
        await Entry.objects.acreate(text="one")
        await Entry.objects.acreate(text="two")
        return end(ending)

    @app.post("/sync/{ending}")
    def in_thread(ending: str) -> Any:
        Entry.objects.create(text="one")
        Entry.objects.create(text="two")
        return end(ending)

    def first() -> str:
        Entry.objects.create(text="one")
        return "first"

    @app.post("/depends/{ending}")
    def depends(ending: str, first: Annotated[str, Depends(first)]) -> Any:
        Entry.objects.create(text="two")
        return end(ending)

    add_readers(app)
    yield app
    databases.dispose()


def add_readers(app: App) -> None:
    """Add handlers that read, the right ways and the wrong ones."""

    @app.get("/count")
    def count() -> int:
        return Entry.objects.count()

    @app.get("/acount")
    async def acount() -> int:
        return await Entry.objects.acount()

    @app.get("/blocking")
    async def blocking() -> int:
        return Entry.objects.count()

    @app.get("/bare")
    async def bare():  # type: ignore[no-untyped-def]
        return await Entry.objects.afirst()

    @app.get("/bare-list")
    def bare_list():  # type: ignore[no-untyped-def]
        return list(Entry.objects.all())

    @app.get("/bare-query")
    def bare_query():  # type: ignore[no-untyped-def]
        return Entry.objects.all()


def end(ending: str) -> Any:
    """End a handler in one of the ways a handler ends."""
    if ending == "raises":
        raise ValueError("after two writes")
    if ending == "refuses":
        raise HTTPException(409, "no")
    if ending == "fails":
        return JSONResponse({"ok": False}, 503)
    if ending == "conflicts":
        return Entry.objects.create(text="one")
    return {"ok": True}


@pytest.mark.parametrize("way", ["async", "sync", "depends"])
def test_an_unsafe_request_is_one_transaction(app: App, client: MakeClient, way: str) -> None:
    """All writes of a request stay, or none: what raises or answers 5xx leaves nothing."""
    spoken = client(app)
    for ending, status in [("raises", 500), ("refuses", 409), ("fails", 503)]:
        assert spoken.post(f"/{way}/{ending}").status_code == status
        assert spoken.get("/count").json() == 0, ending
    assert spoken.post(f"/{way}/good").json() == {"ok": True}
    assert spoken.get("/count").json() == 2
    assert spoken.get("/acount").json() == 2


def test_a_violated_constraint_leaves_nothing(app: App, client: MakeClient) -> None:
    """A write that the database refuses undoes the ones before it."""
    spoken = client(app)
    assert spoken.post("/sync/conflicts").status_code == 500
    assert spoken.get("/count").json() == 0


def test_a_blocking_query_on_the_loop_names_its_twin(
    app: App, client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A blocking call in an `async def` is a failure whose log says what to write."""
    assert client(app).get("/blocking").status_code == 500
    assert "acount" in caplog.text


@pytest.mark.parametrize("path", ["/bare", "/bare-list", "/bare-query"])
def test_a_model_without_a_serializer_is_refused(
    app: App, client: MakeClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    """A model, a list of them or a query set never leaves without a declaration."""
    Entry.objects.create(text="hidden")
    answer = client(app).get(path)
    assert answer.status_code == 500
    assert "hidden" not in answer.text
    assert "serializer" in caplog.text


@pytest.mark.postgres
@pytest.mark.parametrize("path", ["/count", "/acount"])
def test_an_unreachable_database_is_503(client: MakeClient, path: str) -> None:
    """A database that does not answer is told as 503, without its address."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        app = App(Settings(database_url=f"postgresql://u:secret@127.0.0.1:{port}/none"))

        @app.get("/count")
        def count() -> int:
            return Entry.objects.count()

        @app.get("/acount")
        async def acount() -> int:
            return await Entry.objects.acount()

        answer = client(app).get(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "db.unavailable")
    assert "secret" not in answer.text
    databases.configure({})


def test_background_tasks_run_after_the_commit(app: App, client: MakeClient) -> None:
    """They see what the request wrote and write for themselves; a commit that fails drops them."""
    seen: list[int] = []

    def count() -> None:
        with ThreadPoolExecutor(1) as elsewhere:
            seen.append(elsewhere.submit(Entry.objects.count).result())
        Entry.objects.create(text="later")

    @app.post("/written")
    def write(tasks: BackgroundTasks) -> str:
        tasks.add_task(count)
        Entry.objects.create(text="now")
        return "written"

    @app.post("/refused")
    def refuse(tasks: BackgroundTasks) -> str:
        tasks.add_task(count)
        Entry.objects.create(text="now")
        return "twice"

    caller = client(app)
    assert caller.post("/written").status_code == 200
    assert (seen, Entry.objects.count()) == ([1], 2)
    assert caller.post("/refused").status_code in {409, 500}
    assert (seen, Entry.objects.count()) == ([1], 2)
