"""Background tasks: after the answer and its commit, in order, whatever fails."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Annotated

import pytest

from undercroft import (
    App,
    BackgroundTask,
    BackgroundTasks,
    Depends,
    JSONResponse,
    Query,
    Request,
    Settings,
)
from undercroft.errors import NotFound
from undercroft.testing.client import Client

Made = Callable[[App], Client]


def test_tasks_run_after_the_answer_in_order(client: Made) -> None:
    """Handler and dependency share the tasks; functions of both kinds run, one after the other."""
    app, log = App(), list[object]()

    def note(text: str, *, mark: str = "") -> None:
        log.append((text, mark, threading.current_thread() is threading.main_thread()))

    async def anote(text: str) -> None:
        log.append(text)

    def leave_note(tasks: BackgroundTasks) -> Iterator[str]:
        tasks.add_task(note, "dependency")
        yield "x"
        log.append("left")

    @app.get("/async")
    async def on_loop(tasks: BackgroundTasks, _: Annotated[str, Depends(leave_note)]) -> str:
        tasks.add_task(anote, "async")
        log.append("handler")
        return "done"

    @app.get("/sync")
    def in_thread(tasks: BackgroundTasks, name: str) -> str:
        tasks.add_task(note, name, mark="m")
        tasks.add_task(anote, text="async")
        return "done"

    caller = client(app)
    assert caller.get("/async").text == "done"
    assert [each if isinstance(each, str) else each[0] for each in log] == [  # type: ignore[index]
        "handler",
        "left",
        "dependency",
        "async",
    ]
    log.clear()
    assert caller.get("/sync?name=Ada").text == "done"
    assert log == [("Ada", "m", caller.through == "wsgi"), "async"]


def test_a_response_brings_its_own(client: Made) -> None:
    """`background=` takes a task, tasks, or a plain coroutine function, and a kept answer again."""
    app, log = App(), list[object]()
    several = BackgroundTasks()
    several.add_task(log.append, 1)
    several.add_task(log.append, 2)

    async def plain() -> None:
        log.append("plain")

    kept = JSONResponse({}, background=several)
    app.get("/kept")(lambda: kept)
    app.get("/one")(lambda: JSONResponse({}, background=BackgroundTask(log.append, "one")))
    app.get("/plain")(lambda: JSONResponse({}, background=plain))
    caller = client(app)
    for path in ("/kept", "/kept", "/one", "/plain"):
        assert caller.get(path).status_code == 200
    assert log == [1, 2, 1, 2, "one", "plain"]


def test_a_failure_drops_the_tasks(client: Made) -> None:
    """Where the handler raises, what it had added is not done, even if middleware answers."""
    app, log = App(), list[object]()

    async def forgive(request: Request, call_next):  # type: ignore[no-untyped-def]
        try:
            return await call_next(request)
        except KeyError:
            return JSONResponse({}, 400)

    app.add_middleware(forgive)

    @app.post("/missing")
    def missing(tasks: BackgroundTasks) -> str:
        tasks.add_task(log.append, 1)
        raise NotFound

    @app.get("/forgiven")
    async def forgiven(tasks: BackgroundTasks) -> str:
        tasks.add_task(log.append, 1)
        raise KeyError

    caller = client(app)
    assert caller.post("/missing").status_code == 404
    assert caller.get("/forgiven").status_code == 400
    assert log == []


def test_a_task_that_fails_is_logged(client: Made, caplog: pytest.LogCaptureFixture) -> None:
    """The client sees nothing of it, the log has its name and traceback, and the next one runs."""
    app, log = App(), list[object]()

    def fail() -> None:
        raise ValueError("no mail server")

    @app.get("/")
    def handler(tasks: BackgroundTasks) -> str:
        tasks.add_task(fail)
        tasks.add_task(log.append, "next")
        return "fine"

    with caplog.at_level(logging.ERROR):
        assert client(app).get("/").text == "fine"
    assert "fail failed" in caplog.text
    assert "no mail server" in caplog.text
    assert log == ["next"]


def test_a_task_is_injected_what_it_asks_for(client: Made) -> None:
    """Dependencies are made for the task, live while it runs, and are cleaned up after it."""
    app, log = App(Settings(debug=True)), list[object]()

    def open_mailer(sender: Annotated[str, Query()] = "nobody") -> Iterator[str]:
        log.append("opened")
        yield f"mailer of {sender}"
        log.append("closed")

    def send(
        to: str,
        mailer: Annotated[str, Depends(open_mailer)],
        settings: Settings,
        subject: str = "hello",
    ) -> None:
        log.append((to, mailer, settings.debug, subject))

    async def asend(to: str, mailer: Annotated[str, Depends(open_mailer)], app: App) -> None:
        log.append((to, mailer, type(app)))

    @app.get("/")
    def handler(tasks: BackgroundTasks) -> str:
        tasks.add_task(send, "Ada")
        tasks.add_task(asend, to="Bob")
        return "fine"

    assert client(app).get("/?sender=Eve&subject=evil&to=evil").text == "fine"
    assert log == [
        "opened",
        ("Ada", "mailer of Eve", True, "hello"),
        "closed",
        "opened",
        ("Bob", "mailer of Eve", App),
        "closed",
    ]


def test_a_missing_argument_is_never_read_from_the_request(client: Made) -> None:
    """A task that was given too little is an error where it is added."""
    app, failed = App(), list[str]()

    def send(to: str) -> None:
        failed.append(f"sent to {to}")

    @app.get("/")
    def handler(tasks: BackgroundTasks) -> str:
        try:
            tasks.add_task(send)
        except TypeError as error:
            failed.append(str(error))
        return "fine"

    client(app).get("/?to=eve")
    assert len(failed) == 1
    assert "no argument 'to'" in failed[0]
