"""Dependencies: called in order, once for a request, cleaned up whatever happens."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated

import pytest

from undercroft import App, Depends, Header, Settings
from undercroft.errors import ImproperlyConfigured
from undercroft.testing.client import Client

MakeClient = Callable[[App], Client]


def test_dependencies_nest_and_are_called_once(client: MakeClient) -> None:
    """A value asked for twice is made once; `use_cache=False` makes it again."""
    app = App()
    calls: list[str] = []

    def token(x_token: Annotated[str, Header()]) -> str:
        calls.append("token")
        return x_token

    async def user(token: Annotated[str, Depends(token)]) -> str:
        calls.append("user")
        return f"user of {token}"

    @app.get("/")
    async def handler(
        user: Annotated[str, Depends(user)],
        again: str = Depends(token),
        fresh: str = Depends(token, use_cache=False),
    ) -> list[str]:
        return [user, again, fresh]

    answer = client(app).get("/", headers={"x-token": "t"})
    assert answer.json() == ["user of t", "t", "t"]
    assert calls == ["token", "user", "token"]
    missing = client(app).get("/").json()["errors"]
    assert {tuple(error["location"]) for error in missing} == {("header", "x-token")}


@pytest.mark.parametrize("is_async", [True, False])
def test_generators_clean_up_in_reverse(client: MakeClient, is_async: bool) -> None:
    """What a generator yields is injected; what follows runs when the handler is done or failed."""
    app = App()
    log: list[str] = []

    def outer() -> Iterator[str]:
        log.append("open outer")
        try:
            yield "outer"
        except ValueError as error:
            log.append(f"saw {error}")
            raise
        finally:
            log.append("close outer")

    async def inner(outer: Annotated[str, Depends(outer)]) -> AsyncIterator[str]:
        log.append("open inner")
        yield f"inner of {outer}"
        log.append("close inner")

    def blocking(outer: Annotated[str, Depends(outer)]) -> Iterator[str]:
        log.append("open inner")
        yield f"inner of {outer}"
        log.append("close inner")

    if is_async:

        @app.get("/")
        async def handler(value: Annotated[str, Depends(inner)], fail: bool = False) -> str:
            if fail:
                raise ValueError("failed")
            return value
    else:

        @app.get("/")
        def handler(value: Annotated[str, Depends(blocking)], fail: bool = False) -> str:
            if fail:
                raise ValueError("failed")
            return value

    spoken = client(app)
    assert spoken.get("/").text == "inner of outer"
    assert log == ["open outer", "open inner", "close inner", "close outer"]
    log.clear()
    assert spoken.get("/?fail=1").status_code == 500
    assert log == ["open outer", "open inner", "saw failed", "close outer"]


def test_a_class_is_its_own_dependency(client: MakeClient) -> None:
    """`Annotated[Paging, Depends()]` calls the class with values from the request."""
    app = App()

    class Paging:
        def __init__(self, page: int = 1, size: int = 10) -> None:
            self.start = (page - 1) * size

    @app.get("/")
    def handler(paging: Annotated[Paging, Depends()]) -> int:
        return paging.start

    assert client(app).get("/?page=3").json() == 20


def test_the_app_and_its_settings_are_given_by_type(client: MakeClient) -> None:
    """A handler that names App or Settings is given the ones that serve it."""
    settings = Settings(static_url="/files/")
    app = App(settings)

    @app.get("/")
    def handler(here: App, settings: Settings) -> list[object]:
        return [here is app, settings.static_url]

    assert client(app).get("/").json() == [True, "/files/"]


def test_a_circle_of_dependencies_is_refused_at_start() -> None:
    """A dependency that needs itself is named with the whole circle."""

    def first(value: int = Depends(lambda: 0)) -> int:
        return value

    def second(value: Annotated[int, Depends(first)]) -> int:
        return value

    first.__defaults__ = (Depends(second),)
    app = App()

    @app.get("/")
    def handler(value: Annotated[int, Depends(second)]) -> int:
        return value

    with pytest.raises(ImproperlyConfigured, match="needs itself") as caught:
        app.build()
    assert "first" in str(caught.value)
    assert "second" in str(caught.value)
