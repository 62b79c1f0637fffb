"""What must be the same through both gateways."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from undercroft import App, Request, Settings
from undercroft.concurrency import is_on_loop
from undercroft.errors import SynchronousOnlyOperation
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]

marker: ContextVar[str] = ContextVar("marker", default="clean")


def test_servers_see_an_asynchronous_application() -> None:
    """Servers that look at `app.__call__` learn that it speaks ASGI."""
    assert inspect.iscoroutinefunction(App().__call__)


def test_both_kinds_of_handler_answer(client: MakeClient) -> None:
    """`async def` runs on a loop and can wait; `def` runs where blocking is allowed."""
    app = App()

    @app.get("/async")
    async def on_loop() -> bool:
        await asyncio.sleep(0.001)
        return is_on_loop()

    @app.get("/sync")
    def beside_it() -> bool:
        return is_on_loop()

    spoken = client(app)
    assert spoken.get("/async").json() is True
    assert spoken.get("/sync").json() is False


def test_wsgi_needs_no_loop_for_blocking_handlers() -> None:
    """Under WSGI a `def` handler runs in the server's own thread."""
    app = App()

    @app.get("/")
    def handler() -> int:
        return threading.get_ident()

    with Client(app, through="wsgi") as spoken:
        assert spoken.get("/").json() == threading.get_ident()


def test_requests_do_not_share_context(client: MakeClient) -> None:
    """A context variable that one request sets is unset in the next, on any thread."""
    app = App()

    @app.get("/sync")
    def sync() -> str:
        seen = marker.get()
        marker.set("dirty")
        return seen

    @app.get("/async")
    async def on_loop() -> str:
        await asyncio.sleep(0)
        return sync()

    spoken = client(app)
    assert {spoken.get(path).text for path in ("/sync", "/async") for _ in range(5)} == {"clean"}


def test_bodies_are_read_whole_and_limited(client: MakeClient) -> None:
    """A body at the limit is read, a longer one is refused, announced or not."""
    app = App(Settings(max_body_size=1000))

    @app.post("/")
    async def handler(request: Request) -> int:
        return len(await request.body())

    spoken = client(app)
    assert spoken.post("/", content=b"x" * 1000).json() == 1000
    answer = spoken.post("/", content=b"x" * 1001)
    assert (answer.status_code, answer.json()["code"]) == (413, "http.content-too-large")
    false = spoken.post("/", content=b"x" * 1001, headers={"content-length": "9" * 5000})
    assert false.status_code in {400, 413}


def test_non_ascii_paths_arrive_decoded(client: MakeClient) -> None:
    """A percent-encoded path arrives as the text it means."""
    app = App()

    @app.get("/files/{name}")
    def handler(name: str) -> str:
        return name

    spoken = client(app)
    assert spoken.get("/files/%E2%82%AC%20%C3%BC").text == "€ ü"
    assert spoken.get("/files/%ff").status_code == 200


def test_the_client_and_the_mount_are_known(client: MakeClient) -> None:
    """A handler can tell the other end and where the application is mounted."""
    app = App()

    @app.get("/")
    def handler(request: Request) -> list[object]:
        return [request.client is not None, request.root_path, request.scheme]

    assert client(app, root_path="/below").get("/").json() == [True, "/below", "http"]


def test_blocking_calls_on_the_loop_are_named() -> None:
    """Driving a coroutine from a running loop is refused with what to write."""
    from undercroft.concurrency import drive, run_in_thread

    async def inner() -> None:
        drive(run_in_thread(print))

    with pytest.raises(SynchronousOnlyOperation, match="await coroutine"):
        asyncio.run(inner())
