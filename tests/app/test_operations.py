"""Operations: every method a route names is compiled, or refused at start."""

from collections.abc import Callable

import pytest

from undercroft import App, View, path
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client


class Readable(View):
    """A view with one method."""

    def get(self) -> str:
        """Answer."""
        return "read"


@pytest.mark.parametrize("methods", [["GET", "DELETE"], ["DELETE"], ["GET", "OPTIONS"]])
def test_a_method_the_view_lacks_is_refused_at_start(methods: list[str]) -> None:
    """The error names the view, the method and where it is routed."""
    app = App(routes=[path("v", Readable.as_view(), methods=methods)])
    with pytest.raises(ImproperlyConfigured, match=f"Readable has no method for {methods[-1]}"):
        app.build()


@pytest.mark.parametrize("methods", [["GET"], ["GET", "HEAD"], ["HEAD"]])
def test_head_is_answered_by_get(client: Callable[..., Client], methods: list[str]) -> None:
    """A view with `get` answers HEAD, declared or not."""
    spoken = client(App(routes=[path("v", Readable.as_view(), methods=methods)]))
    assert spoken.head("/v").headers["content-length"] == "4"
    assert spoken.get("/v").status_code == (200 if "GET" in methods else 405)
