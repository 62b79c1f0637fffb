"""Messages that are shown once."""

import threading
import time
from collections.abc import Callable

from tests.sessions.conftest import MakeApp
from undercroft import App, Request
from undercroft.sessions import flash, get_messages, messages
from undercroft.testing.client import Client

MakeClient = Callable[..., Client]


def add_message_handlers(app: App) -> App:
    @app.post("/tell")
    def tell(request: Request) -> str:
        messages.success(request, "Saved.")
        messages.warning(request, "<b>Careful</b>", extra_tags="loud")
        messages.debug(request, "Never told in production.")
        flash(request, "As Flask does", "note")
        return "told"

    @app.post("/tell/{text}")
    def tell_text(request: Request, text: str) -> str:
        len(request.session)
        time.sleep(0.05)
        messages.info(request, text)
        return text

    @app.get("/show")
    def show(request: Request) -> list[list[str]]:
        return [[str(message), message.tags] for message in get_messages(request)]

    @app.get("/notes")
    def notes(request: Request) -> list[str]:
        return [str(message) for message in get_messages(request, ["note"])]

    return app


def test_messages_are_shown_once_in_their_order(
    make_app: MakeApp, engine: str, client: MakeClient
) -> None:
    """The next request that asks has them, with their tags; the one after has none."""
    visitor = client(add_message_handlers(make_app(engine)))
    visitor.post("/tell")
    assert visitor.get("/show").json() == [
        ["Saved.", "success"],
        ["<b>Careful</b>", "loud warning"],
        ["As Flask does", "note"],
    ]
    assert visitor.get("/show").json() == []


def test_some_categories_are_taken_alone(make_app: MakeApp, client: MakeClient) -> None:
    """What was not asked for is shown later."""
    visitor = client(add_message_handlers(make_app("signed_cookies")))
    visitor.post("/tell")
    assert visitor.get("/notes").json() == ["As Flask does"]
    assert [text for text, _ in visitor.get("/show").json()] == ["Saved.", "<b>Careful</b>"]


def test_requests_at_the_same_time_keep_each_others_messages(
    make_app: MakeApp, client: MakeClient
) -> None:
    """Where the store loses no update, no message is lost."""
    visitor = client(add_message_handlers(make_app("cache")))
    visitor.post("/set/a/1")
    threads = [threading.Thread(target=visitor.post, args=(f"/tell/{text}",)) for text in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(text for text, _ in visitor.get("/show").json()) == ["a", "b", "c"]
