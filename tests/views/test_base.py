"""Class-based views: one method for each HTTP method, a new instance for each request."""

from collections.abc import Callable
from typing import Annotated

import pytest

from undercroft import App, Query, Request, View, path
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]


class Greeting(View):
    """A view with both kinds of method."""

    greeting = "Hello"
    seen = 0

    async def get(self, name: str, times: Annotated[int, Query(ge=1)] = 1) -> dict[str, object]:
        """Greet."""
        self.seen += 1
        return {"text": f"{self.greeting}, {name}" * times, "seen": self.seen}

    def post(self, request: Request, body: dict[str, int]) -> dict[str, object]:
        """Answer with what came."""
        return {"body": body, "name": self.kwargs["name"], "same": request is self.request}


def test_methods_are_bound_like_handlers(client: MakeClient) -> None:
    """Each method takes its arguments from the request, and instances are never shared."""
    app = App(routes=[path("hi/{name}", Greeting.as_view(greeting="Hi"), name="hi")])
    spoken = client(app)
    for _ in range(2):
        assert spoken.get("/hi/Ada?times=2").json() == {"text": "Hi, AdaHi, Ada", "seen": 1}
    answer = spoken.post("/hi/Ada", json={"a": 1}).json()
    assert answer == {"body": {"a": 1}, "name": "Ada", "same": True}
    assert spoken.get("/hi/Ada?times=0").status_code == 422


def test_only_its_methods_are_answered(client: MakeClient) -> None:
    """A method the view lacks, or one named like an attribute, is 405."""
    app = App(routes=[path("hi/{name}", Greeting.as_view())])
    spoken = client(app)
    assert spoken.head("/hi/Ada").status_code == 200
    for method in ("PUT", "SETUP", "GREETING", "__INIT__"):
        answer = spoken.request(method, "/hi/Ada")
        assert (method, answer.status_code) == (method, 405)
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_mistakes_are_told_when_the_view_is_made() -> None:
    """An unknown option and a view without methods are refused at once."""
    with pytest.raises(ImproperlyConfigured, match="'greting', which is no attribute"):
        Greeting.as_view(greting="Hi")
    with pytest.raises(ImproperlyConfigured, match="answers no HTTP method"):
        View.as_view()

    class Static(View):
        @staticmethod
        def get(n: int) -> int:
            return n

    with pytest.raises(ImproperlyConfigured, match="static or class method"):
        Static.as_view()
